package dev.postern.benchmarks;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Request;
import dev.postern.runtime.VertxRuntime;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CompletableFuture;

/** Calls a gateway on its only event loop, many times in one turn, as a host on Vert.x would: no hand-over is measured. */
final class OnLoop implements AutoCloseable {
    /** Exchanges of a turn. */
    static final int BATCH = 200;

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final Context loop = vertx.getOrCreateContext();

    VertxRuntime runtime() {
        return VertxRuntime.using(vertx).eventLoops(1);
    }

    /** How many of them have been answered with 200 when the turn ends. */
    int exchanges(Gateway gateway, Request request) {
        CompletableFuture<Integer> answered = new CompletableFuture<>();
        loop.runOnContext(turn -> {
            int[] good = new int[1];
            for (int i = 0; i < BATCH; i++) {
                gateway.handle(request, ClientInfo.local()).whenComplete((response, failure) -> {
                    if (failure == null && response.status() == 200) {
                        response.body().discard();
                        good[0]++;
                    }
                });
            }
            answered.complete(good[0]);
        });
        return answered.join();
    }

    @Override
    public void close() {
        vertx.close().await();
    }
}
