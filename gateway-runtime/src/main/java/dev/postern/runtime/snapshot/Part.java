package dev.postern.runtime.snapshot;

import dev.postern.Destination;
import dev.postern.ExchangeObserver;
import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.Managed;
import dev.postern.Route;
import dev.postern.StateSpec;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import dev.postern.spi.Wrapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An object plugged into a configuration, and the place where it is plugged in.
 *
 * @param subject the place, for messages: {@code filter "rate-limit" of route "orders"}
 * @param object a filter, balancer, discovery, health check, handler, observer or error handler
 */
record Part(String subject, Object object) {
    /** Every part, in the order of the configuration; one that is plugged in twice is listed twice. */
    static List<Part> of(GatewayConfig config) {
        List<Part> parts = new ArrayList<>();
        for (Upstream upstream : config.upstreams()) {
            String place = " of upstream \"" + upstream.name() + '"';
            add(parts, "load balancer" + place, upstream.loadBalancer());
            if (upstream.loadBalancer() instanceof StickyCookie cookie) {
                add(parts, "load balancer" + place, cookie.otherwise());
            }
            add(parts, "discovery" + place, upstream.discovery());
            add(parts, "health check" + place, upstream.healthCheck());
            add(parts, "handler" + place, upstream.handler());
            add(parts, "handler" + place, upstream.blockingHandler());
        }
        for (Filter filter : config.filters()) {
            add(parts, subject(filter, null), filter);
        }
        for (Route route : config.routes()) {
            for (Filter filter : route.filters()) {
                add(parts, subject(filter, route), filter);
            }
            add(parts, "handler of route \"" + route.id() + '"', handler(route.destination()));
        }
        for (ExchangeObserver observer : config.observers()) {
            add(parts, "observer " + className(observer), observer);
        }
        add(parts, "error handler", config.errorHandler());
        return parts;
    }

    /** What the parts ask state for; a part that fails to tell is left out here and reported by {@link ConfigCheck}. */
    static List<StateSpec> states(GatewayConfig config) {
        List<StateSpec> specs = new ArrayList<>();
        of(config).forEach(part -> specs.addAll(part.stateOrNone()));
        return specs;
    }

    static String subject(Filter filter, @Nullable Route route) {
        return "filter \"" + filter.name() + '"' + (route == null ? "" : " of route \"" + route.id() + '"');
    }

    static @Nullable Object handler(@Nullable Destination destination) {
        if (destination instanceof Destination.ToHandler to) {
            return to.handler();
        }
        return destination instanceof Destination.ToBlockingHandler to ? to.handler() : null;
    }

    static String className(Object object) {
        Class<?> type = object.getClass();
        return type.isSynthetic() || type.isAnonymousClass() || type.isHidden() ? "(lambda)" : type.getSimpleName();
    }

    /** Whether nothing can be said about equality: a lambda, or a class that leaves {@code equals} as it is. */
    static boolean opaque(Object object) {
        if (object instanceof Wrapper wrapper) {
            return opaque(wrapper.wrapped());
        }
        if (object instanceof StickyCookie cookie) {
            return opaque(cookie.otherwise());
        }
        try {
            return object.getClass().getMethod("equals", Object.class).getDeclaringClass() == Object.class;
        } catch (NoSuchMethodException impossible) {
            throw new IllegalStateException("every object has equals", impossible);
        }
    }

    /** Each list of things by name; a name that occurs again gets a number: {@code audit}, {@code audit#2}. */
    static <T> Map<String, T> numbered(List<T> list, Function<T, String> name) {
        Map<String, T> byName = new LinkedHashMap<>();
        Map<String, Integer> seen = new HashMap<>();
        for (T one : list) {
            int count = seen.merge(name.apply(one), 1, Integer::sum);
            byName.put(count == 1 ? name.apply(one) : name.apply(one) + '#' + count, one);
        }
        return byName;
    }

    @Nullable
    Managed managed() {
        return object instanceof Managed managed ? managed : null;
    }

    List<StateSpec> state() {
        return object instanceof Managed managed ? managed.state() : List.of();
    }

    private List<StateSpec> stateOrNone() {
        try {
            return List.copyOf(state());
        } catch (RuntimeException reportedByConfigCheck) {
            return List.of();
        }
    }

    private static void add(List<Part> parts, String subject, @Nullable Object object) {
        if (object != null) {
            parts.add(new Part(subject, object));
        }
    }
}
