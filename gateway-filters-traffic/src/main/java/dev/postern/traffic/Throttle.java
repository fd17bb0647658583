package dev.postern.traffic;

import static dev.postern.traffic.Ranges.range;

import dev.postern.Checked;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Calls an upstream that does not accept all calls little more often than it accepts them: when fewer than half of the last 30
 * seconds' requests were accepted, a growing part is rejected here with 503, the least important first.
 *
 * {@snippet class="dev.postern.traffic.ThrottleTest" region="smallest"}
 *
 * <p>Accepted is what has a response below 500; failures that are the upstream's doing are not. Clients that leave and faults
 * of the gateway say nothing. Put it before filters that retry, and behind those that refuse by themselves.
 *
 * <p><strong>The name is the throttle.</strong> Two with one name, on two routes or before and after a config swap, are one;
 * they must have equal rules and scope. It counts exactly for the whole gateway, however many event loops it has. It is kept
 * in this process: two gateways do not share it.
 *
 * <p>Values are equal when all options are; functions count by the names they were given.
 */
public final class Throttle implements Filter, Managed, Checked {
    private static final String KIND = "throttle";

    private final ThrottleOptions options;
    private final Predicate<Response> failing;
    private final BiFunction<Request, Exchange, Priority> priority;
    private final List<String> problems;
    private final Held<Throttlers> throttlers = new Held<>();

    private Throttle(Builder builder) {
        options = builder.options();
        failing = builder.failing;
        priority = builder.priority;
        problems = options.problems();
    }

    /** With all defaults. */
    public static Throttle named(String name) {
        return builder(name).build();
    }

    /**
     * Begins a throttle with options.
     *
     * @param name stands in logs, metrics and plans, and decides with which others it is one
     */
    public static Builder builder(String name) {
        return new Builder(Objects.requireNonNull(name, "name"));
    }

    @Override
    public String name() {
        return "throttle:" + options.name();
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        Throttlers mine = throttlers.of(this);
        Exchange exchange = chain.exchange();
        Priority important = Objects.requireNonNull(
                priority.apply(request, exchange), () -> "priority " + options.priority() + " returned null");
        Throttler throttler = mine.of(options.scope().key(exchange.route()));
        if (!throttler.admits(
                important, mine.random().nextDouble(), exchange.time().nanoTime())) {
            // Spread over three seconds: those rejected together do not come back together.
            return chain.answer(Response.problem(503, "throttled", "the service behind does not accept all requests")
                    .withHeader(
                            "Retry-After", Integer.toString(1 + mine.random().nextInt(3))));
        }
        ThrottledCall call = new ThrottledCall(throttler, important, exchange);
        exchange.onEnd(call::ended);
        return chain.proceed(request).whenComplete((response, failure) -> call.answered(response, failure, failing));
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
        return throttlers.start(
                this,
                problems,
                services,
                this::spec,
                () -> new Throttlers(options, () -> services.time().nanoTime(), services.random()));
    }

    @Override
    public void stop() {
        throttlers.stop();
    }

    private StateSpec spec() {
        return new StateSpec(KIND, options.name(), options.kept());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Throttle that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    /** {@code throttle "orders" for each upstream}. */
    @Override
    public String toString() {
        return KIND + " \"" + options.name() + '"' + options.scope().text();
    }

    /** Collects the options of a throttle. Arguments out of range are refused at once. */
    public static final class Builder {
        private final String name;
        private Scope scope = Scope.UPSTREAM;
        private double multiplier = 2;
        private Duration window = Duration.ofSeconds(30);
        private int minimumCalls = 20;
        private int mostPercent = 80;
        private String failingName = "5xx";
        private Predicate<Response> failing = response -> response.status() >= 500;
        private String priorityName = "always " + Priority.NORMAL;
        private BiFunction<Request, Exchange, Priority> priority = (request, exchange) -> Priority.NORMAL;

        private Builder(String name) {
            this.name = name;
        }

        /** A throttle for each route that it stands on, instead of one for each upstream that its routes lead to. */
        public Builder perRoute() {
            scope = Scope.ROUTE;
            return this;
        }

        /**
         * For each request accepted so many are let through, 1.1 to 10; the default is 2. Less rejects earlier, and takes
         * longer to notice that the upstream accepts more.
         */
        public Builder multiplier(double requests) {
            if (!(requests >= 1.1 && requests <= 10)) {
                throw new IllegalArgumentException("multiplier: " + requests + " (expected: 1.1 to 10)");
            }
            multiplier = requests;
            return this;
        }

        /** How long a request counts, 1 second to 1 hour; the default is 30 seconds. */
        public Builder last(Duration span) {
            if (span.compareTo(Duration.ofSeconds(1)) < 0 || span.compareTo(Duration.ofHours(1)) > 0) {
                throw new IllegalArgumentException("last: " + span + " (expected: PT1S to PT1H)");
            }
            window = span;
            return this;
        }

        /** With fewer requests than this in the span nothing is rejected, 1 or more; the default is 20. */
        public Builder minimumCalls(int count) {
            minimumCalls = range("minimumCalls", count, 1, Integer.MAX_VALUE);
            return this;
        }

        /** At most so many percent of the requests of a priority are rejected, 1 to 99; the default is 80. */
        public Builder atMostPercent(int percent) {
            mostPercent = range("atMostPercent", percent, 1, 99);
            return this;
        }

        /**
         * Which responses count as not accepted; the default is those of status 500 and above. Failures without a response
         * that are the upstream's doing always do.
         *
         * @param predicateName stands for the predicate: two with one name are taken for the same
         * @param predicate called on the event loop; looks at the head only
         */
        public Builder failWhen(String predicateName, Predicate<Response> predicate) {
            failingName = Objects.requireNonNull(predicateName, "predicateName");
            failing = Objects.requireNonNull(predicate, "predicate");
            return this;
        }

        /** How much it matters that requests of this route are served; the default is {@link Priority#NORMAL}. */
        public Builder priority(Priority ofAll) {
            Objects.requireNonNull(ofAll, "ofAll");
            return priority("always " + ofAll, (request, exchange) -> ofAll);
        }

        /**
         * How much it matters that a request is served, told for each. Do not take it from what a caller may claim.
         *
         * @param functionName stands for the function: two with one name are taken for the same
         * @param function called on the event loop
         */
        public Builder priority(String functionName, BiFunction<Request, Exchange, Priority> function) {
            priorityName = Objects.requireNonNull(functionName, "functionName");
            priority = Objects.requireNonNull(function, "function");
            return this;
        }

        /** The filter. */
        public Throttle build() {
            return new Throttle(this);
        }

        private ThrottleOptions options() {
            ThrottleRules rules = new ThrottleRules(multiplier, window, minimumCalls, mostPercent);
            return new ThrottleOptions(name, scope, rules, failingName, priorityName);
        }
    }
}
