package dev.postern.runtime.pipeline;

import dev.postern.TimeSource;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A loop without a thread of its own: tasks run one at a time on whichever thread brings one while no other is running.
 * Exchanges of {@code handle()} live on one each, so that a test in virtual time is single-threaded and repeatable.
 */
public final class CallerLoop implements Loop {
    private static final System.Logger LOG = System.getLogger(CallerLoop.class.getName());

    private final TimeSource time;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    // The number of tasks queued or running; whoever raises it from zero runs them.
    private final AtomicInteger pending = new AtomicInteger();
    private final LoopWatch watch = new LoopWatch();
    private volatile @Nullable Thread runner;

    /** A loop whose timers are those of {@code time}. */
    public CallerLoop(TimeSource time) {
        this.time = time;
    }

    @Override
    public boolean isCurrent() {
        return runner == Thread.currentThread();
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (pending.getAndIncrement() != 0) {
            return;
        }
        do {
            Runnable next = tasks.poll();
            runner = Thread.currentThread();
            try {
                if (next != null) {
                    next.run();
                }
            } catch (RuntimeException | Error thrown) {
                // As on an event loop: one task's failure is not the next one's.
                LOG.log(Level.WARNING, "a task of an exchange failed", thrown);
            } finally {
                runner = null;
            }
        } while (pending.decrementAndGet() != 0);
    }

    @Override
    public TimeSource.Timer schedule(long delayNanos, Runnable task) {
        return time.schedule(Duration.ofNanos(delayNanos), () -> execute(task));
    }

    @Override
    public LoopWatch watch() {
        return watch;
    }
}
