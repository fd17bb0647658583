package dev.postern.runtime;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Response;
import dev.postern.runtime.message.WireBody;
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
    private @Nullable Watched given;

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
        given = new Watched(response.body(), exchange);
        result.deliver(response.withBody(given));
    }

    @Override
    public void abort(GatewayException cause) {
        result.fail(cause);
        if (given != null) {
            given.cut(cause);
        }
    }

    /** Passes everything on and notices the end; breaks off when the exchange is cut, whoever made the body. On the loop. */
    private static final class Watched implements Body {
        private final Body body;
        private final GatewayExchange exchange;
        private @Nullable Through reader;
        private @Nullable LoopStage<BufferedBody> whole;
        private @Nullable GatewayException broken;

        Watched(Body body, GatewayExchange exchange) {
            this.body = body;
            this.exchange = exchange;
        }

        void cut(GatewayException cause) {
            broken = cause;
            if (reader != null) {
                reader.cut(cause);
            } else {
                body.discard();
            }
            if (whole != null) {
                whole.fail(cause);
            }
        }

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
            return subscriber -> exchange.loop().enter(() -> {
                Through through = new Through(subscriber, exchange);
                if (broken != null) {
                    subscriber.onSubscribe(through);
                    through.cut(broken);
                    return;
                }
                if (reader == null) {
                    reader = through;
                }
                body.chunks().subscribe(through);
            });
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            LoopStage<BufferedBody> stage = new LoopStage<>(exchange.loop());
            exchange.loop().enter(() -> buffer(maxBytes, stage));
            return stage;
        }

        private void buffer(int maxBytes, LoopStage<BufferedBody> stage) {
            if (broken != null) {
                stage.fail(broken);
                return;
            }
            whole = stage;
            // A body from a connection stops when it is discarded; of any other the reader has to stop.
            Body source = body instanceof WireBody ? body : Body.from(chunks(), length());
            source.buffer(maxBytes)
                    .whenComplete((bytes, failure) -> exchange.loop().enter(() -> {
                        if (bytes == null) {
                            exchange.end(asFailure(failure));
                            stage.fail(failure);
                        } else {
                            if (source == body) {
                                exchange.countResponse((int) bytes.length());
                            }
                            exchange.end(null);
                            stage.deliver(bytes);
                        }
                    }));
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return body.trailers();
        }

        @Override
        public void discard() {
            body.discard();
            exchange.loop().enter(() -> exchange.end(null));
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

    /** Between a body and its reader. Signals pass on the loop, wherever they come from. */
    private static final class Through implements Flow.Subscriber<ByteBuffer>, Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private final GatewayExchange exchange;
        private volatile Flow.@Nullable Subscription source;
        // On the loop.
        private boolean over;

        Through(Flow.Subscriber<? super ByteBuffer> subscriber, GatewayExchange exchange) {
            this.subscriber = subscriber;
            this.exchange = exchange;
        }

        void cut(GatewayException cause) {
            if (!over) {
                over = true;
                cancelSource();
                subscriber.onError(cause);
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            source = subscription;
            exchange.loop().enter(() -> {
                if (over) {
                    subscription.cancel();
                } else {
                    subscriber.onSubscribe(this);
                }
            });
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            exchange.loop().enter(() -> {
                if (!over) {
                    exchange.countResponse(chunk.remaining());
                    subscriber.onNext(chunk);
                }
            });
        }

        @Override
        public void onError(Throwable failure) {
            exchange.loop().enter(() -> {
                if (!over) {
                    over = true;
                    exchange.end(asFailure(failure));
                    subscriber.onError(failure);
                }
            });
        }

        @Override
        public void onComplete() {
            exchange.loop().enter(() -> {
                if (!over) {
                    over = true;
                    exchange.end(null);
                    subscriber.onComplete();
                }
            });
        }

        @Override
        public void request(long n) {
            Flow.Subscription wanted = source;
            if (wanted != null) {
                wanted.request(n);
            }
        }

        @Override
        public void cancel() {
            cancelSource();
            exchange.loop().enter(() -> {
                over = true;
                exchange.end(null);
            });
        }

        private void cancelSource() {
            Flow.Subscription unwanted = source;
            if (unwanted != null) {
                unwanted.cancel();
            }
        }
    }
}
