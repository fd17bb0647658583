package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.GatewayBuilder;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * An origin that closes idle connections after a random time up to 200 ms, often just when the next request is on its way:
 * no GET fails, no POST arrives twice. {@code -Dpostern.races=1000000} makes the long run.
 */
class KeepAliveRaceTest {
    private static final int GETS = Integer.getInteger("postern.races", 3_000);
    // So many that a connection is idle about as long as its origin has patience.
    private static final int UPSTREAMS = Math.min(300, Math.max(30, GETS / 3_000));
    private static final int CLIENTS = 8;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final AtomicIntegerArray posts = new AtomicIntegerArray(GETS + 1);
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger failedPosts = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicReference<Throwable> wrong = new AtomicReference<>();

    @Test
    void idle_connections_that_close_cost_no_get_and_double_no_post() throws Exception {
        int port = startOrigin(rig.vertx());
        Running running = rig.start(gateway -> configured(gateway, port)).keepNothing();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            Thread client = new Thread(() -> ask(running), "client-" + i);
            clients.add(client);
            client.start();
        }
        for (Thread client : clients) {
            client.join();
        }
        assertThat(wrong.get()).isNull();
        for (int i = 0; i < posts.length(); i++) {
            assertThat(posts.get(i)).as("arrivals of POST %d", i).isLessThanOrEqualTo(1);
        }
        assertThat(connections.get()).as("connections").isGreaterThan(UPSTREAMS);
        System.getLogger("race")
                .log(
                        System.Logger.Level.INFO,
                        "{0} GETs, {1} POSTs of which {2} failed, {3} connections",
                        Integer.toString(GETS),
                        Integer.toString(GETS / 10),
                        failedPosts.toString(),
                        connections.toString());
    }

    private static GatewayBuilder configured(GatewayBuilder gateway, int port) {
        for (int i = 0; i < UPSTREAMS; i++) {
            gateway.upstream(Upstream.builder("u" + i)
                            .endpoints("http://127.0.0.1:" + port)
                            // What is looked at is connections that close, not a machine too busy to open them.
                            .connectTimeout(Duration.ofSeconds(30))
                            .build())
                    .route(Route.builder("r" + i)
                            .match(Match.prefix("/" + i))
                            .to("u" + i)
                            .build());
        }
        return gateway;
    }

    /** Takes numbers until there are none left; each tenth request is a POST besides. */
    private void ask(Running running) {
        try {
            RawClient client = new RawClient(running.port());
            try (client) {
                for (int n = next.getAndIncrement(); n < GETS && wrong.get() == null; n = next.getAndIncrement()) {
                    int upstream = ThreadLocalRandom.current().nextInt(UPSTREAMS);
                    Answer answer = client.get("/" + upstream + "/get").read();
                    assertThat(answer.status()).as("GET %d: %s", n, answer).isEqualTo(200);
                    if (n % 10 == 0) {
                        int other = ThreadLocalRandom.current().nextInt(UPSTREAMS);
                        Answer posted = client.request("POST", "/" + other + "/" + n, "x")
                                .read();
                        assertThat(posted.status()).isIn(200, 502);
                        failedPosts.addAndGet(posted.status() == 200 ? 0 : 1);
                    }
                }
            }
        } catch (Exception | AssertionError broken) {
            wrong.compareAndSet(null, broken);
        }
    }

    private int startOrigin(Vertx vertx) throws Exception {
        HttpServer server = vertx.createHttpServer().connectionHandler(connection -> connections.incrementAndGet());
        server.requestHandler(request -> {
            String path = request.path();
            String last = path.substring(path.lastIndexOf('/') + 1);
            if (!last.equals("get")) {
                posts.incrementAndGet(Integer.parseInt(last));
            }
            request.response().end("ok").onComplete(done -> closeLater(vertx, request.connection()));
        });
        server.exceptionHandler(broken -> {
            // Closed with a request half read: what this is about.
        });
        return server.listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get()
                .actualPort();
    }

    /** Not a proper idle timer: one that does not look whether a request has come since. Answers are never cut. */
    private static void closeLater(Vertx vertx, HttpConnection connection) {
        long millis = 1 + ThreadLocalRandom.current().nextInt(200);
        vertx.setTimer(millis, timer -> connection.close());
    }
}
