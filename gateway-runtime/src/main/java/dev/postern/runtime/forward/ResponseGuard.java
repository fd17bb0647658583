package dev.postern.runtime.forward;

import dev.postern.runtime.forward.ResponseFraming.Step;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of the decoder of a connection to an endpoint and lets pass what belongs to a response that somebody waits
 * for, not a byte more (T024). On the connection's loop only.
 */
final class ResponseGuard extends ChannelInboundHandlerAdapter {
    /** As much as the decoder behind takes. */
    private static final int MAX_HEAD_BYTES = 64 * 1024 + 4096;

    // A usual head fits; shared by all connections of an event loop, since judging never waits.
    private static final FastThreadLocal<byte[]> SCRATCH = new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
            return new byte[1024];
        }
    };

    private final ResponseFraming framing = new ResponseFraming();
    private final Runnable onSurplus;
    /** The beginning of a head that is not complete. */
    private @Nullable ByteBuf held;

    private boolean spoiled;
    private boolean reading;
    private @Nullable Runnable afterRead;

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

    /**
     * Runs this once all that has come together was read: bytes behind a response have shown by then. Sooner they could be
     * taken for the answer to whoever is next.
     *
     * @return false when nothing is being read
     */
    boolean afterRead(Runnable action) {
        if (reading) {
            afterRead = action;
        }
        return reading;
    }

    private void readOver() {
        reading = false;
        Runnable action = afterRead;
        afterRead = null;
        if (action != null) {
            action.run();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        readOver();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        ctx.fireChannelInactive();
        readOver();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        reading = true;
        if (!(message instanceof ByteBuf bytes)) {
            ctx.fireChannelRead(message);
        } else if (spoiled) {
            ReferenceCountUtil.release(bytes);
        } else if (held == null) {
            judge(ctx, bytes, bytes.readerIndex());
        } else {
            ByteBuf head = held;
            held = null;
            int seen = head.writerIndex();
            judge(ctx, head.writeBytes(bytes), seen);
            bytes.release();
        }
    }

    /** Judges what has come from {@code at} on, passes on what belongs to somebody, and keeps a head that is not complete. */
    private void judge(ChannelHandlerContext ctx, ByteBuf bytes, int at) {
        int from = bytes.readerIndex();
        int head = from;
        int to = bytes.writerIndex();
        while (at < to && !framing.isIdle()) {
            long opaque = framing.opaque();
            if (opaque > 0) {
                int count = (int) Math.min(opaque, to - at);
                framing.skip(count);
                at += count;
                head = at;
                continue;
            }
            at += feed(bytes, at, Math.min(to, head + MAX_HEAD_BYTES + 1) - at);
            Step step = framing.step();
            if (step == Step.REFUSED || (framing.isInHead() && at - head > MAX_HEAD_BYTES)) {
                // Nothing of what was read with it: if its head is in there, a 502 can still be the answer.
                bytes.release();
                refuse(ctx);
                return;
            }
            if (step == Step.NOISE) {
                pass(ctx, bytes, from, head);
                from = at;
            }
            if (step == Step.NOISE || step == Step.INTERIM || !framing.isInHead()) {
                head = at;
            }
        }
        spoiled = at < to;
        boolean unfinished = framing.isInHead();
        if (unfinished && head < to) {
            held = ctx.alloc().buffer(to - head).writeBytes(bytes, head, to - head);
        }
        int end = unfinished ? head : at;
        if (from == bytes.readerIndex() && end == to && from < end) {
            ctx.fireChannelRead(bytes);
        } else {
            pass(ctx, bytes, from, end);
            bytes.release();
        }
        if (spoiled) {
            onSurplus.run();
        }
    }

    /** Judges at most {@code count} bytes from {@code from} on, and returns how many it judged. */
    private int feed(ByteBuf bytes, int from, int count) {
        byte[] scratch = SCRATCH.get();
        int most = Math.min(count, scratch.length);
        bytes.getBytes(from, scratch, 0, most);
        return framing.scan(scratch, 0, most);
    }

    private static void pass(ChannelHandlerContext ctx, ByteBuf bytes, int from, int to) {
        if (from < to) {
            ctx.fireChannelRead(bytes.retainedSlice(from, to - from));
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
    private void refuse(ChannelHandlerContext ctx) {
        spoiled = true;
        ctx.fireExceptionCaught(new CorruptedFrameException("response: " + framing.reason()));
        ctx.close();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (held != null) {
            held.release();
            held = null;
        }
        readOver();
    }
}
