package dev.postern.runtime.forward;

import dev.postern.runtime.message.Channels;
import io.netty.channel.Channel;
import io.vertx.core.http.HttpClientConnection;
import org.jspecify.annotations.Nullable;

/** A connection to an endpoint: lent to one attempt, or idle in the pool of its loop, or gone. On that loop only. */
final class PooledConnection {
    private final EndpointPool pool;
    private final HttpClientConnection connection;
    private final @Nullable Channel socket;
    private final @Nullable ResponseGuard guard;
    private boolean closed;
    private boolean reused;
    private boolean gone;
    private long idleSinceNanos;

    PooledConnection(EndpointPool pool, HttpClientConnection connection) {
        this.pool = pool;
        this.connection = connection;
        this.socket = Channels.exclusive(connection);
        this.guard = socket == null ? null : ResponseGuard.install(socket, () -> pool.closed(this));
        connection.exceptionHandler(broken -> closed = true);
        connection.closeHandler(v -> {
            closed = true;
            pool.closed(this);
        });
    }

    HttpClientConnection connection() {
        return connection;
    }

    /** Its socket, or null where that cannot be had or is shared by streams. */
    @Nullable
    Channel socket() {
        return socket;
    }

    EndpointPool pool() {
        return pool;
    }

    /** Whether it can carry nothing more. */
    boolean isClosed() {
        return closed || (guard != null && guard.isSpoiled());
    }

    /** A request of this method goes out next: what comes from now on answers it. */
    void begin(String method) {
        if (guard != null) {
            guard.expect(method);
        }
    }

    /** Whether it has carried a request before the present one. */
    boolean isReused() {
        return reused;
    }

    void idleSince(long nanos) {
        idleSinceNanos = nanos;
        reused = true;
    }

    long idleSince() {
        return idleSinceNanos;
    }

    /** The attempt is over and the connection is clean: it may carry another. */
    void giveBack() {
        if (isClosed()) {
            discard();
        } else {
            pool.giveBack(this);
        }
    }

    /** The connection must not carry another request. Harmless when called twice. */
    void discard() {
        if (!gone) {
            gone = true;
            pool.permitFree();
            close();
        }
    }

    /** Closes it and hands its permit to somebody else. */
    void discardKeepingPermit() {
        gone = true;
        close();
    }

    /** Also one that seems closed: it may have broken and not ended. */
    private void close() {
        closed = true;
        Channels.close(connection);
    }
}
