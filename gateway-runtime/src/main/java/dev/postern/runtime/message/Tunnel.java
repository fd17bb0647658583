package dev.postern.runtime.message;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.MessageHook;
import dev.postern.MessageHook.Direction;
import dev.postern.MessageHook.Verdict;
import dev.postern.TimeSource;
import dev.postern.WebSocketRules;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.net.NetSocket;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket under way: two connections, joined. Frames pass as they came, byte for byte, as fast as the slower side takes
 * them; those that break the protocol or the rules of the route do not pass.
 *
 * <pre>
 *   OPEN ── close() or a refused frame ──▶ CLOSING ─┐ both sides have said and heard «close», or left, or 5 s
 *     └── «close» said and heard, or a side has left ─▶ FLUSHING ── all is written, or nothing is taken ──▶ OVER
 * </pre>
 *
 * <p>When the gateway ends it, each side gets a close frame of its own, between two frames of the other: never within one.
 * A side that leaves without a word is gone without a word for the other side, too.
 *
 * <p>On the loop of both connections only. Ends once, by telling {@code onEnd}; closes the client's connection itself, while
 * the upstream's goes with the exchange.
 */
public final class Tunnel {
    // Long enough for a round trip and a slow reader, short enough for a drain.
    private static final long CLOSING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private enum State {
        OPEN,
        CLOSING,
        FLUSHING,
        OVER
    }

    private final GatewayExchange exchange;
    private final Loop loop;
    private final TimeSource time;
    private final NetSocket client;
    private final List<MessageHook> hooks;
    private final WebSocketRules rules;
    private final long idleNanos;
    private final Lane toUpstream;
    private final Lane toClient;
    private final Consumer<@Nullable GatewayException> onEnd;

    private State state = State.OPEN;
    private @Nullable GatewayException failure;
    private boolean dismissed;
    private int flushing;
    private long lastNanos;
    private TimeSource.@Nullable Timer watch;
    private TimeSource.@Nullable Timer closing;

    /**
     * Joins two connections, both paused, and lets them flow.
     *
     * @param body the 101's; its connection is taken here
     * @param stallNanos how long the client may take nothing; an upstream has the idle timeout of the route
     * @param onEnd is told once, with the failure or null
     */
    public Tunnel(
            GatewayExchange exchange,
            NetSocket client,
            TunnelBody body,
            NetSocket upstream,
            WebSocketRules rules,
            long stallNanos,
            Consumer<@Nullable GatewayException> onEnd) {
        this.exchange = exchange;
        this.loop = exchange.loop();
        this.time = exchange.time();
        this.client = client;
        this.rules = rules;
        this.hooks = exchange.messageHooks();
        this.idleNanos = exchange.bounds().idleNanos();
        this.onEnd = onEnd;
        boolean deflate = body.agreed().extensions() != null;
        toUpstream = new Lane(Direction.TO_UPSTREAM, client, upstream, body.socket(), deflate, idleNanos);
        toClient = new Lane(Direction.TO_CLIENT, upstream, client, Channels.of(client), deflate, stallNanos);
        lastNanos = time.nanoTime();
        toUpstream.open();
        toClient.open();
        if (body.isBroken()) {
            toClient.sourceLeft();
        }
        watchAfter(Math.min(idleNanos, stallNanos));
    }

    /** Bytes that have come from the client. */
    public long fromClient() {
        return toUpstream.bytes;
    }

    /** Ends it in an orderly manner: a rule says so. */
    public void end(GatewayException why) {
        int code = why.reason().equals("stream.expired") ? 1008 : 1001;
        close(code, 1001, String.valueOf(why.getMessage()), why);
    }

    /** Ends it here and now; what can still be said is said. {@code onEnd} is not told. */
    public void cut(GatewayException why) {
        if (state == State.OVER) {
            return;
        }
        boolean drained = why.failure() == Failure.NOT_RUNNING;
        toClient.farewell(drained ? 1001 : 1011, drained ? "the gateway stops" : "");
        toUpstream.farewell(1001, "");
        over(false);
    }

    // ---- the end

