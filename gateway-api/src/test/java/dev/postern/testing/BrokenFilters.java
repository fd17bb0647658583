package dev.postern.testing;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** Filters with one fault each; the contract has to find it. */
final class BrokenFilters {
    private BrokenFilters() {}

    static final class Nameless implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public String name() {
            return " ";
        }
    }

    static final class RenamesItself implements Filter {
        private int calls;

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public String name() {
            return "filter-" + calls++;
        }
    }

    static final class UnlikeItself implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        @SuppressWarnings("EqualsHashCode")
        public boolean equals(Object other) {
            return other == null;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    /** Equality over a list that grows while it serves. */
    static final class EqualByItsLog implements Filter {
        private final List<String> log = new ArrayList<>();

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            log.add(request.path());
            return chain.proceed(request);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof EqualByItsLog that && that.log.equals(log);
        }

        @Override
        public int hashCode() {
            return log.hashCode();
        }
    }

    record WithProblems() implements Filter, Checked {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public List<String> problems() {
            return List.of("key is missing (expected: …)");
        }
    }

    record NeverStarts() implements Filter, Managed {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            return CompletableFuture.failedFuture(new IllegalStateException("no keys"));
        }
    }

    record AsksForMoreThanItLists() implements Filter, Managed {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            services.state(new StateSpec("bucket", "unlisted", 1), Object::new);
            return CompletableFuture.completedFuture(null);
        }
    }

    record ThrowsWhenItStops() implements Filter, Managed {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public void stop() {
            throw new IllegalStateException("not stopped");
        }
    }

    /** Takes for granted what a browser sends. */
    static CompletionStage<Response> needsAHeader(Request request, Filter.Chain chain) {
        return chain.proceed(
                request.withHeader("X-Accept", request.header("Accept").strip()));
    }

    static CompletionStage<Response> returnsNull(Request request, Filter.Chain chain) {
        return null;
    }

    static CompletionStage<Response> proceedsWithNull(Request request, Filter.Chain chain) {
        return chain.proceed(null);
    }

    static CompletionStage<Response> completesWithNull(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenApply(response -> {
            response.body().discard();
            return null;
        });
    }

    static CompletionStage<Response> neverCompletes(Request request, Filter.Chain chain) {
        return new CompletableFuture<>();
    }

    /** Keeps silent about an exchange that fails. */
    static CompletionStage<Response> losesFailures(Request request, Filter.Chain chain) {
        CompletableFuture<Response> result = new CompletableFuture<>();
        chain.proceed(request).thenAccept(result::complete);
        return result;
    }

    static CompletionStage<Response> sleeps(Request request, Filter.Chain chain) {
        try {
            // The fault under test: no time is waited for here.
            new CountDownLatch(1).await(20, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return chain.proceed(request);
    }

    static CompletionStage<Response> joinsTheAnswer(Request request, Filter.Chain chain) {
        return chain.answer(chain.proceed(request).toCompletableFuture().join());
    }

    static CompletionStage<Response> failsWithAnything(Request request, Filter.Chain chain) {
        return CompletableFuture.failedFuture(new IllegalArgumentException("anything"));
    }

    static CompletionStage<Response> hidesTheCause(Request request, Filter.Chain chain) {
        return chain.proceed(request).exceptionally(failure -> {
            throw new GatewayException(Failure.INTERNAL, "something went wrong");
        });
    }

    static CompletionStage<Response> forgetsTheResponseItReplaces(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenApply(response -> Response.text(response.status(), "replaced"));
    }

    static CompletionStage<Response> forgetsTheRequestBodyItReplaces(Request request, Filter.Chain chain) {
        return chain.proceed(request.withBody(Body.of("replaced")));
    }

    static CompletionStage<Response> readsWhatItPassesOn(Request request, Filter.Chain chain) {
        return request.body().buffer(1 << 20).thenCompose(content -> chain.proceed(request));
    }

    static CompletionStage<Response> discardsWhatItPassesOn(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenApply(response -> {
            response.body().discard();
            return response;
        });
    }

    /** Also the second time with a body that is gone. */
    static CompletionStage<Response> retriesWhatCannotBeRead(Request request, Filter.Chain chain) {
        return chain.proceed(request)
                .handle((response, failure) -> failure == null ? chain.answer(response) : chain.proceed(request))
                .thenCompose(stage -> stage);
    }

    static CompletionStage<Response> retriesOverAnOpenResponse(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenCompose(response -> {
            boolean again = response.status() == 503 && request.body().replayable();
            return again ? chain.proceed(request) : chain.answer(response);
        });
    }

    /** Asks twice and takes the answer that comes first. */
    static CompletionStage<Response> hedges(Request request, Filter.Chain chain) {
        if (!request.body().replayable()) {
            return chain.proceed(request);
        }
        return chain.proceed(request).applyToEither(chain.proceed(request), response -> response);
    }

    static CompletionStage<Response> fillsA204(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenApply(response -> {
            if (response.status() != 204) {
                return response;
            }
            response.body().discard();
            return response.withBody(Body.of("{}"));
        });
    }

    static CompletionStage<Response> wrapsATunnel(Request request, Filter.Chain chain) {
        return chain.proceed(request)
                .thenApply(response ->
                        response.status() == 101 ? response.withBody(new Wrapped(response.body())) : response);
    }

    static CompletionStage<Response> leavesATimer(Request request, Filter.Chain chain) {
        chain.exchange().time().schedule(Duration.ofHours(1), () -> {});
        return chain.proceed(request);
    }

    static CompletionStage<Response> throwsAtTheEnd(Request request, Filter.Chain chain) {
        chain.exchange().onEnd(outcome -> {
            if (outcome.failure() != null) {
                throw new IllegalStateException("only good ends were thought of");
            }
        });
        return chain.proceed(request);
    }

    /** Remembers in a field what belongs to one exchange. */
    static final class RemembersTheRequest implements Filter {
        private Request current;

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            current = request;
            return chain.proceed(request).thenApply(response -> response.withHeader("X-Echo", current.target()));
        }
    }

    /** Gives its permit back only when the chain has answered. */
    static final class LosesPermits implements Filter {
        private int permits = 3;

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            if (permits == 0) {
                return chain.answer(Response.text(503, "busy"));
            }
            permits--;
            return chain.proceed(request).thenApply(response -> {
                permits++;
                return response;
            });
        }
    }

    static CompletionStage<Response> wrapsResponses(Request request, Filter.Chain chain, UnaryOperator<Body> wrapping) {
        return chain.proceed(request)
                .thenApply(
                        response -> response.status() == 101 || response.body().length() == 0
                                ? response
                                : response.withBody(wrapping.apply(response.body())));
    }

    static CompletionStage<Response> wrapsRequests(Request request, Filter.Chain chain, UnaryOperator<Body> wrapping) {
        return chain.proceed(request.body().length() == 0 ? request : request.withBody(wrapping.apply(request.body())));
    }

    /** A wrapper without a fault; the others spoil one part each. */
    static class Wrapped implements Body {
        final Body inner;

        Wrapped(Body inner) {
            this.inner = inner;
        }

        @Override
        public long length() {
            return inner.length();
        }

        @Override
        public boolean replayable() {
            return inner.replayable();
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return inner.chunks();
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return inner.buffer(maxBytes);
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return inner.trailers();
        }

        @Override
        public void discard() {
            inner.discard();
        }
    }

    static final class LosesTrailers extends Wrapped {
        LosesTrailers(Body inner) {
            super(inner);
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return CompletableFuture.completedFuture(Headers.EMPTY);
        }
    }

    /** Puts a line in front and keeps the length. */
    static final class Longer extends Wrapped {
        Longer(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> inner.chunks().subscribe(new Forwarding(subscriber) {
                private boolean begun;

                @Override
                public void onNext(ByteBuffer chunk) {
                    if (begun) {
                        super.onNext(chunk);
                        return;
                    }
                    begun = true;
                    byte[] rest = new byte[chunk.remaining()];
                    chunk.get(rest);
                    String text = "// " + new String(rest, StandardCharsets.UTF_8);
                    super.onNext(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))
                            .asReadOnlyBuffer());
                }
            });
        }
    }

    /** Reads ahead as far as it goes. */
    static final class Greedy extends Wrapped {
        Greedy(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> {
                List<ByteBuffer> ahead = new ArrayList<>();
                inner.chunks().subscribe(new Forwarding(subscriber) {
                    @Override
                    public void onSubscribe(Flow.Subscription subscription) {
                        subscription.request(Long.MAX_VALUE);
                        super.onSubscribe(new Flow.Subscription() {
                            @Override
                            public void request(long n) {
                                for (long i = 0; i < n && !ahead.isEmpty(); i++) {
                                    subscriber.onNext(ahead.remove(0));
                                }
                                if (ahead.isEmpty()) {
                                    subscriber.onComplete();
                                }
                            }

                            @Override
                            public void cancel() {}
                        });
                    }

                    @Override
                    public void onNext(ByteBuffer chunk) {
                        ahead.add(chunk);
                    }

                    @Override
                    public void onComplete() {}
                });
            };
        }
    }

    /** Delivers whether or not it was asked. */
    static final class Pushy extends Wrapped {
        Pushy(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> inner.chunks().subscribe(new Forwarding(subscriber) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(subscription);
                    subscription.request(Long.MAX_VALUE);
                }
            });
        }
    }

    /** Uses one array for all buffers. */
    static final class Recycling extends Wrapped {
        Recycling(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            byte[] array = new byte[1 << 16];
            return subscriber -> inner.chunks().subscribe(new Forwarding(subscriber) {
                @Override
                public void onNext(ByteBuffer chunk) {
                    int size = chunk.remaining();
                    chunk.get(array, 0, size);
                    super.onNext(ByteBuffer.wrap(array, 0, size).asReadOnlyBuffer());
                }
            });
        }
    }

    static final class SaysReplayable extends Wrapped {
        SaysReplayable(Body inner) {
            super(inner);
        }

        @Override
        public boolean replayable() {
            return true;
        }
    }

    static final class KeepsNoLimit extends Wrapped {
        KeepsNoLimit(Body inner) {
            super(inner);
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return inner.buffer(Integer.MAX_VALUE);
        }
    }

    static final class ForgetsTheEnd extends Wrapped {
        ForgetsTheEnd(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> inner.chunks().subscribe(new Forwarding(subscriber) {
                @Override
                public void onComplete() {}
            });
        }
    }

    static class Forwarding implements Flow.Subscriber<ByteBuffer> {
        private final Flow.Subscriber<? super ByteBuffer> to;

        Forwarding(Flow.Subscriber<? super ByteBuffer> to) {
            this.to = to;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            to.onSubscribe(subscription);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            to.onNext(chunk);
        }

        @Override
        public void onError(Throwable failure) {
            to.onError(failure);
        }

        @Override
        public void onComplete() {
            to.onComplete();
        }
    }

    static CompletionStage<Response> throwsInOffload(Request request, Filter.Chain chain) {
        Exchange exchange = chain.exchange();
        return exchange.offload(() -> {
                    throw new IOException("disk full");
                })
                .thenCompose(done -> chain.proceed(request));
    }
}
