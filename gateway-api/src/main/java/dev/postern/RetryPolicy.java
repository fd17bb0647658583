package dev.postern;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * When a failed attempt is made again. Always within the exchange's deadline, never after anything of a response was passed
 * on, on another endpoint if there is one, and with a request body only if that can be sent again.
 *
 * <p>Whatever the conditions: a request of which anything was sent is made again only if its method is idempotent (RFC 9110
 * 9.2.2: GET, HEAD, OPTIONS, TRACE, PUT, DELETE), is named by {@link Builder#treatAsIdempotent}, or carries an {@code
 * Idempotency-Key} that {@link Builder#trustIdempotencyKey} believes in. If nothing was sent any method may go elsewhere.
 *
 * <p>Whatever the policy, a request that found a pooled connection dead before one byte of a response is sent once more on a
 * fresh one, if its method is idempotent.
 */
public final class RetryPolicy {
    private static final RetryPolicy NONE = new RetryPolicy(new Builder(0));
    private static final RetryPolicy IDEMPOTENT =
            builder().onConnectFailure().onReset().build();

    /** More attempts than this do not help the caller any more; they only load the upstream. */
    private static final int MOST_RETRIES = 10;

    private static final int MOST_REPLAY_BYTES = 16 * 1024 * 1024;

    private final int maxRetries;
    private final boolean afterConnectFailure;
    private final boolean afterReset;
    private final boolean afterTimeout;
    private final Set<Integer> statuses;
    private final Set<Integer> grpcStatuses;
    private final Set<String> extraMethods;
    private final boolean trustsIdempotencyKey;
    private final Duration backOff;
    private final Duration maxBackOff;
    private final Duration maxRetryAfter;
    private final @Nullable Duration perTryTimeout;
    private final double budgetShare;
    private final int budgetPerSecond;
    private final int replayBytes;

    private RetryPolicy(Builder builder) {
        maxRetries = builder.maxRetries;
        afterConnectFailure = builder.connectFailure;
        afterReset = builder.reset;
        afterTimeout = builder.timeout;
        statuses = Collections.unmodifiableSet(new TreeSet<>(builder.statuses));
        grpcStatuses = Collections.unmodifiableSet(new TreeSet<>(builder.grpcStatuses));
        extraMethods = Collections.unmodifiableSet(new TreeSet<>(builder.methods));
        trustsIdempotencyKey = builder.idempotencyKey;
        backOff = builder.backOff;
        maxBackOff = builder.maxBackOff;
        maxRetryAfter = builder.maxRetryAfter;
        perTryTimeout = builder.perTryTimeout;
        budgetShare = builder.budgetShare;
        budgetPerSecond = builder.budgetPerSecond;
        replayBytes = builder.replayBytes;
    }

    /** No retry. */
    public static RetryPolicy none() {
        return NONE;
    }

    /**
     * One retry on another endpoint, after a connect failure (any method: nothing was sent) or a reset before the
     * response head (idempotent methods, RFC 9110 9.2.2). The same as a builder with these two conditions.
     */
    public static RetryPolicy idempotent() {
        return IDEMPOTENT;
    }

    /** Begins a policy of one retry; at least one condition has to be named. */
    public static Builder builder() {
        return new Builder(1);
    }

    /** Attempts after the first; 0 for {@link #none}. */
    public int maxRetries() {
        return maxRetries;
    }

    /** Whether an attempt is made again when no connection could be made. */
    public boolean afterConnectFailure() {
        return afterConnectFailure;
    }

    /** Whether an attempt is made again when its connection ended before the response head. */
    public boolean afterReset() {
        return afterReset;
    }

    /** Whether an attempt is made again when its response head did not come in time. */
    public boolean afterTimeout() {
        return afterTimeout;
    }

    /** The response statuses after which an attempt is made again, ascending. */
    public Set<Integer> statuses() {
        return statuses;
    }

    /** The values of {@code grpc-status} in a response head after which an attempt is made again, ascending. */
    public Set<Integer> grpcStatuses() {
        return grpcStatuses;
    }

    /** Methods taken for idempotent besides those of RFC 9110. */
    public Set<String> extraMethods() {
        return extraMethods;
    }

    /** Whether a request with an {@code Idempotency-Key} counts as idempotent. */
    public boolean trustsIdempotencyKey() {
        return trustsIdempotencyKey;
    }

    /** The unit of the pause before a retry. */
    public Duration backOff() {
        return backOff;
    }

    /** The longest pause of the back-off. */
    public Duration maxBackOff() {
        return maxBackOff;
    }

    /** The longest {@code Retry-After} that is waited for. */
    public Duration maxRetryAfter() {
        return maxRetryAfter;
    }

    /** The bound of one attempt up to the response head, or null. */
    public @Nullable Duration perTryTimeout() {
        return perTryTimeout;
    }

    /** The share of an upstream's requests that may be retried; 1 or more is no bound. */
    public double budgetShare() {
        return budgetShare;
    }

    /** Retries a second that the budget always allows. */
    public int budgetPerSecond() {
        return budgetPerSecond;
    }

    /** Bytes of a request body that are remembered for a retry. */
    public int replayBytes() {
        return replayBytes;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RetryPolicy that && that.values().equals(values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    /** In words: {@code 1 retry after connect failure, reset}. */
    @Override
    public String toString() {
        if (maxRetries == 0) {
            return "no retry";
        }
        List<String> after = new ArrayList<>();
        add(after, afterConnectFailure, "connect failure");
        add(after, afterReset, "reset");
        add(after, afterTimeout, "timeout");
        add(after, !statuses.isEmpty(), "status " + statuses);
        add(after, !grpcStatuses.isEmpty(), "grpc-status " + grpcStatuses);
        List<String> options = new ArrayList<>();
        add(options, !extraMethods.isEmpty(), "also " + extraMethods);
        add(options, trustsIdempotencyKey, "Idempotency-Key trusted");
        add(
                options,
                !backOff.equals(Builder.BACK_OFF) || !maxBackOff.equals(Builder.MAX_BACK_OFF),
                "back-off " + backOff + " to " + maxBackOff);
        add(options, !maxRetryAfter.equals(Builder.MAX_RETRY_AFTER), "Retry-After up to " + maxRetryAfter);
        add(options, perTryTimeout != null, "each try " + perTryTimeout);
        boolean usual = budgetShare == Builder.BUDGET_SHARE && budgetPerSecond == Builder.BUDGET_PER_SECOND;
        add(
                options,
                !usual,
                budgetShare == Double.POSITIVE_INFINITY
                        ? "no budget"
                        : "budget " + budgetShare + " and " + budgetPerSecond + "/s");
        add(options, replayBytes != Builder.REPLAY_BYTES, "replay " + replayBytes + " bytes");
        return maxRetries + (maxRetries == 1 ? " retry" : " retries") + " after " + String.join(", ", after)
                + (options.isEmpty() ? "" : " (" + String.join(", ", options) + ')');
    }

    private static void add(List<String> texts, boolean wanted, String text) {
        if (wanted) {
            texts.add(text);
        }
    }

    private List<Object> values() {
        return List.of(
                maxRetries,
                afterConnectFailure,
                afterReset,
                afterTimeout,
                statuses,
                grpcStatuses,
                extraMethods,
                trustsIdempotencyKey,
                backOff,
                maxBackOff,
                maxRetryAfter,
                perTryTimeout == null ? Duration.ZERO : perTryTimeout,
                budgetShare,
                budgetPerSecond,
                replayBytes);
    }

    /** Collects the settings of a policy; bad values are refused at once. */
    public static final class Builder {
        static final Duration BACK_OFF = Duration.ofMillis(25);
        static final Duration MAX_BACK_OFF = Duration.ofMillis(250);
        static final Duration MAX_RETRY_AFTER = Duration.ofSeconds(1);
        static final double BUDGET_SHARE = 0.2;
        static final int BUDGET_PER_SECOND = 10;
        static final int REPLAY_BYTES = 64 * 1024;

        private final Set<Integer> statuses = new TreeSet<>();
        private final Set<Integer> grpcStatuses = new TreeSet<>();
        private final Set<String> methods = new TreeSet<>();
        private int maxRetries;
        private boolean connectFailure;
        private boolean reset;
        private boolean timeout;
        private boolean idempotencyKey;
        private Duration backOff = BACK_OFF;
        private Duration maxBackOff = MAX_BACK_OFF;
        private Duration maxRetryAfter = MAX_RETRY_AFTER;
        private @Nullable Duration perTryTimeout;
        private double budgetShare = BUDGET_SHARE;
        private int budgetPerSecond = BUDGET_PER_SECOND;
        private int replayBytes = REPLAY_BYTES;

        private Builder(int maxRetries) {
            this.maxRetries = maxRetries;
        }

        /** Attempts after the first, 1 to 10; the default is 1. */
        public Builder maxRetries(int newMaxRetries) {
            if (newMaxRetries < 1 || newMaxRetries > MOST_RETRIES) {
                throw new IllegalArgumentException("maxRetries: " + newMaxRetries + " (expected: 1 to " + MOST_RETRIES
                        + "; for none use RetryPolicy.none())");
            }
            maxRetries = newMaxRetries;
            return this;
        }

        /** After a connection that was refused, not made in time, or failed its TLS handshake: nothing was sent. */
        public Builder onConnectFailure() {
            connectFailure = true;
            return this;
        }

        /**
         * After a connection that ended before the response head; for the host's own code ({@link Upstream#local}), after a
         * call that failed without a response.
         */
        public Builder onReset() {
            reset = true;
            return this;
        }

        /** After a response head that did not come within {@link #perTryTimeout} or {@code Upstream.firstByteTimeout}. */
        public Builder onTimeout() {
            timeout = true;
            return this;
        }

        /** After a response of 502, 503 or 504. */
        public Builder onGatewayErrors() {
            return onStatus(502, 503, 504);
        }

        /** After a response of one of these statuses, 400 to 599. */
        public Builder onStatus(int... newStatuses) {
            for (int status : newStatuses) {
                if (status < 400 || status > 599) {
                    throw new IllegalArgumentException("status: " + status + " (expected: 400 to 599)");
                }
                statuses.add(status);
            }
            return this;
        }

        /**
         * After a response whose head has one of these values of {@code grpc-status}, 1 to 16. gRPC calls are POST: add
         * {@code treatAsIdempotent("POST")} where the service allows it.
         */
        public Builder onGrpcStatus(int... newStatuses) {
            for (int status : newStatuses) {
                if (status < 1 || status > 16) {
                    throw new IllegalArgumentException("grpc-status: " + status + " (expected: 1 to 16)");
                }
                grpcStatuses.add(status);
            }
            return this;
        }

        /**
         * Takes requests of these methods for idempotent, which only who knows the upstream can say. The default is none
         * besides those of RFC 9110.
         */
        public Builder treatAsIdempotent(String... newMethods) {
            for (String method : newMethods) {
                if (method.isBlank()) {
                    throw new IllegalArgumentException("method: \"" + method + "\" (expected: not blank)");
                }
                methods.add(method);
            }
            return this;
        }

        /**
         * Takes requests with an {@code Idempotency-Key} for idempotent. The default is not to: an upstream that does not
         * look at the header would do the work twice.
         */
        public Builder trustIdempotencyKey() {
            idempotencyKey = true;
            return this;
        }

        /**
         * The pause before retry N: by chance between zero and {@code base × (2^N - 1)}, at most {@code max} ("full
         * jitter"). The default is 25 and 250 milliseconds. A retry on another endpoint after a connect failure goes at
         * once.
         */
        public Builder backOff(Duration base, Duration max) {
            Durations.positive("backOff base", base);
            if (max.compareTo(base) < 0) {
                throw new IllegalArgumentException("backOff max: " + max + " (expected: >= base " + base + ")");
            }
            backOff = base;
            maxBackOff = max;
            return this;
        }

        /**
         * The longest {@code Retry-After} of a response that is waited for, more than zero; the default is 1 second. A
         * response that asks for more is passed on.
         */
        public Builder maxRetryAfter(Duration newMaxRetryAfter) {
            maxRetryAfter = Durations.positive("maxRetryAfter", newMaxRetryAfter);
            return this;
        }

        /**
         * The bound of one attempt from its begin up to the response head, connecting included, more than zero; the
         * default is what is left of the exchange's deadline. The last attempt is bounded by it too.
         */
        public Builder perTryTimeout(Duration newPerTryTimeout) {
            perTryTimeout = Durations.positive("perTryTimeout", newPerTryTimeout);
            return this;
        }

        /**
         * Bounds the retries of an upstream, over all routes and event loops, in any ten seconds: to this share of the
         * requests begun in them, and to {@code perSecond} a second on top, so that upstreams with little traffic have
         * retries too. The default is 0.2 and 10. Past it the failure is answered as if it could not be retried.
         *
         * @param share 0 to 1
         * @param perSecond 0 to 10,000
         */
        public Builder budget(double share, int perSecond) {
            if (!(share >= 0 && share <= 1)) {
                throw new IllegalArgumentException("budget share: " + share + " (expected: 0 to 1)");
            }
            if (perSecond < 0 || perSecond > 10_000) {
                throw new IllegalArgumentException("budget perSecond: " + perSecond + " (expected: 0 to 10000)");
            }
            budgetShare = share;
            budgetPerSecond = perSecond;
            return this;
        }

        /** Retries without a bound over all requests: an upstream that fails gets a multiple of its usual load. */
        public Builder withoutBudget() {
            budgetShare = Double.POSITIVE_INFINITY;
            return this;
        }

        /**
         * Bytes of a request body remembered for a retry, 0 to 16 MiB; the default is 64 KiB. Only bodies of requests that
         * may be made again are remembered at all. One that is longer streams through, and is not made again once it has
         * begun.
         */
        public Builder replayBytes(int newReplayBytes) {
            if (newReplayBytes < 0 || newReplayBytes > MOST_REPLAY_BYTES) {
                throw new IllegalArgumentException(
                        "replayBytes: " + newReplayBytes + " (expected: 0 to " + MOST_REPLAY_BYTES + ")");
            }
            replayBytes = newReplayBytes;
            return this;
        }

        /**
         * The policy.
         *
         * @throws IllegalArgumentException without a condition
         */
        public RetryPolicy build() {
            if (!connectFailure && !reset && !timeout && statuses.isEmpty() && grpcStatuses.isEmpty()) {
                throw new IllegalArgumentException(
                        "a retry policy without a condition (expected: onConnectFailure(), onReset(), onTimeout(),"
                                + " onGatewayErrors(), onStatus(…) or onGrpcStatus(…); for none use RetryPolicy.none())");
            }
            return new RetryPolicy(this);
        }
    }
}
