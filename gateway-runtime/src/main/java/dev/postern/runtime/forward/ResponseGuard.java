package dev.postern.runtime.forward;

import dev.postern.runtime.forward.ResponseFraming.Step;
import dev.postern.runtime.message.PlainHead;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of the decoder of a connection to an endpoint and lets pass what belongs to a response that somebody waits
 * for, not a byte more (T024). As it sees where responses end, it also carries {@linkplain ShortCall short calls}, of which
 * the decoder hears nothing. On the connection's loop only.
 */
final class ResponseGuard extends ChannelDuplexHandler {
    /** As much as the decoder behind takes. */
    private static final int MAX_HEAD_BYTES = 64 * 1024 + 4096;

    /** The content of a short answer is copied once, and the connection is free; of more than this it is not. */
    private static final int MAX_SHORT_BYTES = 16 * 1024;

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

    private @Nullable ChannelHandlerContext context;
    private @Nullable ShortCall call;
    private @Nullable LongBody body;
    // While a call is handed over, and for good when that has failed: what the codec writes has gone out before.
    private boolean handingOver;
    private boolean handedOver;

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

    /** Sends a whole request past the codec. Its answer was {@linkplain #expect expected} before. */
    @SuppressWarnings("FutureReturnValueIgnored") // addListener() answers with the future that is returned here
    ChannelFuture send(ByteBuf request, ShortCall mine) {
        ChannelHandlerContext ctx = context;
        if (ctx == null) {
            request.release();
            throw new IllegalStateException("the connection has ended");
        }
        call = mine;
        ChannelFuture sent = ctx.writeAndFlush(request);
        if (!sent.isDone()) {
            sent.addListener(done -> sent(mine, done.cause()));
        } else {
            sent(mine, sent.cause());
        }
        return sent;
    }

    private void sent(ShortCall mine, @Nullable Throwable broken) {
        if (broken != null && call == mine) {
            broke(broken);
        }
    }

    private void broke(Throwable cause) {
        ShortCall mine = call;
        LongBody content = body;
        call = null;
        body = null;
        if (mine != null) {
            mine.broke(cause);
        }
        if (content != null) {
            content.broke(cause);
        }
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
        if (call != null || body != null) {
            broke(new HttpClosedException("Connection was closed"));
        }
        ctx.fireChannelInactive();
        readOver();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        broke(cause);
        ctx.fireExceptionCaught(cause);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // what it comes to is told through the promise
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (handingOver) {
            handedOver = true;
            ReferenceCountUtil.release(message);
            promise.trySuccess();
        } else {
            ctx.write(message, promise);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        reading = true;
        if (!(message instanceof ByteBuf bytes)) {
            ctx.fireChannelRead(message);
        } else if (spoiled) {
            ReferenceCountUtil.release(bytes);
        } else if (body != null) {
            goOn(body, bytes);
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

    /** What has come is the next of a content. */
    private void goOn(LongBody content, ByteBuf bytes) {
        int count = (int) Math.min(framing.opaque(), bytes.readableBytes());
        spoiled = count < bytes.readableBytes();
        framing.skip(count);
        boolean last = framing.isIdle();
        try {
            content.add(bytes, bytes.readerIndex(), count, last);
        } finally {
            bytes.release();
        }
        if (last) {
            body = null;
        }
        content.readOn();
        if (spoiled) {
            onSurplus.run();
        }
    }

    /** Judges what has come from {@code at} on, passes on what belongs to somebody, and keeps a head that is not complete. */
    private void judge(ChannelHandlerContext ctx, ByteBuf bytes, int at) {
        int from = bytes.readerIndex();
        int head = from;
        int to = bytes.writerIndex();
        int content = -1;
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
            if (content < 0 && !framing.isInHead()) {
                content = at;
            }
            if (step == Step.NOISE) {
                if (from < head && !isExpected(ctx)) {
                    bytes.release();
                    return;
                }
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
        boolean untouched = from == bytes.readerIndex() && end == to && from < end;
        if (untouched && answer(ctx, bytes, content)) {
            bytes.release();
        } else if (from < end && !isExpected(ctx)) {
            bytes.release();
        } else if (untouched) {
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

    /** Gives the call its answer, or the beginning of it, if that is plain and has a length. */
    private boolean answer(ChannelHandlerContext ctx, ByteBuf bytes, int at) {
        ShortCall mine = call;
        boolean whole = framing.hadLength();
        int length = at - bytes.readerIndex();
        if (mine == null || !(whole || framing.isInLength()) || length > PlainHead.MAX_BYTES) {
            return false;
        }
        PlainHead head = PlainHead.mine();
        bytes.getBytes(bytes.readerIndex(), head.bytes(), 0, length);
        if (!head.read(length)) {
            return false;
        }
        int count = bytes.writerIndex() - at;
        if (whole && count <= MAX_SHORT_BYTES) {
            byte[] copy = new byte[count];
            bytes.getBytes(at, copy);
            call = null;
            mine.answered(head, Buffer.buffer(copy));
        } else {
            LongBody content = new LongBody(ctx.channel());
            content.add(bytes, at, count, whole);
            call = null;
            body = whole ? null : content;
            mine.answers(head, content);
            content.readOn();
        }
        return true;
    }

    /** Whether the codec knows of the request whose answer comes; a call is handed over to it. */
    @SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
    private boolean isExpected(ChannelHandlerContext ctx) {
        ShortCall mine = call;
        if (mine == null) {
            return true;
        }
        handingOver = true;
        handedOver = false;
        mine.handOver();
        if (handedOver) {
            handingOver = false;
            call = null;
            return true;
        }
        // It was given up, or the connection is about to end. Should the codec still write its request, it goes
        // nowhere.
        spoiled = true;
        broke(new HttpClosedException("Connection was closed"));
        ctx.close();
        return false;
    }

    private static void pass(ChannelHandlerContext ctx, ByteBuf bytes, int from, int to) {
        if (from < to) {
            ctx.fireChannelRead(bytes.retainedSlice(from, to - from));
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the future of close(): nobody waits for it
    private void refuse(ChannelHandlerContext ctx) {
        spoiled = true;
        CorruptedFrameException refused = new CorruptedFrameException("response: " + framing.reason());
        broke(refused);
        ctx.fireExceptionCaught(refused);
        ctx.close();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        context = null;
        if (body != null) {
            body.letGo();
            body = null;
        }
        if (held != null) {
            held.release();
            held = null;
        }
        readOver();
    }
}
