package dev.postern.runtime.observe;

import dev.postern.StateView;
import dev.postern.TimeSource;
import io.micrometer.core.instrument.Meter;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Meters for the state that filters keep and show, of all gateways that are being watched. Values are read when somebody
 * reads metrics, at most once a second; which meters there are is brought up to date every ten seconds. Safe on any thread.
 */
public final class StateMeters implements StateGauges {
    static final Duration INTERVAL = Duration.ofSeconds(10);

    private static final System.Logger LOGGER = System.getLogger("dev.postern.observe");
    private static final long FRESH_NANOS = 1_000_000_000;

    private final Meters meters;
    private final List<View> views = new CopyOnWriteArrayList<>();
    // Guarded by this.
    private final Map<Place, Meter> registered = new HashMap<>();

    /** No meter yet. */
    StateMeters(Meters meters) {
        this.meters = meters;
    }

    @Override
    public UpstreamGauges.Watch watchStates(TimeSource time, Supplier<List<StateView>> states) {
        View view = new View(time, states);
        views.add(view);
        view.tick();
        return view;
    }

    private synchronized void update() {
        Set<Place> places = new HashSet<>();
        views.forEach(view -> places.addAll(view.reading().values.keySet()));
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
        for (View view : views) {
            sum += view.reading().values.getOrDefault(place, 0.0);
        }
        return sum;
    }

    private record Place(String kind, String name, String reading, boolean counter) {}

    /** What a gateway said at one time. */
    private static final class Reading {
        private final long nanos;
        private final Map<Place, Double> values = new HashMap<>();

        Reading(long nanos, List<StateView> states) {
            this.nanos = nanos;
            for (StateView state : states) {
                state.gauges()
                        .forEach(
                                (name, value) -> values.put(new Place(state.kind(), state.name(), name, false), value));
                state.counters()
                        .forEach((name, value) ->
                                values.put(new Place(state.kind(), state.name(), name, true), value.doubleValue()));
            }
        }
    }

    /** One gateway. */
    private final class View implements UpstreamGauges.Watch {
        private final TimeSource time;
        private final Supplier<List<StateView>> states;
        // Two threads that find it stale both read anew; the later one wins.
        private volatile @Nullable Reading last;
        private volatile boolean blamed;
        // Guarded by this.
        private TimeSource.@Nullable Timer timer;
        private boolean closed;

        View(TimeSource time, Supplier<List<StateView>> states) {
            this.time = time;
            this.states = states;
        }

        Reading reading() {
            Reading now = last;
            long nanos = time.nanoTime();
            if (now == null || nanos - now.nanos >= FRESH_NANOS) {
                now = read(nanos, now);
                last = now;
            }
            return now;
        }

        private Reading read(long nanos, @Nullable Reading before) {
            try {
                return new Reading(nanos, states.get());
            } catch (RuntimeException failed) {
                if (!blamed) {
                    blamed = true;
                    LOGGER.log(Level.WARNING, "cannot read the state of filters for metrics", failed);
                }
                return before == null ? new Reading(nanos, List.of()) : before;
            }
        }

        void tick() {
            update();
            synchronized (this) {
                if (!closed) {
                    timer = time.schedule(INTERVAL, this::tick);
                }
            }
        }

        @Override
        public void close() {
            synchronized (this) {
                if (closed) {
                    return;
                }
                closed = true;
                if (timer != null) {
                    timer.cancel();
                }
            }
            views.remove(this);
            update();
        }
    }
}
