package dev.postern.runtime.forward;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Headers;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A streaming request body that can be sent more than once, one after the other: what has gone by is remembered, up to a
 * limit. A later reader gets what is remembered and then what is still to come.
 *
 * <pre>
 *   source ──▶ kept │ a │ b │ c │        first reader: a b c ✗ (its attempt failed)
 *                                        second reader: a b c d e, d and e from the source
 *   past the limit, without memory for it, or closed: nothing is kept, and there is no further reader
 * </pre>
 *
 * <p>The source is asked for a chunk only when a reader wants one and nothing is kept for it, so its back-pressure stays. On
 * the exchange's loop only, but {@link #replayable}, which may be asked on any.
 */
final class ReplayBody implements Body {
    private final Body source;
    private final Loop loop;
    private final int maxBytes;
    private final LongPredicate keep;
    private final LongConsumer letGo;
    private final List<ByteBuffer> kept = new ArrayList<>();
    private int keptBytes;
    private long reserved;
    private Flow.@Nullable Subscription subscription;
    private boolean subscribed;
    private boolean asked;
    private boolean complete;
    private @Nullable Throwable failure;
    private @Nullable Reader reader;
    private volatile boolean spent;

    /**
     * Remembers up to {@code maxBytes}.
     *
     * @param keep whether there is room for so many bytes more
     * @param letGo gives such room back
     */
    ReplayBody(Body source, Loop loop, int maxBytes, LongPredicate keep, LongConsumer letGo) {
        this.source = source;
        this.loop = loop;
        this.maxBytes = maxBytes;
        this.keep = keep;
        this.letGo = letGo;
    }

    /** For a body that streams and is short enough to be remembered for a second time; null for any other. */
    static @Nullable ReplayBody of(Body body, int maxBytes, GatewayExchange exchange) {
        if (maxBytes == 0 || body.length() == 0 || body.length() > maxBytes || body.replayable()) {
            return null;
        }
        return new ReplayBody(body, exchange.loop(), maxBytes, exchange::keepSpare, exchange::letGo);
    }

    /** Nobody will read it from the beginning any more: what a reader has had is let go. */
    void close() {
        spend();
        Reader current = reader;
        if (current == null) {
            kept.clear();
            if (subscribed && !complete && failure == null) {
                cancelSource();
            }
        } else {
            current.forget();
        }
    }

    private void spend() {
        spent = true;
        letGo.accept(reserved);
        reserved = 0;
    }

    private boolean fits(int bytes) {
        if (keptBytes + (long) bytes > maxBytes || !keep.test(bytes)) {
            return false;
        }
        reserved += bytes;
        return true;
    }

    @Override
    public long length() {
        return source.length();
    }

    /** Whether all that has gone by is still there. */
    @Override
    public boolean replayable() {
        return !spent;
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> loop.enter(() -> {
            Reader next = new Reader(subscriber);
            if (reader != null || (spent && subscribed)) {
                next.over = true;
                subscriber.onSubscribe(next);
                subscriber.onError(new IllegalStateException("this body is being read, or cannot be read again"));
                return;
            }
            reader = next;
            subscriber.onSubscribe(next);
        });
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int bytes) {
        return source.buffer(bytes);
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return source.trailers();
    }

    @Override
    public void discard() {
        loop.enter(() -> {
            if (subscribed) {
                close();
            } else {
                spend();
                source.discard();
            }
        });
    }

    /** Bytes held now, for the test that no more are. */
    int keptBytes() {
        return keptBytes;
    }

    private void ask() {
        if (asked || complete || failure != null) {
            return;
        }
        asked = true;
        if (!subscribed) {
            subscribed = true;
            source.chunks().subscribe(new Source());
        } else if (subscription != null) {
            subscription.request(1);
        }
    }

    private void cancelSource() {
        complete = true;
        if (subscription != null) {
            subscription.cancel();
        }
    }

    private void received(ByteBuffer chunk) {
        asked = false;
        if (reader == null && spent) {
            return;
        }
        if (reader != null && !spent && !fits(chunk.remaining())) {
            // Too long to be sent a second time: from here on it only streams through. The reader has had all before
            // it.
            // Between two readers one chunk may be kept beyond the limit: the next attempt is decided already.
            spend();
            kept.clear();
            keptBytes = 0;
            reader.position = 0;
        }
        kept.add(chunk);
        keptBytes += chunk.remaining();
        if (reader != null) {
            reader.deliver();
        }
    }

    private final class Source implements Flow.Subscriber<ByteBuffer> {
        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
            mine.request(1);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            loop.enter(() -> received(chunk));
        }

        @Override
        public void onError(Throwable broken) {
            loop.enter(() -> {
                failure = broken;
                if (reader != null) {
                    reader.deliver();
                }
            });
        }

        @Override
        public void onComplete() {
            loop.enter(() -> {
                complete = true;
                if (reader != null) {
                    reader.deliver();
                }
            });
        }
    }

    private final class Reader implements Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private int position;
        private long demand;
        private boolean delivering;
        private boolean over;

        Reader(Flow.Subscriber<? super ByteBuffer> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void request(long n) {
            loop.enter(() -> {
                if (over) {
                    return;
                }
                if (n <= 0) {
                    leave();
                    subscriber.onError(new IllegalArgumentException("demand: " + n + " (expected: > 0)"));
                    return;
                }
                demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
                deliver();
            });
        }

        @Override
        public void cancel() {
            loop.enter(() -> {
                if (!over) {
                    leave();
                    if (spent) {
                        close();
                    }
                }
            });
        }

        /** One after the other, also when the subscriber asks for more within onNext. */
        void deliver() {
            if (delivering) {
                return;
            }
            delivering = true;
            while (!over && demand > 0 && position < kept.size()) {
                demand = demand == Long.MAX_VALUE ? demand : demand - 1;
                ByteBuffer chunk = kept.get(position++);
                if (spent) {
                    forget();
                }
                subscriber.onNext(chunk.duplicate());
                if (position == kept.size() && demand > 0) {
                    ask();
                }
            }
            delivering = false;
            if (over || position < kept.size()) {
                return;
            }
            Throwable broken = failure;
            if (broken != null) {
                leave();
                subscriber.onError(broken);
            } else if (complete) {
                leave();
                subscriber.onComplete();
            } else if (demand > 0) {
                ask();
            }
        }

        void forget() {
            kept.subList(0, position).clear();
            position = 0;
            keptBytes = 0;
            for (ByteBuffer chunk : kept) {
                keptBytes += chunk.remaining();
            }
        }

        private void leave() {
            over = true;
            if (reader == this) {
                reader = null;
            }
        }
    }
}
