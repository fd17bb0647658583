package dev.postern.runtime.message;

import dev.postern.GatewayException;
import io.vertx.core.buffer.Buffer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A wire body as a publisher: demand becomes fetched chunks, cancelling lets go of the connection (Reactive Streams 1.0.4;
 * rules are cited where they decide something). What comes without being asked for, at the end of a connection, waits here.
 */
final class WirePublisher implements WireBody.Reader, Flow.Subscription {
    private final WireBody body;
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private final ArrayDeque<Buffer> early = new ArrayDeque<>();
    private long demand;
    private boolean delivering;
    private boolean ended;
    private @Nullable GatewayException failure;
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
            if (body.takeEmpty()) {
                subscriber.onComplete();
                return;
            }
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
            // 3.17: more than can be counted is no bound.
            demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
            if (!ended) {
                body.fetch(n);
            }
            deliver();
        });
    }

    @Override
    public void cancel() {
        body.loop().enter(() -> {
            if (!over) {
                over = true;
                early.clear();
                body.discard();
            }
        });
    }

    @Override
    public void chunk(Buffer chunk) {
        if (!over) {
            early.add(chunk);
            deliver();
        }
    }

    @Override
    public void end() {
        ended = true;
        deliver();
    }

    @Override
    public void failed(GatewayException why) {
        ended = true;
        failure = why;
        deliver();
    }

    /** 3.3: a subscriber that asks within onNext is served by the loop here, not by another call below it. */
    private void deliver() {
        if (delivering) {
            return;
        }
        delivering = true;
        while (!over && demand > 0 && !early.isEmpty()) {
            demand = demand == Long.MAX_VALUE ? demand : demand - 1;
            subscriber.onNext(ByteBuffer.wrap(early.remove().getBytes()).asReadOnlyBuffer());
        }
        delivering = false;
        if (!over && ended && early.isEmpty()) {
            over = true;
            if (failure == null) {
                subscriber.onComplete();
            } else {
                subscriber.onError(failure);
            }
        }
    }
}
