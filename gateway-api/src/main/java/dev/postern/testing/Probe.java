package dev.postern.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A subscriber that asks as it is told and writes down every rule of Reactive Streams that its publisher breaks. */
final class Probe implements Flow.Subscriber<ByteBuffer> {
    /** For an answer that often does not come at all. */
    private static final long SHORT_PATIENCE_MILLIS = 1_000;

    private final long patienceMillis;

    // All guarded by this: publishers may signal on any thread.
    private final List<String> violations = new ArrayList<>();
    private final List<ByteBuffer> kept = new ArrayList<>();
    private final List<byte[]> copies = new ArrayList<>();
    private Flow.@Nullable Subscription subscription;
    private boolean cancelsAtFirst;
    private boolean cancelled;
    private long asked;
    private boolean ended;
    private @Nullable Throwable failure;

    /** Waits so long, in real time, for what was asked for. */
    Probe(long patienceMillis) {
        this.patienceMillis = patienceMillis;
    }

    /** Cancels from within the first {@code onNext}. */
    Probe cancellingAtFirst() {
        cancelsAtFirst = true;
        return this;
    }

    @Override
    public synchronized void onSubscribe(Flow.Subscription newSubscription) {
        if (subscription != null || ended) {
            violations.add("onSubscribe comes twice or after the end (Reactive Streams 1.9)");
        }
        subscription = newSubscription;
        notifyAll();
    }

    @Override
    public synchronized void onNext(ByteBuffer chunk) {
        signal("onNext");
        if (copies.size() >= asked && !ended) {
            violations.add("onNext comes more often than was asked for (Reactive Streams 1.1)");
        }
        if (!chunk.isReadOnly() || chunk.isDirect()) {
            violations.add("a buffer is not a read-only heap buffer: " + chunk);
        }
        kept.add(chunk);
        copies.add(copy(chunk));
        if (cancelsAtFirst && !cancelled && subscription != null) {
            cancelled = true;
            subscription.cancel();
        }
        notifyAll();
    }

    @Override
    public synchronized void onError(Throwable newFailure) {
        signal("onError");
        failure = newFailure;
        ended = true;
        notifyAll();
    }

    @Override
    public synchronized void onComplete() {
        signal("onComplete");
        ended = true;
        notifyAll();
    }

    private void signal(String name) {
        if (subscription == null) {
            violations.add(name + " comes before onSubscribe (Reactive Streams 1.9)");
        } else if (ended) {
            violations.add(name + " comes after the end (Reactive Streams 1.7)");
        } else if (cancelled) {
            violations.add(name + " comes after cancel() (Reactive Streams 1.8)");
        }
    }

    /** Asks for {@code n} and waits for the end. */
    void awaitEnd(BodyContract.Steps steps, long n) {
        request(steps, n);
        await(n == 0 ? Math.min(SHORT_PATIENCE_MILLIS, patienceMillis) : patienceMillis, () -> ended);
    }

    /** Waits for the end of what was asked for. */
    void awaitEnd(long milliseconds) {
        await(milliseconds, () -> ended);
    }

    /** Asks for one and waits until it, or the end, has come. */
    void awaitOne(BodyContract.Steps steps) {
        int before = received();
        request(steps, 1);
        await(patienceMillis, () -> ended || copies.size() > before);
    }

    /** Asks for everything and waits for the first buffer. */
    void awaitFirst(BodyContract.Steps steps) {
        request(steps, Long.MAX_VALUE);
        await(patienceMillis, () -> ended || !copies.isEmpty());
    }

    void request(BodyContract.Steps steps, long n) {
        awaitSubscription();
        Flow.Subscription to;
        synchronized (this) {
            to = subscription;
            asked = n > 0 && asked + n < 0 ? Long.MAX_VALUE : asked + Math.max(0, n);
        }
        if (to != null) {
            steps.run("request(" + n + ")", () -> to.request(n));
        }
    }

    void cancel(BodyContract.Steps steps) {
        awaitSubscription();
        Flow.Subscription to;
        synchronized (this) {
            to = subscription;
            cancelled = true;
        }
        if (to != null) {
            steps.run("cancel()", to::cancel);
        }
    }

    // A publisher may subscribe on a thread of its own.
    private void awaitSubscription() {
        await(patienceMillis, () -> ended || subscription != null);
    }

    synchronized int received() {
        return copies.size();
    }

    synchronized boolean ended() {
        return ended;
    }

    synchronized @Nullable Throwable failure() {
        return failure;
    }

    /** What came, as it was when it came. */
    synchronized byte[] bytes() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        copies.forEach(all::writeBytes);
        return all.toByteArray();
    }

    /** What was broken; also compares the buffers kept with what they held when they came. */
    synchronized List<String> violations() {
        List<String> all = new ArrayList<>(violations);
        for (int i = 0; i < kept.size(); i++) {
            if (!kept.get(i).equals(ByteBuffer.wrap(copies.get(i)))) {
                all.add("a buffer was changed after it had been handed out");
                break;
            }
        }
        return all;
    }

    @Override
    public synchronized String toString() {
        String bytes = bytes().length + " bytes";
        return failure != null ? bytes + " and " + failure : ended ? bytes : bytes + " and no end";
    }

    private static byte[] copy(ByteBuffer chunk) {
        byte[] bytes = new byte[chunk.remaining()];
        chunk.duplicate().get(bytes);
        return bytes;
    }

    private synchronized void await(long milliseconds, BooleanSupplier condition) {
        long start = System.nanoTime();
        try {
            while (!condition.getAsBoolean()) {
                long left = TimeUnit.MILLISECONDS.toNanos(milliseconds) - (System.nanoTime() - start);
                if (left <= 0) {
                    return;
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
