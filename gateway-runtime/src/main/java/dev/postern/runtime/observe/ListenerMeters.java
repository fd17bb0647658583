package dev.postern.runtime.observe;

import io.micrometer.core.instrument.Meter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The meters of listeners: what they were last told. Safe on any thread. */
final class ListenerMeters implements ConnectionMeters {
    private final Meters meters;
    private final Map<String, Shown> listeners = new ConcurrentHashMap<>();

    ListenerMeters(Meters meters) {
        this.meters = meters;
    }

    private static final class Shown {
        private final List<Meter> registered = new ArrayList<>();
        private volatile int open;
        private volatile Map<String, Long> refused = Map.of();

        double open() {
            return open;
        }

        double refused(String reason) {
            Long count = refused.get(reason);
            return count == null ? 0 : count;
        }
    }

    @Override
    public void connections(String listener, int open, Map<String, Long> refused) {
        if (open < 0) {
            Shown last = listeners.remove(listener);
            if (last != null) {
                meters.remove(last.registered);
            }
            return;
        }
        Shown shown = listeners.computeIfAbsent(listener, name -> register(name, refused));
        shown.open = open;
        shown.refused = Map.copyOf(refused);
    }

    private Shown register(String listener, Map<String, Long> refused) {
        Shown shown = new Shown();
        shown.registered.add(meters.gauge(GatewayMeter.LISTENER_CONNECTIONS, shown, Shown::open, listener));
        for (String reason : refused.keySet()) {
            shown.registered.add(meters.total(
                    GatewayMeter.CONNECTIONS_REFUSED, shown, all -> all.refused(reason), listener, reason));
        }
        return shown;
    }
}
