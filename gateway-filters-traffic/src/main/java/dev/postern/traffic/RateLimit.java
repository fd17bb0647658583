package dev.postern.traffic;

import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.traffic.RateLimitOptions.Missing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.ToLongBiFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Admits requests at a pace, each key for itself; the rest get 429 with {@code Retry-After}.
 *
 * {@snippet class="dev.postern.traffic.RateLimitTest" region="smallest"}
 *
 * {@snippet class="dev.postern.traffic.RateLimitTest" region="several"}
 *
 * <p>A limit of {@code permits} in a {@code window} gives {@code permits} at once to a key that was idle, and from then on
 * one every {@code window / permits} (GCRA, a token bucket): in a span of length s never more than {@code burst + s · permits
 * / window}. With several limits a request needs all of them, and one that is refused uses up none. The count is exact for
 * the whole gateway, however many event loops it has. It is kept in this process: two gateways do not share it.
 *
 * <p><strong>The name is the bucket.</strong> Two rate limits with one name, on two routes or before and after a config swap,
 * count together; they must have equal keys, limits and {@code maxKeys}. The shorthands are named after what they do ({@code
 * per-client-100-per-1s}), so equal ones count together too: a limit of its own for a route needs a name of its own, or
 * {@link RequestKey#route()} as a part of the key.
 *
 * <p>Every response that comes back through the filter carries {@code RateLimit-Policy} and {@code RateLimit}. Failures that
 * are rendered by the gateway's error handler do not.
 *
 * <p>Values are equal when all options are; functions count by the names they were given.
 */
public final class RateLimit implements Filter, Managed, Checked {
    private static final String KIND = "rate limit";

    // Keys of different origin are never the same key, whatever their texts are.
    private static final long OWN = 1;
    private static final long FALLBACK = 2;
    private static final long WITHOUT = 3;

    // No hash is 0, so it can stand for "no key".
    private static final long NO_KEY = 0;

    private static final long[] NO_LEVELS = {};

    private final RateLimitOptions options;
    private final ToLongBiFunction<Request, Exchange> cost;
    private final List<String> problems;
    private final @Nullable RateLimitFields fields;
    private final Held<Limiter> limiter = new Held<>();

    private RateLimit(Builder builder) {
        options = builder.options();
        cost = builder.cost;
        problems = builder.problems(options);
        fields = problems.isEmpty()
                ? new RateLimitFields(options.name(), options.limits(), options.currentFields(), options.legacyFields())
                : null;
    }

    /**
     * Each client for itself, by its address (IPv6: by its /64 network). Called {@code per-client-100-per-1s}.
     *
     * @param permits 1 or more
     * @param window 1 ms to 366 days
     */
    public static RateLimit perClient(long permits, Duration window) {
        return per(RequestKey.client(), permits, window);
    }

    /** Each key for itself. Called after the key: {@code per-principal-100-per-1s}. */
    public static RateLimit per(RequestKey key, long permits, Duration window) {
        Limit limit = new Limit(permits, window, permits);
        String name = "per-" + key + '-' + permits + "-per-" + limit.windowName();
        return builder(name.replace(' ', '-')).key(key).limit(permits, window).build();
    }

    /**
     * Begins a limit with options.
     *
     * @param name of the bucket: stands in {@code RateLimit} fields, in logs and in plans, and decides with which other limits
     *     this one counts together. Printable ASCII.
     */
    public static Builder builder(String name) {
        return new Builder(Objects.requireNonNull(name, "name"));
    }

    /**
     * A key for wider networks than {@link RequestKey#client()}: who is given an IPv6 /48 has 65,536 networks of /64 to come
     * from.
     *
     * @param ipv4Bits prefix length for IPv4 callers, 1 to 32
     * @param ipv6Bits prefix length for IPv6 callers, 1 to 128
     */
    public static RequestKey clientNetwork(int ipv4Bits, int ipv6Bits) {
        return new ClientNetwork(ipv4Bits, ipv6Bits);
    }

    @Override
    public String name() {
        return "rate-limit:" + options.name();
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        Limiter buckets = limiter.of(this);
        RateLimitFields told = Objects.requireNonNull(fields, "fields"); // what has problems is not started
        Exchange exchange = chain.exchange();
        long key = key(buckets, request, exchange);
        if (key == NO_KEY) {
            return options.missing() == Missing.ADMIT
                    ? chain.proceed(request)
                    : chain.answer(
                            Response.problem(400, "rate_limit_key_missing", "the request does not say who sends it"));
        }
        long permits = cost.applyAsLong(request, exchange);
        if (permits < 0) {
            throw new IllegalStateException("cost " + options.cost() + ": " + permits + " (expected: >= 0)");
        }
        long[] levels = told.any() ? new long[options.limits().size()] : NO_LEVELS;
        Refusal refusal = buckets.take(key, permits, exchange.time().nanoTime(), levels);
        if (refusal != null) {
            return chain.answer(told.refused(refusal, levels));
        }
        CompletionStage<Response> response = chain.proceed(request);
        return told.any() ? response.thenApply(answer -> told.admitted(answer, levels)) : response;
    }

    @Override
    public List<String> problems() {
        return problems;
    }

    @Override
    public List<StateSpec> state() {
        return problems.isEmpty() ? List.of(spec()) : List.of();
    }

    /** Fails when the options have {@link #problems}, and when another gateway has started this very object. */
    @Override
    public CompletionStage<Void> start(Services services) {
        return limiter.start(
                this,
                problems,
                services,
                this::spec,
                () -> new Limiter(
                        options.limits(),
                        options.maxKeys(),
                        SecretHash.random(),
                        services.time().nanoTime()));
    }

    @Override
    public void stop() {
        limiter.stop();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RateLimit that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    /** {@code rate limit "api": 20 per 1s, 10000 per 1d for each header X-Api-Key}. */
    @Override
    public String toString() {
        String limits = options.limits().stream().map(Limit::toString).collect(Collectors.joining(", "));
        String keys = options.keys().stream().map(RequestKey::toString).collect(Collectors.joining(" and "));
        return KIND + " \"" + options.name() + "\": " + limits
                + (keys.isEmpty() ? " for all together" : " for each " + keys);
    }

    private StateSpec spec() {
        return new StateSpec(KIND, options.name(), options.buckets());
    }

    private long key(Limiter buckets, Request request, Exchange exchange) {
        long key = OWN;
        List<RequestKey> keys = options.keys();
        for (int i = 0; i < keys.size(); i++) {
            String text = keys.get(i).of(request, exchange);
            if (text == null) {
                return keyOfOneWithout(buckets, request, exchange);
            }
            key = buckets.key(key, text);
        }
        return keys.isEmpty() ? buckets.key(OWN, "") : key;
    }

    private long keyOfOneWithout(Limiter buckets, Request request, Exchange exchange) {
        RequestKey fallback = options.fallback();
        String text = fallback == null ? null : fallback.of(request, exchange);
        if (text != null) {
            return buckets.key(FALLBACK, text);
        }
        return options.missing() == Missing.SHARE ? buckets.key(WITHOUT, "") : NO_KEY;
    }

    /**
     * Collects the options of a limit. Arguments out of range are refused at once; what only shows when all are known is
     * reported, with everything else that is wrong, when the gateway is built.
     */
    public static final class Builder {
        private final String name;
        private final List<Limit> limits = new ArrayList<>();
        private List<RequestKey> keys = List.of(RequestKey.client());
        private @Nullable RequestKey fallback;
        private Missing missing = Missing.SHARE;
        private long maxKeys = 1_000_000;
        private @Nullable String costName;
        private ToLongBiFunction<Request, Exchange> cost = (request, exchange) -> 1;
        private boolean currentFields = true;
        private boolean legacyFields;

        private Builder(String name) {
            this.name = name;
        }

        /**
         * By what requests are told apart; the default is {@link RequestKey#client()}. Several keys make one together:
         * {@code key(RequestKey.client(), RequestKey.route())} counts each client on each route.
         */
        public Builder key(RequestKey first, RequestKey... more) {
            List<RequestKey> all = new ArrayList<>();
            all.add(Objects.requireNonNull(first, "first"));
            all.addAll(List.of(more));
            keys = all;
            return this;
        }

        /** One bucket for all requests together. */
        public Builder withoutKey() {
            keys = List.of();
            return this;
        }

        /**
         * Adds a limit; one to four of them, each with another window. A request needs all of them.
         *
         * @param permits 1 to 10^15 - 1
         * @param window 1 ms to 366 days
         */
        public Builder limit(long permits, Duration window) {
            limits.add(new Limit(permits, window, permits));
            return this;
        }

        /**
         * How many permits of the limit written last may be taken at once; the default is all of a window. 1 spaces requests
         * evenly.
         */
        public Builder burst(long permits) {
            if (limits.isEmpty()) {
                throw new IllegalStateException("burst: no limit to apply to (expected: limit(…).burst(…))");
            }
            int last = limits.size() - 1;
            limits.set(last, limits.get(last).withBurst(permits));
            return this;
        }

        /**
         * About how many keys are counted each for itself, 1 to 10^8; the default is a million. Only keys that have not
         * recovered their whole burst count. Beyond it new keys share buckets, so they get less than their limit, never
         * more. Bounds the memory: about {@code 1.4 · maxKeys · (16 + 8 · limits)} bytes, taken as keys come.
         */
        public Builder maxKeys(long keyCount) {
            if (keyCount < 1 || keyCount > 100_000_000) {
                throw new IllegalArgumentException("maxKeys: " + keyCount + " (expected: 1 to 100000000)");
            }
            maxKeys = keyCount;
            return this;
        }

        /** Requests without key are told apart by this instead. Unless told otherwise, they all share one bucket. */
        public Builder whenKeyMissing(RequestKey instead) {
            fallback = Objects.requireNonNull(instead, "instead");
            return this;
        }

        /** Requests without key get 400 ({@code rate_limit_key_missing}). */
        public Builder refuseWhenKeyMissing() {
            missing = Missing.REFUSE;
            return this;
        }

        /** Requests without key are not limited. Whoever can leave the key out is then free of the limit. */
        public Builder admitWhenKeyMissing() {
            missing = Missing.ADMIT;
            return this;
        }

        /**
         * How many permits a request needs; the default is 1. With 0 a request is not counted, but told where it stands. One
         * that needs more than the burst gets 429 without {@code Retry-After}: waiting does not help.
         *
         * @param functionName stands for the function: two with one name are taken for the same
         * @param permits called on the event loop; 0 or more
         */
        public Builder cost(String functionName, ToLongBiFunction<Request, Exchange> permits) {
            costName = Objects.requireNonNull(functionName, "functionName");
            cost = Objects.requireNonNull(permits, "permits");
            return this;
        }

        /** No {@code RateLimit} and {@code RateLimit-Policy} fields; {@code Retry-After} stays on 429. */
        public Builder withoutHeaders() {
            currentFields = false;
            return this;
        }

        /** Also the fields {@code X-RateLimit-Limit}, {@code -Remaining} and {@code -Reset} (in seconds), of the tightest limit. */
        public Builder legacyHeaders() {
            legacyFields = true;
            return this;
        }

        /** The filter. */
        public RateLimit build() {
            return new RateLimit(this);
        }

        private RateLimitOptions options() {
            return new RateLimitOptions(
                    name, keys, fallback, missing, limits, maxKeys, costName, currentFields, legacyFields);
        }

        private List<String> problems(RateLimitOptions all) {
            List<String> found = new ArrayList<>();
            if (name.isBlank()) {
                found.add("name is missing (expected: RateLimit.builder(\"…\"))");
            } else if (!RateLimitFields.canCarry(name)) {
                found.add("name \"" + name + "\" cannot stand in a header (expected: printable ASCII)");
            }
            if (all.limits().isEmpty()) {
                found.add("no limit is set (expected: limit(permits, window))");
            }
            if (all.limits().size() > Limiter.MAX_LIMITS) {
                found.add(all.limits().size() + " limits are set (expected: at most " + Limiter.MAX_LIMITS + ")");
            }
            if (all.limits().stream().map(Limit::window).distinct().count()
                    < all.limits().size()) {
                found.add("two limits have the same window (expected: one limit for each window)");
            }
            for (Limit limit : all.limits()) {
                if (!limit.countable()) {
                    found.add(
                            "limit " + limit
                                    + " cannot be counted exactly (expected: a shorter window, a smaller burst, or a rounder number)");
                }
            }
            return List.copyOf(found);
        }
    }
}
