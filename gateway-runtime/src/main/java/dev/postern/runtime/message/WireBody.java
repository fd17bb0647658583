package dev.postern.runtime.message;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.TimeSource;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The body of a message as it comes from a connection. It is paused until its one reader takes it; the runtime's own
 * reader gets Vert.x buffers without a copy, which is how an untouched body goes from socket to socket.
 *
 * <p>The connection may live on another loop than the exchange (calls of {@code handle()}): then every signal hops.
 */
public final class WireBody implements Body {
    /** Takes a body. Signals come on the exchange's loop, one end or one failure last. */
    public interface Reader {
        /** Some bytes. */
        void chunk(Buffer chunk);

        /** Some bytes that are the reader's to release. */
        default void chunk(ByteBuf bytes) {
            chunk(ByteStream.copy(bytes));
        }

        /** The whole message has come. */
        void end();

        /** The message broke off. */
        void failed(GatewayException failure);
    }

    /** Up to here what is left of a discarded body is read, so that the connection can be used again. */
    private static final int DRAIN_BYTES = 16 * 1024;
    /** Room for a body that is read whole, until so much of it has come. */
    private static final int FIRST_BYTES = 64 * 1024;

    /** How often the pace of a body is looked at. */
    private static final long LOOK_NANOS = 1_000_000_000;

    private enum State {
        UNREAD,
        READING,
        DONE
    }

    private final ReadStream<Buffer> stream;
    private final Loop streamLoop;
    private final Loop loop;
    private final long length;
    private final Failure tooLarge;
    private final Runnable abort;
    private final Supplier<Headers> trailers;
    private final LoopStage<Headers> trailersStage;

    private State state = State.UNREAD;
    private boolean taken;
    private boolean contentless;
    private boolean endsApart;
    private boolean flowing;
    private long fetched;
    private Headers arrivedTrailers = Headers.EMPTY;
    // On the stream's loop.
    private boolean broken;
    private long limit = Long.MAX_VALUE;
    private @Nullable GrpcMessages messages;
    private @Nullable BodyPace pace;
    private @Nullable TimeSource time;
    private TimeSource.@Nullable Timer look;
    private long received;
    private @Nullable Reader reader;
    private @Nullable GatewayException failure;
    private @Nullable Runnable onEnd;
    private @Nullable Runnable beforeReading;
    private @Nullable Channel socket;
    private @Nullable GatewayExchange keeper;

    /**
     * Wraps a stream that is paused. Called on the stream's loop.
     *
     * @param length the declared length, or -1
     * @param tooLarge the failure past a limit, which tells a request from a response
     * @param failures makes a failure of the exchange out of one of the stream
     * @param trailers asked once, at the end
     * @param abort lets go of the connection when the body will not be read to its end; called at most once, on the
     *     stream's loop
     */
    public WireBody(
            ReadStream<Buffer> stream,
            Loop streamLoop,
            Loop loop,
            long length,
            Failure tooLarge,
            Function<Throwable, GatewayException> failures,
            Supplier<Headers> trailers,
            Runnable abort) {
        this.stream = stream;
        this.streamLoop = streamLoop;
        this.loop = loop;
        this.length = length;
        this.tooLarge = tooLarge;
        this.trailers = trailers;
        this.abort = abort;
        trailersStage = new LoopStage<>(loop);
        if (streamLoop == loop && stream instanceof ByteStream bytes) {
            // Straight from the socket, and not with the context of the loop.
            bytes.bytesHandler(piece -> loop.enter(() -> received(piece)));
            stream.endHandler(v -> loop.enter(this::ended));
        } else if (streamLoop == loop) {
            stream.handler(this::received);
            stream.endHandler(v -> ended());
        } else {
            stream.handler(chunk -> loop.execute(() -> received(chunk)));
            stream.endHandler(v -> loop.execute(this::ended));
        }
        stream.exceptionHandler(cause -> {
            takeLeftovers();
            GatewayException mapped = failures.apply(cause);
            // Behind them: they come in a task of their own.
            streamLoop.execute(() -> loop.enter(() -> failed(mapped)));
        });
    }

    /**
     * Says whose socket it comes from, if nothing else comes there: a pause then ends the reading at once. Vert.x by itself
     * takes two dozen chunks more.
     */
    public WireBody from(@Nullable Channel channel) {
        socket = channel;
        return this;
    }

    /** Says in whose name memory is reserved when it is read whole. */
    public WireBody keptBy(GatewayExchange exchange) {
        keeper = exchange;
        return this;
    }

    /** Fails the body when more bytes come than this. */
    public void limit(long maxBytes) {
        limit = maxBytes;
    }

    /** Fails the body when a gRPC message in it is larger than this. */
    public void limitMessages(long maxBytes) {
        messages = new GrpcMessages(maxBytes);
    }

    /**
     * Fails the body with {@link Failure#REQUEST_BODY_TIMEOUT} when it comes more slowly than this while its reader waits.
     *
     * @param rate bytes in a second
     * @param window what the rate is an average of
     */
    public void pace(int rate, Duration window, TimeSource clock) {
        pace = new BodyPace(rate, window);
        time = clock;
    }

