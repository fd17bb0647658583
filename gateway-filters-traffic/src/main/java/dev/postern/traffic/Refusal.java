package dev.postern.traffic;

/**
 * Why a request was not admitted.
 *
 * @param waitNanos how long until it could be, if nobody else comes; {@link Long#MAX_VALUE} for never
 * @param slowest the index of the limit that is waited for
 * @param violated the limits that refused, as bits
 */
record Refusal(long waitNanos, int slowest, int violated) {
    boolean violates(int limit) {
        return (violated & (1 << limit)) != 0;
    }
}
