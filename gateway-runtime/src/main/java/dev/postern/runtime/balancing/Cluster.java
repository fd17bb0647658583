package dev.postern.runtime.balancing;

import dev.postern.Endpoint;
import dev.postern.EndpointBreaker;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * An upstream by its name, for as long as the gateway runs: what is known about its endpoints survives config swaps and
 * new lists of a discovery. Safe on any thread.
 *
 * <p>An endpoint has one {@link EndpointState} for as long as anybody holds it: a view, an attempt, a connection. So its
 * limits stay exact while old and new configurations are in use side by side. Held by nobody it is forgotten (the cluster
 * itself refers to it weakly); that takes the garbage collector's time, but decides nothing: an endpoint that comes back on
 * the list begins with a clean slate whether it was still remembered or not.
 */
public final class Cluster {
    private final String name;
    private final TimeSource time;
    private final long seed;
    private final Pace pace;
    // Guarded by this, as is all below.
    private final Map<String, Known> known = new HashMap<>();
    private final ReferenceQueue<EndpointState> forgotten = new ReferenceQueue<>();
    private Set<EndpointState> latest = Set.of();

    /**
     * An upstream without endpoints.
     *
     * @param seed decides where the balancer begins and how back-offs are spread; one seed, one sequence
     */
    public Cluster(String name, TimeSource time, long seed) {
        this.name = name;
        this.time = time;
        this.seed = seed;
        pace = new Pace(time, seed);
    }

    /** The upstream's name. */
    public String name() {
        return name;
    }

    /**
     * The upstream with this configuration and these endpoints. Endpoints that the view made before this one had keep
     * their marks; all others begin without. Two endpoints of one address are one, the first.
     *
     * @param config of this name
     * @param endpoints valid ones ({@link EndpointAddress#problem}); not looked at for the host's own code, which is an
     *     endpoint itself
     */
    public synchronized ClusterView view(Upstream config, List<Endpoint> endpoints) {
        if (!config.name().equals(name)) {
            throw new IllegalArgumentException("config: " + config + " (expected: upstream \"" + name + "\")");
        }
        boolean local = config.handler() != null || config.blockingHandler() != null;
        List<Endpoint> declared = new ArrayList<>();
        List<EndpointState> states = new ArrayList<>();
        Set<EndpointState> members = Collections.newSetFromMap(new IdentityHashMap<>());
        expunge();
        for (Endpoint endpoint : local ? List.of(Endpoint.of("local:" + name)) : endpoints) {
            // An address that is known is not taken apart again: of a long list little changes at a time.
            EndpointState known = remembered(endpoint.uri());
            EndpointState state =
                    known != null ? known : state(endpoint.uri(), local ? null : EndpointAddress.of(endpoint.uri()));
            if (members.add(state)) {
                declared.add(endpoint);
                states.add(state);
            }
        }
        for (EndpointState state : states) {
            if (!latest.contains(state) || config.endpointBreaker() == null) {
                state.withoutGate();
            }
        }
        ClusterView view = new ClusterView(config, declared, states, pace);
        for (EndpointState state : states) {
            if (!latest.contains(state)) {
                state.renew();
                if (!latest.isEmpty()) {
                    state.back();
                }
            }
        }
        latest = members;
        return view;
    }

    /** The upstream as it is now; the totals include endpoints that are off the list and still finishing. */
    public synchronized UpstreamState state(ClusterView current) {
        long now = time.nanoTime();
        int inFlight = 0;
        int pending = 0;
        for (Known entry : known.values()) {
            EndpointState state = entry.get();
            if (state != null) {
                inFlight += state.inFlight();
                pending += state.pending();
            }
        }
        List<UpstreamState.EndpointState> endpoints = new ArrayList<>();
        for (int i = 0; i < current.endpoints().size(); i++) {
            EndpointState state = current.endpoints().get(i);
            EndpointBreaker.Gate gate = current.gate(i);
            Ejection ejection = state.ejection();
            endpoints.add(new UpstreamState.EndpointState(
                    state.uri(),
                    state.usable(now) && current.admits(i, now),
                    state.well(),
                    Duration.ofNanos(state.mark().remaining(now)),
                    state.inFlight(),
                    state.connections(),
                    ejection == null ? null : ejection.reason(),
                    gate == null ? null : gate.summary(now)));
        }
        return new UpstreamState(
                name, inFlight, pending, endpoints, pace.deeds().state(current.panicking()));
    }

    /**
     * Gives the whole upstream no more work, also not endpoints that come later, until {@link #endDrain()}.
     *
     * @return done when nothing of it is in flight
     */
    public synchronized CompletableFuture<Void> drain() {
        pace.draining(true);
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        for (Known entry : known.values()) {
            EndpointState state = entry.get();
            if (state != null) {
                waiting.add(state.drain());
            }
        }
        return CompletableFuture.allOf(waiting.toArray(CompletableFuture[]::new));
    }

    /**
     * Gives one endpoint of the list no more work, until {@link #endDrain()} or until it has left the list.
     *
     * @return done when it works on nothing; null when it is not on the list
     */
    public synchronized @Nullable CompletableFuture<Void> drain(String uri) {
        EndpointState state = remembered(
                EndpointAddress.problem(uri) == null ? EndpointAddress.of(uri).toString() : uri);
        return state == null || !latest.contains(state) ? null : state.drain();
    }

    /** Gives all endpoints work again. */
    public synchronized void endDrain() {
        pace.draining(false);
        for (Known entry : known.values()) {
            EndpointState state = entry.get();
            if (state != null) {
                state.endDrain();
            }
        }
    }

    @Override
    public String toString() {
        return "upstream \"" + name + '"';
    }

    /** How many endpoints are remembered, for the test that none leaks. */
    synchronized int remembered() {
        expunge();
        return known.size();
    }

    private EndpointState state(String text, @Nullable EndpointAddress address) {
        String key = address == null ? text : address.toString();
        EndpointState state = remembered(key);
        if (state == null) {
            state = new EndpointState(key, address, Seeds.mix(seed ^ key.hashCode()), pace);
            known.put(key, new Known(key, state, forgotten));
        }
        return state;
    }

    /** By the canonical text, which most lists have. */
    private @Nullable EndpointState remembered(String key) {
        Known entry = known.get(key);
        return entry == null ? null : entry.get();
    }

    private void expunge() {
        for (Reference<?> gone = forgotten.poll(); gone != null; gone = forgotten.poll()) {
            // Only if it is still this one: the address may have been made anew since.
            known.remove(((Known) gone).key, gone);
        }
    }

    private static final class Known extends WeakReference<EndpointState> {
        private final String key;

        Known(String key, EndpointState state, ReferenceQueue<EndpointState> queue) {
            super(state, queue);
            this.key = key;
        }
    }
}