    /** Says «close» to both sides and waits a little until they say it, too. */
    private void close(int toClientCode, int toUpstreamCode, String reason, GatewayException why) {
        if (state != State.OPEN) {
            return;
        }
        state = State.CLOSING;
        failure = why;
        closing = loop.schedule(CLOSING_NANOS, () -> {
            closing = null;
            finish();
        });
        toClient.farewell(toClientCode, reason);
        toUpstream.farewell(toUpstreamCode, reason);
        maybeFinish();
    }

    /** A frame of this lane's source is refused. */
    private void refuse(Lane lane, int code, String reason) {
        boolean fromClient = lane == toUpstream;
        Failure kind;
        if (code == 1009) {
            kind = fromClient ? Failure.REQUEST_BODY_TOO_LARGE : Failure.RESPONSE_BODY_TOO_LARGE;
        } else {
            kind = fromClient ? Failure.REQUEST_BODY_BROKEN : Failure.RESPONSE_MALFORMED;
        }
        String name = switch (code) {
            case 1009 -> "websocket.message_too_large";
            case 1008 -> "websocket.flood";
            default -> "websocket.frame";
        };
        GatewayException why = new GatewayException(
                kind, name, (fromClient ? "the client" : "the upstream") + " sent a " + reason, null);
        // The other side learns that it is over, not what its peer did wrong.
        close(fromClient ? code : 1011, fromClient ? 1001 : code, reason, why);
    }

    private void stalled(Lane lane) {
        boolean client = lane == toClient;
        GatewayException why = new GatewayException(
                client ? Failure.CLIENT_STALLED : Failure.RESPONSE_BODY_STALLED,
                (client ? "the client" : "the upstream") + " took nothing for " + lane.stallNanos / 1_000_000 + " ms");
        // It will not hear it.
        lane.deaf = true;
        close(client ? 1008 : 1011, client ? 1001 : 1008, "", why);
        finish();
    }

    /** A side has left, all it has sent is passed on. */
    private void left(Lane lane) {
        if (state == State.OPEN) {
            // Said or heard «close» before it left: that is how it should be.
            if (!lane.closeSeen && !opposite(lane).shut) {
                failure = lane == toUpstream
                        ? new GatewayException(Failure.CLIENT_GONE, "the client left")
                        : new GatewayException(
                                Failure.RESPONSE_BODY_BROKEN,
                                "websocket.upstream_gone",
                                "the upstream ended the connection without closing the WebSocket",
                                null);
            }
            finish();
        } else {
            maybeFinish();
        }
    }

    private Lane opposite(Lane lane) {
        return lane == toClient ? toUpstream : toClient;
    }

    private void maybeFinish() {
        boolean upstreamDone = toClient.saidAll() && (toUpstream.shut || toClient.sourceGone);
        boolean clientDone = toUpstream.saidAll() && (toClient.shut || toUpstream.sourceGone);
        if (upstreamDone && clientDone) {
            finish();
        } else if (clientDone && state == State.CLOSING && !dismissed) {
            // Whoever broke the rules is not kept until the other side has answered.
            dismissed = true;
            client.write(Buffer.buffer()).onComplete(written -> Channels.close(client));
        }
    }

    /** Nothing more will be said: waits until all is written. */
    private void finish() {
        if (state == State.FLUSHING || state == State.OVER) {
            return;
        }
        state = State.FLUSHING;
        cancelTimers();
        closing = loop.schedule(toClient.stallNanos, () -> over(true));
        flushing = 2;
        toUpstream.flush();
        toClient.flush();
    }

    private void flushed() {
        if (--flushing == 0) {
            loop.enter(() -> over(true));
        }
    }

    private void over(boolean tell) {
        if (state == State.OVER) {
            return;
        }
        state = State.OVER;
        cancelTimers();
        toUpstream.release();
        toClient.release();
        Channels.close(client);
        if (tell) {
            onEnd.accept(failure);
        }
    }

    private void cancelTimers() {
        if (watch != null) {
            watch.cancel();
            watch = null;
        }
        if (closing != null) {
            closing.cancel();
            closing = null;
        }
    }

    // ---- patience

