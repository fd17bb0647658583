package dev.postern.traffic;

import java.math.BigInteger;
import java.time.Duration;

/**
 * So many permits in a window.
 *
 * @param permits 1 to 10^15 - 1, the largest integer a structured field can carry (RFC 8941 3.3.1)
 * @param window 1 ms to 366 days
 * @param burst how many permits may be taken at once, in the range of permits
 */
record Limit(long permits, Duration window, long burst) {
    static final long MAX_PERMITS = 999_999_999_999_999L;

    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST = Duration.ofDays(366);

    // Leaves room for one elapsed nanosecond's worth on top without overflow.
    private static final BigInteger LARGEST_CAPACITY = BigInteger.ONE.shiftLeft(62);

    Limit {
        permits("permits", permits);
        permits("burst", burst);
        if (window.compareTo(SHORTEST) < 0 || window.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("window: " + window + " (expected: 1 ms to 366 days)");
        }
    }

    private static void permits(String name, long value) {
        if (value < 1 || value > MAX_PERMITS) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 to " + MAX_PERMITS + ")");
        }
    }

    Limit withBurst(long newBurst) {
        return new Limit(permits, window, newBurst);
    }

    /** Whether the units of {@link Gcra} fit into 63 bits. They do unless numbers of very many permits share no divisor with the window. */
    boolean countable() {
        BigInteger nanos = BigInteger.valueOf(window.toNanos());
        BigInteger divisor = nanos.gcd(BigInteger.valueOf(permits));
        return nanos.divide(divisor).multiply(BigInteger.valueOf(burst)).compareTo(LARGEST_CAPACITY) <= 0;
    }

    /** The window in its largest whole unit: {@code 500ms}, {@code 1s}, {@code 90s}, {@code 5m}, {@code 1h}, {@code 1d}. */
    String windowName() {
        long millis = window.toMillis();
        if (window.toNanos() % 1_000_000 != 0) {
            return window.toNanos() + "ns";
        }
        if (millis % 1000 != 0) {
            return millis + "ms";
        }
        long seconds = millis / 1000;
        if (seconds % 86_400 == 0) {
            return seconds / 86_400 + "d";
        }
        if (seconds % 3600 == 0) {
            return seconds / 3600 + "h";
        }
        return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }

    @Override
    public String toString() {
        return permits + " per " + windowName() + (burst == permits ? "" : " (burst " + burst + ")");
    }
}
