package dev.postern.runtime;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Response;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.LoopStage;
import dev.postern.runtime.pipeline.Outlet;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** The way back to a caller of {@code handle()}: the exchange ends when the caller is through with the body. */
final class InProcessReply implements Outlet {
    private final LoopStage<Response> result;

    InProcessReply(LoopStage<Response> result) {
        this.result = result;
    }

    @Override
    public void answer(Response response, GatewayExchange exchange) {
        if (response.body() instanceof BufferedBody inMemory) {
            exchange.countResponse((int) inMemory.length());
            exchange.end(null);
            result.deliver(response);
            return;
        }
        result.deliver(response.withBody(new Watched(response.body(), exchange)));
    }

    @Override
    public void abort(GatewayException cause) {
        // The body fails by itself: what feeds it was released with the exchange.
        result.fail(cause);
    }

    /** Passes everything on and notices the end. */
    private record Watched(Body body, GatewayExchange exchange) implements Body {
        @Override
        public long length() {
            return body.length();
        }

        @Override
        public boolean replayable() {
            return false;
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> body.chunks().subscribe(new Through(subscriber, exchange));
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return body.buffer(maxBytes).whenComplete((whole, failure) -> {
                if (whole != null) {
                    exchange.countResponse((int) whole.length());
                }
                over(failure);
            });
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return body.trailers();
        }

        @Override
        public void discard() {
            body.discard();
            over(null);
        }

        private void over(@Nullable Throwable failure) {
            exchange.loop().enter(() -> exchange.end(failure == null ? null : asFailure(failure)));
        }
    }

    private static GatewayException asFailure(Throwable failure) {
        Throwable cause = failure.getCause();
        if (failure instanceof GatewayException known) {
            return known;
        }
        if (cause instanceof GatewayException known) {
            return known;
        }
        return new GatewayException(Failure.RESPONSE_BODY_BROKEN, "the body failed: " + failure, failure);
    }

    private static final class Through implements Flow.Subscriber<ByteBuffer>, Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private final GatewayExchange exchange;
        private Flow.@Nullable Subscription source;

        Through(Flow.Subscriber<? super ByteBuffer> subscriber, GatewayExchange exchange) {
            this.subscriber = subscriber;
            this.exchange = exchange;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            source = subscription;
            subscriber.onSubscribe(this);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            exchange.countResponse(chunk.remaining());
            subscriber.onNext(chunk);
        }

        @Override
        public void onError(Throwable failure) {
            end(asFailure(failure));
            subscriber.onError(failure);
        }

        @Override
        public void onComplete() {
            end(null);
            subscriber.onComplete();
        }

        @Override
        public void request(long n) {
            if (source != null) {
                source.request(n);
            }
        }

        @Override
        public void cancel() {
            if (source != null) {
                source.cancel();
            }
            end(null);
        }

        private void end(@Nullable GatewayException failure) {
            exchange.loop().enter(() -> exchange.end(failure));
        }
    }
}
