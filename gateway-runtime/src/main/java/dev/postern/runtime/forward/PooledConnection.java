package dev.postern.runtime.forward;

import dev.postern.runtime.message.Channels;
import dev.postern.runtime.message.VertxLoop;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpVersion;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A connection to an endpoint: lent to an attempt, or to several when it is of HTTP/2; or idle in the pool of its loop, or gone.
 * On that loop only.
 */
final class PooledConnection {
    /**
     * One read of a large answer brings up to 128 KiB. Netty's 64 KiB take a fifth to two fifths more processor time; of
     * more than this a slow client would hold too much.
     */
    private static final RecvByteBufAllocator READS = new AdaptiveRecvByteBufAllocator(64, 2048, 128 * 1024);

    private final EndpointPool pool;
    private final HttpClientConnection connection;
    private final @Nullable Channel socket;
    private final @Nullable ResponseGuard guard;
    private final boolean multiplexed;
    private int lent;
    private boolean alone;
    private boolean open;
    private boolean carried;
    private boolean fresh;
    private long answers;
    private long answersWhenIdle;
    private boolean closed;
    private boolean reused;
    private boolean gone;
    private boolean leaving;
    private long idleSinceNanos;

    PooledConnection(EndpointPool pool, HttpClientConnection connection) {
        this.pool = pool;
        this.connection = connection;
        this.multiplexed = connection.protocolVersion() == HttpVersion.HTTP_2;
        this.socket = Channels.exclusive(connection);
        this.guard = socket == null ? null : ResponseGuard.install(socket, () -> pool.closed(this));
        if (socket != null) {
            socket.config().setRecvByteBufAllocator(READS);
        }
        if (multiplexed) {
            Channels.gatherFlushes(Channels.of(connection));
            InterimResponses.drop(Channels.of(connection));
            PlainFields.send(Channels.of(connection));
            // RFC 9113 6.8: what is under way may be answered, and nothing else will be.
            connection.shutdownHandler(said -> {
                leaving = true;
                pool.closed(this);
            });
        }
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
        return closed || leaving || (guard != null && guard.isSpoiled());
    }

    /** A request of this method goes out next: what comes from now on answers it. */
    void begin(String method) {
        if (guard != null) {
            guard.expect(method);
        }
    }

    /** Whether requests may go out past Vert.x's client, where nobody wants to hear of them from it. */
    boolean takesCalls() {
        return guard != null && pool.takesCalls();
    }

    /** Sends a whole request; {@link #begin} came before. */
    ChannelFuture send(ByteBuf request, ShortCall call) {
        return Objects.requireNonNull(guard).send(request, call);
    }

    /** Where the bytes of a request come from. */
    ByteBufAllocator allocator() {
        return Objects.requireNonNull(socket).alloc();
    }

    /**
     * Whether the endpoint has said that it did not look at this stream and will not (RFC 9113 6.8). Vert.x knows, but
     * copies what the endpoint said for people into memory that nobody frees each time it is asked.
     */
    boolean isBeyondGoAway(long stream) {
        Channel channel = Channels.of(connection);
        Http2ConnectionHandler codec =
                channel == null ? null : channel.pipeline().get(Http2ConnectionHandler.class);
        return codec != null
                && codec.connection().goAwayReceived()
                && stream > codec.connection().local().lastStreamKnownByPeer();
    }

    /** Whether an exchange can be given up without its connection. */
    boolean isMultiplexed() {
        return multiplexed;
    }

    /** Goes to one more attempt. */
    void lend(boolean shares) {
        if (lent == 0) {
            reused = carried;
            answersWhenIdle = answers;
        } else if (answers != answersWhenIdle) {
            reused = false;
        }
        fresh = !carried;
        carried = true;
        alone = !shares;
        lent++;
    }

    /** The head of a response has come. */
    void answered() {
        answers++;
    }

    /** How many heads have come. */
    long answers() {
        return answers;
    }

    /** Whether there is an attempt that has not given it back. */
    boolean isLent() {
        return lent > 0;
    }

    /** Whether it carries something, and may carry more at the same time. */
    boolean hasRoom() {
        return multiplexed && lent > 0 && !alone && lent < streams() && !isClosed();
    }

    /** How many attempts it can carry at a time. */
    int streams() {
        return multiplexed ? (int) Math.min(EndpointPool.MAX_STREAMS, connection.maxActiveStreams()) : 1;
    }

    /** Whether it has been ended. */
    boolean isGone() {
        return gone;
    }

    /** Whether its pool has it among those with room. */
    boolean isOpen() {
        return open;
    }

    void isOpen(boolean newOpen) {
        open = newOpen;
    }

    /** Carries nothing new from now on. */
    void leave() {
        leaving = true;
    }

    /** Whether it was lent for the first time. */
    boolean isFresh() {
        return fresh;
    }

    /** Whether it was idle, and nothing has come since: its endpoint may have closed it when it was lent. */
    boolean isReused() {
        return reused;
    }

    void idleSince(long nanos) {
        idleSinceNanos = nanos;
    }

    long idleSince() {
        return idleSinceNanos;
    }

    /** The attempt is over and the connection is clean: it may carry another, once all that came with its end was seen. */
    void giveBackAfterRead(VertxLoop loop) {
        if (guard == null || !guard.afterRead(this::giveBack)) {
            loop.execute(this::giveBack);
        }
    }

    /** The same, at once. */
    void giveBack() {
        lent--;
        pool.giveBack(this);
    }

    /** The attempt is over, and the connection must not carry another; others that it carries are not disturbed. */
    void discard() {
        lent--;
        if (multiplexed) {
            leave();
            pool.giveBack(this);
        } else {
            end();
        }
    }

    /** The same where nothing else is carried, and what was written and is not yet out is for nobody. */
    void discardNow() {
        lent--;
        end(Channels::closeNow);
    }

    /** Ends it. Harmless when called twice. */
    void end() {
        end(Channels::close);
    }

    /** Closes also one that seems closed: it may have broken and not ended. */
    private void end(Consumer<HttpClientConnection> close) {
        if (!gone) {
            gone = true;
            closed = true;
            pool.permitFree();
            close.accept(connection);
        }
    }

    /** Closes it and hands its permit to somebody else. */
    void discardKeepingPermit() {
        gone = true;
        closed = true;
        Channels.close(connection);
    }
}
