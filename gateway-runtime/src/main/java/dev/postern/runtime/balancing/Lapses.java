package dev.postern.runtime.balancing;

/**
 * How many failures of an endpoint are fresh: each counts one, and less as time passes. Immutable.
 *
 * @param count at {@code at}
 * @param at nanoseconds of the time source
 */
record Lapses(double count, long at) {
    static final Lapses NONE = new Lapses(0, 0);

    /** About as long as a failed request would have taken if it had not failed. */
    private static final double DECAY_NANOS = 1e9;

    /** So that an endpoint that failed often is not out for long. */
    private static final double MOST = 10_000;

    Lapses more(long now) {
        return new Lapses(Math.min(MOST, remaining(now) + 1), now);
    }

    double remaining(long now) {
        return count == 0 ? 0 : count * Math.exp(-Math.max(0, now - at) / DECAY_NANOS);
    }
}
