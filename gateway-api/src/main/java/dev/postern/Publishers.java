package dev.postern;

import java.nio.ByteBuffer;
import java.util.concurrent.Flow;

/** The two publishers this module needs itself; both follow the Reactive Streams rules (1.x, 2.x, 3.x). */
final class Publishers {
    private Publishers() {}

    /** Delivers one buffer, if it holds anything, on the first demand; then the end. */
    static void one(Flow.Subscriber<? super ByteBuffer> subscriber, ByteBuffer content) {
        subscriber.onSubscribe(new Flow.Subscription() {
            private boolean done;
            private boolean cancelled;

            @Override
            public void request(long n) {
                if (done || cancelled) {
                    return;
                }
                done = true;
                if (n <= 0) {
                    subscriber.onError(new IllegalArgumentException("demand: " + n + " (expected: > 0, rule 3.9)"));
                    return;
                }
                if (content.hasRemaining()) {
                    subscriber.onNext(content);
                }
                // Rule 1.8: whoever cancels on receiving the buffer hears nothing more, not even of the end.
                if (!cancelled) {
                    subscriber.onComplete();
                }
            }

            @Override
            public void cancel() {
                cancelled = true;
            }
        });
    }

    static void refuse(Flow.Subscriber<? super ByteBuffer> subscriber, String why) {
        subscriber.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long n) {}

            @Override
            public void cancel() {}
        });
        subscriber.onError(new IllegalStateException(why));
    }
}
