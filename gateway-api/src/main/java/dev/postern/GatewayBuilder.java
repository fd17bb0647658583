package dev.postern;

import dev.postern.spi.Environment;
import dev.postern.spi.GatewayRuntime;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Assembles a gateway. Not safe for several threads. Nothing is checked before {@link #build}, which reports everything. */
public final class GatewayBuilder {
    String name = "postern";
    final List<Listener> listeners = new ArrayList<>();
    final List<Filter> filters = new ArrayList<>();
    final List<Upstream> upstreams = new ArrayList<>();
    final List<Route> routes = new ArrayList<>();
    final List<ExchangeObserver> observers = new ArrayList<>();
    ErrorHandler errorHandler = ErrorHandler.problemDetails();
    long maxBufferedBytes = Runtime.getRuntime().maxMemory() / 4;
    private @Nullable GatewayRuntime runtime;
    private @Nullable TimeSource time;
    private @Nullable RandomGenerator random;

    GatewayBuilder() {}

    GatewayBuilder(GatewayConfig config) {
        name = config.name();
        listeners.addAll(config.listeners());
        filters.addAll(config.filters());
        upstreams.addAll(config.upstreams());
        routes.addAll(config.routes());
        observers.addAll(config.observers());
        errorHandler = config.errorHandler();
        maxBufferedBytes = config.maxBufferedBytes();
    }

    /** The name in {@code Via} and {@code Proxy-Status}, a token; the default is {@code postern}. */
    public GatewayBuilder name(String newName) {
        if (!FieldRules.isToken(newName)) {
            throw new IllegalArgumentException("name: " + FieldRules.shown(newName) + " (expected: a token)");
        }
        name = newName;
        return this;
    }

    /** Adds a port to serve on. Without any, the gateway serves {@link Gateway#handle} only. */
    public GatewayBuilder listen(Listener listener) {
        listeners.add(Objects.requireNonNull(listener, "listener"));
        return this;
    }

    /** Adds a filter for every exchange, also those that no route takes, behind those already added. */
    public GatewayBuilder filter(Filter filter) {
        filters.add(Objects.requireNonNull(filter, "filter"));
        return this;
    }

    /** Adds an upstream. */
    public GatewayBuilder upstream(Upstream upstream) {
        upstreams.add(Objects.requireNonNull(upstream, "upstream"));
        return this;
    }

    /** Adds a route. */
    public GatewayBuilder route(Route route) {
        routes.add(Objects.requireNonNull(route, "route"));
        return this;
    }

    /** Drops all routes, to declare them anew. */
    public GatewayBuilder withoutRoutes() {
        routes.clear();
        return this;
    }

    /** Drops all upstreams, to declare them anew. */
    public GatewayBuilder withoutUpstreams() {
        upstreams.clear();
        return this;
    }

    /** Drops all listeners, to declare them anew. */
    public GatewayBuilder withoutListeners() {
        listeners.clear();
        return this;
    }

    /** Drops all gateway filters, to declare them anew. */
    public GatewayBuilder withoutFilters() {
        filters.clear();
        return this;
    }

    /** Drops all observers, to declare them anew. */
    public GatewayBuilder withoutObservers() {
        observers.clear();
        return this;
    }

    /** Adds somebody who is told what happens to exchanges: metrics, access log, tracing. */
    public GatewayBuilder observe(ExchangeObserver observer) {
        observers.add(Objects.requireNonNull(observer, "observer"));
        return this;
    }

    /** Who answers failed exchanges; the default is {@link ErrorHandler#problemDetails}. */
    public GatewayBuilder errorHandler(ErrorHandler handler) {
        errorHandler = Objects.requireNonNull(handler, "handler");
        return this;
    }

    /**
     * The most content in bytes that all exchanges together may keep in memory, 1 MiB or more; the default is a quarter of
     * the largest heap. It bounds what filters read whole ({@link Body#buffer}), what is kept for another attempt ({@link
     * RetryPolicy}), and WebSocket messages that hooks are to see, not content that streams through. From 85 % of it nothing
     * is kept for another attempt; an exchange that needs more than there is fails with {@link Failure#MEMORY_EXHAUSTED}.
     */
    public GatewayBuilder maxBufferedBytes(long bytes) {
        if (bytes < 1 << 20) {
            throw new IllegalArgumentException("maxBufferedBytes: " + bytes + " (expected: 1048576 or more)");
        }
        maxBufferedBytes = bytes;
        return this;
    }

    /** The engine; the default is the one on the class or module path. */
    public GatewayBuilder runtime(GatewayRuntime newRuntime) {
        runtime = Objects.requireNonNull(newRuntime, "newRuntime");
        return this;
    }

    /** The clock and timer; the default is the system's. */
    public GatewayBuilder time(TimeSource newTime) {
        time = Objects.requireNonNull(newTime, "newTime");
        return this;
    }

    /** The source of randomness, for repeatable tests; must be safe for several threads. */
    public GatewayBuilder random(RandomGenerator newRandom) {
        random = Objects.requireNonNull(newRandom, "newRandom");
        return this;
    }

    /** The configuration collected so far, unchecked; for {@link Gateway#plan} and {@link Gateway#apply}. */
    public GatewayConfig toConfig() {
        return new GatewayConfig(this);
    }

    /**
     * A gateway with this configuration, not started.
     *
     * @throws InvalidConfigException with every problem there is
     * @throws IllegalStateException when no engine is on the class or module path
     */
    public Gateway build() {
        return (runtime == null ? found() : runtime).create(toConfig(), new Environment(time, random));
    }

    private static GatewayRuntime found() {
        Iterator<GatewayRuntime> all = ServiceLoader.load(GatewayRuntime.class).iterator();
        if (!all.hasNext()) {
            all = ServiceLoader.load(GatewayRuntime.class, GatewayBuilder.class.getClassLoader())
                    .iterator();
        }
        if (!all.hasNext()) {
            throw new IllegalStateException(
                    "no gateway runtime found (add the dependency dev.postern:gateway-runtime)");
        }
        return all.next();
    }
}
