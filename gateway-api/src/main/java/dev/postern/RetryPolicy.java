package dev.postern;

import org.jspecify.annotations.Nullable;

/**
 * When a failed attempt is made again. Always within the exchange's deadline, never after the response head was received,
 * on another endpoint if there is one, and with a request body only if that can be sent again.
 *
 * <p>Whatever the policy, a request that found a pooled connection dead before one byte of a response is sent once more
 * on a fresh one, if its method is idempotent.
 */
public final class RetryPolicy {
    private static final RetryPolicy NONE = new RetryPolicy(0);
    private static final RetryPolicy IDEMPOTENT = new RetryPolicy(1);

    private final int maxRetries;

    private RetryPolicy(int maxRetries) {
        this.maxRetries = maxRetries;
    }

    /** No retry. */
    public static RetryPolicy none() {
        return NONE;
    }

    /**
     * One retry on another endpoint, after a connect failure (any method: nothing was sent) or a reset before the
     * response head (idempotent methods, RFC 9110 9.2.2: GET, HEAD, OPTIONS, PUT, DELETE).
     */
    public static RetryPolicy idempotent() {
        return IDEMPOTENT;
    }

    /** Attempts after the first. */
    public int maxRetries() {
        return maxRetries;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RetryPolicy that && that.maxRetries == maxRetries;
    }

    @Override
    public int hashCode() {
        return maxRetries;
    }

    @Override
    public String toString() {
        return maxRetries == 0 ? "no retry" : "retry idempotent, " + maxRetries;
    }
}