    /** One timer; what comes only writes down when. */
    private void watchAfter(long nanos) {
        watch = loop.schedule(Math.max(nanos, 1_000_000), () -> {
            watch = null;
            if (state != State.OPEN) {
                return;
            }
            long now = time.nanoTime();
            long next = Long.MAX_VALUE;
            for (Lane lane : List.of(toUpstream, toClient)) {
                if (lane.paused) {
                    long left = lane.stallNanos - (now - lane.pausedSince);
                    if (left <= 0) {
                        stalled(lane);
                        return;
                    }
                    next = Math.min(next, left);
                }
            }
            // Whoever may not send is not silent.
            boolean waiting = toUpstream.paused || toClient.paused;
            long left = idleNanos - (now - lastNanos);
            if (left <= 0 && !waiting) {
                end(StreamEnd.idle());
                return;
            }
            watchAfter(Math.min(next, Math.min(left <= 0 ? idleNanos : left, toClient.stallNanos)));
        });
    }

    // ---- one direction

    private final class Lane {
        private final Direction direction;
        private final NetSocket from;
        private final NetSocket to;
        /** The socket beneath {@code to}, where that can be had. */
        private final @Nullable Channel sink;

        private final Frames frames;
        private final long stallNanos;

        private long bytes;
        private boolean paused;
        private long pausedSince;
        /** The source has said «close»: what comes behind it is nothing. */
        private boolean closeSeen;
        /** The sink has heard «close», from its peer or from us: nothing may follow. */
        private boolean shut;

        private boolean deaf;

        private boolean sourceGone;
        private boolean allIn;
        private byte @Nullable [] lastWords;

        // A message that hooks are to see: its frames as they came, its payload without masks.
        private @Nullable Buffer heldFrames;
        private @Nullable ByteArrayOutputStream heldPayload;
        private long heldBytes;
        private long frameOffset;
        private @Nullable Future<Void> lastWrite;

        private long second;
        private int controlsInSecond;

        Lane(
                Direction direction,
                NetSocket from,
                NetSocket to,
                @Nullable Channel sink,
                boolean deflate,
                long stallNanos) {
            this.direction = direction;
            this.from = from;
            this.to = to;
            this.sink = sink;
            this.stallNanos = stallNanos;
            frames = new Frames(
                    direction == Direction.TO_UPSTREAM, deflate, rules.maxMessageBytes(), rules.maxFragments());
        }

        void open() {
            from.exceptionHandler(broken -> sourceLeft());
            from.endHandler(v -> sourceLeft());
            from.closeHandler(v -> sourceLeft());
            from.handler(this::received);
            flow();
        }

        void release() {
            from.handler(unwanted -> {});
            flow();
            letGoOfMessage();
        }

        private void letGoOfMessage() {
            heldFrames = null;
            heldPayload = null;
            exchange.letGo(heldBytes);
            heldBytes = 0;
        }

        // 1. What has come is read frame by frame; the longest run of bytes that may pass is written at once.
        private void received(Buffer chunk) {
            if (state == State.OVER || closeSeen) {
                return;
            }
            lastNanos = time.nanoTime();
            int length = chunk.length();
            bytes += length;
            if (direction == Direction.TO_CLIENT) {
                exchange.countResponse(length);
            }
            ByteBuf buf = ((BufferInternal) chunk).getByteBuf();
            boolean array = buf.hasArray();
            byte[] raw = array ? buf.array() : ByteBufUtil.getBytes(buf);
            int base = array ? buf.arrayOffset() + buf.readerIndex() : 0;
            Run run = new Run(chunk);
            boolean whole = !frames.isPartial();
            int at = 0;
            while (at < length && !closeSeen) {
                Frames.Step step = frames.next(raw, base + at, base + length);
                int next = frames.at() - base;
                switch (step) {
                    case MORE -> {
                        // Held until it is complete.
                    }
                    case HEAD -> head(run, whole, at, next);
                    case PAYLOAD -> payload(run, raw, base, at, next);
                    case CONTROL -> control(run, whole, at, next);
                    case REFUSED -> {
                        run.write();
                        if (state == State.OPEN) {
                            refuse(this, frames.code(), frames.reason());
                        }
                        // From a side that does not speak the protocol nothing more is understood.
                        closeSeen = true;
                        maybeFinish();
                        return;
                    }
                }
                at = next;
                whole = true;
            }
            run.write();
            if (!shut && !sourceGone && (sink == null ? to.writeQueueFull() : !sink.isWritable())) {
                pause();
            }
        }

