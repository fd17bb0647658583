package dev.postern.runtime.snapshot;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Counts the exchanges that use one configuration, to tell when the last of them has ended. Safe on any thread; entering
 * and leaving are one atomic operation each.
 *
 * <pre>
 *   in force ── retire() ──▶ retired, n exchanges left ── the last leave() ──▶ idle: whenIdle runs, once
 * </pre>
 */
public final class Epoch {
    /** The sign of the count says whether the epoch is retired, so that both are read and changed in one step. */
    private static final long RETIRED = Long.MIN_VALUE;

    private final AtomicLong state = new AtomicLong();
    private final AtomicBoolean retiring = new AtomicBoolean();
    private final AtomicReference<Runnable> whenIdle = new AtomicReference<>();

    /**
     * An exchange begins.
     *
     * @return false when the epoch was retired: begin with the one in force instead, and do not {@link #leave} this one
     */
    public boolean enter() {
        if (state.incrementAndGet() >= 0) {
            return true;
        }
        leave();
        return false;
    }

    /**
     * An exchange has ended; once for each that entered.
     *
     * @throws IllegalStateException when none is left that could
     */
    public void leave() {
        while (true) {
            long now = state.get();
            if (now == 0 || now == RETIRED) {
                throw new IllegalStateException("leave without enter");
            }
            if (state.compareAndSet(now, now - 1)) {
                if (now - 1 == RETIRED) {
                    idle();
                }
                return;
            }
        }
    }

    /**
     * Another configuration is in force.
     *
     * @param task runs once, when the last exchange has ended, on the thread that ended it (at once when there is none): it
     *     must be short
     * @throws IllegalStateException when called twice
     */
    public void retire(Runnable task) {
        Objects.requireNonNull(task, "task");
        if (!retiring.compareAndSet(false, true)) {
            throw new IllegalStateException("retired twice");
        }
        whenIdle.set(task);
        if (state.getAndAdd(RETIRED) == 0) {
            idle();
        }
    }

    /** Whether another configuration is in force. */
    public boolean retired() {
        return state.get() < 0;
    }

    /** The exchanges under way; for a moment one too many while somebody is turned away. */
    public long active() {
        return state.get() & Long.MAX_VALUE;
    }

    private void idle() {
        // Who was turned away leaves too, so this may be reached again.
        Runnable task = whenIdle.getAndSet(null);
        if (task != null) {
            task.run();
        }
    }
}
