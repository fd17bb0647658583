package dev.postern.runtime.observe;

import dev.postern.ExchangeObserver.Attempt;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The meters of routes and endpoints in one registry, kept at hand so that an exchange costs a few look-ups and allocates
 * nothing. Safe on any thread.
 *
 * <p>Everybody who asks for the same registry and the same common labels gets the same object: a config swap may bring a new
 * observer while exchanges of the old one are under way, and one of both has to know how many there are.
 */
public final class ExchangeMeters {
    /** Endpoints come from discovery, which may turn over faster than we are told: above this they share one label. */
    static final int MAX_ENDPOINTS = 2_000;

    // Guarded by itself. Values are weak because they hold their key.
    private static final Map<MeterRegistry, Map<Tags, WeakReference<ExchangeMeters>>> SHARED = new WeakHashMap<>();

    private final Meters meters;
    private final PoolGauges pools;
    private final ListenerMeters listeners;
    private final StateMeters states;
    // Shared by all loops; what is in them goes when the configuration names it no longer.
    private final Map<String, RouteMeters> routes = new ConcurrentHashMap<>();
    private final Map<String, Map<String, EndpointMeters>> upstreams = new ConcurrentHashMap<>();

    private ExchangeMeters(MeterRegistry registry, Tags common) {
        meters = new Meters(registry, common);
        pools = new PoolGauges(meters, this::retain);
        listeners = new ListenerMeters(meters);
        states = new StateMeters(meters);
    }

    /**
     * The meters in this registry.
     *
     * @param registry where they are registered
     * @param common labels put on every meter
     */
    public static ExchangeMeters in(MeterRegistry registry, Tags common) {
        synchronized (SHARED) {
            Map<Tags, WeakReference<ExchangeMeters>> known =
                    SHARED.computeIfAbsent(registry, ignored -> new ConcurrentHashMap<>());
            WeakReference<ExchangeMeters> reference = known.get(common);
            ExchangeMeters shared = reference == null ? null : reference.get();
            if (shared == null) {
                shared = new ExchangeMeters(registry, common);
                known.put(common, new WeakReference<>(shared));
            }
            return shared;
        }
    }

    /** The meters of a route. Whoever keeps them has to ask {@link #holds} before using them again. */
    public RouteMeters of(String route) {
        RouteMeters known = routes.get(route);
        return known != null ? known : routes.computeIfAbsent(route, id -> new RouteMeters(meters, id));
    }

    /** Whether these are of this registry, and still in it. */
    public boolean holds(RouteMeters known) {
        return known.areOf(meters) && !known.areRemoved();
    }

    /** An attempt has come to a response head or to a failure. */
    public void attemptEnded(Attempt attempt) {
        of(attempt.upstream(), attempt.endpoint()).ended(attempt);
    }

    /** What knows listeners. */
    public ConnectionMeters listeners() {
        return listeners;
    }

    /** What knows pools. */
    public PoolGauges pools() {
        return pools;
    }

    /** What knows the state of filters. */
    public StateMeters states() {
        return states;
    }

    private EndpointMeters of(String upstream, String endpoint) {
        Map<String, EndpointMeters> endpoints = upstreams.get(upstream);
        EndpointMeters known = endpoints == null ? null : endpoints.get(endpoint);
        return known != null ? known : make(upstream, endpoint);
    }

    private EndpointMeters make(String upstream, String endpoint) {
        int count = 0;
        for (Map<String, EndpointMeters> endpoints : upstreams.values()) {
            count += endpoints.size();
        }
        String label = count < MAX_ENDPOINTS ? endpoint : Labels.OTHER;
        return upstreams
                .computeIfAbsent(upstream, ignored -> new ConcurrentHashMap<>())
                .computeIfAbsent(label, ignored -> new EndpointMeters(meters, upstream, label));
    }

    /**
     * Drops the meters of routes and endpoints that are configured no longer. Those that were used since the last time stay
     * until the next: their exchanges may still be under way.
     */
    private void retain(Set<String> configured, Map<String, Set<String>> endpoints) {
        routes.forEach((id, route) -> {
            if (!configured.contains(id) && route.isIdle()) {
                routes.remove(id);
                route.remove();
            }
        });
        upstreams.forEach((name, known) -> {
            @Nullable Set<String> current = endpoints.get(name);
            known.forEach((uri, endpoint) -> {
                if ((current == null || !current.contains(uri)) && endpoint.isIdle()) {
                    known.remove(uri);
                    endpoint.remove();
                }
            });
        });
    }
}
