package dev.postern.runtime.forward;

import dev.postern.runtime.forward.ResponseFraming.Step;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of the decoder of a connection to an endpoint and lets pass what belongs to a response that somebody waits
 * for, not a byte more (T024). On the connection's loop only.
 */
final class ResponseGuard extends ChannelInboundHandlerAdapter {
    private static final int REFUSED = -1;

    private final ResponseFraming framing = new ResponseFraming();
    private final Runnable onSurplus;
    private boolean spoiled;

    private ResponseGuard(Runnable onSurplus) {
        this.onSurplus = onSurplus;
    }

    /**
     * Puts a guard into a connection that has not carried anything.
     *
     * @param onSurplus told once, when bytes have come that nobody waits for
     * @return null for a connection of another kind
     */
    static @Nullable ResponseGuard install(Channel channel, Runnable onSurplus) {
        ChannelHandlerContext codec = channel.pipeline().context(HttpClientCodec.class);
        if (codec == null) {
            return null;
        }
        ResponseGuard guard = new ResponseGuard(onSurplus);
        channel.pipeline().addBefore(codec.name(), "postern-response-guard", guard);
        return guard;
    }

    /** A request is about to go out. */
    void expect(String method) {
        framing.expect(method.equals("HEAD"));
    }

    /** Whether the connection is to carry nothing more. */
    boolean isSpoiled() {
        return spoiled;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof ByteBuf bytes)) {
            ctx.fireChannelRead(message);
            return;
        }
        if (spoiled) {
            ReferenceCountUtil.release(bytes);
            return;
        }
        int end = judged(bytes);
        if (end == bytes.writerIndex()) {
            ctx.fireChannelRead(bytes);
            return;
        }
        spoiled = true;
        if (end == REFUSED) {
            // Nothing of what was read with it: if its head is in there, a 502 can still be the answer.
            bytes.release();
            ctx.fireExceptionCaught(new CorruptedFrameException("response: " + framing.reason()));
            ctx.close();
            return;
        }
        int count = end - bytes.readerIndex();
        if (count > 0) {
            ctx.fireChannelRead(bytes.readSlice(count));
        } else {
            bytes.release();
        }
        onSurplus.run();
    }

    /** The index behind the last byte that belongs to a response, or {@link #REFUSED}. */
    private int judged(ByteBuf bytes) {
        int at = bytes.readerIndex();
        int to = bytes.writerIndex();
        while (at < to) {
            long opaque = framing.opaque();
            if (opaque > 0) {
                int count = (int) Math.min(opaque, to - at);
                framing.skip(count);
                at += count;
            } else if (framing.isIdle()) {
                return at;
            } else if (framing.next(bytes.getByte(at++)) == Step.REFUSED) {
                return REFUSED;
            }
        }
        return at;
    }
}
