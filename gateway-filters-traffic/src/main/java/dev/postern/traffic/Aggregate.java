package dev.postern.traffic;

import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Handler;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Answers with the results of several calls to upstreams, made at the same time as far as they do not need each other's
 * results.
 *
 * {@snippet class="dev.postern.traffic.AggregateTest" region="smallest"}
 *
 * <p>The answer is 200 with a JSON object, a member for each call. When a call fails that is neither {@link Leg#optional} nor
 * has a default, all others are cancelled at once and the answer is a problem document that names the call: 504 when it took
 * too long, else 502. When only optional ones fail, the answer has a member {@code _errors}: a list of {@code {"call": "team",
 * "code": "timeout"}}.
 *
 * <p>All calls end within the deadline of the exchange; when it is cut, they are. They belong to the exchange and so follow
 * its trace and the policies of their upstreams. The request's own body is not read.
 *
 * <p>A handler, not a filter: it is where a route ends, filters stand before it, and as {@code Upstream.local} it can be
 * called by others. Values are equal when all options are; a merge function counts by its name.
 */
public final class Aggregate implements Handler, Checked {
    /** Also the member of the answer that tells about failed calls. */
    static final String ERRORS = "_errors";

    // More is a fan-out that multiplies every request of a client into a burst of our own.
    private static final int MAX_CALLS = 16;

    private final List<Leg> legs;
    private final @Nullable Duration timeout;
    private final Merge merge;
    private final Headers headers;
    private final List<String> problems;
    private final @Nullable AggregatePlan plan;

    private Aggregate(Builder builder) {
        legs = List.copyOf(builder.legs);
        timeout = builder.timeout;
        merge = builder.merge;
        headers = Headers.of("Content-Type", "application/json").with("Cache-Control", builder.cacheControl);
        List<String> found = new ArrayList<>();
        if (legs.isEmpty()) {
            found.add("no call is set (expected: call(name, upstream, target))");
        }
        if (legs.size() > MAX_CALLS) {
            found.add(legs.size() + " calls are set (expected: at most " + MAX_CALLS + ")");
        }
        AggregatePlan compiled = AggregatePlan.compile(legs, found);
        problems = List.copyOf(found);
        plan = problems.isEmpty() ? compiled : null;
    }

    /** Begins an aggregate. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public CompletionStage<Response> handle(Request request, Exchange exchange) {
        if (plan == null) {
            throw new IllegalStateException(this + ": " + String.join("; ", problems));
        }
        request.body().discard();
        return new AggregateRun(plan, this, request, exchange).start();
    }

    @Override
    public List<String> problems() {
        return problems;
    }

    @Override
    public List<String> upstreams() {
        return legs.stream().map(Leg::upstream).toList();
    }

    @Nullable
    Duration timeout() {
        return timeout;
    }

    Merge merge() {
        return merge;
    }

    /** For complete answers. */
    Headers headers() {
        return headers;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Aggregate that
                && that.legs.equals(legs)
                && Objects.equals(that.timeout, timeout)
                && that.merge.equals(merge)
                && that.headers.equals(headers);
    }

    @Override
    public int hashCode() {
        return legs.hashCode();
    }

    /** {@code aggregate [user: GET /users/{id} of users, …]}. */
    @Override
    public String toString() {
        return "aggregate " + legs;
    }

    static Duration positive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
        }
        return value;
    }

    /** How results become an answer. */
    sealed interface Merge {
        /** A member for each call. */
        record Members() implements Merge {}

        /** One object of all members of all results. */
        record Shallow() implements Merge {}

        /** The host's own; equal by name. */
        record Named(String name, Function<Map<String, LegResult>, Response> function) implements Merge {
            @Override
            public boolean equals(@Nullable Object other) {
                return other instanceof Named that && that.name.equals(name);
            }

            @Override
            public int hashCode() {
                return name.hashCode();
            }
        }
    }

    /** Collects calls; mistakes in their texts, and calls that wait for each other, are reported when the gateway is built. */
    public static final class Builder {
        private final List<Leg> legs = new ArrayList<>();
        private @Nullable Duration timeout;
        private Merge merge = new Merge.Members();
        private String cacheControl = "no-store";

        private Builder() {}

        /** Adds a {@code GET} that must succeed: {@link Leg#get}. At most 16 calls. */
        public Builder call(String name, String upstream, String target) {
            return call(Leg.get(name, upstream, target));
        }

        /** Adds a call with options. */
        public Builder call(Leg leg) {
            legs.add(Objects.requireNonNull(leg, "leg"));
            return this;
        }

        /**
         * How long all calls together may take, more than zero. The default, and the most it can be, is nine tenths of what is
         * left of the exchange's deadline: so an optional call that hangs costs its own part of the answer and not all of it.
         * On a route without timeout it is 30 seconds.
         */
        public Builder timeout(Duration newTimeout) {
            timeout = positive("timeout", newTimeout);
            return this;
        }

        /**
         * One object with the members of all results instead of a member for each; of members of one name the later call's
         * counts. A result that is no object is a failure of its call ({@code not_an_object}), except null.
         */
        public Builder mergeMembers() {
            merge = new Merge.Shallow();
            return this;
        }

        /**
         * The host makes the answer from the results, all of them by name in the order of the calls. Called on the event loop:
         * must not block. Not called when a required call has failed.
         *
         * @param functionName stands for the function: two with one name are taken for the same
         */
        public Builder merge(String functionName, Function<Map<String, LegResult>, Response> function) {
            Objects.requireNonNull(functionName, "functionName");
            Objects.requireNonNull(function, "function");
            merge = new Merge.Named(functionName, function);
            return this;
        }

        /**
         * {@code Cache-Control} of complete answers; the default is {@code no-store}, because what may be kept of a mixture of
         * answers nobody knows but you. Incomplete ones are always {@code no-store}. Without effect on {@link #merge}.
         */
        public Builder cacheControl(String value) {
            // Only to have the value checked.
            Headers.of("Cache-Control", value);
            cacheControl = value;
            return this;
        }

        /** The handler. */
        public Aggregate build() {
            return new Aggregate(this);
        }
    }
}
