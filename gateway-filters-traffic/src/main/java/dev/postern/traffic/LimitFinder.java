package dev.postern.traffic;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Finds a limit from how long calls take. Looks at spans of at least 100 ms and ten calls, and takes the median of each; now
 * and then lets only few calls through to learn how long they take without load.
 *
 * <pre>
 *   limit  max ┤
 *              │        ╭──╮  ╭────────────╮    ╭─────────────────
 *              │     ╭──╯  ╰──╯            │    │
 *           20 ┤─────╯                     │    │
 *          min ┤                           ╰────╯
 *              └ begins                    └ measures: 20 calls begun while no more than min are under way
 *                        (after 10 s, then each minute ± 15 %)
 * </pre>
 *
 * <p>Measuring is Envoy's way, with its interval and jitter: an average that follows the times of a service under constant
 * overload, as in Netflix' Gradient2, takes them for normal after a while and lets the limit drift upwards. {@link
 * Priority#CRITICAL} calls are not held back by it. A span with calls that take less than three quarters of what is held for
 * the time without load corrects that at once. The limit stays as it is while less than half of it is used: that says
 * nothing about more.
 *
 * <p>Not safe on several threads: the lock of its {@link Bulkhead} guards it.
 */
final class LimitFinder {
    static final long SPAN_NANOS = 100_000_000;
    static final int SPAN_CALLS = 10;
    static final int MEASURED_CALLS = 20;
    static final long FIRST_MEASURE_NANOS = 10_000_000_000L;
    static final long MEASURE_INTERVAL_NANOS = 60_000_000_000L;
    private static final double JITTER = 0.15;
    // More calls of a span than these tell nothing new about its median.
    private static final int MOST_SAMPLES = 256;
    private static final long PATIENCE_NANOS = 1_000_000_000;

    private final AdaptiveLimit rules;
    private final RandomGenerator random;
    private final long[] samples = new long[MOST_SAMPLES];
    private double limit;
    private double unloaded;
    private int seen;
    private int peak;
    private long began;
    private long nextMeasure;
    private boolean measuring;
    private boolean settled;

    LimitFinder(AdaptiveLimit rules, RandomGenerator random, long now) {
        this.rules = rules;
        this.random = random;
        limit = rules.begin();
        began = now;
        nextMeasure = now + FIRST_MEASURE_NANOS;
    }

    /** What the service bears. */
    int limit() {
        return (int) limit;
    }

    /** What others than critical calls get of it. */
    int limitForOthers() {
        return measuring ? rules.min() : limit();
    }

    /** Nanoseconds that calls take without load; 0 while nobody knows. */
    long unloadedNanos() {
        return (long) unloaded;
    }

    boolean isMeasuring() {
        return measuring;
    }

    /** A call was let through. */
    void admitted(int inFlight, long now) {
        peak = Math.max(peak, inFlight);
        if (!measuring && now - nextMeasure >= 0) {
            measuring = true;
            settled = false;
            clear(now);
        }
    }

    /** Whether measuring has ended without enough calls, so that more may be let through. */
    boolean gaveUp(long now) {
        // Calls that hang, and streams, must not hold back the others for long. What was known stays.
        if (!measuring || now - began < Math.max(PATIENCE_NANOS, (long) (10 * unloaded))) {
            return false;
        }
        endMeasuring(now);
        return true;
    }

    /**
     * A call has taken so long.
     *
     * @param atLeast whether nobody knows how long it would have taken; counts only when that is long already
     * @return whether the limit may have changed
     */
    boolean add(long nanos, boolean atLeast, int inFlight, long now) {
        if (atLeast && (unloaded == 0 || measuring || nanos <= unloaded)) {
            return false;
        }
        if (measuring) {
            return measure(nanos, inFlight, now);
        }
        samples[seen++ % MOST_SAMPLES] = Math.max(1, nanos);
        if (seen < SPAN_CALLS || now - began < SPAN_NANOS) {
            return false;
        }
        double median = median();
        if (unloaded == 0 || median < 0.75 * unloaded) {
            unloaded = median;
        }
        if (peak * 2 >= (int) limit) {
            double next = rules.algorithm().next(limit, unloaded, median);
            limit = Math.max(rules.min(), Math.min(rules.max(), next));
        }
        clear(now);
        peak = inFlight;
        return true;
    }

    private boolean measure(long nanos, int inFlight, long now) {
        if (!settled) {
            // Calls from before have gone when few are left, or when they have had the time.
            if (inFlight <= rules.min() || now - began >= 2 * unloaded) {
                settled = true;
                clear(now);
            }
            return false;
        }
        // Begun before: it says how long calls take under load.
        if (now - nanos - began < 0) {
            return false;
        }
        samples[seen++] = Math.max(1, nanos);
        if (seen < MEASURED_CALLS) {
            return false;
        }
        unloaded = median();
        endMeasuring(now);
        return true;
    }

    private void endMeasuring(long now) {
        measuring = false;
        nextMeasure = now + (long) (MEASURE_INTERVAL_NANOS * (1 - JITTER + 2 * JITTER * random.nextDouble()));
        clear(now);
        peak = 0;
    }

    private void clear(long now) {
        began = now;
        seen = 0;
    }

    private double median() {
        long[] sorted = Arrays.copyOf(samples, Math.min(seen, MOST_SAMPLES));
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
