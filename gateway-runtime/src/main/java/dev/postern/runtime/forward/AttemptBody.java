package dev.postern.runtime.forward;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import java.io.ByteArrayOutputStream;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A request body as one attempt of the host's own code sees it: read through what remembers it for the next one, and taken
 * away when the attempt is given up, so that the next one can read. Signals on the exchange's loop.
 */
final class AttemptBody implements Body {
    private static final System.Logger LOG = System.getLogger(AttemptBody.class.getName());

    private final ReplayBody body;
    private final Loop loop;
    // All below: on the loop.
    private @Nullable Reading reading;
    private boolean cut;
    private boolean unwanted;
    /** There is no attempt after this one. */
    private boolean last;

    AttemptBody(ReplayBody body, Loop loop) {
        this.body = body;
        this.loop = loop;
    }

    /** The attempt is given up: whoever reads gets an error. */
    void cut() {
        cut = true;
        Reading current = reading;
        if (current != null) {
            current.cut();
        }
        if (last) {
            body.close();
        }
    }

    /**
     * The attempt has answered, there is no other: what is remembered is let go, and what it has asked to discard is
     * discarded. Not before its first reader, if there has been none and what answers may still become one.
     *
     * @param answerStreams whether the answer's body is still to come, perhaps made of this one
     */
    void last(boolean answerStreams) {
        last = true;
        if (unwanted) {
            body.discard();
        } else if (reading != null || !answerStreams) {
            body.close();
        }
    }

    @Override
    public long length() {
        return body.length();
    }

    @Override
    public boolean replayable() {
        return body.replayable();
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> loop.enter(() -> subscribe(subscriber));
    }

    private void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
        Reading mine = new Reading(subscriber);
        if (cut) {
            // Without a look at what is remembered: that is another attempt's now.
            mine.over = true;
            subscriber.onSubscribe(mine);
            subscriber.onError(givenUp());
            return;
        }
        if (reading == null || reading.over) {
            reading = mine;
        }
        body.chunks().subscribe(mine);
        if (last) {
            body.close();
        }
    }

    private static GatewayException givenUp() {
        return new GatewayException(Failure.CLIENT_GONE, "the attempt is over");
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes: " + maxBytes + " (expected: >= 0)");
        }
        LoopStage<BufferedBody> stage = new LoopStage<>(loop);
        chunks().subscribe(new Collector(maxBytes, stage));
        return stage;
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return body.trailers();
    }

    /** Not at once: another attempt may want it. */
    @Override
    public void discard() {
        loop.enter(() -> {
            unwanted = true;
            Reading current = reading;
            if (current != null) {
                current.cancel();
            }
            if (last && !cut) {
                body.discard();
            }
        });
    }

    /** One reader, who can be cut off. */
    private static final class Reading implements Flow.Subscriber<ByteBuffer>, Flow.Subscription {
        private final Flow.Subscriber<? super ByteBuffer> subscriber;
        private Flow.@Nullable Subscription subscription;
        private boolean over;

        Reading(Flow.Subscriber<? super ByteBuffer> subscriber) {
            this.subscriber = subscriber;
        }

        void cut() {
            if (over) {
                return;
            }
            try {
                cancel();
                subscriber.onError(givenUp());
            } catch (RuntimeException | Error broken) {
                // Errors too: an attempt that did not end would be counted for ever, and none would follow it.
                LOG.log(Level.WARNING, "who read the request's body for an attempt failed at its end", broken);
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
            subscriber.onSubscribe(this);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            if (!over) {
                subscriber.onNext(chunk);
            }
        }

        @Override
        public void onError(Throwable failure) {
            if (!over) {
                over = true;
                subscriber.onError(failure);
            }
        }

        @Override
        public void onComplete() {
            if (!over) {
                over = true;
                subscriber.onComplete();
            }
        }

        @Override
        public void request(long n) {
            if (subscription != null) {
                subscription.request(n);
            }
        }

        @Override
        public void cancel() {
            over = true;
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }

    private static final class Collector implements Flow.Subscriber<ByteBuffer> {
        private final int maxBytes;
        private final LoopStage<BufferedBody> stage;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private Flow.@Nullable Subscription subscription;

        Collector(int maxBytes, LoopStage<BufferedBody> stage) {
            this.maxBytes = maxBytes;
            this.stage = stage;
        }

        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
            mine.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            if (stage.isDone()) {
                return;
            }
            if (bytes.size() + (long) chunk.remaining() > maxBytes) {
                if (subscription != null) {
                    subscription.cancel();
                }
                stage.fail(new GatewayException(
                        Failure.REQUEST_BODY_TOO_LARGE, "body of more than " + maxBytes + " bytes"));
                return;
            }
            byte[] more = new byte[chunk.remaining()];
            chunk.get(more);
            bytes.writeBytes(more);
        }

        @Override
        public void onError(Throwable failure) {
            stage.fail(failure);
        }

        @Override
        public void onComplete() {
            stage.deliver(Body.of(bytes.toByteArray()));
        }
    }
}
