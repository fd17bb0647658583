package dev.postern.runtime.forward;

import dev.postern.GatewayException;
import dev.postern.TimeSource;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Somebody who wants a connection. Exactly one of connection, permit, failure and cancellation reaches it. */
final class Waiter {
    /** Who wants it; called on the waiter's loop. */
    interface Want {
        void connected(PooledConnection connection);

        void failed(GatewayException failure);
    }

    private final EndpointPool pool;
    private final boolean shares;
    private final Want want;
    // Won by whoever serves, times out or cancels first; those may be on different loops.
    private final AtomicBoolean taken = new AtomicBoolean();
    private TimeSource.@Nullable Timer timer;

    Waiter(EndpointPool pool, boolean shares, Want want) {
        this.pool = pool;
        this.shares = shares;
        this.want = want;
    }

    EndpointPool pool() {
        return pool;
    }

    /** Whether a connection that carries others will do. */
    boolean shares() {
        return shares;
    }

    Want want() {
        return want;
    }

    void timer(TimeSource.Timer newTimer) {
        timer = newTimer;
    }

    /** Whether the caller may serve it; at most one caller is told so. */
    boolean take() {
        return taken.compareAndSet(false, true);
    }

    boolean isTaken() {
        return taken.get();
    }

    /** On the waiter's loop. */
    void stopTimer() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }
}
