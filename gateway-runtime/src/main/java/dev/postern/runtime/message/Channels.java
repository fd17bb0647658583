package dev.postern.runtime.message;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.Future;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetSocket;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The sockets beneath Vert.x's connections. Three things cannot be had from Vert.x: how many bytes wait for a peer that
 * does not read, an end to the reading that comes at once, and the end of a connection whose peer takes nothing: {@link
 * HttpConnection#close} waits for the last byte to be taken, for ever if need be.
 *
 * <p>The types are public in packages that Vert.x's module does not export. On the class path that is no matter; on the
 * module path {@code --add-exports} is needed, and without it {@link #of} has nothing to give.
 */
public final class Channels {
    private static final System.Logger LOG = System.getLogger(Channels.class.getName());
    private static final String BASE = "io.vertx.core.net.impl.ConnectionBase";
    private static final String WRAPPED = "io.vertx.core.http.impl.UnpooledHttpClientConnection";
    private static final String INNER = "io.vertx.core.http.impl.HttpClientConnection";
    /** How long a peer has for what was written before its connection was closed. */
    private static final long LAST_WRITE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** As Netty's default: past it the gain is nothing and the wait is longer. */
    private static final int MAX_GATHERED_FLUSHES = 256;

    private static final @Nullable Way WAY = way();

    private record Way(Class<?> base, MethodHandle channel, Class<?> wrapped, MethodHandle unwrap) {}

    private Channels() {}

    /** Whether sockets can be had in this JVM. */
    public static boolean areKnown() {
        return WAY != null;
    }

    /** The socket of a connection that carries one message at a time, or null. */
    public static @Nullable Channel exclusive(HttpConnection connection) {
        return connection.protocolVersion() == HttpVersion.HTTP_2 ? null : of(connection);
    }

    /** The socket of a connection, or null where it cannot be had. */
    public static @Nullable Channel of(HttpConnection connection) {
        Way way = WAY;
        if (way == null) {
            return null;
        }
        try {
            Object inner = way.wrapped.isInstance(connection) ? way.unwrap.invoke(connection) : connection;
            return way.base.isInstance(inner) ? (Channel) way.channel.invoke(inner) : null;
        } catch (Throwable unexpected) {
            LOG.log(Level.DEBUG, "no socket of " + connection.getClass(), unexpected);
            return null;
        }
    }

    /** A number that changes whenever the peer has taken something of what waits for it. On the socket's loop. */
    public static long mark(Channel socket) {
        ChannelOutboundBuffer waiting = socket.unsafe().outboundBuffer();
        return waiting == null
                ? -1
                : 31 * (31 * waiting.totalPendingWriteBytes() + waiting.currentProgress())
                        + System.identityHashCode(waiting.current());
    }

    /**
     * Closes a connection behind what was written to it. A peer that does not take it within a second goes without. On the
     * connection's loop.
     */
    public static Future<Void> close(HttpConnection connection) {
        return close(connection, LAST_WRITE_NANOS);
    }

    /**
     * Lets what the streams of one HTTP/2 connection have to say in one turn of the loop go out together: they speak when
     * other sockets have been read, and each of them would cost a system call. What waits goes out when the turn ends, when
     * the connection closes, and after so many parts in any case. Once for each connection, on its loop.
     */
    public static void gatherFlushes(@Nullable Channel channel) {
        ChannelHandlerContext codec =
                channel == null ? null : channel.pipeline().context(Http2ConnectionHandler.class);
        if (codec != null) {
            codec.pipeline().addBefore(codec.name(), null, new FlushConsolidationHandler(MAX_GATHERED_FLUSHES, true));
        }
    }

    /** The socket of a client's connection that was upgraded; null for one of ours to an endpoint. */
    static @Nullable Channel of(NetSocket upgraded) {
        return upgraded instanceof NetSocketInternal inner
                ? inner.channelHandlerContext().channel()
                : null;
    }

    /** The same for a connection that was upgraded. */
    static void close(NetSocket upgraded) {
        Channel channel = of(upgraded);
        upgraded.close();
        if (channel != null) {
            endAfter(channel, LAST_WRITE_NANOS);
        }
    }

    /** The same for a peer that has been waited for already. */
    public static void closeNow(HttpConnection connection) {
        close(connection, 0);
    }

    /** Says that nothing more will be written, behind what was; reading goes on. On the connection's loop. */
    @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for it
    public static void halfClose(HttpConnection connection) {
        Channel channel = of(connection);
        if (channel == null || !channel.isActive()) {
            return;
        }
        SslHandler tls = channel.pipeline().get(SslHandler.class);
        if (tls != null) {
            tls.closeOutbound();
        } else if (channel instanceof DuplexChannel duplex) {
            duplex.shutdownOutput();
        }
    }

    private static Future<Void> close(HttpConnection connection, long patienceNanos) {
        Future<Void> closed = connection.close();
        Channel channel = of(connection);
        if (channel != null) {
            endAfter(channel, patienceNanos);
        }
        return closed;
    }

    private static void endAfter(Channel channel, long patienceNanos) {
        if (channel.isOpen()) {
            // Past all handlers: one of them is what waits.
            Runnable end = () -> channel.unsafe().close(channel.voidPromise());
            var timer = channel.eventLoop().schedule(end, patienceNanos, TimeUnit.NANOSECONDS);
            channel.closeFuture().addListener(done -> timer.cancel(false));
        }
    }

    private static @Nullable Way way() {
        try {
            Lookup lookup = MethodHandles.lookup();
            ClassLoader loader = HttpConnection.class.getClassLoader();
            Class<?> base = Class.forName(BASE, false, loader);
            Class<?> wrapped = Class.forName(WRAPPED, false, loader);
            Class<?> inner = Class.forName(INNER, false, loader);
            return new Way(
                    base,
                    lookup.findVirtual(base, "channel", MethodType.methodType(Channel.class)),
                    wrapped,
                    lookup.findVirtual(wrapped, "unwrap", MethodType.methodType(inner)));
        } catch (ReflectiveOperationException closed) {
            LOG.log(
                    Level.WARNING,
                    "slow peers hold more memory, and those that read nothing hold their connection, because the sockets of"
                            + " Vert.x cannot be reached: start with --add-exports io.vertx.core/io.vertx.core.net.impl="
                            + "dev.postern.runtime --add-exports io.vertx.core/io.vertx.core.http.impl=dev.postern.runtime",
                    closed);
            return null;
        }
    }
}
