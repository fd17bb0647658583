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
import org.jspecify.annotations.Nullable;

/**
 * Lets only so many exchanges be under way at once; some more wait for a moment, the important ones first; the rest get 503.
 *
 * {@snippet class="dev.postern.traffic.ConcurrencyLimitTest" region="smallest"}
 *
 * <p>An exchange holds its place until its last byte is out or it was cut, whoever gave up; one that comes through again,
 * such as by a filter that retries, keeps the place it has.
 *
 * <p><strong>The name is the limit.</strong> Two with one name, on two routes or before and after a config swap, are one;
 * they must have equal limits and scope, but each may tell priorities in its own way. The count is exact for the whole gateway, however many event loops it has. It is kept in this
 * process: two gateways do not share it.
 *
 * <p>Values are equal when all options are; functions count by the names they were given.
 */
public final class ConcurrencyLimit implements Filter, Managed, Checked {
    private static final String KIND = "concurrency limit";

    private final ConcurrencyOptions options;
    private final BiFunction<Request, Exchange, Priority> priority;
    private final List<String> problems;
    private final Held<Bulkheads> bulkheads = new Held<>();

    private ConcurrencyLimit(Builder builder) {
        options = builder.options();
        priority = builder.priority;
        problems = options.problems();
    }

    /**
     * Begins a limit.
     *
     * @param name stands in logs, metrics and plans, and decides with which others it counts together
     */
    public static Builder builder(String name) {
        return new Builder(Objects.requireNonNull(name, "name"));
    }

    @Override
    public String name() {
        return "concurrency-limit:" + options.name();
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        Bulkheads mine = bulkheads.of(this);
        Exchange exchange = chain.exchange();
        LimitedCall call = exchange.get(mine.call());
        if (call == null || call.isRefused()) {
            Priority important = Objects.requireNonNull(
                    priority.apply(request, exchange), () -> "priority " + options.priority() + " returned null");
            Bulkhead bulkhead = mine.of(options.scope().key(exchange.route()));
            call = new LimitedCall(bulkhead, important, exchange, mine.retryAfterSeconds());
            exchange.set(mine.call(), call);
            call.begin(options.queueTimeout());
        }
        return call.pass(request, chain);
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
        return bulkheads.start(
                this,
                problems,
                services,
                this::spec,
                () -> new Bulkheads(options, () -> services.time().nanoTime(), services.random()));
    }

    @Override
    public void stop() {
        bulkheads.stop();
    }

    private StateSpec spec() {
        return new StateSpec(KIND, options.name(), options.kept());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ConcurrencyLimit that && that.options.equals(options);
    }

    @Override
    public int hashCode() {
        return options.hashCode();
    }

    /** {@code concurrency limit "orders": 100 at once for each route}. */
    @Override
    public String toString() {
        return KIND + " \"" + options.name() + "\": " + options.text()
                + options.scope().text();
    }

    /**
     * Collects the options of a limit. Arguments out of range are refused at once; what only shows when all are known is
     * reported, with everything else that is wrong, when the gateway is built.
     */
    public static final class Builder {
        private final String name;
        private Scope scope = Scope.ALL;
        private int limit;
        private @Nullable AdaptiveLimit adaptive;
        private int maxQueue;
        private Duration queueTimeout = Duration.ofMillis(100);
        private int reservedPercent;
        private String priorityName = "always " + Priority.NORMAL;
        private BiFunction<Request, Exchange, Priority> priority = (request, exchange) -> Priority.NORMAL;

        private Builder(String name) {
            this.name = name;
        }

        /** So many exchanges at once, 1 to 100,000. There is no default: only you know the service. */
        public Builder atMost(int exchanges) {
            limit = range("atMost", exchanges, 1, 100_000);
            adaptive = null;
            return this;
        }

        /** As many at once as the service bears, found from how long its calls take; instead of {@link #atMost}. */
        public Builder adaptive(AdaptiveLimit newAdaptive) {
            adaptive = Objects.requireNonNull(newAdaptive, "newAdaptive");
            limit = 0;
            return this;
        }

        /** A limit for each route that it stands on, instead of one for all. */
        public Builder perRoute() {
            scope = Scope.ROUTE;
            return this;
        }

        /** A limit for each upstream that its routes lead to, instead of one for all. A split counts for itself. */
        public Builder perUpstream() {
            scope = Scope.UPSTREAM;
            return this;
        }

        /**
         * Lets some more wait for a place; without it nobody waits.
         *
         * @param exchanges how many may wait, 1 to 10,000. When all places in line are taken, one of higher priority takes
         *     that of the last of the least important
         * @param longest how long, 1 ms to 1 minute; at most half of what is left of the exchange's deadline
         */
        public Builder queue(int exchanges, Duration longest) {
            maxQueue = range("queue", exchanges, 1, 10_000);
            if (longest.compareTo(Duration.ofMillis(1)) < 0 || longest.compareTo(Duration.ofMinutes(1)) > 0) {
                throw new IllegalArgumentException("queue: " + longest + " (expected: PT0.001S to PT1M)");
            }
            queueTimeout = longest;
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

        /** Keeps so many percent of the places for {@link Priority#CRITICAL}, 0 to 90, rounded down; the default is 0. */
        public Builder reserveForCritical(int percent) {
            reservedPercent = range("reserveForCritical", percent, 0, 90);
            return this;
        }

        /** The filter. */
        public ConcurrencyLimit build() {
            return new ConcurrencyLimit(this);
        }

        private ConcurrencyOptions options() {
            return new ConcurrencyOptions(
                    name, scope, limit, adaptive, maxQueue, queueTimeout, reservedPercent, priorityName);
        }
    }
}
