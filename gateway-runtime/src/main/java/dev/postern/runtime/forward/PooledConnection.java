package dev.postern.runtime.forward;

import io.vertx.core.http.HttpClientConnection;

/** A connection to an endpoint: lent to one attempt, or idle in the pool of its loop, or gone. On that loop only. */
final class PooledConnection {
    private final EndpointPool pool;
    private final HttpClientConnection connection;
    private boolean closed;
    private boolean reused;
    private boolean gone;
    private long idleSinceNanos;

    PooledConnection(EndpointPool pool, HttpClientConnection connection) {
        this.pool = pool;
        this.connection = connection;
        connection.exceptionHandler(broken -> closed = true);
        connection.closeHandler(v -> {
            closed = true;
            pool.closed(this);
        });
    }

    HttpClientConnection connection() {
        return connection;
    }

    EndpointPool pool() {
        return pool;
    }

    /** Whether it can carry nothing more. */
    boolean isClosed() {
        return closed;
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
        if (closed) {
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
            if (!closed) {
                closed = true;
                connection.close();
            }
        }
    }

    /** Closes it and hands its permit to somebody else. */
    void discardKeepingPermit() {
        gone = true;
        if (!closed) {
            closed = true;
            connection.close();
        }
    }
}
