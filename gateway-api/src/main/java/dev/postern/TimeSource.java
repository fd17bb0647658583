package dev.postern;

import java.time.Duration;
import java.time.Instant;

/** The only clock and the only timer. Tests put {@link dev.postern.testing.ManualTime} here. Safe on any thread. */
public interface TimeSource {
    /** Monotonic nanoseconds; compare only differences. */
    long nanoTime();

    /** The wall clock: for dates in headers and tokens, never for measuring. */
    Instant now();

    /**
     * Runs a task once, later. The task runs on a thread of the time source: it must be short and must not block.
     *
     * @param delay zero or more
     */
    Timer schedule(Duration delay, Runnable task);

    /** A task that may still be called off. */
    interface Timer {
        /** Calls the task off; harmless when it has run. */
        void cancel();
    }
}
