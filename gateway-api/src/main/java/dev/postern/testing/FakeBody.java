package dev.postern.testing;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A body that can be read once, like one from the network, and tells what was done with it: a test ends by asserting that
 * it was {@link #released}. Delivers synchronously, as far as it is asked to. For one thread.
 */
public final class FakeBody implements Body {
    /** What was done with a body. */
    public enum State {
        /** Nothing. */
        UNTOUCHED,
        /** Somebody has begun to read and has neither come to the end nor given up. */
        READING,
        /** It was read to the end. */
        READ,
        /** It broke while it was being read. */
        BROKEN,
        /** It was cancelled or discarded. */
        GIVEN_UP
    }

    private final List<byte[]> chunks = new ArrayList<>();
    private final CompletableFuture<Headers> end = new CompletableFuture<>();
    private final boolean opaque;
    private long length;
    private Headers trailers = Headers.EMPTY;
    private Failure tooLarge = Failure.RESPONSE_BODY_TOO_LARGE;
    private @Nullable Throwable breaksWith;
    private State state = State.UNTOUCHED;
    private long mostAsked;

    private FakeBody(boolean opaque) {
        this.opaque = opaque;
    }

    /** Delivers the UTF-8 bytes of these texts, a buffer each; the length is known. */
    public static FakeBody of(String... chunks) {
        FakeBody body = new FakeBody(false);
        for (String chunk : chunks) {
            body.add(chunk.getBytes(StandardCharsets.UTF_8));
        }
        return body;
    }

    /** Delivers these bytes in {@code parts} buffers, or in fewer when there are not enough bytes. */
    static FakeBody of(byte[] content, int parts) {
        FakeBody body = new FakeBody(false);
        int size = Math.max(1, (content.length + parts - 1) / parts);
        for (int from = 0; from < content.length; from += size) {
            body.add(Arrays.copyOfRange(content, from, Math.min(content.length, from + size)));
        }
        return body;
    }

    /** Stands in for the tunnel of an accepted upgrade: can be discarded, not read. */
    static FakeBody tunnel() {
        return new FakeBody(true).withoutLength();
    }

    /** Makes {@link #length} -1, as of a message whose sender did not say. */
    public FakeBody withoutLength() {
        length = -1;
        return this;
    }

    /** Sets what comes after the content. */
    public FakeBody trailers(Headers newTrailers) {
        trailers = newTrailers;
        return this;
    }

    /** Breaks after the content instead of ending. */
    public FakeBody breakingWith(Throwable failure) {
        breaksWith = failure;
        return this;
    }

    /** Makes {@link #buffer} fail like the body of a request when it is too large; without this, like that of a response. */
    public FakeBody ofRequest() {
        tooLarge = Failure.REQUEST_BODY_TOO_LARGE;
        return this;
    }

    /** What was done with it so far. */
    public State state() {
        return state;
    }

    /** Whether nothing is held any more: it was read to the end, broke, was cancelled or discarded. */
    public boolean released() {
        return state == State.READ || state == State.BROKEN || state == State.GIVEN_UP;
    }

    /** The most buffers that were asked for and not yet delivered at one time; {@link Long#MAX_VALUE} when everything was. */
    public long mostAsked() {
        return mostAsked;
    }

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
        return subscriber -> {
            Objects.requireNonNull(subscriber, "subscriber");
            if (state != State.UNTOUCHED || opaque) {
                refuse(subscriber);
                return;
            }
            state = State.READING;
            subscriber.onSubscribe(new Reading(subscriber));
        };
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        CompletableFuture<BufferedBody> result = new CompletableFuture<>();
        chunks().subscribe(new Flow.Subscriber<>() {
            private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            private Flow.@Nullable Subscription subscription;

            @Override
            public void onSubscribe(Flow.Subscription newSubscription) {
                subscription = newSubscription;
                newSubscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ByteBuffer chunk) {
                while (chunk.hasRemaining()) {
                    bytes.write(chunk.get());
                }
                if (bytes.size() > maxBytes && subscription != null) {
                    subscription.cancel();
                    result.completeExceptionally(
                            new GatewayException(tooLarge, "body of more than " + maxBytes + " bytes"));
                }
            }

            @Override
            public void onError(Throwable failure) {
                result.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                result.complete(Body.of(bytes.toByteArray()));
            }
        });
        return result.minimalCompletionStage();
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return end.minimalCompletionStage();
    }

    @Override
    public void discard() {
        if (!released()) {
            giveUp();
        }
    }

    @Override
    public String toString() {
        return "FakeBody[" + state + ']';
    }

    private void add(byte[] chunk) {
        chunks.add(chunk);
        length += chunk.length;
    }

    private void giveUp() {
        state = State.GIVEN_UP;
        end.completeExceptionally(new IllegalStateException("the body was given up before its end"));
    }

    private void refuse(Flow.Subscriber<? super ByteBuffer> subscriber) {
        subscriber.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}
        });
        subscriber.onError(new IllegalStateException(
                opaque ? "the body of an upgrade cannot be read" : "this body was already read or discarded"));
    }

    private final class Reading implements Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private int next;
        private long demand;
        private boolean delivering;

        Reading(Flow.Subscriber<? super ByteBuffer> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void request(long n) {
            if (state != State.READING) {
                return;
            }
            if (n <= 0) {
                broken(new IllegalArgumentException("demand: " + n + " (expected: > 0, rule 3.9)"));
                return;
            }
            demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
            mostAsked = Math.max(mostAsked, demand);
            // Rule 3.3: a subscriber that asks for more from within onNext must not deepen the stack.
            if (!delivering) {
                delivering = true;
                deliver();
                delivering = false;
            }
        }

        @Override
        public void cancel() {
            if (state == State.READING) {
                giveUp();
            }
        }

        private void deliver() {
            while (state == State.READING && demand > 0 && next < chunks.size()) {
                demand--;
                subscriber.onNext(ByteBuffer.wrap(chunks.get(next++)).asReadOnlyBuffer());
            }
            if (state == State.READING && next == chunks.size()) {
                finish();
            }
        }

        private void finish() {
            if (breaksWith != null) {
                broken(breaksWith);
            } else {
                state = State.READ;
                end.complete(trailers);
                subscriber.onComplete();
            }
        }

        private void broken(Throwable failure) {
            state = State.BROKEN;
            end.completeExceptionally(failure);
            subscriber.onError(failure);
        }
    }
}