        // 2. Data: on its way, or held for the hooks.
        private void head(Run run, boolean whole, int from, int to) {
            frameOffset = 0;
            if (hooks.isEmpty()) {
                run.add(whole, from, to);
                run.frameAt = whole ? from : -1;
            } else {
                if (frames.opcode() != 0) {
                    heldFrames = Buffer.buffer();
                    heldPayload = new ByteArrayOutputStream();
                }
                if (heldFrames != null) {
                    heldFrames.appendBytes(frames.raw());
                }
            }
            frameMayHaveEnded(run);
        }

        private void payload(Run run, byte[] raw, int base, int from, int to) {
            if (!frames.isText(raw, base + from, base + to, frameOffset)) {
                notText(run);
                return;
            }
            if (hooks.isEmpty()) {
                run.add(true, from, to);
            } else if (heldFrames != null && heldPayload != null) {
                // As it came, and without its mask.
                long bytes = 2L * (to - from);
                GatewayException full = exchange.keep(bytes);
                if (full != null) {
                    noRoom(run, full);
                    return;
                }
                heldBytes += bytes;
                heldFrames.appendBytes(raw, base + from, to - from);
                byte[] plain = new byte[to - from];
                System.arraycopy(raw, base + from, plain, 0, plain.length);
                frames.unmask(plain, 0, plain.length, frameOffset);
                heldPayload.writeBytes(plain);
            }
            frameOffset += to - from;
            frameMayHaveEnded(run);
        }

        private void frameMayHaveEnded(Run run) {
            if (frames.isWithinFrame()) {
                return;
            }
            if (frames.isFinal() && !frames.isWhole()) {
                notText(run);
                return;
            }
            if (frames.isFinal() && heldFrames != null && heldPayload != null) {
                run.write();
                judge(heldFrames, heldPayload.toByteArray());
                letGoOfMessage();
            }
            if (lastWords != null) {
                run.write();
                sayLastWords();
            }
        }

        /** There is no memory for a message that hooks are to see. Nothing of it has gone on. */
        private void noRoom(Run run, GatewayException full) {
            letGoOfMessage();
            run.write();
            closeSeen = true;
            close(1013, 1013, "no memory left for messages", full);
            maybeFinish();
        }

        /** The frame under way does not pass; if a part of it has, nothing can be said behind that part. */
        private void notText(Run run) {
            letGoOfMessage();
            boolean torn = hooks.isEmpty() && !run.takesBackFrame();
            run.write();
            closeSeen = true;
            if (torn) {
                shut = true;
                lastWords = null;
            }
            if (state == State.OPEN) {
                refuse(this, 1007, "text message that is not UTF-8");
            }
            if (torn) {
                finish();
            } else {
                sayLastWords();
                maybeFinish();
            }
        }

        // 3. Control: pings and pongs pass, «close» is the last that passes.
        private void control(Run run, boolean whole, int from, int to) {
            if (frames.opcode() == Frames.CLOSE) {
                run.add(whole, from, to);
                run.write();
                closeSeen = true;
                shut = true;
                maybeFinish();
                return;
            }
            long now = time.nanoTime() / 1_000_000_000L;
            if (now != second) {
                second = now;
                controlsInSecond = 0;
            }
            if (++controlsInSecond > rules.maxControlFrames()) {
                run.write();
                if (state == State.OPEN) {
                    refuse(this, 1008, "flood of control frames");
                }
                return;
            }
            run.add(whole, from, to);
        }

        // 4. A whole message, for the hooks.
        private void judge(Buffer asItCame, byte[] payload) {
            if (shut || state != State.OPEN) {
                return;
            }
            MessageHook.Message message =
                    frames.isText() ? MessageHook.Message.utf8(payload) : MessageHook.Message.binary(payload);
            Verdict verdict = verdict(message);
            if (verdict == null || verdict.closeCode() > 0) {
                GatewayException why = verdict == null
                        ? new GatewayException(
                                Failure.FILTER_FAILED, "websocket.hook_failed", "a message hook failed", null)
                        : new GatewayException(
                                Failure.STREAM_ENDED,
                                "websocket.hook",
                                "a message hook closed with " + verdict.closeCode(),
                                null);
                int code = verdict == null ? 1011 : verdict.closeCode();
                close(code, code, verdict == null ? "" : verdict.reason(), why);
            } else if (verdict.passes()) {
                write(asItCame);
            }
        }

