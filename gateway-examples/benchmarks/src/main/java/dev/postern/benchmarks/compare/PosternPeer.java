package dev.postern.benchmarks.compare;

import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.MicrometerMetrics;
import dev.postern.runtime.VertxRuntime;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/**
 * The gateway as it ships, with metrics on, in front of one origin: what is measured as "postern". Nothing is set that a
 * user would not set; one event loop, as the processor that it is pinned to.
 *
 * <p>{@code -Dport} and {@code -Dorigin} say where; {@code -Droutes=n} gives n routes of path, method and header,
 * {@code -Dfilters=n} n filters that change nothing.
 */
public final class PosternPeer {
    private PosternPeer() {}

    /** Runs until it is killed. */
    public static void main(String[] args) {
        gateway(
                        Integer.getInteger("port", 8080),
                        Integer.getInteger("origin", 19000),
                        Integer.getInteger("routes", 0),
                        Integer.getInteger("filters", 0))
                .start();
    }

    static Gateway gateway(int port, int origin, int routes, int filters) {
        GatewayBuilder builder = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(Integer.getInteger("loops", 1)))
                .listen(Listener.http(port))
                .observe(MicrometerMetrics.to(new SimpleMeterRegistry()))
                .upstream(Upstream.builder("origin")
                        .endpoints("http://127.0.0.1:" + origin)
                        .build());
        for (int i = 0; i < filters; i++) {
            builder.filter(Filter.named("nothing-" + i, (request, chain) -> chain.proceed(request)));
        }
        if (routes == 0) {
            builder.route(
                    Route.builder("all").match(Match.prefix("/")).to("origin").build());
        }
        for (int i = 0; i < routes; i++) {
            builder.route(Route.builder("route-" + i)
                    .match(Match.prefix("/svc" + i + "/api").method("GET").header("X-Tenant", "acme"))
                    .to("origin")
                    .build());
        }
        return builder.build();
    }
}