    /** Is told once when the last byte has been received or the body has failed. */
    public void onEnd(Runnable callback) {
        if (state == State.DONE) {
            callback.run();
        } else {
            onEnd = callback;
        }
    }

    /** Runs once before the first byte is asked for: a client that waits for 100 gets it then. */
    public void beforeReading(Runnable action) {
        beforeReading = action;
    }

    /** Whether nothing more will come: the body is complete, has failed or was discarded. */
    public boolean isDone() {
        return state == State.DONE;
    }

    /** Whether the end of the message was seen. */
    public boolean isComplete() {
        return state == State.DONE && failure == null;
    }

    /** Whether all bytes of a declared length are in; the end of the message follows on its heels. */
    public boolean hasAllBytes() {
        return contentless || (length >= 0 && received == length);
    }

    /** The length is that of a content which does not come: the answer to HEAD, or 304. */
    public void withoutContent() {
        contentless = true;
    }

    /** The end is a thing of its own, behind the last byte and perhaps with trailers, also when the length is known. */
    public void endsApart() {
        endsApart = true;
    }

    /** Whether nothing can follow the last byte of a declared length. */
    boolean endsWithLastByte() {
        return !endsApart || state == State.DONE;
    }

    /** The trailers that have come; empty before the end. */
    Headers receivedTrailers() {
        return arrivedTrailers;
    }

    /** Whether somebody has discarded it and the little that is left is being read. */
    public boolean isDraining() {
        return state == State.READING && reader == null;
    }

    /** Bytes received so far. */
    public long received() {
        return received;
    }

    /** Takes the body; it begins to flow. False when somebody has taken it before. */
    public boolean read(Reader newReader) {
        if (failure != null) {
            newReader.failed(failure);
            return true;
        }
        if (takeEmpty()) {
            newReader.end();
            return true;
        }
        if (state != State.UNREAD) {
            return false;
        }
        begin(newReader);
        resume();
        return true;
    }

    /** Whether it ended before anybody asked, with nothing in it (HEAD, 204, 304); then it is taken now. */
    boolean takeEmpty() {
        boolean empty = state == State.DONE && failure == null && !taken;
        taken |= empty;
        return empty;
    }

    /** Whether its reader waits for the sender. */
    public boolean awaitsSender() {
        return state == State.READING && reader != null && (flowing || fetched > 0);
    }

    /** Stops the flow for a while. */
    public void pause() {
        flowing = false;
        keepPace();
        onStream(() -> {
            // Of a connection that has ended there is nothing to hold back any more, only something to lose.
            if (!broken) {
                stream.pause();
                reading(false);
            }
        });
    }

    /** Lets it flow. */
    public void resume() {
        flowing = true;
        onStream(() -> {
            stream.resume();
            reading(true);
        });
        // After what was there already: most bodies are over by now, and need no timer.
        keepPace();
    }

    private void reading(boolean on) {
        if (socket != null) {
            socket.config().setAutoRead(on);
        }
    }

    /** Ends the body from outside: the exchange was cut. */
    public void fail(GatewayException why) {
        if (state != State.DONE) {
            failed(why);
            onStream(abort);
        }
    }

    // ---- Body

    @Override
    public long length() {
        return length;
    }

    @Override
    public boolean replayable() {
        return false;
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> loop.enter(() -> WirePublisher.subscribe(this, subscriber));
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        LoopStage<BufferedBody> stage = new LoopStage<>(loop);
        loop.enter(() -> buffer(maxBytes, stage));
        return stage;
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return trailersStage;
    }

    @Override
    public void discard() {
        loop.enter(() -> {
            if (state == State.DONE) {
                return;
            }
            taken = true;
            if (contentless || (length >= 0 && length - received <= DRAIN_BYTES)) {
                // Reading the little that is left is cheaper than a new connection.
                state = State.READING;
                reader = null;
                resume();
                return;
            }
            finish(new GatewayException(Failure.CLIENT_GONE, "the body was discarded"));
            onStream(abort);
        });
    }

    @Override
    public String toString() {
        return "WireBody[" + (length < 0 ? "unknown length" : length + " bytes") + ']';
    }

    /** Asks for {@code n} more chunks; for the publisher, whose demand is counted. */
    void fetch(long n) {
        fetched = fetched + n < 0 ? Long.MAX_VALUE : fetched + n;
        onStream(() -> stream.fetch(n));
        keepPace();
    }

    /** Takes the body without letting it flow: its reader fetches. */
    boolean take(Reader newReader) {
        if (failure != null || state != State.UNREAD) {
            return false;
        }
        begin(newReader);
        return true;
    }

    /** Why it ended before it was read, or null: it was read or discarded by somebody, or has not ended. */
    @Nullable
    GatewayException failure() {
        return taken ? null : failure;
    }

    private void begin(Reader newReader) {
        state = State.READING;
        taken = true;
        reader = newReader;
        if (beforeReading != null) {
            onStream(beforeReading);
            beforeReading = null;
        }
    }

