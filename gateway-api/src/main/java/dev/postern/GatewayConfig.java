package dev.postern;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Everything a gateway is configured with, as a value: compare it, keep it, plan it, apply it. Made by {@link
 * GatewayBuilder#toConfig()}; change one with {@code config.toBuilder()}.
 */
public final class GatewayConfig {
    private final String name;
    private final List<Listener> listeners;
    private final List<Filter> filters;
    private final List<Upstream> upstreams;
    private final List<Route> routes;
    private final List<ExchangeObserver> observers;
    private final ErrorHandler errorHandler;
    private final long maxBufferedBytes;

    GatewayConfig(GatewayBuilder builder) {
        name = builder.name;
        listeners = List.copyOf(builder.listeners);
        filters = List.copyOf(builder.filters);
        upstreams = List.copyOf(builder.upstreams);
        routes = List.copyOf(builder.routes);
        observers = List.copyOf(builder.observers);
        errorHandler = builder.errorHandler;
        maxBufferedBytes = builder.maxBufferedBytes;
    }

    /** The name of this gateway in {@code Via} and {@code Proxy-Status}. */
    public String name() {
        return name;
    }

    /** The listeners. */
    public List<Listener> listeners() {
        return listeners;
    }

    /** The filters of all routes, in order of execution. */
    public List<Filter> filters() {
        return filters;
    }

    /** The upstreams. */
    public List<Upstream> upstreams() {
        return upstreams;
    }

    /** The routes, in the order of declaration. */
    public List<Route> routes() {
        return routes;
    }

    /** Who is told what happens. */
    public List<ExchangeObserver> observers() {
        return observers;
    }

    /** Who answers failed exchanges. */
    public ErrorHandler errorHandler() {
        return errorHandler;
    }

    /** The most content in bytes that exchanges may keep in memory. */
    public long maxBufferedBytes() {
        return maxBufferedBytes;
    }

    /** A builder that begins with this configuration. */
    public GatewayBuilder toBuilder() {
        return new GatewayBuilder(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof GatewayConfig that
                && that.name.equals(name)
                && that.listeners.equals(listeners)
                && that.filters.equals(filters)
                && that.upstreams.equals(upstreams)
                && that.routes.equals(routes)
                && that.observers.equals(observers)
                && that.errorHandler.equals(errorHandler)
                && that.maxBufferedBytes == maxBufferedBytes;
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, listeners, upstreams, routes);
    }

    @Override
    public String toString() {
        return "GatewayConfig[" + listeners + ", " + upstreams + ", " + routes + ']';
    }
}
