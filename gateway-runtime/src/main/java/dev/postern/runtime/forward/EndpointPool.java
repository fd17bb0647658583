package dev.postern.runtime.forward;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Protocol;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.message.VertxLoop;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.net.HostAndPort;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one loop to one endpoint. The one used last is lent first: so the rest grow old together and are
 * closed. On its loop only; what is shared with other loops is in {@link EndpointQueue} and {@link EndpointState}.
 */
final class EndpointPool {
    private final VertxLoop loop;
    private final EndpointQueue queue;
    private final EndpointState endpoint;
    private final UpstreamClient client;
    private final UpstreamTls tls;
    private final Protocol protocol;
    private final String authority;
    private final ArrayDeque<PooledConnection> idle = new ArrayDeque<>();
    private Upstream config;
    private boolean retired;

    EndpointPool(VertxLoop loop, EndpointQueue queue, UpstreamClient client, Upstream config) {
        this.loop = loop;
        this.queue = queue;
        this.endpoint = queue.endpoint();
        this.client = client;
        this.config = config;
        this.tls = config.tls();
        this.protocol = config.protocol();
        String name = endpoint.secure() ? tls.serverName() : null;
        authority = HostAndPort.create(name == null ? endpoint.host() : name, endpoint.port())
                .toString(endpoint.secure());
    }

    /** What {@code Host} says where the upstream does not say anything else. */
    String authority() {
        return authority;
    }

    /** Whether requests may go out past Vert.x's client. */
    boolean takesCalls() {
        return client.takesCalls();
    }

    VertxLoop loop() {
        return loop;
    }

    EndpointQueue queue() {
        return queue;
    }

    /** Whether its connections are what this config wants. */
    boolean fits(Upstream other) {
        return tls.equals(other.tls()) && protocol == other.protocol();
    }

    boolean isIdle() {
        return idle.isEmpty();
    }

    /** Lends a connection: an idle one, a new one, or the next that becomes free. Returns what takes the wish back. */
    Waiter acquire(Upstream newConfig, boolean fresh, Waiter.Want want) {
        config = newConfig;
        Waiter waiter = new Waiter(this, want);
        // 1. An idle one; the newest has the best chance to be alive still.
        PooledConnection ready = fresh ? null : pollIdle();
        if (ready != null) {
            waiter.take();
            want.connected(ready);
            return waiter;
        }
        // 2. A new one, if the gateway may have one more. An idle one makes room for a fresh one.
        if (endpoint.tryAcquireConnection(config.maxConnections()) || (fresh && tradeIdle())) {
            waiter.take();
            connect(want);
            return waiter;
        }
        // 3. The queue.
        if (!endpoint.tryEnqueue(config.maxPending())) {
            waiter.take();
            want.failed(new GatewayException(
                    Failure.POOL_EXHAUSTED,
                    endpoint.uri() + " has " + config.maxConnections() + " connections in use and "
                            + config.maxPending() + " exchanges waiting (upstream " + config.name() + ")"));
            return waiter;
        }
        waiter.timer(loop.schedule(config.poolTimeout().toNanos(), () -> timedOut(waiter)));
        queue.add(waiter);
        // 4. A permit may have become free between 2 and 3, when nobody was in the queue to receive it.
        if (endpoint.tryAcquireConnection(config.maxConnections())) {
            passPermit();
        }
        return waiter;
    }

    /** Takes a wish back; harmless when it was served. */
    void cancel(Waiter waiter) {
        if (waiter.take()) {
            queue.gaveUp(waiter);
            waiter.stopTimer();
        }
    }

    /** Other rules of trust apply from now on: what is lent out is not lent again. */
    void retire() {
        retired = true;
        closeIdle();
        queue.leave(this);
    }

    void giveBack(PooledConnection connection) {
        if (retired) {
            connection.discard();
            return;
        }
        Waiter next = queue.hasWaiters() ? queue.next() : null;
        if (next == null) {
            connection.idleSince(System.nanoTime());
            idle.addLast(connection);
            client.pools(loop).startSweeping();
            if (queue.hasWaiters()) {
                giveUpOneIdle();
            }
        } else if (next.pool() == this) {
            next.stopTimer();
            connection.idleSince(System.nanoTime());
            loop.enter(() -> next.want().connected(connection));
        } else {
            connection.discardKeepingPermit();
            next.pool().servePermit(next);
        }
    }

    /** A connection has ended without being given back, and its permit with it. */
    void permitFree() {
        passPermit();
    }

    /** Told by a connection that was closed by the other side. */
    void closed(PooledConnection connection) {
        if (idle.remove(connection)) {
            connection.discard();
        }
    }

    /** Another loop waits: an idle connection here is worth less than its permit there. */
    void giveUpOneIdle() {
        if (queue.hasWaiters()) {
            PooledConnection oldest = idle.pollFirst();
            if (oldest != null) {
                oldest.discard();
            }
        }
    }

