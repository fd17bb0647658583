package dev.postern;

import java.time.Duration;

/**
 * How long a call of the gateway's own may take and how large its answer may be.
 *
 * @param timeout from the first byte out to the last byte in, more than zero
 * @param maxBytes of the answer's body, 0 or more
 */
public record CallLimits(Duration timeout, int maxBytes) {
    /** Five seconds and 256 KiB. */
    public static final CallLimits DEFAULT = new CallLimits(Duration.ofSeconds(5), 256 * 1024);

    /** Refuses what is not finite. */
    public CallLimits {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout: " + timeout + " (expected: > 0)");
        }
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes: " + maxBytes + " (expected: >= 0)");
        }
    }
}
