package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Headers;
import dev.postern.testing.BrokenFilters.Forwarding;
import dev.postern.testing.BrokenFilters.Wrapped;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

class BodyContractTest {
    static final List<Arguments> BROKEN = List.of(
            broken("length() is 6, but 9 bytes come", BrokenFilters.Longer::new),
            broken("onNext comes more often than was asked for (Reactive Streams 1.1)", BrokenFilters.Pushy::new),
            broken("a buffer was changed after it had been handed out", BrokenFilters.Recycling::new),
            broken(
                    "replayable() is true, but a second reader gets 0 bytes and java.lang.IllegalState",
                    BrokenFilters.SaysReplayable::new),
            broken("buffer(5) of 6 bytes gives BufferedBody[6 bytes]", BrokenFilters.KeepsNoLimit::new),
            signals("request(0) is followed by", to -> new Forwarding(to) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(new Subscription(subscription) {
                        @Override
                        public void request(long n) {
                            subscription.request(Math.max(1, n));
                        }
                    });
                }
            }),
            signals("onComplete comes after cancel() (Reactive Streams 1.8)", to -> new Forwarding(to) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(new Subscription(subscription) {
                        @Override
                        public void cancel() {
                            to.onComplete();
                        }
                    });
                }
            }),
            signals("onComplete comes after the end (Reactive Streams 1.7)", to -> new Forwarding(to) {
                @Override
                public void onComplete() {
                    super.onComplete();
                    super.onComplete();
                }
            }),
            signals("onNext comes before onSubscribe (Reactive Streams 1.9)", to -> new Forwarding(to) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    to.onNext(ByteBuffer.allocate(0).asReadOnlyBuffer());
                    super.onSubscribe(subscription);
                }
            }),
            signals("onSubscribe comes twice", to -> new Forwarding(to) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(subscription);
                    super.onSubscribe(subscription);
                }
            }),
            signals("a buffer is not a read-only heap buffer: java.nio.Heap", to -> new Forwarding(to) {
                @Override
                public void onNext(ByteBuffer chunk) {
                    super.onNext(
                            ByteBuffer.allocate(chunk.remaining()).put(chunk).flip());
                }
            }),
            signals("a buffer is not a read-only heap buffer: java.nio.Direct", to -> new Forwarding(to) {
                @Override
                public void onNext(ByteBuffer chunk) {
                    super.onNext(ByteBuffer.allocateDirect(chunk.remaining())
                            .put(chunk)
                            .flip()
                            .asReadOnlyBuffer());
                }
            }),
            signals("reading fails: java.lang.IllegalStateException: broken", to -> new Forwarding(to) {
                @Override
                public void onComplete() {
                    to.onError(new IllegalStateException("broken"));
                }
            }),
            signals("buffers come after cancel() (Reactive Streams 3.6)", to -> new Forwarding(to) {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(new Subscription(subscription) {
                        @Override
                        public void cancel() {}
                    });
                }
            }),
            broken("a second reader of a body that is not replayable gets 6 bytes", Replaying::new),
            broken("a reader after discard() of a body that is not replayable gets 6 bytes", NotDiscarded::new),
            broken("trailers() after the end: java.lang.NullPointerException", NoTrailers::new),
            broken("buffer(6) gives BufferedBody[0 bytes] (expected: the 6 bytes)", BuffersNothing::new),
            broken("read buffer by buffer it gives 3 bytes, read at once 6 bytes", EndsEarly::new));

    private static Arguments broken(String message, UnaryOperator<Body> wrapping) {
        return arguments(message, wrapping);
    }

    private static Arguments signals(
            String message, Function<Flow.Subscriber<? super ByteBuffer>, Forwarding> forwarding) {
        return broken(message, inner -> new Wrapped(inner) {
            @Override
            public Flow.Publisher<ByteBuffer> chunks() {
                return subscriber -> inner.chunks().subscribe(forwarding.apply(subscriber));
            }
        });
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("BROKEN")
    void finds_what_is_wrong_with_a_body(String message, UnaryOperator<Body> wrapping) {
        Throwable found = catchThrowable(() -> BodyContract.check(() -> wrapping.apply(FakeBody.of("one", "two"))));

        assertThat(found)
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("the body breaks its contract:\n  ")
                .hasMessageContaining(message);
    }

    @Test
    void finds_nothing_wrong_with_a_sound_wrapper() {
        assertThatCode(() -> BodyContract.check(() -> new Wrapped(FakeBody.of("one", "two"))))
                .doesNotThrowAnyException();
        // @start region="body-contract"
        BodyContract.check(() -> Body.from(FakeBody.of("one", "two").chunks(), 6));
        // @end
    }

    private static class Subscription implements Flow.Subscription {
        private final Flow.Subscription inner;

        Subscription(Flow.Subscription inner) {
            this.inner = inner;
        }

        @Override
        public void request(long n) {
            inner.request(n);
        }

        @Override
        public void cancel() {
            inner.cancel();
        }
    }

    /** Remembers its content without saying so. */
    private static final class Replaying extends Wrapped {
        Replaying(Body inner) {
            super(Body.of("onetwo"));
        }

        @Override
        public boolean replayable() {
            return false;
        }
    }

    private static final class NotDiscarded extends Wrapped {
        NotDiscarded(Body inner) {
            super(inner);
        }

        @Override
        public void discard() {}
    }

    private static final class NoTrailers extends Wrapped {
        NoTrailers(Body inner) {
            super(inner);
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return null;
        }
    }

    private static final class BuffersNothing extends Wrapped {
        BuffersNothing(Body inner) {
            super(inner);
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return CompletableFuture.completedFuture(Body.empty());
        }
    }

    /** Takes the first gap in the demand for the end. */
    private static final class EndsEarly extends Wrapped {
        EndsEarly(Body inner) {
            super(inner);
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> inner.chunks().subscribe(new Forwarding(subscriber) {
                private boolean ended;

                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    super.onSubscribe(new Subscription(subscription) {
                        @Override
                        public void request(long n) {
                            super.request(n);
                            if (n == 1 && !ended) {
                                ended = true;
                                subscriber.onComplete();
                            }
                        }
                    });
                }

                @Override
                public void onComplete() {
                    ended = true;
                    super.onComplete();
                }
            });
        }
    }
}
