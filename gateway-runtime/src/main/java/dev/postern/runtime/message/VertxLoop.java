package dev.postern.runtime.message;

import dev.postern.TimeSource;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopWatch;
import io.netty.channel.EventLoop;
import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An event loop of Vert.x. Tasks run with its context, so that what they call on Vert.x stays on it. */
public final class VertxLoop implements Loop {
    /** From here on a delay is patience with somebody and comes with most exchanges; below, it is somebody's pace. */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final ContextInternal context;
    private final EventLoop eventLoop;
    private final @Nullable TimeSource foreignTime;
    private final LoopWatch watch = new LoopWatch();
    private final LoopTimers timers;

    /**
     * Wraps the loop of a context.
     *
     * @param foreignTime the gateway's time if it is not the system's; null lets timers be the event loop's own
     */
    public VertxLoop(ContextInternal context, @Nullable TimeSource foreignTime) {
        this.context = context.unwrap();
        this.eventLoop = context.nettyEventLoop();
        this.foreignTime = foreignTime;
        this.timers = new LoopTimers(this.context);
    }

    /** The context that tasks run with. */
    public ContextInternal context() {
        return context;
    }

    @Override
    public boolean isCurrent() {
        return eventLoop.inEventLoop();
    }

    @Override
    public boolean isEntered() {
        return eventLoop.inEventLoop() && ContextInternal.current() != null;
    }

    @Override
    public void execute(Runnable task) {
        eventLoop.execute(() -> context.dispatch(task));
    }

    @Override
    public TimeSource.Timer schedule(long delayNanos, Runnable task) {
        if (foreignTime != null) {
            return foreignTime.schedule(Duration.ofNanos(delayNanos), () -> execute(task));
        }
        if (delayNanos >= PATIENCE_NANOS && eventLoop.inEventLoop()) {
            TimeSource.Timer timer = timers.schedule(delayNanos, task);
            if (timer != null) {
                return timer;
            }
        }
        ScheduledFuture<?> timer = eventLoop.schedule(() -> context.dispatch(task), delayNanos, TimeUnit.NANOSECONDS);
        return () -> timer.cancel(false);
    }

    /** Runs something here and now with the loop's context, if this is the loop; else later. */
    @Override
    public void enter(Runnable task) {
        if (!eventLoop.inEventLoop()) {
            execute(task);
        } else if (ContextInternal.current() == null) {
            context.dispatch(task);
        } else {
            task.run();
        }
    }

    @Override
    public LoopWatch watch() {
        return watch;
    }

    /** The gateway has stopped: takes back what is set on a loop that may go on without it. */
    public void close() {
        enter(timers::close);
    }
}
