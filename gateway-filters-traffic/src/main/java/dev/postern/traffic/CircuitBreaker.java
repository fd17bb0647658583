package dev.postern.traffic;

import static dev.postern.traffic.Ranges.range;

import dev.postern.Checked;
import dev.postern.EndpointBreaker;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.traffic.Breaker.Ending;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Stops calling what keeps failing: when half of at least 20 calls of the last ten seconds failed, calls are refused for five
 * seconds; then five trials decide whether to go on. Refused calls get 503 with {@code Retry-After}, or a fallback.
 *
 * {@snippet class="dev.postern.traffic.CircuitBreakerTest" region="smallest"}
 *
 * <p>It judges what comes back through it: failures that are the upstream's doing and responses of 500 and above. Put it
 * before filters that retry, so that it sees one result for all attempts, and behind those that refuse by themselves. Clients
 * that leave and faults of the gateway say nothing, and give their permit back.
 *
 * <p><strong>The name is the breaker.</strong> Two with one name, on two routes or before and after a config swap, are one;
 * they must have equal rules and scope. It counts exactly for the whole gateway, however many event loops it has. It is kept
 * in this process: two gateways do not share it.
 *
 * <p>Values are equal when all options are; functions count by the names they were given.
 */
public final class CircuitBreaker implements Filter, Managed, Checked {
    private static final String KIND = "circuit breaker";

    private final BreakerOptions options;
    private final Predicate<Response> failing;
    private final List<String> problems;
    private final Held<Breakers> breakers = new Held<>();

    private CircuitBreaker(Builder builder) {
        options = builder.options();
        failing = builder.failing;
        problems = options.problems();
    }

    /** With all defaults. */
    public static CircuitBreaker named(String name) {
        return builder(name).build();
    }

    /**
     * Begins a breaker with options.
     *
     * @param name stands in logs, metrics and plans, and decides with which others it is one
     */
    public static Builder builder(String name) {
        return new Builder(Objects.requireNonNull(name, "name"));
    }

    @Override
    public String name() {
        return "circuit-breaker:" + options.name();
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        Breakers mine = breakers.of(this);
        Exchange exchange = chain.exchange();
        Breaker breaker = mine.of(options.scope().key(exchange.route()));
        BreakerSwitch control = options.control();
        long now = exchange.time().nanoTime();
        long permit = breaker.tryAcquire(now, control == null ? BreakerSwitch.Position.AUTOMATIC : control.position());
        if (permit == Breaker.REFUSED) {
            return refused(breaker.retryAfter(now), request, chain);
        }
        BreakerCall call = new BreakerCall(breaker, options.rules(), exchange, permit, now);
        exchange.onEnd(call::ended);
        CompletionStage<Response> answer;
        try {
            answer = chain.proceed(request);
        } catch (RuntimeException | Error thrown) {
            call.ignore();
            throw thrown;
        }
        Fallback instead = options.fallback();
        if (instead == null || !options.forFailures()) {
            return answer.whenComplete((response, failure) -> call.answered(response, failure, failing));
        }
        return answer.handle((response, failure) -> {
                    boolean failed = call.answered(response, failure, failing) == Ending.FAILURE;
                    if (!failed || !(instead.withoutBody() || request.body().replayable())) {
                        return answer;
                    }
                    if (response != null) {
                        response.body().discard();
                    }
                    return instead.answer(request, exchange);
                })
                .thenCompose(Function.identity());
    }

    private CompletionStage<Response> refused(@Nullable Duration wait, Request request, Chain chain) {
        Fallback instead = options.fallback();
        if (instead != null) {
            return instead.answer(request, chain.exchange());
        }
        Response refusal =
                Response.problem(503, "circuit_open", "the service behind is failing and is not called for a while");
        // Rounded up: who comes back then does not come too early.
        return chain.answer(
                wait == null
                        ? refusal
                        : refusal.withHeader(
                                "Retry-After",
                                Long.toString(
                                        Math.max(1, wait.plusNanos(999_999_999).toSeconds()))));
    }

