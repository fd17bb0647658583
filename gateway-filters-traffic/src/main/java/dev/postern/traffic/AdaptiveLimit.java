package dev.postern.traffic;

import org.jspecify.annotations.Nullable;

/**
 * How a {@link ConcurrencyLimit} finds its number by itself, from how long calls take: a service that is asked for more than
 * it can do answers later, not less. Immutable; {@link #between} gives a changed copy.
 *
 * {@snippet class="dev.postern.traffic.AdaptiveLimitTest" region="adaptive"}
 */
public final class AdaptiveLimit {
    // That of Netflix' concurrency-limits; a few answers correct it.
    private static final int BEGIN = 20;

    private final LimitAlgorithm algorithm;
    private final int min;
    private final int max;

    private AdaptiveLimit(LimitAlgorithm algorithm, int min, int max) {
        this.algorithm = algorithm;
        this.min = min;
        this.max = max;
    }

    /**
     * By the ratio of how long calls take without load and now (the gradient controller of Envoy). For most services: bears
     * calls of different length. Between 5 and 200, beginning at 20.
     */
    public static AdaptiveLimit gradient() {
        return new AdaptiveLimit(LimitAlgorithm.GRADIENT, 5, 200);
    }

    /**
     * By the queue inside the service that follows from that ratio (TCP Vegas). Lets fewer wait inside the service, and moves
     * by small steps; for calls that are much alike. Between 5 and 200, beginning at 20.
     */
    public static AdaptiveLimit vegas() {
        return new AdaptiveLimit(LimitAlgorithm.VEGAS, 5, 200);
    }

    /**
     * The bounds, 1 to 100,000; begins at 20, or at the bound that is nearer.
     *
     * @param newMin what the service surely bears: this many are let through while the time without load is measured
     * @param newMax what it never bears
     */
    public AdaptiveLimit between(int newMin, int newMax) {
        if (newMin < 1 || newMin > newMax || newMax > 100_000) {
            throw new IllegalArgumentException(
                    "between: " + newMin + ", " + newMax + " (expected: 1 <= min <= max <= 100000)");
        }
        return new AdaptiveLimit(algorithm, newMin, newMax);
    }

    LimitAlgorithm algorithm() {
        return algorithm;
    }

    int begin() {
        return Math.max(min, Math.min(max, BEGIN));
    }

    int min() {
        return min;
    }

    int max() {
        return max;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AdaptiveLimit that && that.algorithm == algorithm && that.min == min && that.max == max;
    }

    @Override
    public int hashCode() {
        return (algorithm.ordinal() * 31 + max) * 31 + min;
    }

    /** {@code gradient, 5 to 200}. */
    @Override
    public String toString() {
        return algorithm + ", " + min + " to " + max;
    }
}
