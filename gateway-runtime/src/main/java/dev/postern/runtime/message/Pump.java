package dev.postern.runtime.message;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.TimeSource;
import dev.postern.runtime.pipeline.Loop;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.streams.WriteStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Moves a body to a connection as fast as the slower side goes. The head leaves with the first bytes, in one write; if no
 * byte comes in the same turn of the loop it leaves alone, so that nobody waits for a head.
 *
 * <p>Watches both sides: a source that is silent longer than {@code idle} or a sink that takes nothing longer than {@code
 * stall} ends the pump. Exactly one of {@link End#done} and {@link End#failed} is called, unless the pump is stopped.
 */
public final class Pump implements WireBody.Reader {
    /** What is written of a body in memory before it is asked whether the sink takes it. */
    private static final int SLICE_BYTES = 64 * 1024;

    /** A piece of more than this that does not go out at once is enough to hold for a slow client. */
    private static final int LARGE_BYTES = 32 * 1024;

    /** How it ended. */
    public interface End {
        /** The whole body was given to the connection; {@code flushed} completes when it was written. */
        void done(Future<Void> flushed);

        /** It was not. Nothing more is written; the message is incomplete. */
        void failed(GatewayException failure);
    }

    private final WriteStream<Buffer> out;
    private final Loop loop;
    private final Loop outLoop;
    private final Runnable writeHead;
    private final Consumer<Headers> trailing;
    private final IntConsumer count;
    private final End end;
    private final Failure stalled;
    private final Failure silent;
    private final Failure broken;
    private final long idleNanos;
    private final long stallNanos;
    private final TimeSource time;

    private @Nullable Channel socket;
    private boolean lends;
    private @Nullable WireBody wire;
    private @Nullable Body source;
    private @Nullable ByteBuffer slices;
    private Flow.@Nullable Subscription subscription;
    private long expected;
    private long written;
    private boolean headWritten;
    private boolean paused;
    private boolean over;
    private long progressNanos;
    private TimeSource.@Nullable Timer watch;

    /**
     * A pump, not started.
     *
     * @param writeHead sends the head alone
     * @param trailing is given the trailer fields, if there are any, before the end is written
     * @param count is told of every chunk's size
     * @param silent the failure when the source is silent for {@code idleNanos}
     * @param broken the failure when a source that is not ours fails
     * @param stalled the failure when the sink takes nothing for {@code stallNanos}
     */
    public Pump(
            WriteStream<Buffer> out,
            Loop loop,
            Loop outLoop,
            Runnable writeHead,
            Consumer<Headers> trailing,
            IntConsumer count,
            TimeSource time,
            long idleNanos,
            Failure silent,
            Failure broken,
            long stallNanos,
            Failure stalled,
            End end) {
        this.out = out;
        this.loop = loop;
        this.outLoop = outLoop;
        this.writeHead = writeHead;
        this.trailing = trailing;
        this.count = count;
        this.time = time;
        this.idleNanos = idleNanos;
        this.silent = silent;
        this.broken = broken;
        this.stallNanos = stallNanos;
        this.stalled = stalled;
        this.end = end;
    }

    /**
     * Says whose socket the sink writes to, if nobody else writes there: the pump stops as soon as it is full. Vert.x by
     * itself takes sixteen chunks more.
     */
    public Pump into(@Nullable Channel channel) {
        socket = channel;
        return this;
    }

    /**
     * Says that the sink needs a buffer until the future of its write completes, and no longer: bytes go there as they were
     * read. Other sinks are given copies.
     */
    public Pump lending() {
        lends = true;
        return this;
    }

    /** Starts on the exchange's loop. */
    public void start(Body body) {
        expected = body.length();
        progressNanos = time.nanoTime();
        if (body instanceof BufferedBody whole) {
            start(whole.bytes());
            return;
        }
        if (body instanceof WireBody fromWire) {
            wire = fromWire;
            if (!fromWire.read(this)) {
                failed(new GatewayException(Failure.INTERNAL, "the body was already read or discarded"));
                return;
            }
        } else {
            source = body;
            try {
                body.chunks().subscribe(new ForeignSource());
            } catch (RuntimeException broken) {
                failed(new GatewayException(
                        Failure.RESPONSE_BODY_BROKEN, "a body's publisher failed: " + broken, broken));
            }
        }
        if (!over) {
            // After what has been read from the socket in this turn.
            loop.execute(this::headAlone);
        }
    }

    private void start(ByteBuffer whole) {
        int length = whole.remaining();
        if (length > SLICE_BYTES && outLoop == loop) {
            slices = whole;
            nextSlices(whole);
            if (!over) {
                watchAfter(stallNanos);
            }
            return;
        }
        headWritten = true;
        over = true;
        if (length > 0) {
            count.accept(length);
        }
        onOut(() -> finished(length == 0 ? out.end() : out.end(slice(whole, 0, length))));
    }

    private void nextSlices(ByteBuffer whole) {
        while (!over && !paused) {
            int from = (int) written;
            chunk(slice(whole, from, Math.min(SLICE_BYTES, whole.remaining() - from)));
        }
    }

    private static Buffer slice(ByteBuffer whole, int from, int length) {
        return BufferInternal.buffer(Unpooled.wrappedBuffer(whole.slice(from, length)));
    }

    /** Stops without a word to either side: the exchange was cut. */
    public void stop() {
        over = true;
        cancelWatch();
        if (subscription != null) {
            subscription.cancel();
        }
    }

    /** Whether it waits for the sink to take what was written. */
    public boolean awaitsSink() {
        return paused && !over;
    }

    // ---- the source

    @Override
    public void chunk(Buffer chunk) {
        if (isWanted(chunk.length())) {
            boolean last = over;
            onOut(() -> {
                Future<Void> taken = write(chunk, last);
                written(taken, last, !last && (socket != null ? !socket.isWritable() : out.writeQueueFull()));
            });
        }
    }

    @Override
    public void chunk(ByteBuf bytes) {
        Channel sink = socket;
        if (!lends || sink == null || outLoop != loop) {
            chunk(ByteStream.copy(bytes));
            return;
        }
        int size = bytes.readableBytes();
        if (!isWanted(size)) {
            bytes.release();
            return;
        }
        boolean last = over;
        Future<Void> taken;
        try {
            taken = write(BufferInternal.buffer(bytes), last);
        } catch (RuntimeException unwritable) {
            // Perhaps behind the write, and then it is still to go out.
            sink.closeFuture().addListener(closed -> bytes.release());
            throw unwritable;
        }
        // Vert.x does not, nor does it hold it: released before, it would go out with what others have written there.
        taken.onComplete(v -> bytes.release());
        written(taken, last, !sink.isWritable() || (size > LARGE_BYTES && !taken.isComplete()));
    }

    /** Counts what has come. With the last of it, if that is known to be the last, the pump is over. */
    private boolean isWanted(int size) {
        if (over) {
            return false;
        }
        if (expected >= 0 && written + size > expected) {
            fail(new GatewayException(Failure.INTERNAL, "a body of " + expected + " bytes went on after its end"));
            return false;
        }
        written += size;
        progressNanos = time.nanoTime();
        headWritten = true;
        count.accept(size);
        if (written == expected && endsHere()) {
            over = true;
            cancelWatch();
        }
        return true;
    }

    private Future<Void> write(Buffer chunk, boolean last) {
        // The framing was checked: nothing can follow. One write for head, body and end.
        return last ? out.end(chunk) : out.write(chunk);
    }

    private void written(Future<Void> taken, boolean last, boolean full) {
        if (last) {
            finished(taken);
        } else if (full) {
            pauseSource();
            if (socket == null) {
                out.drainHandler(v -> loop.enter(this::drained));
            } else {
                taken.onSuccess(v -> loop.enter(this::drained));
            }
        }
    }

    private boolean endsHere() {
        return wire != null ? wire.endsWithLastByte() : slices != null;
    }

    @Override
    public void end() {
        if (over) {
            return;
        }
        if (expected >= 0 && written < expected) {
            fail(new GatewayException(Failure.INTERNAL, "a body of " + expected + " bytes ended after " + written));
            return;
        }
        if (wire != null) {
            endWith(wire.receivedTrailers());
            return;
        }
        foreignTrailers()
                .whenComplete((trailers, broken) -> loop.enter(() -> {
                    if (broken != null) {
                        fail(new GatewayException(this.broken, "a body's trailers failed: " + broken, broken));
                    } else {
                        endWith(trailers == null ? Headers.EMPTY : trailers);
                    }
                }));
    }

    private CompletionStage<Headers> foreignTrailers() {
        try {
            return source == null ? CompletableFuture.completedFuture(Headers.EMPTY) : source.trailers();
        } catch (RuntimeException thrown) {
            return CompletableFuture.failedFuture(thrown);
        }
    }

    private void endWith(Headers trailers) {
        if (over) {
            return;
        }
        over = true;
        cancelWatch();
        onOut(() -> {
            if (!trailers.isEmpty()) {
                trailing.accept(trailers);
            }
            finished(out.end());
        });
    }

    @Override
    public void failed(GatewayException failure) {
        if (!over) {
            over = true;
            cancelWatch();
            end.failed(failure);
        }
    }

    private void finished(Future<Void> flushed) {
        if (outLoop == loop) {
            end.done(flushed);
        } else {
            loop.execute(() -> end.done(flushed));
        }
    }

    private void fail(GatewayException failure) {
        WireBody source = wire;
        Flow.Subscription foreign = subscription;
        failed(failure);
        if (source != null) {
            source.discard();
        }
        if (foreign != null) {
            foreign.cancel();
        }
    }

    // ---- flow

    private void pauseSource() {
        if (outLoop != loop) {
            loop.execute(this::pauseNow);
        } else {
            pauseNow();
        }
    }

    private void pauseNow() {
        if (over || paused) {
            return;
        }
        paused = true;
        if (wire != null) {
            wire.pause();
        }
    }

    private void drained() {
        progressNanos = time.nanoTime();
        if (over || !paused) {
            return;
        }
        paused = false;
        if (wire != null) {
            wire.resume();
        } else if (slices != null) {
            nextSlices(slices);
        } else if (subscription != null) {
            subscription.request(1);
        }
    }

    private void headAlone() {
        if (over) {
            return;
        }
        if (!headWritten) {
            headWritten = true;
            onOut(writeHead);
        }
        watchAfter(Math.min(idleNanos, stallNanos));
    }

    /**
     * One timer for a body; chunks only write down when they came. It looks again after the shorter of the two bounds at
     * the latest: which of them counts changes whenever a side begins to wait for the other.
     */
    private void watchAfter(long nanos) {
        watch = loop.schedule(Math.max(nanos, 1_000_000), () -> {
            watch = null;
            if (over) {
                return;
            }
            long allowed = paused ? stallNanos : idleNanos;
            long quiet = time.nanoTime() - progressNanos;
            if (quiet >= allowed) {
                fail(new GatewayException(
                        paused ? stalled : silent,
                        (paused ? "nothing was taken for " : "nothing came for ") + quiet / 1_000_000 + " ms"));
            } else {
                watchAfter(Math.min(allowed - quiet, Math.min(idleNanos, stallNanos)));
            }
        });
    }

    private void cancelWatch() {
        if (watch != null) {
            watch.cancel();
            watch = null;
        }
    }

    private void onOut(Runnable action) {
        if (outLoop == loop) {
            action.run();
        } else {
            outLoop.execute(action);
        }
    }

    /** A publisher that is not ours: one chunk at a time, each asked for when the one before was taken. */
    private final class ForeignSource implements Flow.Subscriber<ByteBuffer> {
        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            loop.enter(() -> {
                if (over || subscription != null) {
                    newSubscription.cancel();
                    return;
                }
                subscription = newSubscription;
                newSubscription.request(1);
            });
        }

        @Override
        public void onNext(ByteBuffer bytes) {
            byte[] copy = new byte[bytes.remaining()];
            bytes.duplicate().get(copy);
            loop.enter(() -> {
                chunk(Buffer.buffer(copy));
                if (!over && !paused && subscription != null) {
                    subscription.request(1);
                }
            });
        }

        @Override
        public void onError(Throwable failure) {
            Throwable root =
                    failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
            loop.enter(() -> failed(
                    root instanceof GatewayException known
                            ? known
                            : new GatewayException(broken, "a body's publisher failed: " + root, root)));
        }

        @Override
        public void onComplete() {
            loop.enter(Pump.this::end);
        }
    }
}
