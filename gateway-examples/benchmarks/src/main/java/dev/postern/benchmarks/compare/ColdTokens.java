package dev.postern.benchmarks.compare;

import com.sun.management.ThreadMXBean;
import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.runtime.VertxRuntime;
import dev.postern.security.JwtAuth;
import dev.postern.security.JwtKey;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.lang.management.ManagementFactory;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Sends tokens of ES256 through a gateway that remembers none, one after the other, and prints the nanoseconds of
 * processor time that each costs the event loop: the mean, and the longest call of 99 in 100.
 */
public final class ColdTokens {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int TOKENS = 2_000;
    private static final int WARM = 6_000;
    private static final int DIFFERENT = 100;

    private ColdTokens() {}

    /** Prints "cold" and both numbers. */
    public static void main(String[] args) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair issuer = generator.generateKeyPair();
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        Gateway gateway = Gateway.builder()
                .runtime(VertxRuntime.using(vertx).eventLoops(1))
                .filter(JwtAuth.builder()
                        .issuer(Tokens.ISSUER)
                        .withoutAudience()
                        .cachedTokens(0)
                        .key(JwtKey.of(issuer.getPublic()))
                        .build())
                .route(Route.builder("own")
                        .match(Match.prefix("/"))
                        .answer(Response.text(200, "ok"))
                        .build())
                .build();
        gateway.start();
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < DIFFERENT; i++) {
            requests.add(Request.get("/orders/7")
                    .withHeader("Authorization", "Bearer " + Tokens.signed(issuer.getPrivate(), "ES256", i)));
        }
        Context loop = vertx.getOrCreateContext();
        long[] calls = new long[TOKENS];
        long before = 0;
        for (int i = -WARM; i < TOKENS; i++) {
            if (i == 0) {
                before = cpu(loop);
            }
            Request request = requests.get(Math.floorMod(i, DIFFERENT));
            long call = call(loop, gateway, request);
            if (i >= 0) {
                calls[i] = call;
            }
        }
        long mean = (cpu(loop) - before) / TOKENS;
        Arrays.sort(calls);
        System.out.println("cold " + mean + ' ' + calls[TOKENS * 99 / 100]);
        gateway.close();
        vertx.close().await();
    }

    private static long cpu(Context loop) {
        CompletableFuture<Long> seen = new CompletableFuture<>();
        loop.runOnContext(v -> seen.complete(THREADS.getCurrentThreadCpuTime()));
        return seen.join();
    }

    /** How long the loop was held by the call; what comes back later is in the mean. */
    private static long call(Context loop, Gateway gateway, Request request) {
        CompletableFuture<Long> held = new CompletableFuture<>();
        CompletableFuture<Integer> done = new CompletableFuture<>();
        loop.runOnContext(v -> {
            long begun = THREADS.getCurrentThreadCpuTime();
            gateway.handle(request, ClientInfo.local()).whenComplete((response, failure) -> {
                response.body().discard();
                done.complete(response.status());
            });
            held.complete(THREADS.getCurrentThreadCpuTime() - begun);
        });
        if (done.join() != 200) {
            throw new IllegalStateException("the gateway answered " + done.join() + " (expected: 200)");
        }
        return held.join();
    }
}
