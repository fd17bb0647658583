package dev.postern.runtime.listener;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Takes the PROXY header off a connection of a load balancer, before anything else sees a byte, and leaves. A connection
 * without one is closed without a word: to go on would be to take the balancer for its client.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
final class ProxyGate extends ChannelInboundHandlerAdapter {
    private static final System.Logger LOG = System.getLogger(ProxyGate.class.getName());

    private final Duration patience;
    private final Predicate<@Nullable InetSocketAddress> source;
    private final Runnable malformed;
    private @Nullable Future<?> late;
    private @Nullable ByteBuf held;
    private boolean over;

    private ProxyGate(Duration patience, Predicate<@Nullable InetSocketAddress> source, Runnable malformed) {
        this.patience = patience;
        this.source = source;
        this.malformed = malformed;
    }

    /**
     * Prepares a connection that is accepted and not yet registered. It has to be the last one that adds itself first.
     *
     * @param patience for all of the header
     * @param source is told the other end, on the connection's loop; false closes the connection
     * @param malformed is told that there was no header in time
     */
    static void install(
            Channel child, Duration patience, Predicate<@Nullable InetSocketAddress> source, Runnable malformed) {
        child.pipeline().addFirst(new ProxyGate(patience, source, malformed));
    }

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        Runnable end = () -> refuse(ctx, "it did not come in time");
        late = ctx.executor().schedule(end, patience.toNanos(), TimeUnit.NANOSECONDS);
        ctx.fireChannelRegistered();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        if (over) {
            bytes.release();
            return;
        }
        ByteBuf before = held;
        if (before != null) {
            // At most as much as one read brings behind the largest header.
            before.writeBytes(bytes);
            bytes.release();
            bytes = before;
            held = null;
        }
        ProxyHeader header;
        try {
            header = ProxyHeader.read(bytes);
        } catch (ProxyHeader.Malformed wrong) {
            bytes.release();
            refuse(ctx, String.valueOf(wrong.getMessage()));
            return;
        }
        if (header == null) {
            held = before == null ? copy(ctx, bytes) : bytes;
            return;
        }
        over = true;
        if (!source.test(header.source())) {
            bytes.release();
            ctx.close();
            return;
        }
        bytes.skipBytes(header.length());
        // In this order, as the decoders of Netty do it: what comes next is read by the next one.
        if (bytes.isReadable()) {
            ctx.fireChannelRead(bytes);
        } else {
            bytes.release();
        }
        ctx.pipeline().remove(this);
    }

    /** The buffer of a read may be a slice of a large one. */
    private static ByteBuf copy(ChannelHandlerContext ctx, ByteBuf bytes) {
        ByteBuf own = ctx.alloc().buffer(256);
        own.writeBytes(bytes);
        bytes.release();
        return own;
    }

    private void refuse(ChannelHandlerContext ctx, String why) {
        if (!over) {
            over = true;
            malformed.run();
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "connection of {0} closed: it has to begin with a PROXY header, but {1}",
                    ctx.channel().remoteAddress(),
                    why);
            ctx.close();
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (late != null) {
            late.cancel(false);
        }
        if (held != null) {
            held.release();
            held = null;
        }
    }
}
