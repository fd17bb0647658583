package dev.postern.benchmarks.compare;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Row 8: HTTP/1.1 in front, HTTP/2 behind; the floor speaks HTTP/1.1 to the same origin, nginx to the usual one. */
final class Http2BehindRow implements Row {
    @Override
    public void run(Bench bench) throws InterruptedException {
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        int port = vertx.createHttpServer(
                        new HttpServerOptions().setHost("127.0.0.1").setPort(0))
                .requestHandler(request -> request.response()
                        .putHeader("Content-Type", "application/json")
                        .end("x".repeat(200)))
                .listen()
                .await()
                .actualPort();
        try (Lineup behind = bench.lineup(port)) {
            behind.raw().postern("back=h2");
            bench.lineup().nginx();
            Map<Peer, Probe> probes = new LinkedHashMap<>();
            for (Lineup each : List.of(behind, bench.lineup())) {
                each.peers().forEach(peer -> probes.put(peer, Probe.of(Bench.closed(Requests.GET))));
            }
            Rounds seen = bench.measure(probes, bench.settings().warm());
            bench.ratio("HTTP/1.1 in front, HTTP/2 behind", seen, "postern", "raw", 1.3);
            bench.ratio(
                    "the same beside nginx with HTTP/1.1", seen, "postern", "nginx", Target.stretch(0.85, "× nginx"));
        } finally {
            vertx.close().await();
        }
    }
}
