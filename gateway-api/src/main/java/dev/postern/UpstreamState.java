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
 * @param policies what its policies have done since the gateway has it
 */
public record UpstreamState(String name, int inFlight, int pending, List<EndpointState> endpoints, Policies policies) {
    /** Copies what it is given. */
    public UpstreamState {
        endpoints = List.copyOf(endpoints);
    }

    /** One whose policies have done nothing. */
    public UpstreamState(String name, int inFlight, int pending, List<EndpointState> endpoints) {
        this(name, inFlight, pending, endpoints, Policies.NONE);
    }

    /**
     * What policies have done. Counts only grow.
     *
     * @param retries attempts made because another had failed
     * @param retriesRefused retries that the policy wanted and the budget did not have
     * @param hedges attempts made beside one that was slow
     * @param hedgesRefused hedges that were due and the budget did not have
     * @param ejections endpoints taken out by outlier detection
     * @param breakersOpened how often the circuit breaker of an endpoint has opened
     * @param panic whether too few endpoints are healthy for health to be believed, now
     */
    public record Policies(
            long retries,
            long retriesRefused,
            long hedges,
            long hedgesRefused,
            long ejections,
            long breakersOpened,
            boolean panic) {
        /** Nothing was done. */
        public static final Policies NONE = new Policies(0, 0, 0, 0, 0, 0, false);

        /** Without breakers. */
        public Policies(
                long retries, long retriesRefused, long hedges, long hedgesRefused, long ejections, boolean panic) {
            this(retries, retriesRefused, hedges, hedgesRefused, ejections, 0, panic);
        }
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
     * @param breaker what its circuit breaker says, or null without one
     */
    public record EndpointState(
            String uri,
            boolean usable,
            boolean healthy,
            Duration backOff,
            int inFlight,
            int connections,
            @Nullable String ejection,
            @Nullable String breaker) {
        /** One without a circuit breaker. */
        public EndpointState(
                String uri,
                boolean usable,
                boolean healthy,
                Duration backOff,
                int inFlight,
                int connections,
                @Nullable String ejection) {
            this(uri, usable, healthy, backOff, inFlight, connections, ejection, null);
        }
    }
}
