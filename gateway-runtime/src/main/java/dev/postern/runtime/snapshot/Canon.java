package dev.postern.runtime.snapshot;

import dev.postern.Destination;
import dev.postern.Discovery;
import dev.postern.ExchangeObserver;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.HealthCheck;
import dev.postern.Listener;
import dev.postern.LoadBalancer;
import dev.postern.Route;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts the parts that are running into a new configuration, wherever it has an equal one: so what is equal keeps its
 * instance, and with it what the instance has learned.
 *
 * <p>Each running part stands in for one new part at most. Two limiters with equal options are still two limiters; which
 * of two equal running ones a new part gets is decided by the place first (same route, same name), then by the order.
 */
final class Canon {
    private final IdentityHashMap<Object, Object> replacements = new IdentityHashMap<>();

    private Canon(GatewayConfig next, GatewayConfig running) {
        List<Part> old = Part.of(running);
        List<Part> fresh = Part.of(next);
        IdentityHashMap<Object, Boolean> taken = new IdentityHashMap<>();
        // 1. What is the same object stays.
        IdentityHashMap<Object, Boolean> known = new IdentityHashMap<>();
        old.forEach(part -> known.put(part.object(), true));
        for (Part part : fresh) {
            if (known.containsKey(part.object())) {
                replacements.put(part.object(), part.object());
                taken.put(part.object(), true);
            }
        }
        // 2. Then what is equal at the same place, 3. then what is equal anywhere.
        Map<Object, List<Part>> byValue = new HashMap<>();
        old.forEach(part -> byValue.computeIfAbsent(part.object(), unused -> new ArrayList<>())
                .add(part));
        match(fresh, byValue, taken, true);
        match(fresh, byValue, taken, false);
    }

    static GatewayConfig canonicalise(GatewayConfig next, GatewayConfig running) {
        return new Canon(next, running).rebuild(next, running);
    }

    private void match(
            List<Part> fresh, Map<Object, List<Part>> old, IdentityHashMap<Object, Boolean> taken, boolean samePlace) {
        for (Part part : fresh) {
            if (replacements.containsKey(part.object())) {
                continue;
            }
            for (Part candidate : old.getOrDefault(part.object(), List.of())) {
                boolean fits = !samePlace || candidate.subject().equals(part.subject());
                if (fits
                        && !taken.containsKey(candidate.object())
                        && candidate.object().equals(part.object())) {
                    replacements.put(part.object(), candidate.object());
                    taken.put(candidate.object(), true);
                    break;
                }
            }
        }
    }

    private GatewayConfig rebuild(GatewayConfig next, GatewayConfig running) {
        GatewayBuilder builder = Gateway.builder().name(next.name()).maxBufferedBytes(next.maxBufferedBytes());
        for (Listener listener : next.listeners()) {
            builder.listen(same(listener, running.listeners()));
        }
        for (Filter filter : next.filters()) {
            builder.filter(canon(filter));
        }
        for (Upstream upstream : next.upstreams()) {
            builder.upstream(upstream(upstream, running.upstreams()));
        }
        for (Route route : next.routes()) {
            builder.route(route(route));
        }
        for (ExchangeObserver observer : next.observers()) {
            builder.observe(canon(observer));
        }
        return builder.errorHandler(canon(next.errorHandler())).toConfig();
    }

    private Upstream upstream(Upstream upstream, List<Upstream> running) {
        boolean local = upstream.handler() != null || upstream.blockingHandler() != null;
        if (local) {
            // A handler can only be kept together with the upstream it was made with.
            return same(upstream, running);
        }
        Upstream.Builder builder = upstream.toBuilder().loadBalancer(balancer(upstream.loadBalancer()));
        Discovery discovery = upstream.discovery();
        if (discovery != null) {
            builder.discovery(canon(discovery));
        }
        HealthCheck check = upstream.healthCheck();
        if (check != null) {
            builder.healthCheck(canon(check));
        }
        return builder.build();
    }

    private LoadBalancer balancer(LoadBalancer balancer) {
        LoadBalancer known = canon(balancer);
        // The one behind it has learned something, too, although what stands in front of it is new.
        return known == balancer && balancer instanceof StickyCookie cookie
                ? cookie.otherwise(canon(cookie.otherwise()))
                : known;
    }

    private Route route(Route route) {
        Route.Builder builder = route.toBuilder().withoutFilters();
        route.filters().forEach(filter -> builder.filter(canon(filter)));
        if (route.destination() instanceof Destination.ToHandler to) {
            builder.handler(canon(to.handler()));
        } else if (route.destination() instanceof Destination.ToBlockingHandler to) {
            builder.blockingHandler(canon(to.handler()));
        }
        return builder.build();
    }

    @SuppressWarnings("unchecked")
    private <T> T canon(T part) {
        Object replacement = replacements.get(part);
        // Equal objects of different types do not occur: equals would not be symmetric.
        return replacement == null ? part : (T) replacement;
    }

    private static <T> T same(T value, List<T> running) {
        int index = running.indexOf(value);
        return index < 0 ? value : running.get(index);
    }
}
