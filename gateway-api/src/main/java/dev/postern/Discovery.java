package dev.postern;

import java.util.List;
import java.util.function.Consumer;

/**
 * Tells an upstream who its endpoints are, and tells it again whenever they change. What was told last stays good when
 * the source is lost: an empty list is only believed when it is told.
 */
public interface Discovery {
    /**
     * Begins to watch. Called once when the gateway starts or a config with this discovery is applied; requests are
     * answered 503 until the first list arrives.
     *
     * @param services time, calls and state of the gateway
     * @param endpoints takes each new list, from any thread
     * @return ends the watch; called once
     */
    Watch watch(Services services, Consumer<List<Endpoint>> endpoints);

    /** Endpoints set by hand, from the host's own code. */
    static ManualDiscovery manual(String... uris) {
        return new ManualDiscovery(uris);
    }

    /** A watch under way. */
    @FunctionalInterface
    interface Watch {
        /** Ends the watch; nothing is told after that. */
        void stop();
    }
}
