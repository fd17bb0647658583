package dev.postern.runtime.pipeline;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What a loop is busy with, for the watchdog to see. Written by the loop at each entry into user code and read by the
 * watchdog's thread: release and acquire, no fence on the loop's side, no clock.
 */
public final class LoopWatch {
    private static final VarHandle ENTRIES;

    static {
        try {
            ENTRIES = MethodHandles.lookup().findVarHandle(LoopWatch.class, "entries", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    // Odd while user code runs; written by the loop only.
    @SuppressWarnings("unused") // through the handle
    private long entries;

    private @Nullable String part;
    private @Nullable String route;
    private @Nullable Thread thread;

    /**
     * The loop goes into user code, perhaps out of other user code.
     *
     * @return what {@link #exit} has to be given
     */
    @Nullable
    String enter(String newPart, String newRoute) {
        long entry = (long) ENTRIES.get(this);
        boolean nested = (entry & 1) == 1;
        String outer = nested ? part : null;
        part = newPart;
        route = newRoute;
        if (thread == null) {
            thread = Thread.currentThread();
        }
        ENTRIES.setRelease(this, nested ? entry + 2 : entry + 1);
        return outer;
    }

    /** The loop is back in {@code outer}, or in its own code. */
    void exit(@Nullable String outer) {
        long entry = (long) ENTRIES.get(this);
        if (outer == null) {
            ENTRIES.setRelease(this, entry + 1);
        } else {
            part = outer;
            ENTRIES.setRelease(this, entry + 2);
        }
    }

    /** A number that is odd while the loop is in user code and that is another one for every entry. */
    long entry() {
        return (long) ENTRIES.getAcquire(this);
    }

    /** The name of the filter or handler that the loop was in last. */
    @Nullable
    String part() {
        return part;
    }

    /** The route it ran for. */
    @Nullable
    String route() {
        return route;
    }

    /** The loop's thread, once it has been in user code. */
    @Nullable
    Thread thread() {
        return thread;
    }
}
