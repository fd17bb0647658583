package dev.postern.runtime.observe;

import dev.postern.TimeSource;
import dev.postern.UpstreamState;
import dev.postern.UpstreamState.EndpointState;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

/**
 * Gauges for the upstreams and endpoints of the gateways that are being watched. Safe on any thread.
 */
public final class PoolGauges implements UpstreamGauges {
    private final Meters meters;
    private final BiConsumer<Set<String>, Map<String, Set<String>>> configured;
    private final List<Polled<Reading>> views = new CopyOnWriteArrayList<>();
    // Guarded by this. By upstream, and by endpoint of an upstream.
    private final Map<Place, List<Meter>> gauges = new HashMap<>();

    /**
     * No gauge yet.
     *
     * @param configured is told, every ten seconds, the routes and the endpoints of each upstream that there are
     */
    PoolGauges(Meters meters, BiConsumer<Set<String>, Map<String, Set<String>>> configured) {
        this.meters = meters;
        this.configured = configured;
    }

    @Override
    public Watch watch(TimeSource time, Supplier<Set<String>> routes, Supplier<List<UpstreamState>> upstreams) {
        Supplier<Reading> state = () -> new Reading(Set.copyOf(routes.get()), upstreams.get());
        return new Polled<>(time, state, new Reading(Set.of(), List.of()), "upstreams", views, this::update).begin();
    }

    private synchronized void update() {
        Set<String> routes = new HashSet<>();
        Map<String, Set<String>> endpoints = new HashMap<>();
        Set<Place> places = new HashSet<>();
        for (Polled<Reading> view : views) {
            Reading reading = view.reading();
            routes.addAll(reading.routes);
            places.addAll(reading.upstreams.keySet());
            for (Place place : reading.endpoints.keySet()) {
                places.add(place);
                endpoints
                        .computeIfAbsent(place.upstream, ignored -> new HashSet<>())
                        .add(place.endpoint);
            }
        }
        for (Place place : places) {
            if (!gauges.containsKey(place)) {
                gauges.put(place, register(place));
            }
        }
        gauges.entrySet().removeIf(entry -> {
            boolean gone = !places.contains(entry.getKey());
            if (gone) {
                meters.remove(entry.getValue());
            }
            return gone;
        });
        // Without a gateway to ask nothing is known of what is configured.
        if (!views.isEmpty()) {
            configured.accept(routes, endpoints);
        }
    }

    private List<Meter> register(Place place) {
        if (place.endpoint.isEmpty()) {
            return List.of(
                    upstream(GatewayMeter.UPSTREAM_IN_FLIGHT, place, UpstreamState::inFlight),
                    upstream(GatewayMeter.UPSTREAM_PENDING, place, UpstreamState::pending),
                    meters.gauge(
                            GatewayMeter.UPSTREAM_PANIC,
                            this,
                            all -> Math.min(
                                    1,
                                    all.upstreamSum(
                                            place, state -> state.policies().panic() ? 1 : 0)),
                            place.upstream),
                    policy(place, "retry", UpstreamState.Policies::retries),
                    policy(place, "retry_refused", UpstreamState.Policies::retriesRefused),
                    policy(place, "hedge", UpstreamState.Policies::hedges),
                    policy(place, "hedge_refused", UpstreamState.Policies::hedgesRefused),
                    policy(place, "ejection", UpstreamState.Policies::ejections),
                    policy(place, "breaker_opened", UpstreamState.Policies::breakersOpened));
        }
        return List.of(
                endpoint(GatewayMeter.ENDPOINT_IN_FLIGHT, place, EndpointState::inFlight),
                endpoint(GatewayMeter.ENDPOINT_CONNECTIONS, place, EndpointState::connections),
                meters.gauge(
                        GatewayMeter.ENDPOINT_USABLE,
                        this,
                        all -> all.isUsable(place) ? 1 : 0,
                        place.upstream,
                        place.endpoint));
    }

    private Meter policy(Place place, String event, ToLongFunction<UpstreamState.Policies> count) {
        return meters.total(
                GatewayMeter.UPSTREAM_POLICIES, this, all -> all.policySum(place, count), place.upstream, event);
    }

    private long policySum(Place place, ToLongFunction<UpstreamState.Policies> count) {
        long sum = 0;
        for (Polled<Reading> view : views) {
            UpstreamState state = view.reading().upstreams.get(place);
            sum += state == null ? 0 : count.applyAsLong(state.policies());
        }
        return sum;
    }

    private Gauge upstream(GatewayMeter meter, Place place, ToIntFunction<UpstreamState> value) {
        return meters.gauge(meter, this, all -> all.upstreamSum(place, value), place.upstream);
    }

    private Gauge endpoint(GatewayMeter meter, Place place, ToIntFunction<EndpointState> value) {
        return meters.gauge(meter, this, all -> all.endpointSum(place, value), place.upstream, place.endpoint);
    }

    private long upstreamSum(Place place, ToIntFunction<UpstreamState> value) {
        long sum = 0;
        for (Polled<Reading> view : views) {
            UpstreamState state = view.reading().upstreams.get(place);
            sum += state == null ? 0 : value.applyAsInt(state);
        }
        return sum;
    }

    private long endpointSum(Place place, ToIntFunction<EndpointState> value) {
        long sum = 0;
        for (Polled<Reading> view : views) {
            EndpointState state = view.reading().endpoints.get(place);
            sum += state == null ? 0 : value.applyAsInt(state);
        }
        return sum;
    }

    /** For every gateway that knows it. */
    private boolean isUsable(Place place) {
        boolean known = false;
        for (Polled<Reading> view : views) {
            EndpointState state = view.reading().endpoints.get(place);
            if (state != null && !state.usable()) {
                return false;
            }
            known |= state != null;
        }
        return known;
    }

    /** An upstream, or one of its endpoints; the endpoint is empty for the upstream itself. */
    private record Place(String upstream, String endpoint) {}

    /** What a gateway said at one time. */
    private static final class Reading {
        private final Set<String> routes;
        private final Map<Place, UpstreamState> upstreams = new HashMap<>();
        private final Map<Place, EndpointState> endpoints = new HashMap<>();

        Reading(Set<String> routes, List<UpstreamState> states) {
            this.routes = routes;
            for (UpstreamState state : states) {
                upstreams.put(new Place(state.name(), ""), state);
                for (EndpointState endpoint : state.endpoints()) {
                    endpoints.put(new Place(state.name(), endpoint.uri()), endpoint);
                }
            }
        }
    }
}
