package dev.postern.runtime.pipeline;

import dev.postern.TimeSource;
import java.util.concurrent.Executor;

/** The one thread at a time that an exchange lives on. */
public interface Loop extends Executor {
    /** Whether the calling thread is the loop, now. */
    boolean isCurrent();

    /** Whether {@link #enter} would run a task here and now, as it is: who asks first need not make one. */
    default boolean isEntered() {
        return isCurrent();
    }

    /** Runs a task on the loop after the current one; the only door for foreign threads. */
    @Override
    void execute(Runnable task);

    /** Runs a task on the loop after {@code delayNanos}. */
    TimeSource.Timer schedule(long delayNanos, Runnable task);

    /** Where the loop notes which filter it is in. */
    LoopWatch watch();

    /** Runs a task now when this is the loop, else later on the loop. */
    default void enter(Runnable task) {
        if (isCurrent()) {
            task.run();
        } else {
            execute(task);
        }
    }
}
