package dev.postern.runtime.simulation;

import java.time.Duration;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * What a simulated endpoint does with a request. Latencies are log-normal: half are below the median, few are far above it,
 * as those of real services are. Immutable.
 */
public final class Behaviour {
    private static final long FAST_NANOS = 1_000_000;

    /** What becomes of a connect. */
    enum Door {
        OPEN,
        REFUSES,
        UNREACHABLE,
        SILENT
    }

    private final Door door;
    private final Duration median;
    private final double spread;
    private final double failureShare;
    private final int failureStatus;

    private Behaviour(Door door, Duration median, double spread, double failureShare, int failureStatus) {
        this.door = door;
        this.median = median;
        this.spread = spread;
        this.failureShare = failureShare;
        this.failureStatus = failureStatus;
    }

    /** Answers 200; the 99th percentile is twice the median. */
    public static Behaviour answering(Duration median) {
        if (median.isNegative() || median.isZero()) {
            throw new IllegalArgumentException("median: " + median + " (expected: more than zero)");
        }
        return new Behaviour(Door.OPEN, median, 0.3, 0, 500);
    }

    /** Refuses connections, as a process that is gone does. */
    public static Behaviour refusing() {
        return new Behaviour(Door.REFUSES, Duration.ofMillis(1), 0, 0, 500);
    }

    /** Connects time out, as in a network partition. */
    public static Behaviour unreachable() {
        return new Behaviour(Door.UNREACHABLE, Duration.ofMillis(1), 0, 0, 500);
    }

    /** Accepts connections and says nothing. */
    public static Behaviour silent() {
        return new Behaviour(Door.SILENT, Duration.ofMillis(1), 0, 0, 500);
    }

    /**
     * How far latencies spread: the standard deviation of their logarithm, 0 (all alike) to 3; the default is 0.3.
     */
    public Behaviour spread(double sigma) {
        if (!(sigma >= 0 && sigma <= 3)) {
            throw new IllegalArgumentException("sigma: " + sigma + " (expected: 0 to 3)");
        }
        return new Behaviour(door, median, sigma, failureShare, failureStatus);
    }

    /**
     * Answers this part of the requests with a failure, a millisecond after they came.
     *
     * @param share 0 to 1
     * @param status 400 to 599; 0 for a reset before the response head
     */
    public Behaviour failing(double share, int status) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share: " + share + " (expected: 0 to 1)");
        }
        if (status != 0 && (status < 400 || status > 599)) {
            throw new IllegalArgumentException("status: " + status + " (expected: 0 or 400 to 599)");
        }
        return new Behaviour(door, median, spread, share, status);
    }

    Door door() {
        return door;
    }

    boolean fails(SplittableRandom random) {
        return failureShare > 0 && random.nextDouble() < failureShare;
    }

    int failureStatus() {
        return failureStatus;
    }

    long failureNanos() {
        return FAST_NANOS;
    }

    long latencyNanos(SplittableRandom random) {
        return (long) (median.toNanos() * Math.exp(spread * random.nextGaussian()));
    }

    /** Whether nothing is wrong with it. */
    boolean good() {
        return door == Door.OPEN && failureShare == 0;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Behaviour that
                && that.door == door
                && that.median.equals(median)
                && that.spread == spread
                && that.failureShare == failureShare
                && that.failureStatus == failureStatus;
    }

    @Override
    public int hashCode() {
        return Objects.hash(door, median, spread, failureShare, failureStatus);
    }

    @Override
    public String toString() {
        return switch (door) {
            case REFUSES -> "refuses connections";
            case UNREACHABLE -> "is unreachable";
            case SILENT -> "says nothing";
            case OPEN ->
                "answers in " + median
                        + (failureShare == 0
                                ? ""
                                : ", fails " + failureShare + " with "
                                        + (failureStatus == 0 ? "a reset" : failureStatus));
        };
    }
}
