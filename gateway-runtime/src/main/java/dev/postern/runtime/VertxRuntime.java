package dev.postern.runtime;

import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.spi.Environment;
import dev.postern.spi.GatewayRuntime;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs gateways on Vert.x. A gateway gets a Vertx of its own, with native transport where there is one, and ends it when it
 * stops; or it borrows the host's and leaves that alone.
 *
 * <p>Immutable; each method gives a changed copy. One runtime may make several gateways.
 */
public final class VertxRuntime implements GatewayRuntime {
    private final @Nullable Vertx borrowed;
    private final int eventLoops;
    private final int offloadThreads;
    private final int offloadQueue;
    private final boolean ioUring;

    /** A runtime whose gateways have a Vertx of their own. */
    public VertxRuntime() {
        this(null, Runtime.getRuntime().availableProcessors(), OffloadPool.defaultThreads(), 1000, false);
    }

    private VertxRuntime(
            @Nullable Vertx borrowed, int eventLoops, int offloadThreads, int offloadQueue, boolean ioUring) {
        this.borrowed = borrowed;
        this.eventLoops = eventLoops;
        this.offloadThreads = offloadThreads;
        this.offloadQueue = offloadQueue;
        this.ioUring = ioUring;
    }

    /** A runtime whose gateways run in the host's Vertx, which is never closed by them. */
    public static VertxRuntime using(Vertx vertx) {
        return new VertxRuntime(
                vertx, Runtime.getRuntime().availableProcessors(), OffloadPool.defaultThreads(), 1000, false);
    }

    /** On how many event loops a gateway listens, 1 to 1,024; the default is the number of processors. */
    public VertxRuntime eventLoops(int count) {
        if (count < 1 || count > 1024) {
            throw new IllegalArgumentException("eventLoops: " + count + " (expected: 1 to 1024)");
        }
        return new VertxRuntime(borrowed, count, offloadThreads, offloadQueue, ioUring);
    }

    /**
     * The pool for blocking work: filters' {@code offload} and blocking handlers.
     *
     * @param threads tasks at a time, 1 or more; the default is 256 virtual threads, or four platform threads for each
     *     processor where there are no virtual ones
     * @param queue tasks that may wait, 0 or more; the default is 1,000, then 503
     */
    public VertxRuntime offload(int threads, int queue) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads + " (expected: >= 1)");
        }
        if (queue < 0) {
            throw new IllegalArgumentException("queue: " + queue + " (expected: >= 0)");
        }
        return new VertxRuntime(borrowed, eventLoops, threads, queue, ioUring);
    }

    /**
     * Lets the gateway's own Vertx use io_uring where the kernel allows it and {@code netty-transport-native-io_uring} is
     * there; else it logs why not and uses what it uses by default: the native transport that is there, epoll on Linux, and
     * NIO without one. Default: off, since many container profiles forbid io_uring and some kernels had holes in it.
     *
     * @throws IllegalStateException when the Vertx is borrowed: its transport is the host's choice
     */
    public VertxRuntime ioUring() {
        if (borrowed != null) {
            throw new IllegalStateException(
                    "ioUring: the Vertx is borrowed (expected: its maker chooses, Vertx.builder().withTransport(…))");
        }
        return new VertxRuntime(null, eventLoops, offloadThreads, offloadQueue, true);
    }

    @Override
    public Gateway create(GatewayConfig config, Environment environment) {
        return new VertxGateway(
                config, environment, new VertxHost(borrowed, eventLoops, offloadThreads, offloadQueue, ioUring));
    }

    /**
     * A handler for a server of the host: {@code vertx.createHttpServer().requestHandler(VertxRuntime.requestHandler(gateway))}.
     * The gateway must be started and must use the server's Vertx ({@link #using}). There is no byte guard and there are no
     * connection limits on this way in: those are the server's affair.
     *
     * @param trustedProxies networks whose proxies are believed when they report callers
     */
    public static Handler<HttpServerRequest> requestHandler(Gateway gateway, String... trustedProxies) {
        if (!(gateway instanceof VertxGateway mine)) {
            throw new IllegalArgumentException("gateway: made by another runtime (expected: one of VertxRuntime)");
        }
        return mine.requestHandler(List.of(trustedProxies));
    }
}
