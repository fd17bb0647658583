package dev.postern.traffic;

/**
 * The generic cell rate algorithm (ITU-T I.371, annex A) in integers, without rounding.
 *
 * <p>A permit comes free every {@code T = window / permits}. The <em>theoretical arrival time</em> (TAT) of a key is when
 * the next request would come if all came at that pace; each one admitted moves it T further. A request at {@code now} may
 * come early, but not so early that {@code TAT - now} would exceed {@code burst · T}:
 *
 * <pre>
 *             now            TAT        TAT + T
 *   ───────────┼──────────────┼────────────┼──────────┼─────────▶ time
 *              │◀─── debt ───▶│◀──── T ───▶│          │
 *              │◀──────────── burst · T ─────────────▶│
 *
 *   admitted: the debt after it still fits into burst · T; the debt melts by one nanosecond a nanosecond
 * </pre>
 *
 * So in any span of length s at most {@code burst + s · permits / window} permits are given, and there is no edge of a
 * window at which everybody starts anew.
 *
 * <p>T is not a whole number of nanoseconds for, say, 3 permits a second, and a rounded T drifts. Therefore nothing is
 * divided: debts are kept in units of {@code 1 / permits} nanoseconds. One permit then costs {@code window} units and one
 * nanosecond pays {@code permits} units back, both whole numbers (made small by their greatest common divisor). This is the
 * second form of the algorithm in the same annex, the continuous-state leaky bucket: a level and the time at which it was
 * right, in the place of the TAT.
 *
 * <p>A level lies between 0 (idle: nothing is remembered of this key that would make a difference) and {@link #capacity}.
 */
final class Gcra {
    private final long unitsPerPermit;
    private final long unitsPerNano;
    private final long burst;
    private final long capacity;
    // After so many nanoseconds every level is 0. Up to there elapsed · unitsPerNano <= capacity + unitsPerNano: no
    // overflow.
    private final long nanosToEmpty;

    /** For a {@linkplain Limit#countable() countable} limit. */
    Gcra(Limit limit) {
        long nanos = limit.window().toNanos();
        long divisor = gcd(nanos, limit.permits());
        unitsPerPermit = nanos / divisor;
        unitsPerNano = limit.permits() / divisor;
        burst = limit.burst();
        capacity = Math.multiplyExact(unitsPerPermit, burst);
        nanosToEmpty = ceilDiv(capacity, unitsPerNano);
    }

    /** The level {@code nanos} later. */
    long drained(long level, long nanos) {
        return nanos >= nanosToEmpty ? 0 : Math.max(0, level - nanos * unitsPerNano);
    }

    /** How long until the level is 0. */
    long nanosToDrain(long level) {
        return ceilDiv(level, unitsPerNano);
    }

    /** How long until {@code cost} permits can be taken: 0 for now, {@link Long#MAX_VALUE} for never. */
    long nanosUntil(long level, long cost) {
        if (cost > burst) {
            return Long.MAX_VALUE;
        }
        long excess = level + cost * unitsPerPermit - capacity;
        return excess <= 0 ? 0 : ceilDiv(excess, unitsPerNano);
    }

    /** The level after {@code cost} permits were taken, which {@link #nanosUntil} has allowed. */
    long taken(long level, long cost) {
        return level + cost * unitsPerPermit;
    }

    /** The permits that could be taken at once. */
    long remaining(long level) {
        return (capacity - level) / unitsPerPermit;
    }

    /** How long until one more permit could be taken than now; 0 when there cannot be more. */
    long nanosUntilMore(long level) {
        long more = remaining(level) + 1;
        return more > burst ? 0 : nanosUntil(level, more);
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private static long ceilDiv(long a, long b) {
        return b == 1 ? a : a / b + (a % b == 0 ? 0 : 1);
    }
}
