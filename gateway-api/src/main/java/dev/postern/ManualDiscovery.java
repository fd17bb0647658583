package dev.postern;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Endpoints that the host's own code sets while the gateway runs. Safe on any thread; may serve several gateways. */
public final class ManualDiscovery implements Discovery {
    private final List<Consumer<List<Endpoint>>> watchers = new CopyOnWriteArrayList<>();
    // Guarded by this.
    private List<Endpoint> current;

    ManualDiscovery(String... uris) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (String uri : uris) {
            endpoints.add(Endpoint.of(uri));
        }
        current = List.copyOf(endpoints);
    }

    /** Replaces the endpoints; requests that begin after this returns see no other. */
    public synchronized void set(List<Endpoint> endpoints) {
        current = List.copyOf(endpoints);
        for (Consumer<List<Endpoint>> watcher : watchers) {
            watcher.accept(current);
        }
    }

    /** The endpoints as set last. */
    public synchronized List<Endpoint> endpoints() {
        return current;
    }

    @Override
    public synchronized Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        watchers.add(endpoints);
        endpoints.accept(current);
        return () -> stop(endpoints);
    }

    // Waits for a set() under way on another thread: after a watch has stopped nothing is told.
    private synchronized void stop(Consumer<List<Endpoint>> endpoints) {
        watchers.remove(endpoints);
    }
}
