package dev.postern.runtime.listener;

import dev.postern.runtime.message.HeadBytes;
import dev.postern.runtime.reply.DateField;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.Future;
import java.nio.CharBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets the bytes of well-framed HTTP/1.1 requests pass to the decoder, one request at a time, and ends every other
 * connection with one short answer.
 *
 * <p>It sits between the socket (or TLS) and Netty's decoder. The decoder never sees a head that is later refused: a
 * head is held until it is complete. Body bytes pass as they come. Because the decoder parses the same bytes again, a
 * second handler right behind it ({@link Messages}) compares what it made of them: one request, body byte or end more
 * than was framed here and the connection is dead before the message reaches anybody.
 *
 * <p>The next head is held back until the request before it is read to its end <em>and</em> its answer is written to
 * its end; meanwhile the socket is not read. The socket's auto-read is shared with Vert.x, which switches it off while
 * a request is paused; see {@link #suppress} for how the two get along.
 *
 * <p>After a refusal: answer (if none has begun) → no more output of anybody → half-close → read and throw away at most
 * 64 KiB or 1 s, so that the client can read the answer instead of a reset → close. A request that was under way fails
 * with a {@link FramingException} at once.
 *
 * <p>One instance per connection, on its event loop only.
 */
// Netty's outbound calls answer through the promise that was passed in, or through the pipeline.
@SuppressWarnings("FutureReturnValueIgnored")
final class ByteGuard extends ChannelDuplexHandler {

    /** Is told once about each connection that the guard ended. Runs on the event loop: must not block. */
    interface Listener {
        void refused(Refusal refusal);
    }

    private static final System.Logger LOGGER = System.getLogger(ByteGuard.class.getName());

    // One head more than the one that is judged; what a client sends ahead beyond it is its own risk.
    private static final int MAX_HELD_BYTES = 16 * 1024;
    /** The content of a short response is copied behind its head; of more than this it is not. */
    private static final int MAX_SHORT_BYTES = 16 * 1024;

    private static final int LINGER_BYTES = 64 * 1024;
    private static final long LINGER_MILLIS = 1000;

    // A usual head fits; shared by all connections of an event loop, since judging never waits.
    private static final FastThreadLocal<byte[]> SCRATCH = new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
            return new byte[1024];
        }
    };

    private static final Map<Integer, String> PHRASES = Map.of(
            400, "Bad Request",
            408, "Request Timeout",
            413, "Content Too Large",
            414, "URI Too Long",
            431, "Request Header Fields Too Large",
            500, "Internal Server Error",
            501, "Not Implemented",
            505, "HTTP Version Not Supported");

    private enum Mode {
        /** Judging and passing. */
        GUARDING,
        /** The last request said close, or the decoder gave up: input is thrown away, output goes on. */
        DISCARDING,
        /** Refused: input is thrown away, output too. */
        LINGERING,
        /** No HTTP any more: everything passes. */
        TUNNEL,
        /** The socket is gone. */
        CLOSED
    }

    private final FramingGuard framing;
    private final long headNanos;
    private final long idleNanos;
    private final long lookNanos;
    private final Supplier<String> requestIds;
    private final Listener listener;
    private final Messages messages = new Messages();

    private @Nullable Supplier<Http2Guard> http2;
    private @Nullable ChannelHandlerContext context;
    private Mode mode = Mode.GUARDING;
    private boolean placed;

    // What has come and may not pass yet: a head in the making (its first `judged` bytes were seen) or a later request.
    private @Nullable ByteBuf held;
    private int judged;
    private boolean judging;
    private FramingGuard.Step step = FramingGuard.Step.MORE;

    private boolean inFlight;
    private boolean requestEnded;
    private boolean responseStarted;
    private boolean responseEnded;
    private boolean closeAfterResponse;
    private boolean tunnelOpen;

    private boolean suppressed;
    private boolean autoReadOwed;
    private boolean readOwed;

    // When the head in the making began, or else when the last exchange was over.
    private long since;
    private boolean headBegun;

    private long discarded;
    // The wait for a head, later the linger: never both.
    private @Nullable Future<?> timer;

    /**
     * @param headTimeout from the first byte of a head to its last, however slowly they come
     * @param idleTimeout without an exchange and without a byte of the next one
     * @param requestIds for answers; ids must be fit for a header and for JSON as they are
     */
    ByteGuard(
            FramingGuard framing,
            Duration headTimeout,
            Duration idleTimeout,
            Supplier<String> requestIds,
            Listener listener) {
        this.framing = framing;
        this.headNanos = headTimeout.toNanos();
        this.idleNanos = idleTimeout.toNanos();
        this.lookNanos = Math.min(headNanos, idleNanos);
        this.requestIds = requestIds;
        this.listener = listener;
    }

    /** Makes the guard of a connection on which HTTP/2 is agreed; without one its frames pass unguarded. */
    ByteGuard http2(Supplier<Http2Guard> guards) {
        http2 = guards;
        return this;
    }

    Duration idleTimeout() {
        return Duration.ofNanos(idleNanos);
    }

    /** Requests let through so far: equals what the decoder delivered, else the connection would be dead. */
    long requestsFramed() {
        return framing.heads();
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        since = ctx.executor().ticker().nanoTime();
        watchHead(ctx, Long.MAX_VALUE);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        release();
        cancelTimer();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        mode = Mode.CLOSED;
        release();
        cancelTimer();
        ctx.fireChannelInactive();
    }

    // ---- inbound

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
        if (!(msg instanceof ByteBuf in)) {
            ctx.fireChannelRead(msg);
            return;
        }
        if (!placed && !place(ctx, in)) {
            return;
        }
        switch (mode) {
            case GUARDING -> {
                hold(ctx, in);
                judge(ctx);
            }
            case DISCARDING -> discard(in);
            case LINGERING -> {
                discard(in);
                if (discarded > LINGER_BYTES) {
                    ctx.close();
                }
            }
            case TUNNEL -> {
                if (tunnelOpen) {
                    ctx.fireChannelRead(in);
                } else {
                    hold(ctx, in);
                }
            }
            case CLOSED -> in.release();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        suppressIfHolding(ctx);
    }

    /** Runs the framing over the held bytes, passes what may pass, and stops where the next request has to wait. */
    private void judge(ChannelHandlerContext ctx) {
        if (judging) {
            return;
        }
        judging = true;
        try {
            while (mode == Mode.GUARDING && held != null && !waiting()) {
                ByteBuf in = held;
                int from = in.readerIndex();
                int end = scan(in, from + judged);
                if (step == FramingGuard.Step.REFUSED) {
                    refuse(ctx, framing.reason());
                    return;
                }
                if (step != FramingGuard.Step.END && framing.inHead()) {
                    judged = end - from;
                    beginHead(ctx);
                    return;
                }
                judged = 0;
                headBegun = false;
                pass(ctx, in, end - from);
                if (mode == Mode.GUARDING && framing.discarding()) {
                    mode = Mode.DISCARDING;
                    release();
                }
            }
        } finally {
            judging = false;
        }
    }

    /** Judges up to the end of a request or of the bytes, and returns the index behind the last byte judged. */
    private int scan(ByteBuf in, int from) {
        int at = from;
        int to = in.writerIndex();
        step = FramingGuard.Step.MORE;
        while (at < to) {
            long opaque = framing.opaque();
            if (opaque > 0) {
                int bytes = (int) Math.min(opaque, to - at);
                step = framing.skip(bytes);
                at += bytes;
            } else {
                at += feed(in, at, to - at);
            }
            if (step == FramingGuard.Step.HEAD || (step == FramingGuard.Step.END && !inFlight)) {
                inFlight = true;
                requestEnded = false;
                responseStarted = false;
                responseEnded = false;
            }
            if (step == FramingGuard.Step.END) {
                requestEnded = true;
                return at;
            }
            if (step == FramingGuard.Step.REFUSED) {
                return at;
            }
        }
        return at;
    }

    /** Judges at most {@code bytes} from {@code from} on, sets the step, and returns how many it judged. */
    private int feed(ByteBuf in, int from, int bytes) {
        byte[] array;
        int at;
        int count;
        if (in.hasArray()) {
            array = in.array();
            at = in.arrayOffset() + from;
            count = bytes;
        } else {
            array = SCRATCH.get();
            at = 0;
            count = Math.min(bytes, array.length);
            in.getBytes(from, array, 0, count);
        }
        int judgedBytes = framing.scan(array, at, at + count) - at;
        step = framing.step();
        return judgedBytes;
    }

    private void pass(ChannelHandlerContext ctx, ByteBuf in, int bytes) {
        if (bytes == in.readableBytes()) {
            held = null;
            ctx.fireChannelRead(in);
        } else {
            ctx.fireChannelRead(in.readRetainedSlice(bytes));
        }
        exchangeMaybeOver(ctx);
        if (mode == Mode.GUARDING && !messages.agree()) {
            refuse(ctx, Reason.DISAGREEMENT);
        }
    }

    /** The next head has come, or may come, while an exchange is under way. */
    private boolean waiting() {
        return inFlight && framing.atStart();
    }

    private void hold(ChannelHandlerContext ctx, ByteBuf in) {
        ByteBuf before = held;
        held = before == null ? in : ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(ctx.alloc(), before, in);
        if (mode == Mode.GUARDING && waiting() && held.readableBytes() > MAX_HELD_BYTES) {
            // The answer under way is still owed; what comes behind it is not.
            closeAfterResponse = true;
            report(ctx, Reason.PIPELINE_OVERFLOW, null);
            mode = Mode.DISCARDING;
            release();
        }
    }

    private void discard(ByteBuf in) {
        discarded += in.readableBytes();
        in.release();
    }

    private void release() {
        ByteBuf bytes = held;
        held = null;
        judged = 0;
        if (bytes != null) {
            bytes.release();
        }
    }

    // ---- the exchange under way, as seen by Messages

    private void responseEnded(ChannelHandlerContext ctx) {
        responseEnded = true;
        exchangeMaybeOver(ctx);
    }

    private void exchangeMaybeOver(ChannelHandlerContext ctx) {
        if (!inFlight || !requestEnded || !responseEnded) {
            return;
        }
        inFlight = false;
        since = ctx.executor().ticker().nanoTime();
        // Later: we may be inside Vert.x's write of the last byte. It must get out, and Vert.x must have finished with
        // this exchange before it sees the next one.
        if (closeAfterResponse || framing.discarding()) {
            ctx.executor().execute(() -> linger(ctx, Unpooled.EMPTY_BUFFER));
        } else if (!judging && mode == Mode.GUARDING && (held != null || suppressed)) {
            ctx.executor().execute(() -> resume(ctx));
        }
    }

    private void resume(ChannelHandlerContext ctx) {
        if (mode != Mode.GUARDING || waiting()) {
            return;
        }
        // Before the held bytes: Vert.x may want reading off again when it sees them, and must have the last word.
        unsuppress(ctx);
        if (held != null) {
            judge(ctx);
            ctx.fireChannelReadComplete();
            suppressIfHolding(ctx);
        }
    }

    /** An answer 101 is written: what follows on this connection is another protocol's business. */
    private void tunnel(ChannelHandlerContext ctx) {
        if (mode == Mode.DISCARDING) {
            // The request said close as well: there is nothing that could follow.
            ctx.executor().execute(() -> linger(ctx, Unpooled.EMPTY_BUFFER));
        } else if (mode == Mode.GUARDING) {
            mode = Mode.TUNNEL;
            // Later: whoever upgrades changes the pipeline after this write.
            ctx.executor().execute(() -> openTunnel(ctx));
        }
    }

    private void openTunnel(ChannelHandlerContext ctx) {
        if (mode != Mode.TUNNEL) {
            return;
        }
        tunnelOpen = true;
        unsuppress(ctx);
        ByteBuf early = held;
        held = null;
        judged = 0;
        if (early != null) {
            ctx.fireChannelRead(early);
            ctx.fireChannelReadComplete();
        }
    }

    // ---- auto-read

    private void suppressIfHolding(ChannelHandlerContext ctx) {
        boolean holding = mode == Mode.GUARDING && held != null && waiting();
        if (holding || (mode == Mode.DISCARDING && discarded > LINGER_BYTES)) {
            suppress(ctx);
        }
    }

    /**
     * Stops reading until {@link #unsuppress}.
     *
     * <p>Vert.x sets the same switch. If it is off already, Vert.x switched it off and will switch it on again; if it
     * is on, we owe switching it on. Vert.x switching it on in between shows as a {@link #read}: it is switched off
     * again, and from then on we owe it. Vert.x cannot switch it off in between, since nothing is delivered.
     */
    private void suppress(ChannelHandlerContext ctx) {
        if (suppressed) {
            return;
        }
        suppressed = true;
        if (ctx.channel().config().isAutoRead()) {
            autoReadOwed = true;
            ctx.channel().config().setAutoRead(false);
        }
    }

    private void unsuppress(ChannelHandlerContext ctx) {
        if (!suppressed) {
            return;
        }
        suppressed = false;
        if (autoReadOwed) {
            autoReadOwed = false;
            readOwed = false;
            ctx.channel().config().setAutoRead(true);
        } else if (readOwed) {
            readOwed = false;
            ctx.read();
        }
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
        if (!suppressed) {
            ctx.read();
            return;
        }
        if (ctx.channel().config().isAutoRead()) {
            autoReadOwed = true;
            ctx.channel().config().setAutoRead(false);
        } else {
            readOwed = true;
        }
    }

    // ---- patience

    private void beginHead(ChannelHandlerContext ctx) {
        if (!headBegun && !framing.atStart()) {
            headBegun = true;
            since = ctx.executor().ticker().nanoTime();
        }
    }

    /**
     * Looks at the clock now and then instead of arming a timer for each head: the good path pays nothing. It looks at
     * least as often as the shorter patience lasts, so that nothing which begins after a look is overdue before the next.
     */
    private void watchHead(ChannelHandlerContext ctx, long nanos) {
        Runnable look = () -> headOverdue(ctx);
        timer = ctx.executor().schedule(look, Math.min(nanos, lookNanos), TimeUnit.NANOSECONDS);
    }

    private void headOverdue(ChannelHandlerContext ctx) {
        if (mode != Mode.GUARDING) {
            return;
        }
        boolean waitingForHead = headBegun || !inFlight;
        long left = waitingForHead
                ? since
                        + (headBegun ? headNanos : idleNanos)
                        - ctx.executor().ticker().nanoTime()
                : lookNanos;
        if (left > 0) {
            watchHead(ctx, left);
        } else if (headBegun) {
            refuse(ctx, Reason.HEAD_TIMEOUT);
        } else {
            ctx.close();
        }
    }

    // ---- refusal

    private void refuse(ChannelHandlerContext ctx, Reason reason) {
        release();
        // Head and fault may come in one read: then nobody has seen the request, and nobody needs to.
        boolean underWay = inFlight && messages.heads >= framing.heads();
        boolean answerable = !(inFlight && responseStarted) && reason != Reason.DISAGREEMENT;
        String requestId = answerable ? requestIds.get() : null;
        // Reported first: whoever reads the answer can already find the event.
        report(ctx, reason, requestId);
        linger(ctx, requestId == null ? Unpooled.EMPTY_BUFFER : answer(ctx, reason, requestId));
        if (underWay) {
            // Whoever reads this request's body must not wait for the rest of it, nor take it for complete.
            ctx.fireExceptionCaught(new FramingException(reason));
        }
    }

    private void report(ChannelHandlerContext ctx, Reason reason, @Nullable String requestId) {
        try {
            listener.refused(new Refusal(
                    reason, framing.offset(), requestId, ctx.channel().remoteAddress()));
        } catch (RuntimeException e) {
            LOGGER.log(System.Logger.Level.WARNING, "the refusal " + reason.code() + " could not be reported", e);
        }
    }

    private ByteBuf answer(ChannelHandlerContext ctx, Reason reason, String requestId) {
        String phrase = PHRASES.getOrDefault(reason.status(), "Error");
        String body = "{\"type\":\"about:blank\",\"title\":\"" + phrase + "\",\"status\":" + reason.status()
                + ",\"code\":\"" + reason.code() + "\",\"requestId\":\"" + requestId + "\"}";
        String head = "HTTP/1.1 " + reason.status() + " " + phrase + "\r\nDate: " + DateField.of(Instant.now())
                + "\r\nConnection: close\r\nX-Request-Id: " + requestId
                + "\r\nContent-Type: application/problem+json\r\nContent-Length: " + body.length() + "\r\n\r\n";
        String text = framing.headMethod() ? head : head + body;
        return ByteBufUtil.encodeString(ctx.alloc(), CharBuffer.wrap(text), StandardCharsets.US_ASCII);
    }

    private void linger(ChannelHandlerContext ctx, ByteBuf lastWords) {
        if (mode == Mode.LINGERING || mode == Mode.CLOSED) {
            lastWords.release();
            return;
        }
        mode = Mode.LINGERING;
        discarded = 0;
        ctx.writeAndFlush(lastWords).addListener(written -> halfClose(ctx));
        Runnable end = ctx::close;
        cancelTimer();
        timer = ctx.executor().schedule(end, LINGER_MILLIS, TimeUnit.MILLISECONDS);
        suppressed = false;
        if (!ctx.channel().config().isAutoRead()) {
            ctx.channel().config().setAutoRead(true);
        }
    }

    private static void halfClose(ChannelHandlerContext ctx) {
        Channel channel = ctx.channel();
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        if (tls != null) {
            tls.closeOutbound();
        } else if (channel instanceof DuplexChannel duplex && channel.isActive()) {
            duplex.shutdownOutput();
        }
    }

    private void cancelTimer() {
        Future<?> pending = timer;
        if (pending != null) {
            pending.cancel(false);
        }
    }

    // ---- outbound

    @Override
    public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
        if (mode == Mode.LINGERING) {
            ReferenceCountUtil.release(msg);
            promise.tryFailure(new ClosedChannelException());
            return;
        }
        ctx.write(msg, promise);
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (mode == Mode.LINGERING && ctx.channel().isActive()) {
            // The linger is bounded and ends in close: whoever closes now would turn our answer into a reset.
            ctx.channel().closeFuture().addListener((ChannelFutureListener) closed -> promise.trySuccess());
            return;
        }
        ctx.close(promise);
    }

    // ---- placement

    /** On the first byte: finds the decoder behind us, or lets nothing pass. */
    private boolean place(ChannelHandlerContext ctx, ByteBuf first) {
        placed = true;
        ChannelHandlerContext encoder = ctx.pipeline().context(HttpResponseEncoder.class);
        if (encoder != null && decoderIsBehind(ctx)) {
            ctx.pipeline().addAfter(encoder.name(), null, messages);
            return true;
        }
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        if (tls != null
                && "h2".equals(tls.applicationProtocol())
                && (http2 == null || http2.get().place(ctx.pipeline()))) {
            // HTTP/2 was negotiated: frames are another's to judge.
            mode = Mode.TUNNEL;
            tunnelOpen = true;
            return true;
        }
        first.release();
        refuse(ctx, Reason.UNGUARDED);
        return false;
    }

    private boolean decoderIsBehind(ChannelHandlerContext ctx) {
        boolean behind = false;
        for (Map.Entry<String, ChannelHandler> entry : ctx.pipeline()) {
            if (entry.getValue() == this) {
                behind = true;
            } else if (entry.getValue() instanceof HttpRequestDecoder) {
                return behind;
            }
        }
        return false;
    }

    /** A request under way lost its framing: fails its body. The same failure always looks the same, so no stack. */
    static final class FramingException extends RuntimeException {

        private static final long serialVersionUID = 1;

        FramingException(Reason reason) {
            super(reason.code(), null, false, false);
        }
    }

    /** The guard's eyes behind the decoder and the encoder: what became of the bytes, and when an answer ends. */
    private final class Messages extends ChannelDuplexHandler {

        private long heads;
        private long ends;
        private long bodyBytes;
        private boolean informational;

        boolean agree() {
            return heads == framing.heads() && ends == framing.messages() && bodyBytes == framing.bodyBytes();
        }

        private boolean ahead() {
            return heads > framing.heads() || ends > framing.messages() || bodyBytes > framing.bodyBytes();
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            if (mode == Mode.GUARDING && msg instanceof HttpObject object) {
                ChannelHandlerContext guard = guardContext();
                if (object.decoderResult().isFailure()) {
                    mode = Mode.DISCARDING;
                    release();
                    report(guard, Reason.DECODER_REFUSED, null);
                } else if (!count(msg)) {
                    ReferenceCountUtil.release(msg);
                    refuse(guard, Reason.DISAGREEMENT);
                    return;
                }
            } else if (mode == Mode.LINGERING) {
                ReferenceCountUtil.release(msg);
                return;
            }
            ctx.fireChannelRead(msg);
        }

        private boolean count(Object msg) {
            if (msg instanceof HttpRequest) {
                heads++;
            }
            if (msg instanceof HttpContent content) {
                bodyBytes += content.content().readableBytes();
            }
            if (msg instanceof LastHttpContent) {
                ends++;
            }
            return !ahead();
        }

        @Override
        public void write(ChannelHandlerContext ctx, Object msg, ChannelPromise promise) {
            int status = 0;
            if (msg instanceof HttpResponse response) {
                status = response.status().code();
                informational = status < 200 && status != 101;
                responseStarted |= !informational;
            }
            boolean last = msg instanceof LastHttpContent && !informational;
            if (!(msg instanceof FullHttpResponse whole) || !writeWhole(ctx, whole, promise)) {
                ctx.write(msg, promise);
            }
            if (status == 101) {
                tunnel(guardContext());
            } else if (last) {
                responseEnded(guardContext());
            }
        }

        /** A short response in one buffer: the encoder behind us would make two of it. False when it is not for us. */
        private boolean writeWhole(ChannelHandlerContext ctx, FullHttpResponse response, ChannelPromise promise) {
            ByteBuf content = response.content();
            // Without content it may be the answer to HEAD.
            if (!content.isReadable() || content.readableBytes() > MAX_SHORT_BYTES) {
                return false;
            }
            HeadBytes head = HeadBytes.ofWhole(response);
            if (head == null) {
                return false;
            }
            ByteBuf bytes = head.build(ctx.alloc(), content);
            response.release();
            ByteGuard.this.write(guardContext(), bytes, promise);
            return true;
        }

        private ChannelHandlerContext guardContext() {
            ChannelHandlerContext ctx = context;
            if (ctx == null) {
                throw new IllegalStateException("the guard is in no pipeline");
            }
            return ctx;
        }
    }
}
