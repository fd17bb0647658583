package dev.postern.benchmarks.compare;

import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.runtime.AccessLog;
import dev.postern.runtime.MicrometerMetrics;
import dev.postern.runtime.VertxRuntime;
import dev.postern.security.ApiKey;
import dev.postern.security.ApiKeyAuth;
import dev.postern.security.JwtAuth;
import dev.postern.security.JwtKey;
import dev.postern.traffic.RateLimit;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The gateway as it ships, with metrics on, in front of one origin: what is measured as "postern". Nothing is set that a
 * user would not set; one event loop, as the processor that it is pinned to.
 *
 * <p>{@code -Dport} and {@code -Dorigin} say where; {@code -Droutes=n} gives n routes of path, method and header,
 * {@code -Dfilters=n} n filters that change nothing, {@code -Deveryday} eight that people have, {@code -Djwt=file} asks for
 * tokens of that public key, {@code -Dwebsockets} lets those pass, {@code -Dtls=folder} serves TLS with {@code cert.pem} and {@code key.pem} of it, {@code -Dfront=h2}
 * and {@code -Dback=h2} speak HTTP/2 without TLS on that side, {@code -Dtransport=io_uring} asks for that.
 */
public final class PosternPeer {
    /** The key that {@code -Deveryday} asks for. */
    static final String KEY = "k-0123456789abcdef0123456789";

    private PosternPeer() {}

    /** Runs until it is killed. Prints how long the gateway took to be built and started. */
    public static void main(String[] args) {
        long begun = System.nanoTime();
        gateway(
                        Integer.getInteger("port", 8080),
                        Integer.getInteger("origin", 19000),
                        Integer.getInteger("routes", 0),
                        Integer.getInteger("filters", 0))
                .start();
        System.out.println("started in " + (System.nanoTime() - begun) / 1_000_000 + " ms");
    }

    static Gateway gateway(int port, int origin, int routes, int filters) {
        VertxRuntime runtime = new VertxRuntime().eventLoops(Integer.getInteger("loops", 1));
        boolean h2Behind = System.getProperty("back", "").equals("h2");
        GatewayBuilder builder = Gateway.builder()
                .runtime(System.getProperty("transport", "").equals("io_uring") ? runtime.ioUring() : runtime)
                .listen(listener(port))
                .observe(MicrometerMetrics.to(new SimpleMeterRegistry()))
                .upstream(Upstream.builder("origin")
                        .endpoints("http://127.0.0.1:" + origin)
                        .protocol(h2Behind ? Protocol.HTTP_2 : Protocol.HTTP_1_1)
                        .build());
        for (int i = 0; i < filters; i++) {
            builder.filter(Filter.named("nothing-" + i, (request, chain) -> chain.proceed(request)));
        }
        String key = System.getProperty("jwt");
        if (key != null) {
            builder.filter(tokens(Path.of(key)));
        }
        boolean everyday = Boolean.getBoolean("everyday");
        if (everyday) {
            everyday().forEach(builder::filter);
            builder.observe(AccessLog.json().to(line -> {}));
        }
        if (routes == 0) {
            Route.Builder all = Route.builder("all").match(Match.prefix("/")).to("origin");
            if (everyday) {
                all.rewrite(Rewrite.none().prefix("/internal/")).maxRequestBytes(1 << 20);
            }
            if (Boolean.getBoolean("websockets")) {
                all.webSockets();
            }
            builder.route(all.build());
        }
        for (int i = 0; i < routes; i++) {
            builder.route(Route.builder("route-" + i)
                    .match(Match.prefix("/svc" + i + "/api").method("GET").header("X-Tenant", "acme"))
                    .to("origin")
                    .build());
        }
        return builder.build();
    }

    private static Listener listener(int port) {
        @Nullable String tls = System.getProperty("tls");
        if (tls != null) {
            return Listener.https(port, Tls.pem(Path.of(tls, "cert.pem"), Path.of(tls, "key.pem")));
        }
        return System.getProperty("front", "").equals("h2") ? Listener.http2Cleartext(port) : Listener.http(port);
    }

    /** With the rewrite, the size limit and the log of the route, and the trace context of every exchange: eight. */
    private static List<Filter> everyday() {
        return List.of(
                ApiKeyAuth.builder().key(KEY, ApiKey.of("load")).build(),
                RateLimit.perClient(1_000_000_000, Duration.ofSeconds(1)),
                Filter.named("origin-check", (request, chain) -> {
                    String origin = request.header("Origin");
                    return origin == null || origin.equals("https://shop.example")
                            ? chain.proceed(request)
                            : chain.answer(Response.text(403, "foreign origin"));
                }),
                Filter.named(
                        "header-edit",
                        (request, chain) -> chain.proceed(request.withHeaders(request.headers()
                                .edit(all -> all.set("X-Gateway", "postern").remove("Accept-Language"))))));
    }

    private static JwtAuth tokens(Path publicKey) {
        try {
            return JwtAuth.builder()
                    .issuer("https://issuer.example")
                    .withoutAudience()
                    .key(JwtKey.of(KeyFactory.getInstance("RSA")
                            .generatePublic(new X509EncodedKeySpec(Files.readAllBytes(publicKey)))))
                    .build();
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        } catch (GeneralSecurityException broken) {
            throw new IllegalArgumentException(publicKey.toString(), broken);
        }
    }
}
