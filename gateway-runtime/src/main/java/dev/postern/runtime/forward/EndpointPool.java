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
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one loop to one endpoint. The one used last is lent first: so the rest grow old together and are
 * closed. On its loop only; what is shared with other loops is in {@link EndpointQueue} and {@link EndpointState}.
 *
 * <p>A connection of HTTP/2 carries many short requests at a time, and what they write in one turn of the loop goes out at
 * once. A request with a body that may be long has one for itself: an endpoint that does not read it would stop the others.
 */
final class EndpointPool {
    /** Streams of one connection, when the endpoint allows as many: what RFC 9113 6.5.2 asks it to allow. */
    static final int MAX_STREAMS = 100;

    private final VertxLoop loop;
    private final EndpointQueue queue;
    private final EndpointState endpoint;
    private final UpstreamClient client;
    private final UpstreamTls tls;
    private final Protocol protocol;
    private final String authority;
    private final ArrayDeque<PooledConnection> idle = new ArrayDeque<>();
    // Of HTTP/2: those in use that have room for more, and who waits for one that is being made to have room in it.
    private final ArrayDeque<PooledConnection> open = new ArrayDeque<>();
    private final ArrayDeque<Waiter> joining = new ArrayDeque<>();
    private int connecting;
    private @Nullable PooledConnection going;
    // What the endpoint allowed on the newest connection.
    private int streams = MAX_STREAMS;
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

    /**
     * Lends a connection: one that is there, a new one, or the next that becomes free. Returns what takes the wish back.
     *
     * @param fresh whether it must not have carried anything
     * @param shares whether others may be on it
     */
    Waiter acquire(Upstream newConfig, boolean fresh, boolean shares, Waiter.Want want) {
        config = newConfig;
        Waiter waiter = new Waiter(this, shares && protocol == Protocol.HTTP_2, want);
        // 1. One that carries others and has room, or an idle one; the newest has the best chance to be alive still.
        PooledConnection ready = fresh ? null : ready(waiter);
        if (ready != null) {
            waiter.take();
            lend(ready, waiter);
            return waiter;
        }
        // 2. One that is being made and will have room.
        if (waiter.shares() && joining.size() < connecting * (streams - 1)) {
            waiter.take();
            joining.addLast(waiter);
            return waiter;
        }
        // 3. A new one, if the gateway may have one more. An idle one makes room for a fresh one.
        if (endpoint.tryAcquireConnection(config.maxConnections()) || (fresh && tradeIdle())) {
            waiter.take();
            connect(waiter);
            return waiter;
        }
        // 4. The queue.
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
        if (!waiter.shares()) {
            // Those who share a connection might never leave it to one who does not.
            giveUpOneIdle();
        }
        // 5. A permit may have become free between 3 and 4, when nobody was in the queue to receive it.
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
        List.copyOf(open).forEach(this::place);
        queue.leave(this);
    }

