package dev.postern.runtime.listener;

import dev.postern.Limits;
import dev.postern.runtime.message.Channels;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.Future;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Ends HTTP/2 connections whose clients only keep us busy, and tells the others when they have to go.
 *
 * <pre>
 *   bytes ─▶ frames counted ─▶ codec ─▶ {@link Http2Heads} ─▶ Vert.x ─▶ (everything read) ─▶ exchanges
 *                 │ too much for nothing ({@link Patience})
 *                 └─▶ exchanges cut, GOAWAY ENHANCE_YOUR_CALM ─▶ a second to read it ─▶ closed
 * </pre>
 *
 * <p>A request becomes an exchange when all that arrived together with it has been read: one that is cancelled in the packet
 * it came in costs none, and no connection to an endpoint.
 *
 * <p>Sits right before the codec, so that it sees all that comes and all that goes. What goes tells of malformed streams
 * that nobody else hears of. While a client does not read what it has made us write, nothing is read of it: answers to
 * frames have no window, and would pile up.
 *
 * <p>On drain the client is told twice (RFC 9113 6.8): first that the connection is going to end, then, when it is known to
 * have heard that, what the last stream was. So none of its requests gets lost in between.
 *
 * <p>One for each connection, on its event loop only, but for {@link #drain}.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty's outbound calls answer through the pipeline
final class Http2Guard extends ChannelDuplexHandler implements FrameWatch.Listener, Http2Heads.Watcher {
    static final int PREFACE_BYTES = 24;

    // RFC 9113 has no number; a block of the size we take needs two.
    private static final int MAX_CONTINUATIONS = 16;
    private static final int SETTINGS_COST = 10;
    // gRPC messages take five bytes at least. Smaller pieces cost many times what they bring.
    private static final int SMALLEST_DATA_BYTES = 5;
    // Content stops at Netty's mark of 64 KiB: what is above it are answers to frames.
    private static final long MAX_UNREAD_BYTES = 256 * 1024;
    private static final int LINGER_BYTES = 64 * 1024;
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long DRAIN_PING = 0x706f737465726eL;
    private static final long DRAIN_PING_NANOS = TimeUnit.SECONDS.toNanos(1);

    // The connection that Vert.x is making known while its codec reads the first settings.
    private static final FastThreadLocal<Http2Guard> OPENING = new FastThreadLocal<>();

    private final List<Runnable> beginnings = new ArrayList<>();
    private final Limits limits;
    private final String scheme;
    private final Set<Http2Guard> open;
    private final Consumer<Refusal> listener;
    private final FrameWatch in;
    private final FrameWatch out = new FrameWatch(0, new Outgoing());
    private final Patience patience;

    private @Nullable ChannelHandlerContext context;
    private @Nullable Http2ConnectionHandler codec;
    private @Nullable ChannelHandlerContext codecContext;
    private @Nullable Http2Heads heads;
    private @Nullable Future<?> headTimer;
    private @Nullable Future<?> stallTimer;
    private @Nullable Future<?> drainTimer;
    private boolean known;
    private boolean settled;
    private boolean blockTimed;
    private int resetByClient = -1;
    private int blocks;
    private int timedBlock;
    private long taken;
    private boolean blocked;
    private boolean readOwed;
    private boolean ending;
    private boolean lingering;
    // Of the frames in the bytes that are being written.
    private int lastType;
    private boolean drained;
    private long discarded;

    /**
     * A guard, to be put before the codec.
     *
     * @param scheme of the connection
     * @param preface bytes of the client's preface that are still to come
     * @param open where it stands while it is open
     * @param listener is told of each connection or stream that was ended
     */
    Http2Guard(Limits limits, String scheme, int preface, Set<Http2Guard> open, Consumer<Refusal> listener) {
        this.limits = limits;
        this.scheme = scheme;
        this.open = open;
        this.listener = listener;
        in = new FrameWatch(preface, this);
        patience = new Patience(limits.maxControlFrames(), limits.maxStreamResets(), System.nanoTime());
    }

    /** Puts it in front of the codec; false when there is none. */
    boolean place(ChannelPipeline pipeline) {
        ChannelHandlerContext found = pipeline.context(Http2ConnectionHandler.class);
        if (found == null) {
            return false;
        }
        codecContext = found;
        pipeline.addBefore(found.name(), null, this);
        Channels.gatherFlushes(pipeline.channel());
        return true;
    }

    /** The guard of the connection that is being made known on this thread, or null. */
    static @Nullable Http2Guard opening() {
        return OPENING.getIfExists();
    }

    /** Runs this when all that has arrived together is read. */
    void later(Runnable beginning) {
        beginnings.add(beginning);
    }

    private ChannelHandlerContext ctx() {
        return Objects.requireNonNull(context, "context");
    }

    private Http2ConnectionHandler codec() {
        return Objects.requireNonNull(codec, "codec");
    }

    private ChannelHandlerContext codecContext() {
        return Objects.requireNonNull(codecContext, "codecContext");
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        Http2ConnectionHandler found = (Http2ConnectionHandler) codecContext().handler();
        codec = found;
        Http2Heads judge = new Http2Heads(found, scheme, limits.maxHeaders(), limits.maxStreams(), this);
        judge.install();
        heads = judge;
        found.connection().addListener(new Streams(found.connection()));
        open.add(this);
        startHeadTimer("no settings");
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        end();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end();
        ctx.fireChannelInactive();
    }

    private void end() {
        open.remove(this);
        ending = true;
        stop(headTimer);
        stop(stallTimer);
        stop(drainTimer);
        beginnings.clear();
        if (heads != null) {
            heads.drop();
        }
    }

    private static void stop(@Nullable Future<?> timer) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    // ---- what comes

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof ByteBuf bytes)) {
            ctx.fireChannelRead(message);
            return;
        }
        if (ending || !in.pass(bytes)) {
            discard(ctx, bytes);
            return;
        }
        ctx.fireChannelRead(bytes);
        timeBlock();
    }

    private void discard(ChannelHandlerContext ctx, ByteBuf bytes) {
        discarded += bytes.readableBytes();
        bytes.release();
        if (discarded > LINGER_BYTES) {
            lingering = false;
            ctx.close();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (heads != null && !ending) {
            heads.passOn(codecContext());
        }
        begin();
        ctx.fireChannelReadComplete();
        ChannelOutboundBuffer waiting = ctx.channel().unsafe().outboundBuffer();
        blocked = waiting != null && waiting.totalPendingWriteBytes() > MAX_UNREAD_BYTES;
    }

    private void begin() {
        // By index: what begins may end the connection.
        for (int i = 0; i < beginnings.size() && !ending; i++) {
            beginnings.get(i).run();
        }
        beginnings.clear();
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
        if (blocked) {
            readOwed = true;
        } else {
            ctx.read();
        }
    }

    @Override
    public boolean frame(int type, int flags, int length, int stream) {
        long now = System.nanoTime();
        boolean fine = switch (type) {
            case FrameWatch.DATA -> length >= SMALLEST_DATA_BYTES || FrameWatch.isLast(flags) || patience.frame(1, now);
            case FrameWatch.HEADERS -> {
                blocks++;
                yield true;
            }
            case FrameWatch.RST_STREAM -> patience.cancelled(now);
            case FrameWatch.SETTINGS -> patience.frame(SETTINGS_COST, now);
            case FrameWatch.CONTINUATION -> in.continuations() <= MAX_CONTINUATIONS && patience.frame(1, now);
            default -> patience.frame(1, now);
        };
        if (!fine) {
            giveUp(Reason.H2_FLOOD, name(type));
        }
        return fine;
    }

    private static String name(int type) {
        return switch (type) {
            case FrameWatch.DATA -> "empty DATA frames";
            case FrameWatch.RST_STREAM -> "streams reset";
            case FrameWatch.SETTINGS -> "SETTINGS frames";
            case FrameWatch.WINDOW_UPDATE -> "WINDOW_UPDATE frames";
            case FrameWatch.CONTINUATION -> "CONTINUATION frames";
            default -> "frames of type " + type;
        };
    }

    @Override
    public void malformed(Reason reason) {
        report(reason);
    }

    @Override
    public void resetByClient(int stream) {
        resetByClient = stream;
    }

    @Override
    public void opening(boolean begins) {
        if (begins) {
            OPENING.set(this);
        } else {
            OPENING.remove();
            known = true;
        }
    }

    @Override
    public void settled() {
        settled = true;
        if (!blockTimed) {
            stop(headTimer);
        }
    }

    @Override
    public void answered(long data) {
        if (data == DRAIN_PING) {
            lastStream();
        }
    }

    // ---- heads that do not end

    private void timeBlock() {
        if (!settled || ending) {
            return;
        }
        if (!in.isWithinBlock()) {
            if (blockTimed) {
                blockTimed = false;
                stop(headTimer);
            }
        } else if (!blockTimed || timedBlock != blocks) {
            stop(headTimer);
            blockTimed = true;
            timedBlock = blocks;
            startHeadTimer("a slow header block");
        }
    }

    private void startHeadTimer(String what) {
        headTimer = ctx().executor()
                .schedule(
                        () -> giveUp(Reason.H2_TIMEOUT, what),
                        limits.headTimeout().toNanos(),
                        TimeUnit.NANOSECONDS);
    }

    // ---- what goes

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (lingering) {
            // Nobody is left to whom a failure could mean something; Vert.x would complain of each.
            ReferenceCountUtil.release(message);
            promise.trySuccess();
            return;
        }
        lastType = -1;
        if (message instanceof ByteBuf bytes) {
            patience.sent(bytes.readableBytes());
            out.pass(bytes);
        }
        if (lastType == FrameWatch.RST_STREAM && !promise.isVoid()) {
            // Netty takes a reset that could not be written for an error of the connection, which has ended by itself
            // then;
            // and Vert.x stumbles over streams that were refused before it knew of them.
            ctx.write(message).addListener(done -> promise.trySuccess());
        } else {
            ctx.write(message, promise);
        }
    }

    /** Streams and connections that are ended by the codec: nobody else is told why. */
    private final class Outgoing implements FrameWatch.Listener {
        @Override
        public boolean frame(int type, int flags, int length, int stream) {
            lastType = type;
            return true;
        }

        @Override
        public void code(int type, int stream, long code) {
            if (type == FrameWatch.GOAWAY) {
                if (code != Http2Error.NO_ERROR.code() && !ending) {
                    ending = true;
                    report(Reason.H2_PROTOCOL);
                }
                return;
            }
            if (!tolerates(stream, code)) {
                ctx().executor().execute(() -> giveUp(Reason.H2_FLOOD, "malformed streams"));
            }
        }
    }

    private boolean tolerates(int stream, long code) {
        Http2Error error = Http2Error.valueOf(code);
        if (error == null || ending) {
            return true;
        }
        long now = System.nanoTime();
        boolean known = remember(stream);
        return switch (error) {
            case PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR -> patience.malformed(now);
            // Content that was on its way when its stream ended is nobody's fault.
            case STREAM_CLOSED -> known ? patience.malformed(now) : patience.frame(1, now);
            case REFUSED_STREAM -> patience.cancelled(now);
            default -> true;
        };
    }

    /**
     * Netty refuses some heads before there is a stream, and takes what comes for it afterwards for an error of the whole
     * connection: so it is told that there was one. Returns whether it was known.
     */
    private boolean remember(int stream) {
        Http2Connection connection = codec().connection();
        if (connection.stream(stream) != null) {
            return true;
        }
        if (!connection.streamMayHaveExisted(stream) && connection.remote().isValidStreamId(stream)) {
            try {
                connection.remote().createStream(stream, true).close();
            } catch (Http2Exception tooMany) {
                // Then it is an error of the connection, as Netty has it.
                return false;
            }
        }
        return false;
    }

    private final class Streams extends Http2ConnectionAdapter {
        private final Http2Connection connection;

        Streams(Http2Connection connection) {
            this.connection = connection;
        }

        @Override
        public void onStreamClosed(Http2Stream stream) {
            boolean completed = stream.isHeadersSent() && !stream.isResetSent() && stream.id() != resetByClient;
            if (completed && connection.remote().isValidStreamId(stream.id())) {
                patience.completed();
            }
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        stop(stallTimer);
        if (ctx.channel().isWritable()) {
            blocked = false;
            if (readOwed) {
                readOwed = false;
                ctx.read();
            }
        } else {
            watchStall();
        }
        ctx.fireChannelWritabilityChanged();
    }

    private void watchStall() {
        taken = Channels.mark(ctx().channel());
        stallTimer = ctx().executor()
                .schedule(this::lookForProgress, limits.writeTimeout().toNanos(), TimeUnit.NANOSECONDS);
    }

    private void lookForProgress() {
        if (Channels.mark(ctx().channel()) != taken) {
            watchStall();
        } else {
            giveUp(Reason.H2_TIMEOUT, "a client that takes nothing");
        }
    }

    // ---- the end

    private void giveUp(Reason reason, String why) {
        if (ending || !ctx().channel().isActive()) {
            return;
        }
        ending = true;
        report(reason);
        if (known) {
            // The codec cuts the exchanges, says GOAWAY and closes.
            ctx().fireExceptionCaught(Http2Exception.connectionError(Http2Error.ENHANCE_YOUR_CALM, why));
        } else {
            // Vert.x would complain in the log that nobody listens to the errors of a connection nobody has seen.
            codec().goAway(codecContext(), 0, Http2Error.ENHANCE_YOUR_CALM.code(), debug(why), ctx().newPromise());
            codecContext().flush();
            ctx().channel().close();
        }
    }

    private ByteBuf debug(String why) {
        return ByteBufUtil.encodeString(ctx().alloc(), CharBuffer.wrap(why), StandardCharsets.US_ASCII);
    }

    private void report(Reason reason) {
        listener.accept(new Refusal(reason, 0, null, ctx().channel().remoteAddress()));
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (!ending || !ctx.channel().isActive()) {
            ctx.close(promise);
            return;
        }
        if (lingering) {
            ctx.channel().closeFuture().addListener((ChannelFutureListener) closed -> promise.trySuccess());
            return;
        }
        // With bytes unread a close becomes a reset, and the client may never see why.
        lingering = true;
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(flushed -> {
            if (ctx.pipeline().get(SslHandler.class) == null
                    && ctx.channel() instanceof DuplexChannel socket
                    && socket.isActive()) {
                socket.shutdownOutput();
            }
        });
        blocked = false;
        if (readOwed) {
            ctx.read();
        }
        ctx.executor().schedule(() -> ctx.close(promise), LINGER_NANOS, TimeUnit.NANOSECONDS);
    }

    /** Says that the connection is going to end; requests that come meanwhile are served. From any thread. */
    void drain() {
        ctx().executor().execute(() -> {
            if (drained || ending || !ctx().channel().isActive()) {
                return;
            }
            drained = true;
            codec().goAway(
                            codecContext(),
                            Integer.MAX_VALUE,
                            Http2Error.NO_ERROR.code(),
                            Unpooled.EMPTY_BUFFER,
                            ctx().newPromise());
            codec().encoder().writePing(codecContext(), false, DRAIN_PING, ctx().newPromise());
            codecContext().flush();
            drainTimer = ctx().executor().schedule(this::lastStream, DRAIN_PING_NANOS, TimeUnit.NANOSECONDS);
        });
    }

    /** What has come by now is served; nothing else. The connection closes behind the last answer. */
    private void lastStream() {
        stop(drainTimer);
        if (ending || !ctx().channel().isActive()) {
            return;
        }
        codec().goAway(
                        codecContext(),
                        codec().connection().remote().lastStreamCreated(),
                        Http2Error.NO_ERROR.code(),
                        Unpooled.EMPTY_BUFFER,
                        ctx().newPromise());
        // As long as the streams take; the drain of the gateway has an end.
        codec().gracefulShutdownTimeoutMillis(-1);
        ctx().channel().close();
    }

    /** Ends the connection, whatever is under way. From any thread. */
    void closeNow() {
        ctx().executor().execute(() -> {
            if (ctx().channel().isActive()) {
                codec().gracefulShutdownTimeoutMillis(0);
                ctx().channel().close();
            }
        });
    }
}
