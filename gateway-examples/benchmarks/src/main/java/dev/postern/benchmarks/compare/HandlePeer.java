package dev.postern.benchmarks.compare;

import com.sun.management.ThreadMXBean;
import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;

/** Calls {@code handle()} with a local upstream on an event loop, and prints the processor time and the bytes of a call. */
public final class HandlePeer {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int CALLS = 100_000;

    private HandlePeer() {}

    /** Prints "handle", nanoseconds and bytes of the best of twelve batches. */
    public static void main(String[] args) {
        Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        Response ready = Response.text(200, "ok");
        Gateway gateway = Gateway.builder()
                .runtime(VertxRuntime.using(vertx).eventLoops(1))
                .upstream(Upstream.local("own", (request, exchange) -> CompletableFuture.completedFuture(ready)))
                .route(Route.builder("own").match(Match.prefix("/")).to("own").build())
                .build();
        gateway.start();
        Request request = Request.get("/orders/7").withHeader("User-Agent", "load");
        long nanos = Long.MAX_VALUE;
        long bytes = Long.MAX_VALUE;
        for (int i = 0; i < 12; i++) {
            CompletableFuture<long[]> batch = new CompletableFuture<>();
            vertx.runOnContext(v -> batch.complete(batch(gateway, request)));
            long[] seen = batch.join();
            nanos = Math.min(nanos, seen[0]);
            bytes = Math.min(bytes, seen[1]);
        }
        System.out.println("handle " + nanos + ' ' + bytes);
        gateway.close();
        vertx.close().await();
    }

    private static long[] batch(Gateway gateway, Request request) {
        long cpu = THREADS.getCurrentThreadCpuTime();
        long bytes = THREADS.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < CALLS; i++) {
            gateway.handle(request, ClientInfo.local())
                    .whenComplete((response, failure) -> response.body().discard());
        }
        return new long[] {
            (THREADS.getCurrentThreadCpuTime() - cpu) / CALLS,
            (THREADS.getCurrentThreadAllocatedBytes() - bytes) / CALLS
        };
    }
}
