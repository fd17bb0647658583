package dev.postern.runtime.balancing;

/**
 * How long an endpoint takes to its response heads: a moving average that follows a rise at once and a fall slowly (the
 * peak-sensitive EWMA of Finagle's balancer). Immutable.
 *
 * <pre>
 *   next = latency                                 when it is higher
 *   next = value × e^(-t/10 s) + latency × (1 - e^(-t/10 s))      otherwise, t since the last one
 * </pre>
 *
 * @param value nanoseconds, more than 0
 * @param at when it was observed last, nanoseconds of the time source
 */
record Latency(double value, long at) {
    /** Long enough to tell a slow endpoint from a slow answer, short enough to forgive within half a minute. */
    private static final double DECAY_NANOS = 10e9;

    Latency observed(double latency, long now) {
        double sample = Math.max(1, latency);
        if (sample >= value) {
            return new Latency(sample, now);
        }
        double kept = kept(now);
        return new Latency(value * kept + sample * (1 - kept), now);
    }

    /** What it has come down to while nothing was observed: who is avoided for being slow is tried again some day. */
    double decayed(long now) {
        return value * kept(now);
    }

    private double kept(long now) {
        return Math.exp(-Math.max(0, now - at) / DECAY_NANOS);
    }
}
