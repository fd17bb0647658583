package dev.postern;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes a second attempt elsewhere when the first is slow; the first acceptable answer wins and the other attempt is cut at
 * once. For {@code GET}, {@code HEAD}, {@code OPTIONS} and {@code TRACE} without a body, once for an exchange.
 *
 * <p>Acceptable is what is below 500 and not what {@link RetryPolicy} would retry; an answer that is not waits for the other
 * attempt. Hedges are kept to a share of the upstream's requests of the last ten seconds, apart from those of retries: they
 * help against a slow endpoint, and make a slow upstream slower.
 */
public final class Hedging {
    private static final double SHARE = 0.05;

    private final @Nullable Duration delay;
    private final double percentile;
    private final double share;

    private Hedging(@Nullable Duration delay, double percentile, double share) {
        this.delay = delay;
        this.percentile = percentile;
        this.share = share;
    }

    /** After this time without a response head, more than zero. */
    public static Hedging after(Duration delay) {
        return new Hedging(Durations.positive("delay", delay), 0, SHARE);
    }

    /**
     * After as long as this part of the upstream's answers took of late: 0.95 for the slowest twentieth. Measured over
     * periods of five seconds or more with a hundred answers; nothing is hedged before the first is over.
     *
     * @param percentile 0.5 to 0.999
     */
    public static Hedging afterPercentile(double percentile) {
        if (!(percentile >= 0.5 && percentile <= 0.999)) {
            throw new IllegalArgumentException("percentile: " + percentile + " (expected: 0.5 to 0.999)");
        }
        return new Hedging(null, percentile, SHARE);
    }

    /** Hedges for each request at most, more than 0, at most 1; the default is 0.05. */
    public Hedging share(double newShare) {
        if (!(newShare > 0 && newShare <= 1)) {
            throw new IllegalArgumentException("share: " + newShare + " (expected: more than 0, at most 1)");
        }
        return new Hedging(delay, percentile, newShare);
    }

    /** The fixed delay, or null when it is a percentile. */
    public @Nullable Duration delay() {
        return delay;
    }

    /** The percentile, or 0 when the delay is fixed. */
    public double percentile() {
        return percentile;
    }

    /** Hedges for each request at most. */
    public double share() {
        return share;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Hedging that
                && Objects.equals(that.delay, delay)
                && that.percentile == percentile
                && that.share == share;
    }

    @Override
    public int hashCode() {
        return Objects.hash(delay, percentile, share);
    }

    @Override
    public String toString() {
        return "after " + (delay == null ? "percentile " + percentile : delay) + ", at most " + share + " a request";
    }
}