        /** The first verdict that does not let it pass; null when a hook failed. */
        private @Nullable Verdict verdict(MessageHook.Message message) {
            for (int i = 0; i < hooks.size(); i++) {
                boolean forth = direction == Direction.TO_UPSTREAM;
                Verdict verdict = exchange.judge(hooks.get(forth ? i : hooks.size() - 1 - i), direction, message);
                if (verdict == null || !verdict.passes()) {
                    return verdict;
                }
            }
            return Verdict.pass();
        }

        // ---- the end of a direction

        /** Says «close» to the sink: now, or behind the frame of which a part is on its way. */
        void farewell(int code, String reason) {
            if (shut || lastWords != null) {
                return;
            }
            byte[] mask = null;
            if (direction == Direction.TO_UPSTREAM) {
                mask = new byte[4];
                ThreadLocalRandom.current().nextBytes(mask);
            }
            lastWords = Frames.close(code, shortened(reason), mask);
            if (closeSeen || !frames.isWithinFrame() || !hooks.isEmpty()) {
                sayLastWords();
            }
        }

        private void sayLastWords() {
            byte[] words = lastWords;
            if (words != null && !shut) {
                shut = true;
                lastWords = null;
                write(Buffer.buffer(words));
                // What the source says now is only listened to for its own «close».
                unpause();
                maybeFinish();
            }
        }

        boolean saidAll() {
            return closeSeen || allIn;
        }

        /** The source has left; what it has sent before is still on its way through Vert.x. */
        void sourceLeft() {
            if (sourceGone) {
                return;
            }
            sourceGone = true;
            paused = false;
            flow();
            // Behind the task that brings it.
            loop.execute(() -> {
                allIn = true;
                left(this);
            });
        }

        void flush() {
            if (deaf || opposite(this).allIn) {
                // The sink takes nothing, or has left.
                flushed();
                return;
            }
            to.write(Buffer.buffer()).onComplete(written -> flushed());
        }

        // ---- flow

        private void write(Buffer part) {
            lastWrite = to.write(part);
        }

        /** Until what was written last is out. Vert.x by itself takes dozens of chunks more, on both sides. */
        private void pause() {
            Future<Void> behind = lastWrite;
            if (paused || behind == null || behind.isComplete()) {
                return;
            }
            paused = true;
            pausedSince = time.nanoTime();
            from.pause();
            reads(false);
            if (sink == null) {
                to.drainHandler(v -> unpause());
            } else {
                behind.onSuccess(v -> loop.enter(this::unpause));
            }
        }

        private void unpause() {
            if (paused) {
                paused = false;
                lastNanos = time.nanoTime();
                flow();
            }
        }

        private void flow() {
            from.resume();
            reads(true);
        }

        private void reads(boolean on) {
            Channel source = opposite(this).sink;
            if (source != null) {
                source.config().setAutoRead(on);
            }
        }

        /** Bytes of a chunk that follow each other and may pass. */
        private final class Run {
            private final Buffer chunk;
            private int start;
            private int end;
            /** Where the data frame under way begins, if that is in this chunk. */
            private int frameAt = -1;

            Run(Buffer chunk) {
                this.chunk = chunk;
            }

            /** Adds a part; when its beginning came with an earlier chunk ({@code whole} is false), all of the head. */
            void add(boolean whole, int from, int to) {
                if (shut) {
                    return;
                }
                if (!whole) {
                    write(Buffer.buffer(frames.raw()));
                    start = to;
                    end = to;
                    return;
                }
                if (from != end) {
                    write();
                    start = from;
                }
                end = to;
            }

            /** Gives up the data frame under way; false if a part of it is out. */
            boolean takesBackFrame() {
                if (shut) {
                    return true;
                }
                if (frameAt < start) {
                    return false;
                }
                end = Math.min(end, frameAt);
                return true;
            }

            void write() {
                if (end > start) {
                    write(start == 0 && end == chunk.length() ? chunk : chunk.slice(start, end));
                }
                start = end;
            }

            private void write(Buffer part) {
                if (!shut) {
                    Lane.this.write(part);
                }
            }
        }
    }

    /** RFC 6455 5.5: a control frame has 125 bytes, two of them the code. Reasons of ours are ASCII. */
    private static String shortened(String reason) {
        return reason.length() > 120 ? reason.substring(0, 120) : reason;
    }
}
