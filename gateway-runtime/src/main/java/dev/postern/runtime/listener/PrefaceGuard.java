package dev.postern.runtime.listener;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets only connections pass that begin as HTTP/2 does (RFC 9113 3.4), on a port that serves nothing else. Every other one
 * is closed without a word: what it speaks is not known.
 */
@SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
final class PrefaceGuard extends ChannelInboundHandlerAdapter {
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final Duration patience;
    private @Nullable Future<?> timer;
    private int seen;

    private PrefaceGuard(Duration patience) {
        this.patience = patience;
    }

    /** Prepares a connection that is accepted and not yet registered. */
    static void install(Channel child, Duration patience) {
        child.pipeline().addFirst(new PrefaceGuard(patience));
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
        for (int i = bytes.readerIndex(); i < bytes.writerIndex() && seen < PREFACE.length; i++, seen++) {
            if (bytes.getByte(i) != PREFACE[seen]) {
                bytes.release();
                ctx.close();
                return;
            }
        }
        ctx.fireChannelRead(message);
        if (seen == PREFACE.length) {
            ctx.pipeline().remove(this);
        }
    }
}
