package dev.postern.runtime.forward;

import dev.postern.Upstream;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.message.VertxLoop;
import io.netty.channel.EventLoop;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The pools of one loop. On that loop only. */
final class LoopPools {
    private final VertxLoop loop;
    private final UpstreamClient client;
    private final Map<EndpointState, EndpointPool> pools = new IdentityHashMap<>();
    private @Nullable ScheduledFuture<?> sweep;
    private boolean closed;

    LoopPools(VertxLoop loop, UpstreamClient client) {
        this.loop = loop;
        this.client = client;
    }

    EndpointPool of(EndpointState endpoint, Upstream config) {
        EndpointPool pool = pools.get(endpoint);
        if (pool == null || !pool.fits(config)) {
            if (pool != null) {
                // Connections made under other rules of trust, or for another protocol, are not lent again.
                pool.retire();
            }
            pool = new EndpointPool(loop, client.queue(endpoint), client, config);
            pool.queue().join(pool);
            pools.put(endpoint, pool);
            // Also where no connection ever becomes idle: an endpoint that closes each, or one that is soon gone.
            startSweeping();
        }
        return pool;
    }

    /** Looks after idle connections once a second, as long as there is a pool. Sockets live in real time, whatever the gateway's. */
    void startSweeping() {
        if (sweep == null && !closed) {
            EventLoop eventLoop = loop.context().nettyEventLoop();
            sweep = eventLoop.schedule(this::sweep, 1, TimeUnit.SECONDS);
        }
    }

    void close() {
        closed = true;
        if (sweep != null) {
            sweep.cancel(false);
            sweep = null;
        }
        for (EndpointPool pool : new ArrayList<>(pools.values())) {
            pool.retire();
        }
        pools.clear();
    }

    private void sweep() {
        sweep = null;
        long now = System.nanoTime();
        for (EndpointPool pool : new ArrayList<>(pools.values())) {
            pool.sweep(now);
        }
        pools.values().removeIf(pool -> pool.isIdle() && client.forgets(pool));
        if (!pools.isEmpty()) {
            startSweeping();
        }
    }
}
