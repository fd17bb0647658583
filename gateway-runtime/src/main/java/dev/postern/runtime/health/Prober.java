package dev.postern.runtime.health;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Runs the health checks of all upstreams of a gateway. Follows config swaps and discoveries: told the newest view of an
 * upstream, it begins with endpoints that are new, ends with those that are gone, and goes on undisturbed with the others
 * for as long as the check is an equal one and the endpoints are spoken to in the same way. Safe on any thread.
 *
 * <p>A check that is replaced by another leaves its verdicts standing until the other has reached its own; without a check
 * every endpoint counts as well. After {@link #stop} no timer is left and no verdict is given any more.
 */
public final class Prober {
    private final Function<Upstream, Services> services;
    // Guarded by this.
    private final Map<String, Round> rounds = new HashMap<>();
    private boolean stopped;

    /**
     * A prober without upstreams.
     *
     * @param services lends each upstream's checks what they need, and speaks to its endpoints as its traffic does
     */
    public Prober(Function<Upstream, Services> services) {
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
        if (round != null && !round.fits(view.config())) {
            round.keepOnly(Map.of());
            rounds.remove(upstream);
            round = null;
        }
        if (check == null) {
            view.endpoints().forEach(endpoint -> endpoint.health(true));
            return;
        }
        if (round == null) {
            round = new Round(view.config(), check);
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
        private final Upstream upstream;
        private final HealthCheck check;
        private final Services lent;
        private final Map<EndpointState, Probe> probes = new HashMap<>();

        Round(Upstream upstream, HealthCheck check) {
            this.upstream = upstream;
            this.check = check;
            this.lent = services.apply(upstream);
        }

        /** Whether it asks what this config wants to be asked, in the same manner. */
        boolean fits(Upstream now) {
            return check.equals(now.healthCheck())
                    && upstream.tls().equals(now.tls())
                    && upstream.protocol() == now.protocol();
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
                    probe = new Probe(upstream.name(), check, endpoint, state, lent);
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
