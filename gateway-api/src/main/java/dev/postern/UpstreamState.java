package dev.postern;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An upstream as it is now.
 *
 * @param name its name
 * @param inFlight exchanges it is working on
 * @param pending exchanges waiting for a connection
 * @param endpoints its endpoints, in the order of the configuration
 */
public record UpstreamState(String name, int inFlight, int pending, List<EndpointState> endpoints) {
    /** Copies what it is given. */
    public UpstreamState {
        endpoints = List.copyOf(endpoints);
    }

    /**
     * An endpoint as it is now.
     *
     * @param uri its address
     * @param usable whether it may be picked
     * @param healthy whether active checks find it well; true without checks
     * @param backOff how long it is avoided after it refused connections; zero when it is not
     * @param inFlight exchanges it is working on
     * @param connections open connections to it
     * @param ejection why outlier detection keeps it out, or null
     */
    public record EndpointState(
            String uri,
            boolean usable,
            boolean healthy,
            Duration backOff,
            int inFlight,
            int connections,
            @Nullable String ejection) {}
}