    /** Closes those that were idle for longer than the upstream keeps them. */
    void sweep(long now) {
        long keep = config.keepAlive().toNanos();
        for (PooledConnection oldest = idle.peekFirst();
                oldest != null && now - oldest.idleSince() >= keep;
                oldest = idle.peekFirst()) {
            idle.pollFirst();
            oldest.discard();
        }
    }

    void closeIdle() {
        for (PooledConnection next = idle.pollFirst(); next != null; next = idle.pollFirst()) {
            next.discard();
        }
    }

    private @Nullable PooledConnection pollIdle() {
        long now = System.nanoTime();
        for (PooledConnection newest = idle.pollLast(); newest != null; newest = idle.pollLast()) {
            if (!newest.isClosed()
                    && now - newest.idleSince() < config.keepAlive().toNanos()) {
                return newest;
            }
            newest.discard();
        }
        return null;
    }

    private boolean tradeIdle() {
        PooledConnection oldest = idle.pollFirst();
        if (oldest == null) {
            return false;
        }
        oldest.discardKeepingPermit();
        return true;
    }

    /** The caller holds a permit: it goes to the first in the queue, or back. */
    private void passPermit() {
        for (int i = 0; i < 100; i++) {
            Waiter next = queue.next();
            if (next != null) {
                next.pool().servePermit(next);
                return;
            }
            endpoint.releaseConnection();
            // Somebody may have been counted between the two lines above and have found no permit.
            if (!queue.hasWaiters() || !endpoint.tryAcquireConnection(config.maxConnections())) {
                return;
            }
            Thread.onSpinWait();
        }
        // Counted, and not yet in the queue after all this: its loop was put off its processor. The permit stays in
        // hand.
        loop.execute(this::passPermit);
    }

    private void servePermit(Waiter waiter) {
        loop.enter(() -> {
            waiter.stopTimer();
            PooledConnection ready = pollIdle();
            if (ready != null) {
                passPermit();
                waiter.want().connected(ready);
            } else {
                connect(waiter.want());
            }
        });
    }

    private void timedOut(Waiter waiter) {
        if (waiter.take()) {
            queue.gaveUp(waiter);
            waiter.want()
                    .failed(new GatewayException(
                            Failure.POOL_EXHAUSTED,
                            "no connection to " + endpoint.uri() + " became free within " + config.poolTimeout()
                                    + " (upstream " + config.name() + ", " + config.maxConnections()
                                    + " connections)"));
        }
    }

    /** Makes a connection with a permit in hand. */
    private void connect(Waiter.Want want) {
        AtomicBoolean late = new AtomicBoolean();
        Upstream wanted = config;
        HttpClientAgent agent;
        try {
            agent = client.agent(endpoint, wanted);
        } catch (RuntimeException broken) {
            passPermit();
            want.failed(UpstreamFailures.connecting(endpoint.uri(), broken));
            return;
        }
        TimeSource.Timer timer = loop.schedule(wanted.connectTimeout().toNanos(), () -> {
            if (late.compareAndSet(false, true)) {
                client.giveUp(endpoint, wanted, agent);
                want.failed(new GatewayException(
                        Failure.CONNECT_TIMEOUT,
                        "connect to " + endpoint.uri() + " timed out after " + wanted.connectTimeout()));
            }
        });
        Future<HttpConnectOptions> options = client.connectOptions(endpoint, wanted);
        if (options.isComplete()) {
            connect(want, late, timer, agent, options);
        } else {
            options.onComplete(looked -> loop.enter(() -> connect(want, late, timer, agent, options)));
        }
    }

    /** Files of certificates have been looked at, if there are any. */
    private void connect(
            Waiter.Want want,
            AtomicBoolean late,
            TimeSource.Timer timer,
            HttpClientAgent agent,
            Future<HttpConnectOptions> options) {
        if (late.get()) {
            // Nobody would watch over it any more.
            passPermit();
            return;
        }
        Future<HttpClientConnection> made;
        try {
            made = options.succeeded() ? agent.connect(options.result()) : Future.failedFuture(options.cause());
        } catch (RuntimeException broken) {
            made = Future.failedFuture(broken);
        }
        made.onComplete(result -> loop.enter(() -> {
            timer.cancel();
            boolean inTime = late.compareAndSet(false, true);
            if (result.failed()) {
                passPermit();
                if (inTime) {
                    want.failed(refused(options, result.cause()));
                }
                return;
            }
            PooledConnection connection = new PooledConnection(this, result.result());
            if (inTime) {
                want.connected(connection);
            } else {
                connection.giveBack();
            }
        }));
    }

    private GatewayException refused(Future<HttpConnectOptions> options, Throwable cause) {
        return options.failed()
                ? new GatewayException(
                        Failure.TLS_FAILED,
                        "TLS of upstream " + config.name() + " cannot be set up: " + cause.getMessage(),
                        cause)
                : UpstreamFailures.connecting(endpoint.uri(), cause);
    }
}
