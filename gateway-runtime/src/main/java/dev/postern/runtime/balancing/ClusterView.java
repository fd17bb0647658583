package dev.postern.runtime.balancing;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An upstream with one list of endpoints under one configuration: immutable but for the live {@link EndpointState}s, which
 * it shares with the other views of its {@link Cluster}. Safe on any thread.
 *
 * <p><b>What a pick may take.</b> The first line that has a member decides; within a line those that this exchange has not
 * tried go first.
 *
 * <pre>
 *   1. healthy, and not avoided          (all count as healthy while fewer than the panic threshold are)
 *   2. not avoided
 *   3. anything
 * </pre>
 *
 * <p>Healthy are those that active checks find well and that are not ejected as outliers. Why line 1 ignores that below the
 * threshold, by default one half: a check that condemns most endpoints is more likely wrong itself, and the few it leaves
 * would be run over (Envoy's panic threshold). Why line 3 exists: avoiding an endpoint is good only for as
 * long as there is a better one. To answer 503 while all are avoided would turn a restart of a single endpoint into an
 * outage for as long as its back-off lasts, up to a minute after it is back; a try costs one refused connect, and its answer
 * says what is wrong (502 {@code connect_failed}). The first that succeeds after such an outage opens the others for a probe
 * each, so that it does not carry the whole load alone until their time is over.
 *
 * <p>Endpoints of weight 0 are never picked. So nothing is picked only when the list is empty, when all weights are 0, or
 * when the balancer refuses.
 */
public final class ClusterView {
    /** Rounds are lost to other threads; a balancer that insists on what is not allowed gets it in the end. */
    private static final int MAX_ROUNDS = 16;

    private final Upstream config;
    private final Pace pace;
    private final List<EndpointState> endpoints;
    private final List<Endpoint> declared;
    /** Those with a weight; {@code places} leads back to their index in {@code endpoints}. */
    private final EndpointState[] candidates;

    private final int[] places;
    private final LoadBalancer.@Nullable Picker picker;
    private final long slowStartNanos;
    /** Bit 0: too few are healthy; the others: the count of health changes for which that was found out. */
    private final AtomicLong panic = new AtomicLong(-1);

    ClusterView(Upstream config, List<Endpoint> declared, List<EndpointState> endpoints, Pace pace) {
        this.config = config;
        this.pace = pace;
        this.declared = List.copyOf(declared);
        this.endpoints = List.copyOf(endpoints);
        int[] places = new int[endpoints.size()];
        List<Endpoint> weighted = new ArrayList<>();
        for (int i = 0; i < places.length; i++) {
            if (declared.get(i).weight() > 0) {
                places[weighted.size()] = i;
                weighted.add(declared.get(i));
            }
        }
        this.places = places;
        candidates = new EndpointState[weighted.size()];
        for (int i = 0; i < candidates.length; i++) {
            candidates[i] = endpoints.get(places[i]);
        }
        Duration slowStart = config.slowStart();
        slowStartNanos = slowStart == null ? 0 : slowStart.toNanos();
        picker = weighted.isEmpty() ? null : config.loadBalancer().prepare(new Prepared(List.copyOf(weighted)));
    }

    /** The configuration it was made for. */
    public Upstream config() {
        return config;
    }

    /** All endpoints, those of weight 0 included, in the order of the list. */
    public List<EndpointState> endpoints() {
        return endpoints;
    }

    /** The same endpoints as they were declared, with weights and labels. */
    public List<Endpoint> declared() {
        return declared;
    }

    /**
     * Picks an endpoint for one attempt and counts it as working on it.
     *
     * @param tried those this exchange has tried, or null
     * @return to be released exactly once; null when no endpoint may be used
     * @throws GatewayException with {@link Failure#INTERNAL} when the balancer throws or picks what it may not
     */
    public @Nullable Selection select(Request request, @Nullable Tried tried) {
        if (picker == null) {
            return null;
        }
        long ticket = pace.nextTicket();
        Cold cold = slowStartNanos > 0 && pace.warming(pace.now(), slowStartNanos) ? new Cold() : null;
        for (int round = 1; ; round++) {
            Moment moment = new Moment(tried, cold);
            int index = pick(ticket, moment, request);
            if (index < 0 && cold != null && cold.passedOver()) {
                // All the others are out: better a cold one than none.
                cold = null;
                continue;
            }
            if (index < 0) {
                return null;
            }
            EndpointState endpoint = candidates[index];
            if (cold != null && cold.passesOver(index, endpoint.warmth(moment.now(), slowStartNanos))) {
                continue;
            }
            Mark seen = endpoint.mark();
            Mark probe = null;
            if (moment.reach != Reach.ANY && round < MAX_ROUNDS && !seen.clear()) {
                // Its time is over: this request is the probe, unless another was faster. Then the mark has changed,
                // and
                // picking again sees that.
                probe = seen.open(moment.now()) ? endpoint.tryProbe(seen) : null;
                if (probe == null) {
                    continue;
                }
            }
            endpoint.begin();
            return new Selection(this, places[index], endpoint, seen, probe);
        }
    }

    /** The index in {@link #endpoints} that the next {@link #select} would pick, or -1. Changes nothing. */
    public int peek(Request request) {
        if (picker == null) {
            return -1;
        }
        int index = pick(pace.ticket(), new Moment(null, null), request);
        return index < 0 ? -1 : places[index];
    }

    /** Each endpoint with what speaks for or against it, for people. */
    public List<String> describe() {
        long now = pace.now();
        boolean panicking = panic();
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < declared.size(); i++) {
            EndpointState endpoint = endpoints.get(i);
            String verdict = declared.get(i).weight() == 0 ? "weight 0" : verdict(endpoint, now, panicking);
            lines.add(endpoint.uri() + ": " + verdict);
        }
        return lines;
    }

    /** From now on this one is told what attempts at the upstream are like; null for nobody. */
    public void witness(@Nullable Witness witness) {
        pace.witness(witness);
    }

    Pace pace() {
        return pace;
    }

    /** Called when an endpoint that was avoided has been connected to. */
    void recovered(EndpointState endpoint) {
        for (EndpointState other : candidates) {
            if (other != endpoint && other.mark().clear()) {
                return;
            }
        }
        for (EndpointState other : candidates) {
            other.reached();
        }
    }

    private int pick(long ticket, Moment moment, Request request) {
        LoadBalancer.Picker ready = picker;
        if (ready == null || !moment.reachAny()) {
            return -1;
        }
        int index;
        try {
            index = ready.pick(ticket, moment, request);
        } catch (RuntimeException thrown) {
            throw new GatewayException(Failure.INTERNAL, balancer() + " failed", thrown);
        }
        // Between the balancer's look and ours an endpoint may have been marked; only its index is checked.
        if (index < -1 || index >= candidates.length) {
            throw new GatewayException(
                    Failure.INTERNAL,
                    balancer() + " picked " + index + " (expected: -1 to " + (candidates.length - 1) + ")");
        }
        return index;
    }

    private String balancer() {
        return "load balancer \"" + config.loadBalancer() + "\" of upstream \"" + config.name() + '"';
    }

    private static String verdict(EndpointState endpoint, long now, boolean panicking) {
        Mark mark = endpoint.mark();
        String refusals = mark.refusals() == 1
                ? " after 1 refused connection"
                : " after " + mark.refusals() + " refused connections";
        if (mark.remaining(now) > 0) {
            // Rounded up: "PT0S" would read as no back-off at all.
            Duration left = Duration.ofMillis((mark.remaining(now) + 999_999) / 1_000_000);
            return "avoided for " + left + refusals;
        }
        if (!mark.clear()) {
            return (mark.probing() ? "being probed" : "next request is a probe") + refusals;
        }
        String load = ", " + endpoint.inFlight() + " in flight";
        if (endpoint.healthy()) {
            return "usable" + load;
        }
        Ejection ejection = endpoint.ejection();
        String why = !endpoint.well() || ejection == null
                ? "unhealthy"
                : "ejected for "
                        + Duration.ofMillis(Math.max(0, ejection.until() - now) / 1_000_000)
                        + " after " + ejection.reason();
        return panicking ? why + ", but used: too few are healthy" + load : why + load;
    }

    /** Whether so few are healthy that health is not believed; found out once for each change. */
    private boolean panic() {
        long changes = pace.healthChanges();
        long known = panic.get();
        if (known >= 0 && known >>> 1 == changes) {
            return (known & 1) != 0;
        }
        int well = 0;
        for (EndpointState candidate : candidates) {
            well += candidate.healthy() ? 1 : 0;
        }
        boolean now = well < config.panicThreshold() * candidates.length;
        panic.set(changes << 1 | (now ? 1 : 0));
        return now;
    }

    /** Endpoints that are warming up and that this pick passes over, each by chance, so that they get their part only. */
    private final class Cold {
        // As many as this are passed over, then whoever comes gets it.
        private final int[] indexes = new int[4];
        private int size;

        boolean passesOver(int index, double warmth) {
            if (warmth >= 1 || size == indexes.length || pace.chance() < warmth) {
                return false;
            }
            indexes[size++] = index;
            return true;
        }

        boolean passedOver() {
            return size > 0;
        }

        boolean contains(int index) {
            for (int i = 0; i < size; i++) {
                if (indexes[i] == index) {
                    return true;
                }
            }
            return false;
        }
    }

    /** How far a pick has to go to find anything. */
    private enum Reach {
        GOOD,
        NOT_AVOIDED,
        ANY
    }

    /** The candidates as they are while one pick is made. */
    private final class Moment implements LoadBalancer.Candidates {
        private final @Nullable Tried tried;
        private final @Nullable Cold cold;
        private final boolean healthIgnored = panic();
        private Reach reach = Reach.GOOD;
        private boolean again;
        private long now;
        private boolean nowKnown;

        Moment(@Nullable Tried tried, @Nullable Cold cold) {
            this.tried = tried;
            this.cold = cold;
        }

        /** Widens the reach until there is a candidate; whether there is one. */
        boolean reachAny() {
            for (Reach next : Reach.values()) {
                reach = next;
                again = false;
                if (any()) {
                    return true;
                }
                again = true;
                if (tried != null && any()) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean allows(int index) {
            EndpointState candidate = candidates[index];
            if (cold != null && cold.contains(index)) {
                return false;
            }
            if (!again && tried != null && tried.contains(candidate)) {
                return false;
            }
            return switch (reach) {
                case GOOD -> (healthIgnored || candidate.healthy()) && open(candidate);
                case NOT_AVOIDED -> open(candidate);
                case ANY -> true;
            };
        }

        @Override
        public int inFlight(int index) {
            return candidates[index].inFlight();
        }

        private boolean any() {
            for (int i = 0; i < candidates.length; i++) {
                if (allows(i)) {
                    return true;
                }
            }
            return false;
        }

        private boolean open(EndpointState candidate) {
            Mark mark = candidate.mark();
            return mark.clear() || mark.open(now());
        }

        /** Read at most once for a pick, and not at all while nothing is marked. */
        private long now() {
            if (!nowKnown) {
                now = pace.now();
                nowKnown = true;
            }
            return now;
        }
    }

    private record Prepared(List<Endpoint> all) implements LoadBalancer.Endpoints {
        @Override
        public int size() {
            return all.size();
        }

        @Override
        public Endpoint get(int index) {
            return all.get(index);
        }
    }
}