    void giveBack(PooledConnection connection) {
        if (retired || connection.isClosed()) {
            place(connection);
            if (!connection.isLent()) {
                connection.end();
            }
            return;
        }
        if (connection.isLent()) {
            place(connection);
            serveSharing(connection);
            return;
        }
        place(connection);
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
            loop.enter(() -> {
                lend(connection, next);
                serveSharing(connection);
            });
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
            connection.end();
        } else {
            place(connection);
        }
    }

    /**
     * Somebody waits who cannot have what is here: an idle connection is worth less than its permit there. One that others
     * share takes no more of them, so that it ends.
     */
    void giveUpOneIdle() {
        if (!queue.hasWaiters()) {
            return;
        }
        PooledConnection oldest = idle.pollFirst();
        if (oldest != null) {
            oldest.end();
            return;
        }
        PooledConnection shared = open.peekFirst();
        if (shared != null) {
            letGo(shared);
        }
    }

    /** Closes those that were idle for longer than the upstream keeps them. */
    void sweep(long now) {
        long keep = config.keepAlive().toNanos();
        for (PooledConnection oldest = idle.peekFirst();
                oldest != null && now - oldest.idleSince() >= keep;
                oldest = idle.peekFirst()) {
            idle.pollFirst();
            oldest.end();
        }
    }

    void closeIdle() {
        for (PooledConnection next = idle.pollFirst(); next != null; next = idle.pollFirst()) {
            next.end();
        }
    }

    private void lend(PooledConnection connection, Waiter waiter) {
        connection.lend(waiter.shares());
        place(connection);
        waiter.want().connected(connection);
    }

    /** Keeps those that have room for more where they are found. */
    private void place(PooledConnection connection) {
        boolean room = !retired && connection.hasRoom();
        if (room != connection.isOpen()) {
            connection.isOpen(room);
            if (room) {
                open.addLast(connection);
            } else {
                open.remove(connection);
            }
        }
    }

    /**
     * Those who wait here and share go onto a connection with room. If others wait, it takes nothing new, so that it ends and
     * its permit goes to them.
     */
    private void serveSharing(PooledConnection connection) {
        while (connection.hasRoom() && queue.hasWaiters()) {
            Waiter next = queue.nextSharing(this);
            if (next == null) {
                letGo(connection);
                return;
            }
            next.stopTimer();
            lend(connection, next);
        }
    }

    /** One at a time: each permit that becomes free may serve many. */
    private void letGo(PooledConnection shared) {
        if (going == null || going.isGone()) {
            going = shared;
            shared.leave();
            place(shared);
        }
    }

    private @Nullable PooledConnection ready(Waiter waiter) {
        if (waiter.shares()) {
            for (PooledConnection first = open.peekFirst(); first != null; first = open.peekFirst()) {
                if (first.hasRoom()) {
                    return first;
                }
                place(first);
            }
        }
        return pollIdle();
    }

    private @Nullable PooledConnection pollIdle() {
        long now = System.nanoTime();
        for (PooledConnection newest = idle.pollLast(); newest != null; newest = idle.pollLast()) {
            if (!newest.isClosed()
                    && now - newest.idleSince() < config.keepAlive().toNanos()) {
                return newest;
            }
            newest.end();
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
            PooledConnection ready = ready(waiter);
            if (ready != null) {
                lend(ready, waiter);
                serveSharing(ready);
                passPermit();
            } else {
                connect(waiter);
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
    private void connect(Waiter waiter) {
        connecting += waiter.shares() ? 1 : 0;
        AtomicBoolean late = new AtomicBoolean();
        Upstream wanted = config;
        HttpClientAgent agent;
        try {
            agent = client.agent(endpoint, wanted);
        } catch (RuntimeException broken) {
            passPermit();
            notMade(waiter, UpstreamFailures.connecting(endpoint.uri(), broken));
            return;
        }
        TimeSource.Timer timer = loop.schedule(wanted.connectTimeout().toNanos(), () -> {
            if (late.compareAndSet(false, true)) {
                client.giveUp(endpoint, wanted, agent);
                notMade(
                        waiter,
                        new GatewayException(
                                Failure.CONNECT_TIMEOUT,
                                "connect to " + endpoint.uri() + " timed out after " + wanted.connectTimeout()));
            }
        });
        Future<HttpConnectOptions> options = client.connectOptions(endpoint, wanted);
        if (options.isComplete()) {
            connect(waiter, late, timer, agent, options);
        } else {
            options.onComplete(looked -> loop.enter(() -> connect(waiter, late, timer, agent, options)));
        }
    }

    /** Files of certificates have been looked at, if there are any. */
    private void connect(
            Waiter waiter,
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
                    notMade(waiter, refused(options, result.cause()));
                }
                return;
            }
            PooledConnection connection = new PooledConnection(this, result.result());
            if (inTime) {
                made(waiter, connection);
            } else {
                connection.lend(false);
                connection.giveBack();
            }
        }));
    }

    private void made(Waiter waiter, PooledConnection connection) {
        connecting -= waiter.shares() ? 1 : 0;
        streams = connection.streams();
        lend(connection, waiter);
        while (!joining.isEmpty()) {
            PooledConnection ready = connection.hasRoom() ? connection : ready(joining.getFirst());
            if (ready == null) {
                break;
            }
            lend(ready, joining.removeFirst());
        }
        serveSharing(connection);
        // The endpoint allows fewer streams than were hoped for.
        for (Waiter left : leftOver()) {
            acquire(config, false, true, left.want());
        }
    }

    /** Who waits for a connection that is being made fails with it, as with one of his own, unless another has room now. */
    private void notMade(Waiter waiter, GatewayException failure) {
        connecting -= waiter.shares() ? 1 : 0;
        List<Waiter> others = leftOver();
        waiter.want().failed(failure);
        for (Waiter other : others) {
            PooledConnection ready = ready(other);
            if (ready != null) {
                lend(ready, other);
            } else {
                other.want().failed(failure);
            }
        }
    }

    private List<Waiter> leftOver() {
        if (connecting > 0 || joining.isEmpty()) {
            return List.of();
        }
        List<Waiter> left = List.copyOf(joining);
        joining.clear();
        return left;
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
