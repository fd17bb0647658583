package dev.postern.runtime;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A request body of unknown length from a caller of {@code handle()}: fails past the limit of the route, as one from the
 * wire does. The route is known only after the body was wrapped, and before anybody reads it.
 */
final class LimitedBody implements Body {
    private final Body body;
    private long limit = Long.MAX_VALUE;

    LimitedBody(Body body) {
        this.body = body;
    }

    void limit(long maxBytes) {
        limit = maxBytes;
    }

    @Override
    public long length() {
        return -1;
    }

    @Override
    public boolean replayable() {
        return body.replayable();
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> body.chunks().subscribe(new Counting(subscriber, limit));
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        return body.buffer((int) Math.min(maxBytes, limit));
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return body.trailers();
    }

    @Override
    public void discard() {
        body.discard();
    }

    private static final class Counting implements Flow.Subscriber<ByteBuffer> {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private final long limit;
        private Flow.@Nullable Subscription subscription;
        private long received;

        Counting(Flow.Subscriber<? super ByteBuffer> subscriber, long limit) {
            this.subscriber = subscriber;
            this.limit = limit;
        }

        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
            subscriber.onSubscribe(mine);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            if (received > limit) {
                return;
            }
            received += chunk.remaining();
            if (received <= limit) {
                subscriber.onNext(chunk);
                return;
            }
            if (subscription != null) {
                subscription.cancel();
            }
            subscriber.onError(
                    new GatewayException(Failure.REQUEST_BODY_TOO_LARGE, "body of more than " + limit + " bytes"));
        }

        @Override
        public void onError(Throwable failure) {
            if (received <= limit) {
                subscriber.onError(failure);
            }
        }

        @Override
        public void onComplete() {
            if (received <= limit) {
                subscriber.onComplete();
            }
        }
    }
}
