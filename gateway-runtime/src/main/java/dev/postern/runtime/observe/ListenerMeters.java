package dev.postern.runtime.observe;

import io.micrometer.core.instrument.Meter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** The meters of listeners: what they were last told. Safe on any thread. */
final class ListenerMeters implements ConnectionMeters {
    private final Meters meters;
    private final Map<String, Shown> listeners = new ConcurrentHashMap<>();

    ListenerMeters(Meters meters) {
        this.meters = meters;
    }

    private static final class Shown {
        private final List<Meter> registered = new CopyOnWriteArrayList<>();
        // Reasons there have been; each gets its meter when it first occurs.
        private final Set<String> reasons = ConcurrentHashMap.newKeySet();
        private volatile ListenerFigures figures;

        Shown(ListenerFigures figures) {
            this.figures = figures;
        }

        double open() {
            return figures.open();
        }

        double requests() {
            return figures.requests();
        }

        double refused(String reason) {
            return figures.refused().getOrDefault(reason, 0L);
        }

        double ended(String reason) {
            return figures.ended().getOrDefault(reason, 0L);
        }
    }

    @Override
    public void connections(String listener, ListenerFigures figures) {
        Shown shown = listeners.computeIfAbsent(listener, name -> register(name, figures));
        shown.figures = figures;
        for (String reason : figures.ended().keySet()) {
            if (shown.reasons.add(reason)) {
                shown.registered.add(
                        meters.total(GatewayMeter.EDGE_REFUSALS, shown, all -> all.ended(reason), listener, reason));
            }
        }
    }

    @Override
    public void closed(String listener) {
        Shown last = listeners.remove(listener);
        if (last != null) {
            meters.remove(last.registered);
        }
    }

    private Shown register(String listener, ListenerFigures figures) {
        Shown shown = new Shown(figures);
        shown.registered.add(meters.gauge(GatewayMeter.LISTENER_CONNECTIONS, shown, Shown::open, listener));
        shown.registered.add(meters.total(GatewayMeter.LISTENER_REQUESTS, shown, Shown::requests, listener));
        for (String reason : figures.refused().keySet()) {
            shown.registered.add(meters.total(
                    GatewayMeter.CONNECTIONS_REFUSED, shown, all -> all.refused(reason), listener, reason));
        }
        return shown;
    }
}
