package dev.postern.runtime.health;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Services;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs the health checks of all upstreams of a gateway. Follows config swaps and discoveries: told the newest view of an
 * upstream, it begins with endpoints that are new, ends with those that are gone, and goes on undisturbed with the others
 * for as long as the check is an equal one. Safe on any thread.
 *
 * <p>A check that is replaced by another leaves its verdicts standing until the other has reached its own; without a check
 * every endpoint counts as well. After {@link #stop} no timer is left and no verdict is given any more.
 */
public final class Prober {
    private final Services services;
    // Guarded by this.
    private final Map<String, Round> rounds = new HashMap<>();
    private boolean stopped;

    /** A prober without upstreams. */
    public Prober(Services services) {
        this.services = services;
    }

    /** Follows this view of its upstream instead of an earlier one. */
    public synchronized void watch(ClusterView view) {
        if (stopped) {
            return;
        }
        String upstream = view.config().name();
        HealthCheck check = view.config().healthCheck();
        Round round = rounds.get(upstream);
        if (round != null && !round.check.equals(check)) {
            round.keepOnly(Map.of());
            rounds.remove(upstream);
            round = null;
        }
        if (check == null) {
            view.endpoints().forEach(endpoint -> endpoint.health(true));
            return;
        }
        if (round == null) {
            round = new Round(upstream, check);
            rounds.put(upstream, round);
        }
        round.follow(view);
    }

    /** Ends the checks of an upstream that is gone. */
    public synchronized void forget(String upstream) {
        Round round = rounds.remove(upstream);
        if (round != null) {
            round.keepOnly(Map.of());
        }
    }

    /** Ends all checks, for good. */
    public synchronized void stop() {
        stopped = true;
        rounds.values().forEach(round -> round.keepOnly(Map.of()));
        rounds.clear();
    }

    /** The probes of one upstream under one check; guarded by the prober. */
    private final class Round {
        private final String upstream;
        private final HealthCheck check;
        private final Map<EndpointState, Probe> probes = new HashMap<>();

        Round(String upstream, HealthCheck check) {
            this.upstream = upstream;
            this.check = check;
        }

        void follow(ClusterView view) {
            Map<EndpointState, Endpoint> wanted = new HashMap<>();
            for (int i = 0; i < view.endpoints().size(); i++) {
                if (!view.endpoints().get(i).local()) {
                    wanted.put(view.endpoints().get(i), view.declared().get(i));
                }
            }
            keepOnly(wanted);
            // In the order of the list, so that one seed gives one sequence.
            for (EndpointState state : view.endpoints()) {
                Endpoint endpoint = wanted.get(state);
                Probe probe = probes.get(state);
                if (endpoint != null && probe != null) {
                    probe.declared(endpoint);
                } else if (endpoint != null) {
                    probe = new Probe(upstream, check, endpoint, state, services);
                    probes.put(state, probe);
                    probe.start();
                }
            }
        }

        void keepOnly(Map<EndpointState, Endpoint> wanted) {
            probes.entrySet().removeIf(entry -> {
                boolean gone = !wanted.containsKey(entry.getKey());
                if (gone) {
                    entry.getValue().stop();
                }
                return gone;
            });
        }
    }
}
