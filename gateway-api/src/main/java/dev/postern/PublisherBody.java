package dev.postern;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A body around somebody's publisher. One reader: a subscriber, {@code buffer} or {@code discard}, whoever comes first. */
final class PublisherBody implements Body {
    private final Flow.Publisher<ByteBuffer> publisher;
    private final long length;
    private final AtomicBoolean taken = new AtomicBoolean();

    PublisherBody(Flow.Publisher<ByteBuffer> publisher, long length) {
        if (length < -1) {
            throw new IllegalArgumentException("length: " + length + " (expected: >= 0, or -1 for unknown)");
        }
        this.publisher = Objects.requireNonNull(publisher, "chunks");
        this.length = length;
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
            // Rule 1.9; checked first, so that a mistake does not use up the one reading.
            Objects.requireNonNull(subscriber, "subscriber");
            if (taken.compareAndSet(false, true)) {
                publisher.subscribe(subscriber);
            } else {
                Publishers.refuse(subscriber, "this body was already read or discarded");
            }
        };
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        BufferedBody.checked(maxBytes);
        CompletableFuture<BufferedBody> result = new CompletableFuture<>();
        chunks().subscribe(new Collector(maxBytes, result));
        return result.minimalCompletionStage();
    }

    @Override
    public void discard() {
        if (taken.compareAndSet(false, true)) {
            publisher.subscribe(new Canceller());
        }
    }

    private static final class Canceller implements Flow.Subscriber<ByteBuffer> {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.cancel();
        }

        @Override
        public void onNext(ByteBuffer item) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onComplete() {}
    }

    private static final class Collector implements Flow.Subscriber<ByteBuffer> {
        private final int maxBytes;
        private final CompletableFuture<BufferedBody> result;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private Flow.@Nullable Subscription subscription;

        Collector(int maxBytes, CompletableFuture<BufferedBody> result) {
            this.maxBytes = maxBytes;
            this.result = result;
        }

        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            if (subscription != null) {
                newSubscription.cancel();
                return;
            }
            subscription = newSubscription;
            newSubscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            if (bytes.size() + (long) chunk.remaining() > maxBytes) {
                if (subscription != null) {
                    subscription.cancel();
                }
                result.completeExceptionally(new GatewayException(
                        Failure.RESPONSE_BODY_TOO_LARGE, "body of more than " + maxBytes + " bytes"));
                return;
            }
            byte[] copy = new byte[chunk.remaining()];
            chunk.get(copy);
            bytes.writeBytes(copy);
        }

        @Override
        public void onError(Throwable failure) {
            result.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            result.complete(Body.of(bytes.toByteArray()));
        }
    }
}
