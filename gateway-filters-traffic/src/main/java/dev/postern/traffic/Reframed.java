package dev.postern.traffic;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A body whose chunks are changed one by one, with something behind the last one. Demand reaches the body inside; a chunk that
 * becomes nothing is replaced by asking for another.
 */
final class Reframed {
    private Reframed() {}

    /** What happens to the chunks of one body. */
    interface Step {
        /** What becomes of a chunk; without remaining bytes if nothing does. A {@link GatewayException} breaks the body. */
        ByteBuffer next(ByteBuffer chunk);

        /** What stands behind the last chunk; a failed stage breaks the body. */
        CompletionStage<ByteBuffer> last();
    }

    /** Without trailers: whatever they say is said by the step. */
    static Body of(Body inner, Step step) {
        return Body.from(subscriber -> inner.chunks().subscribe(new Relay(subscriber, step)), -1);
    }

    /** With the trailers of the body inside. */
    static Body withTrailers(Body inner, Step step) {
        return new Trailing(of(inner, step), inner);
    }

    private record Trailing(Body changed, Body inner) implements Body {
        @Override
        public long length() {
            return -1;
        }

        @Override
        public boolean replayable() {
            return false;
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return changed.chunks();
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return changed.buffer(maxBytes);
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return inner.trailers();
        }

        @Override
        public void discard() {
            changed.discard();
        }
    }

    private static final class Relay implements Flow.Subscriber<ByteBuffer>, Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> out;
        private final Step step;

        // Guarded by this: demand may come from any thread. No signal is given while it is held.
        private Flow.@Nullable Subscription source;
        private long demand;
        private @Nullable ByteBuffer tail;
        private boolean sourceEnded;
        private boolean over;

        Relay(Flow.Subscriber<? super ByteBuffer> out, Step step) {
            this.out = out;
            this.step = step;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            synchronized (this) {
                if (source != null) {
                    subscription.cancel();
                    return;
                }
                source = subscription;
            }
            out.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            if (n <= 0) {
                // Rule 3.9.
                cancelSource();
                onError(new IllegalArgumentException("n: " + n + " (expected: >= 1)"));
                return;
            }
            Flow.Subscription asked;
            ByteBuffer last = null;
            synchronized (this) {
                if (over) {
                    return;
                }
                demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
                asked = sourceEnded ? null : source;
                if (tail != null) {
                    last = tail;
                    over = true;
                }
            }
            if (last != null) {
                out.onNext(last.asReadOnlyBuffer());
                out.onComplete();
            } else if (asked != null) {
                asked.request(n);
            }
        }

        @Override
        public void cancel() {
            ends();
            cancelSource();
        }

        private void cancelSource() {
            Flow.Subscription cancelled;
            synchronized (this) {
                cancelled = source;
            }
            if (cancelled != null) {
                cancelled.cancel();
            }
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            ByteBuffer changed;
            try {
                changed = step.next(chunk);
            } catch (GatewayException broken) {
                cancelSource();
                onError(broken);
                return;
            }
            Flow.Subscription asked;
            synchronized (this) {
                if (over) {
                    return;
                }
                asked = changed.hasRemaining() ? null : source;
                if (asked == null && demand != Long.MAX_VALUE) {
                    demand--;
                }
            }
            if (asked != null) {
                asked.request(1);
            } else {
                out.onNext(changed.asReadOnlyBuffer());
            }
        }

        @Override
        public void onError(Throwable failure) {
            if (ends()) {
                out.onError(failure);
            }
        }

        @Override
        public void onComplete() {
            synchronized (this) {
                sourceEnded = true;
            }
            step.last().whenComplete((last, failure) -> {
                if (failure != null) {
                    onError(failure);
                } else if (!last.hasRemaining()) {
                    if (ends()) {
                        out.onComplete();
                    }
                } else if (isWanted(last)) {
                    out.onNext(last.asReadOnlyBuffer());
                    out.onComplete();
                }
            });
        }

        /** Whether somebody waits for it; otherwise it waits. */
        private synchronized boolean isWanted(ByteBuffer last) {
            if (over) {
                return false;
            }
            if (demand == 0) {
                tail = last;
                return false;
            }
            over = true;
            return true;
        }

        private synchronized boolean ends() {
            boolean first = !over;
            over = true;
            return first;
        }
    }
}