    Loop loop() {
        return loop;
    }

    private void buffer(int maxBytes, LoopStage<BufferedBody> stage) {
        // The length of a HEAD's answer is that of another message.
        long coming = contentless ? 0 : length;
        if (coming > maxBytes) {
            discard();
            stage.fail(tooLarge(maxBytes));
            return;
        }
        // Whoever announces much has not sent it yet.
        Buffer whole = Buffer.buffer(coming > 0 ? (int) Math.min(coming, FIRST_BYTES) : 1024);
        boolean taken = read(new Reader() {
            @Override
            public void chunk(Buffer chunk) {
                GatewayException refused = whole.length() + (long) chunk.length() > maxBytes
                        ? tooLarge(maxBytes)
                        : keeper == null ? null : keeper.keep(chunk.length());
                if (refused != null) {
                    if (stage.fail(refused)) {
                        discard();
                    }
                    return;
                }
                whole.appendBuffer(chunk);
            }

            @Override
            public void end() {
                stage.deliver(Body.of(whole.getBytes()));
            }

            @Override
            public void failed(GatewayException why) {
                stage.fail(why);
            }
        });
        if (!taken) {
            stage.fail(new IllegalStateException("this body was already read or discarded"));
        }
    }

    /**
     * Vert.x keeps what was decoded while the stream was paused, and loses it, buffers and all, when the connection
     * closes. Flowing once more brings it out: it is part of the message, perhaps all that was missing.
     */
    private void takeLeftovers() {
        broken = true;
        stream.resume();
    }

    private void received(Buffer chunk) {
        if (isWanted(chunk.length(), chunk)) {
            Objects.requireNonNull(reader).chunk(chunk);
        }
    }

    private void received(ByteBuf bytes) {
        if (messages != null) {
            received(ByteStream.copy(bytes));
        } else if (isWanted(bytes.readableBytes(), null)) {
            Objects.requireNonNull(reader).chunk(bytes);
        } else {
            bytes.release();
        }
    }

    /** Counts what has come; whether it is within the bounds and somebody reads it. */
    private boolean isWanted(int size, @Nullable Buffer chunk) {
        if (state == State.DONE) {
            return false;
        }
        received += size;
        if (fetched > 0) {
            fetched--;
        }
        if (pace != null && time != null) {
            long now = time.nanoTime();
            pace.received(size, now);
            if (!awaitsSender()) {
                pace.rests(now);
            }
        }
        GrpcMessages known = messages;
        boolean oversized = known != null && chunk != null && !known.pass(chunk);
        if (received > limit || oversized) {
            GatewayException why = tooLarge(known == null ? limit : known.most());
            failed(why);
            onStream(abort);
            return false;
        }
        return reader != null;
    }

    /** Counts the time in which the reader waits for the sender, and looks now and then how much it is. */
    private void keepPace() {
        if (pace == null || time == null) {
            return;
        }
        long now = time.nanoTime();
        if (!awaitsSender()) {
            pace.rests(now);
            return;
        }
        pace.waits(now);
        if (look == null) {
            lookAfter(pace.leftNanos(now));
        }
    }

    // Not sooner than a second later, but for the first time: one lane for all bodies, whatever each has left.
    private void lookAfter(long nanos) {
        look = loop.schedule(Math.max(1, nanos), () -> {
            look = null;
            if (state != State.READING || pace == null || time == null) {
                return;
            }
            if (pace.leftNanos(time.nanoTime()) > 0) {
                lookAfter(LOOK_NANOS);
                return;
            }
            fail(new GatewayException(
                    Failure.REQUEST_BODY_TIMEOUT,
                    "request_body_too_slow",
                    "the client sends its body too slowly: " + received + " bytes so far",
                    null));
        });
    }

    private void paceOver() {
        if (look != null) {
            look.cancel();
            look = null;
        }
        pace = null;
    }

    private void ended() {
        if (state == State.DONE) {
            return;
        }
        state = State.DONE;
        paceOver();
        arrivedTrailers = trailers.get();
        trailersStage.deliver(arrivedTrailers);
        Reader last = reader;
        reader = null;
        // First the connection goes back, then the reader is told: telling may end the exchange, which cuts what is
        // left.
        notifyEnd();
        if (last != null) {
            last.end();
        }
    }

    private void failed(GatewayException why) {
        if (state == State.DONE) {
            return;
        }
        Reader last = reader;
        finish(why);
        if (last != null) {
            last.failed(why);
        }
    }

    private void finish(GatewayException why) {
        state = State.DONE;
        paceOver();
        failure = why;
        reader = null;
        trailersStage.fail(why);
        notifyEnd();
    }

    private void notifyEnd() {
        Runnable callback = onEnd;
        onEnd = null;
        if (callback != null) {
            callback.run();
        }
    }

    private GatewayException tooLarge(long maxBytes) {
        return new GatewayException(tooLarge, "body of more than " + maxBytes + " bytes");
    }

    private void onStream(Runnable action) {
        if (streamLoop == loop) {
            loop.enter(action);
        } else {
            streamLoop.enter(action);
        }
    }
}
