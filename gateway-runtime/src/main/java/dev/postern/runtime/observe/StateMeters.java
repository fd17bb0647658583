package dev.postern.runtime.observe;

import dev.postern.StateView;
import dev.postern.TimeSource;
import io.micrometer.core.instrument.Meter;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * Meters for the state that filters keep and show, of all gateways that are being watched. Safe on any thread.
 */
public final class StateMeters implements StateGauges {
    private final Meters meters;
    private final List<Polled<Map<Place, Double>>> views = new CopyOnWriteArrayList<>();
    // Guarded by this.
    private final Map<Place, Meter> registered = new HashMap<>();

    /** No meter yet. */
    StateMeters(Meters meters) {
        this.meters = meters;
    }

    @Override
    public UpstreamGauges.Watch watchStates(TimeSource time, Supplier<List<StateView>> states) {
        return new Polled<>(time, () -> values(states.get()), Map.of(), "filters", views, this::update).begin();
    }

    private synchronized void update() {
        Set<Place> places = new HashSet<>();
        views.forEach(view -> places.addAll(view.reading().keySet()));
        for (Place place : places) {
            registered.computeIfAbsent(place, this::register);
        }
        registered.entrySet().removeIf(entry -> {
            boolean gone = !places.contains(entry.getKey());
            if (gone) {
                meters.remove(List.of(entry.getValue()));
            }
            return gone;
        });
    }

    private Meter register(Place place) {
        return place.counter
                ? meters.total(
                        GatewayMeter.STATE_EVENTS, this, all -> all.sum(place), place.kind, place.name, place.reading)
                : meters.gauge(GatewayMeter.STATE, this, all -> all.sum(place), place.kind, place.name, place.reading);
    }

    private double sum(Place place) {
        double sum = 0;
        for (Polled<Map<Place, Double>> view : views) {
            sum += view.reading().getOrDefault(place, 0.0);
        }
        return sum;
    }

    private record Place(String kind, String name, String reading, boolean counter) {}

    private static Map<Place, Double> values(List<StateView> states) {
        Map<Place, Double> values = new HashMap<>();
        for (StateView state : states) {
            state.gauges()
                    .forEach((name, value) -> values.put(new Place(state.kind(), state.name(), name, false), value));
            state.counters()
                    .forEach((name, value) ->
                            values.put(new Place(state.kind(), state.name(), name, true), value.doubleValue()));
        }
        return values;
    }
}