    @Override
    public List<String> problems() {
        return problems;
    }

    @Override
    public List<String> upstreams() {
        return options.fallback() instanceof Fallback.Elsewhere elsewhere ? List.of(elsewhere.upstream()) : List.of();
    }

    @Override
    public List<StateSpec> state() {
        return problems.isEmpty() ? List.of(spec()) : List.of();
    }

    /** Fails when the options have {@link #problems}, and when another gateway has started this very object. */
    @Override
    public CompletionStage<Void> start(Services services) {
        return breakers.start(
                this,
                problems,
                services,
                this::spec,
                () -> new Breakers(
                        options.name(),
                        options.scope(),
                        options.rules(),
                        () -> services.time().nanoTime()));
    }

    @Override
    public void stop() {
        breakers.stop();
    }

    private StateSpec spec() {
        return new StateSpec(KIND, options.name(), options.kept());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CircuitBreaker that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    /** {@code circuit breaker "orders" for each route}. */
    @Override
    public String toString() {
        return KIND + " \"" + options.name() + '"' + options.scope().text();
    }

    /**
     * Collects the options of a breaker. Arguments out of range are refused at once; what only shows when all are known is
     * reported, with everything else that is wrong, when the gateway is built.
     */
    public static final class Builder {
        private static final Duration LONGEST = Duration.ofHours(1);
        private static final String STANDARD_FAILING = "5xx";

        private final String name;
        private Scope scope = Scope.ALL;
        private int lastCalls;
        private Duration lastTime = Duration.ofSeconds(10);
        private int minimumCalls = 20;
        private int failurePercent = 50;
        private @Nullable Duration slowCall;
        private int slowPercent = 100;
        private Duration openFor = Duration.ofSeconds(5);
        private int trials = 5;
        private String failingName = STANDARD_FAILING;
        private Predicate<Response> failing = response -> response.status() >= 500;
        private @Nullable Fallback fallback;
        private boolean forFailures;
        private @Nullable BreakerSwitch control;

        private Builder(String name) {
            this.name = name;
        }

        /** A breaker for each route that it stands on, instead of one for all. */
        public Builder perRoute() {
            scope = Scope.ROUTE;
            return this;
        }

        /** A breaker for each upstream that its routes lead to, instead of one for all. A split counts for itself. */
        public Builder perUpstream() {
            scope = Scope.UPSTREAM;
            return this;
        }

        /** Judges the last so many calls, 1 to 10,000, however long ago they were. */
        public Builder lastCalls(int count) {
            lastCalls = range("lastCalls", count, 1, 10_000);
            return this;
        }

        /** Judges the calls of this last span, 100 ms to 1 hour; the default is 10 seconds. */
        public Builder last(Duration span) {
            lastTime = span("last", span, Duration.ofMillis(100));
            lastCalls = 0;
            return this;
        }

        /** With fewer calls than this nothing is judged, 1 or more; the default is 20. */
        public Builder minimumCalls(int count) {
            minimumCalls = range("minimumCalls", count, 1, Integer.MAX_VALUE);
            return this;
        }

        /** Opens when so many percent of the calls failed, or more; 1 to 100, the default is 50. */
        public Builder failurePercent(int percent) {
            failurePercent = range("failurePercent", percent, 1, 100);
            return this;
        }

        /**
         * Also opens when too many calls are slow; the default is not to look at how long they take.
         *
         * @param duration a call that takes so long to its response head is slow, 1 ms to 1 hour
         * @param percent opens when so many percent of the calls are slow, or more; 1 to 100
         */
        public Builder slowCalls(Duration duration, int percent) {
            slowCall = span("slowCalls", duration, Duration.ofMillis(1));
            slowPercent = range("slowCalls percent", percent, 1, 100);
            return this;
        }

        /** How long calls are refused before the trials, 1 ms to 1 hour; the default is 5 seconds. */
        public Builder openFor(Duration span) {
            openFor = span("openFor", span, Duration.ofMillis(1));
            return this;
        }

        /** How many calls decide whether to close, by the same shares; 1 to 1,000, the default is 5. */
        public Builder trials(int count) {
            trials = range("trials", count, 1, 1000);
            return this;
        }

        /**
         * Which responses are failures; the default is those of status 500 and above. Failures without a response that are
         * the upstream's doing always are.
         *
         * @param predicateName stands for the predicate: two with one name are taken for the same
         * @param predicate called on the event loop; looks at the head only
         */
        public Builder failWhen(String predicateName, Predicate<Response> predicate) {
            failingName = Objects.requireNonNull(predicateName, "predicateName");
            failing = Objects.requireNonNull(predicate, "predicate");
            return this;
        }

        /** Answers refused calls with this instead of 503. Its body must be in memory. */
        public Builder fallback(Response response) {
            fallback = new Fallback.Fixed(Objects.requireNonNull(response, "response"));
            return this;
        }

        /** Sends refused calls to another upstream of the gateway instead of answering 503. */
        public Builder fallbackTo(String upstream) {
            fallback = new Fallback.Elsewhere(Objects.requireNonNull(upstream, "upstream"));
            return this;
        }

        /**
         * Answers refused calls with what the host's function says instead of 503.
         *
         * @param functionName stands for the function: two with one name are taken for the same
         * @param function called on the event loop
         */
        public Builder fallback(
                String functionName, BiFunction<Request, Exchange, CompletionStage<Response>> function) {
            fallback = new Fallback.Named(
                    Objects.requireNonNull(functionName, "functionName"), Objects.requireNonNull(function, "function"));
            return this;
        }

        /**
         * The fallback also answers for calls that were made and failed. A request whose body cannot be read again is given
         * to a {@link #fallback(Response) fixed response} only.
         */
        public Builder fallbackForFailures() {
            forFailures = true;
            return this;
        }

        /** Lets the host force the breaker open or closed. */
        public Builder control(BreakerSwitch newControl) {
            control = Objects.requireNonNull(newControl, "newControl");
            return this;
        }

        /**
         * Not a filter but a breaker for each endpoint of an upstream: {@link
         * dev.postern.Upstream.Builder#endpointBreaker}. It has the rules and the switch of this builder, begins closed, and
         * judges attempts by their response heads.
         *
         * @throws IllegalArgumentException when it could never open, or has options that mean nothing for an endpoint: a scope,
         *     a fallback, failWhen
         */
        public EndpointBreaker forEndpoints() {
            CircuitBreaker filter = build();
            List<String> found = new ArrayList<>(filter.problems());
            if (scope != Scope.ALL || fallback != null || forFailures || !failingName.equals(STANDARD_FAILING)) {
                found.add(
                        "a breaker for endpoints has neither scope nor fallback nor failWhen (expected: a filter for those)");
            }
            if (!found.isEmpty()) {
                throw new IllegalArgumentException(filter + ": " + String.join("; ", found));
            }
            return new BreakerForEndpoints(name, filter.options.rules(), control);
        }

        /** The filter. */
        public CircuitBreaker build() {
            return new CircuitBreaker(this);
        }

        private BreakerOptions options() {
            BreakerRules rules = new BreakerRules(
                    lastCalls, lastTime, minimumCalls, failurePercent, slowCall, slowPercent, openFor, trials);
            return new BreakerOptions(name, scope, rules, failingName, fallback, forFailures, control);
        }

        private static Duration span(String what, Duration value, Duration shortest) {
            if (value.compareTo(shortest) < 0 || value.compareTo(LONGEST) > 0) {
                throw new IllegalArgumentException(
                        what + ": " + value + " (expected: " + shortest + " to " + LONGEST + ")");
            }
            return value;
        }
    }
}
