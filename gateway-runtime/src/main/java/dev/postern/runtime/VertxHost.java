package dev.postern.runtime;

import dev.postern.TimeSource;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.pipeline.LoopWatch;
import io.netty.channel.EventLoop;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.transport.Transport;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What a gateway stands on: a Vertx, its loops, the pool for blocking work, the system's time. */
final class VertxHost {
    private static final System.Logger LOG = System.getLogger(VertxHost.class.getName());

    private final @Nullable Vertx borrowed;
    private final int eventLoops;
    private final int offloadThreads;
    private final int offloadQueue;
    private final boolean ioUring;
    private final Map<EventLoop, VertxLoop> byEventLoop = new ConcurrentHashMap<>();
    private final List<VertxLoop> loops = new ArrayList<>();
    private final AtomicInteger turn = new AtomicInteger();
    private volatile @Nullable Vertx vertx;
    private @Nullable OffloadPool offload;
    private @Nullable TimeSource foreignTime;

    VertxHost(@Nullable Vertx borrowed, int eventLoops, int offloadThreads, int offloadQueue, boolean ioUring) {
        this.borrowed = borrowed;
        this.eventLoops = eventLoops;
        this.offloadThreads = offloadThreads;
        this.offloadQueue = offloadQueue;
        this.ioUring = ioUring;
    }

    /** Takes the first resources. */
    void open(@Nullable TimeSource newForeignTime) {
        foreignTime = newForeignTime;
        Vertx mine = borrowed;
        if (mine == null) {
            VertxBuilder builder = Vertx.builder()
                    .with(new VertxOptions()
                            .setEventLoopPoolSize(eventLoops)
                            .setPreferNativeTransport(true)
                            // Ours names the filter and the route; theirs would only repeat it later.
                            .setBlockedThreadCheckInterval(TimeUnit.HOURS.toMillis(1)));
            if (ioUring && canUseIoUring()) {
                builder.withTransport(Transport.IO_URING);
            }
            mine = builder.build();
        }
        vertx = mine;
        offload = new OffloadPool(offloadThreads, offloadQueue);
        for (int i = 0; i < eventLoops; i++) {
            ContextInternal context = ((VertxInternal) mine).createEventLoopContext();
            // A borrowed Vertx may have fewer loops than we would take.
            VertxLoop loop = new VertxLoop(context, foreignTime);
            if (byEventLoop.putIfAbsent(context.nettyEventLoop(), loop) == null) {
                loops.add(loop);
            }
        }
    }

    private static boolean canUseIoUring() {
        Transport transport = Transport.IO_URING;
        if (transport != null && transport.available()) {
            return true;
        }
        Throwable why = transport == null ? null : transport.unavailabilityCause();
        LOG.log(
                Level.WARNING,
                "io_uring was asked for and is not available here ({0}); the default transport is used",
                transport == null
                        ? "add io.netty:netty-transport-native-io_uring for this platform"
                        : String.valueOf(why));
        return false;
    }

    Vertx vertx() {
        Vertx mine = vertx;
        if (mine == null) {
            throw new IllegalStateException("the gateway is not started");
        }
        return mine;
    }

    OffloadPool offload() {
        OffloadPool mine = offload;
        if (mine == null) {
            throw new IllegalStateException("the gateway is not started");
        }
        return mine;
    }

    List<VertxLoop> loops() {
        return loops;
    }

    List<LoopWatch> watches() {
        return loops.stream().map(VertxLoop::watch).toList();
    }

    /** The loop of the calling thread; a loop of the host's Vertx that is not ours yet becomes one. */
    VertxLoop current() {
        ContextInternal context = ContextInternal.current();
        if (context == null || !context.isEventLoopContext()) {
            throw new IllegalStateException("not on an event loop (a gateway cannot be mounted in a worker verticle)");
        }
        if (!owns(context)) {
            throw new IllegalStateException("on an event loop of another Vertx (expected: VertxRuntime.using(vertx))");
        }
        return byEventLoop.computeIfAbsent(context.nettyEventLoop(), loop -> new VertxLoop(context, foreignTime));
    }

    /** Whether a context belongs to our Vertx; contexts of all Vertx instances look alike to a thread. */
    boolean owns(ContextInternal context) {
        return Objects.equals(context.owner(), vertx());
    }

    /** Any of the loops, each in turn. */
    VertxLoop next() {
        return loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    /** Gives back what was taken; a borrowed Vertx stays as it is. */
    Future<Void> close() {
        if (offload != null) {
            offload.close();
        }
        Vertx mine = vertx;
        if (mine != null && borrowed == null) {
            return mine.close();
        }
        byEventLoop.values().forEach(VertxLoop::close);
        return Future.succeededFuture();
    }

    /** The system's clock, with timers on the event loops. */
    TimeSource systemTime() {
        return new TimeSource() {
            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public Timer schedule(Duration delay, Runnable task) {
                ScheduledFuture<?> timer =
                        next().context().nettyEventLoop().schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
                return () -> timer.cancel(false);
            }
        };
    }
}
