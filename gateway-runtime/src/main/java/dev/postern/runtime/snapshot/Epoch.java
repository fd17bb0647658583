package dev.postern.runtime.snapshot;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** TEMP. */
public final class Epoch {
    private final AtomicLong count = new AtomicLong();
    private volatile boolean retired;
    private volatile @Nullable Runnable whenIdle;

    public boolean enter() {
        count.incrementAndGet();
        if (retired) {
            leave();
            return false;
        }
        return true;
    }

    public void leave() {
        if (count.decrementAndGet() == 0 && retired) fire();
    }

    public void retire(Runnable idle) {
        whenIdle = idle;
        retired = true;
        if (count.get() == 0) fire();
    }

    private synchronized void fire() {
        Runnable r = whenIdle;
        whenIdle = null;
        if (r != null) r.run();
    }
}
