package dev.postern.runtime.message;

import dev.postern.GatewayException;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;

/**
 * A wire body as a publisher: demand becomes fetched chunks, cancelling lets go of the connection (Reactive Streams 1.0.4;
 * rules are cited where they decide something).
 */
final class WirePublisher implements WireBody.Reader, Flow.Subscription {
    private final WireBody body;
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private boolean over;

    private WirePublisher(WireBody body, Flow.Subscriber<? super ByteBuffer> subscriber) {
        this.body = body;
        this.subscriber = subscriber;
    }

    static void subscribe(WireBody body, Flow.Subscriber<? super ByteBuffer> subscriber) {
        WirePublisher publisher = new WirePublisher(body, subscriber);
        boolean taken = body.take(publisher);
        // 1.9: onSubscribe comes first, also before an error.
        subscriber.onSubscribe(publisher);
        if (!taken && !publisher.over) {
            publisher.over = true;
            GatewayException broken = body.failure();
            subscriber.onError(
                    broken == null ? new IllegalStateException("this body was already read or discarded") : broken);
        }
    }

    @Override
    public void request(long n) {
        body.loop().enter(() -> {
            if (over) {
                return;
            }
            if (n <= 0) {
                // 3.9
                over = true;
                body.discard();
                subscriber.onError(new IllegalArgumentException("demand: " + n + " (expected: > 0)"));
                return;
            }
            body.fetch(n);
        });
    }

    @Override
    public void cancel() {
        body.loop().enter(() -> {
            if (!over) {
                over = true;
                body.discard();
            }
        });
    }

    @Override
    public void chunk(Buffer chunk) {
        if (!over) {
            subscriber.onNext(ByteBuffer.wrap(chunk.getBytes()).asReadOnlyBuffer());
        }
    }

    @Override
    public void end() {
        if (!over) {
            over = true;
            subscriber.onComplete();
        }
    }

    @Override
    public void failed(GatewayException failure) {
        if (!over) {
            over = true;
            subscriber.onError(failure);
        }
    }
}
