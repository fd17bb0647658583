package dev.postern.runtime.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets only connections pass that begin as HTTP/2 does (RFC 9113 3.4), on a port that serves nothing else. Every other one
 * is closed without a word: what it speaks is not known.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
final class PrefaceGuard extends ChannelInboundHandlerAdapter {
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Duration patience;
    private final @Nullable Http2Guard guard;
    private final Consumer<Reason> refused;
    private @Nullable Future<?> timer;
    private int seen;

    private PrefaceGuard(Duration patience, @Nullable Http2Guard guard, Consumer<Reason> refused) {
        this.patience = patience;
        this.refused = refused;
        this.guard = guard;
    }

    /**
     * Prepares a connection that is accepted and not yet registered.
     *
     * @param guard is put before the codec as soon as there is one; null for none
     * @param refused is told of connections that do not begin as HTTP/2 does
     */
    static void install(Channel child, Duration patience, @Nullable Http2Guard guard, Consumer<Reason> refused) {
        child.pipeline().addFirst(new PrefaceGuard(patience, guard, refused));
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        timer = ctx.executor().schedule((Runnable) ctx::close, patience.toNanos(), TimeUnit.NANOSECONDS);
        ctx.fireChannelActive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        int before = seen;
        for (int i = bytes.readerIndex(); i < bytes.writerIndex() && seen < PREFACE.length; i++, seen++) {
            if (bytes.getByte(i) != PREFACE[seen]) {
                bytes.release();
                refused.accept(Reason.H2_PREFACE);
                ctx.close();
                return;
            }
        }
        if (seen < PREFACE.length) {
            bytes.release();
            return;
        }
        // The preface alone, so that Vert.x makes its codec; what is behind it only when the guard is before the codec.
        bytes.skipBytes(PREFACE.length - before);
        ctx.fireChannelRead(Unpooled.wrappedBuffer(PREFACE));
        if (guard != null && !guard.place(ctx.pipeline())) {
            bytes.release();
            ctx.close();
            return;
        }
        if (bytes.isReadable()) {
            ctx.fireChannelRead(bytes);
        } else {
            bytes.release();
        }
        ctx.pipeline().remove(this);
    }
}
