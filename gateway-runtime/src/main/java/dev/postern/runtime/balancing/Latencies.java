package dev.postern.runtime.balancing;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * How long the answers of an upstream took of late, for percentiles: counts in buckets that are 1/16 wide, frozen when a
 * period is over. What is asked is answered from the last frozen period.
 *
 * <pre>
 *   counting │▁▃█▅▂▁      │  ─ after 5 s and 100 answers ─▶  frozen  ─▶ percentile, found out once
 * </pre>
 *
 * <p>Safe on any thread; counts are exact but for answers that arrive while a period is frozen.
 */
final class Latencies {
    private static final int PARTS = 16;
    private static final int PARTS_BITS = 4;
    private static final int BUCKETS = PARTS * 60;

    /** Long enough to be many, short enough to follow a deployment. */
    private static final long PERIOD_NANOS = 5_000_000_000L;

    /** The slowest of a hundred is one. */
    private static final int ENOUGH = 100;

    private volatile AtomicIntegerArray counts = new AtomicIntegerArray(BUCKETS);
    private volatile long since;
    private volatile boolean begun;
    private volatile int @Nullable [] frozen;
    private volatile @Nullable Found found;

    private record Found(int[] of, double percentile, long nanos) {}

    /** An answer took so long. */
    void observe(long nanos, long now) {
        if (!begun) {
            begin(now);
        }
        counts.getAndIncrement(bucket(nanos));
        if (now - since >= PERIOD_NANOS) {
            freeze(now);
        }
    }

    /**
     * As long as this part of the answers took at most.
     *
     * @return nanoseconds, at most 1/16 too many; -1 when not known yet
     */
    long percentile(double percentile) {
        int[] last = frozen;
        if (last == null) {
            return -1;
        }
        Found known = found;
        if (known != null && known.of == last && known.percentile == percentile) {
            return known.nanos;
        }
        long nanos = of(last, percentile);
        found = new Found(last, percentile, nanos);
        return nanos;
    }

    private synchronized void begin(long now) {
        if (!begun) {
            since = now;
            begun = true;
        }
    }

    private synchronized void freeze(long now) {
        if (now - since < PERIOD_NANOS) {
            return;
        }
        AtomicIntegerArray over = counts;
        int[] copy = new int[BUCKETS];
        long sum = 0;
        for (int i = 0; i < BUCKETS; i++) {
            copy[i] = over.get(i);
            sum += copy[i];
        }
        if (sum >= ENOUGH) {
            counts = new AtomicIntegerArray(BUCKETS);
            since = now;
            frozen = copy;
        }
    }

    private static long of(int[] counts, double percentile) {
        long sum = 0;
        for (int count : counts) {
            sum += count;
        }
        long rank = (long) Math.ceil(percentile * sum);
        long below = 0;
        for (int i = 0; i < counts.length; i++) {
            below += counts[i];
            if (below >= rank) {
                return top(i);
            }
        }
        return top(counts.length - 1);
    }

    /** Exact below 16, then 16 buckets for each power of two. */
    static int bucket(long nanos) {
        long value = Math.max(0, nanos);
        if (value < PARTS) {
            return (int) value;
        }
        int power = 63 - Long.numberOfLeadingZeros(value);
        int part = (int) (value >>> (power - PARTS_BITS)) - PARTS;
        return Math.min(BUCKETS - 1, (power - PARTS_BITS + 1) * PARTS + part);
    }

    /** The largest value of a bucket. */
    static long top(int bucket) {
        if (bucket < PARTS) {
            return bucket;
        }
        int shift = bucket / PARTS - 1;
        long first = (long) (PARTS + bucket % PARTS) << shift;
        return first + (1L << shift) - 1;
    }
}
