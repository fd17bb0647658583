package dev.postern.runtime.forward;

import dev.postern.runtime.balancing.EndpointState;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Those who wait for a connection to one endpoint, of all loops, first come first served. Connections belong to loops but
 * permits belong to the gateway: a connection that becomes free on a loop nobody waits on is closed, and its permit goes
 * to the loop of the first in the queue.
 */
final class EndpointQueue {
    private final EndpointState endpoint;
    private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();
    private final List<EndpointPool> pools = new CopyOnWriteArrayList<>();

    EndpointQueue(EndpointState endpoint) {
        this.endpoint = endpoint;
    }

    EndpointState endpoint() {
        return endpoint;
    }

    void join(EndpointPool pool) {
        pools.add(pool);
    }

    void leave(EndpointPool pool) {
        pools.remove(pool);
    }

    boolean isUnused() {
        return pools.isEmpty() && waiters.isEmpty();
    }

    void add(Waiter waiter) {
        waiters.add(waiter);
        for (EndpointPool pool : pools) {
            if (pool != waiter.pool()) {
                pool.loop().execute(pool::giveUpOneIdle);
            }
        }
    }

    /** The first who still waits, taken out of the queue, or null. The caller must serve it. */
    @Nullable
    Waiter next() {
        for (Waiter first = waiters.poll(); first != null; first = waiters.poll()) {
            if (first.take()) {
                endpoint.dequeue();
                return first;
            }
        }
        return null;
    }

    /** The same for those of one loop who share a connection. */
    @Nullable
    Waiter nextSharing(EndpointPool pool) {
        for (Waiter waiter : waiters) {
            if (waiter.pool() == pool && waiter.shares() && waiter.take()) {
                gaveUp(waiter);
                return waiter;
            }
        }
        return null;
    }

    /** A waiter gave up: what it holds goes with it. */
    void gaveUp(Waiter waiter) {
        waiters.remove(waiter);
        endpoint.dequeue();
    }

    boolean hasWaiters() {
        return endpoint.pending() > 0;
    }
}
