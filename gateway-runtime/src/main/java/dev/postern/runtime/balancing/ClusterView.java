package dev.postern.runtime.balancing;

import dev.postern.Endpoint;
import dev.postern.EndpointBreaker;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
 *      within that: the group whose turn it is, then the groups in their order
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
 * <p>Endpoints of weight 0 and those that are drained are never picked, and count for nothing. So nothing is picked only when
 * there are no others, or when the balancer refuses.
 */
public final class ClusterView {
    /** Rounds are lost to other threads; a balancer that insists on what is not allowed gets it in the end. */
    private static final int MAX_ROUNDS = 16;

    private final Upstream config;
    private final Pace pace;
    private final List<EndpointState> endpoints;
    private final List<Endpoint> declared;
    private final Groups everyone;
    /** By the value of the subset label; endpoints without it are in none. */
    private final Map<String, Groups> subsets;

    private final long slowStartNanos;
    private final boolean measuresLatency;
    private final @Nullable Pins pins;
    private final boolean countsAll;
    private final boolean keepsLatencies;
    /** By place; null without breakers. */
    private final EndpointBreaker.Gate @Nullable [] gates;

    ClusterView(Upstream config, List<Endpoint> declared, List<EndpointState> endpoints, Pace pace) {
        this.config = config;
        this.pace = pace;
        this.declared = List.copyOf(declared);
        this.endpoints = List.copyOf(endpoints);
        List<Integer> weighted = new ArrayList<>();
        Map<String, List<Integer>> labelled = new TreeMap<>();
        for (int i = 0; i < endpoints.size(); i++) {
            if (declared.get(i).weight() > 0) {
                weighted.add(i);
                String subset = config.subsetLabel() == null
                        ? null
                        : declared.get(i).labels().get(config.subsetLabel());
                if (subset != null) {
                    labelled.computeIfAbsent(subset, value -> new ArrayList<>()).add(i);
                }
            }
        }
        EndpointBreaker breaker = config.endpointBreaker();
        gates = breaker == null
                ? null
                : endpoints.stream()
                        .map(endpoint -> endpoint.gate(breaker, config.name()))
                        .toArray(EndpointBreaker.Gate[]::new);
        everyone = new Groups(this, weighted);
        Map<String, Groups> made = new TreeMap<>();
        labelled.forEach((value, places) -> made.put(value, new Groups(this, places)));
        subsets = made;
        Duration slowStart = config.slowStart();
        slowStartNanos = slowStart == null ? 0 : slowStart.toNanos();
        measuresLatency = config.loadBalancer().measures().contains(LoadBalancer.Measure.LATENCY);
        Hedging hedging = config.hedging();
        keepsLatencies = hedging != null && hedging.delay() == null;
        pins = Pins.of(config, endpoints);
        countsAll = config.loadBalancer().measures().contains(LoadBalancer.Measure.ALL_IN_FLIGHT);
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

    /** {@link #select(Request, Tried, Keys)} for a request without keys. */
    public @Nullable Selection select(Request request, @Nullable Tried tried) {
        return select(request, tried, Keys.NONE);
    }

    /**
     * Picks an endpoint for one attempt and counts it as working on it.
     *
     * @param tried those this exchange has tried, or null
     * @param keys what of the request decides
     * @return to be released exactly once; null when no endpoint may be used
     * @throws GatewayException with {@link Failure#INTERNAL} when the balancer or a breaker throws, or the balancer picks what
     *     it may not
     */
    public @Nullable Selection select(Request request, @Nullable Tried tried, Keys keys) {
        Groups groups = groups(keys);
        if (groups == null) {
            return null;
        }
        int pinned = pinned(keys);
        // A turn is taken only for those whom the balancer sends: the turns of new clients stay even. How far a pick
        // has
        // to go, all that is asked for a cookie, is the same for any ticket.
        boolean turnTaken = pinned < 0;
        long ticket = turnTaken ? pace.nextTicket() : pace.ticket();
        Cold cold = slowStartNanos > 0 && pace.warming(pace.now(), slowStartNanos) ? new Cold() : null;
        for (int round = 1; ; round++) {
            Moment moment = new Moment(groups, tried, cold, keys);
            int place;
            if (pinned >= 0
                    && (cold == null || !cold.passedOver())
                    && moment.reachAny(ticket)
                    && moment.permits(pinned)) {
                place = pinned;
            } else if (pinned >= 0 && strict()) {
                return null;
            } else {
                if (!turnTaken) {
                    turnTaken = true;
                    ticket = pace.nextTicket();
                }
                int index = pick(ticket, moment, request);
                if (cold != null && cold.passedOver() && (index < 0 || moment.reach != Reach.GOOD)) {
                    // All the others are out: better a cold one than none, or than one that is unhealthy.
                    cold = null;
                    continue;
                }
                if (index < 0) {
                    return null;
                }
                place = moment.group().place(index);
                EndpointState drawn = endpoints.get(place);
                if (cold != null && cold.passesOver(drawn, drawn.warmth(moment.now(), slowStartNanos))) {
                    continue;
                }
            }
            EndpointState endpoint = endpoints.get(place);
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
            if (endpoint.draining() || pace.draining()) {
                // Since we looked. It did not count, so the drain is not held up.
                letGo(endpoint, probe);
                if (pace.draining()) {
                    return null;
                }
                continue;
            }
            EndpointBreaker.Gate gate = gate(place);
            long permit;
            try {
                permit = gate == null ? 0 : gate.tryAcquire(moment.now());
            } catch (GatewayException broken) {
                letGo(endpoint, probe);
                throw broken;
            }
            if (permit == EndpointBreaker.Gate.REFUSED) {
                // Others were faster. The balancer looks again, and sees that.
                letGo(endpoint, probe);
                if (round >= MAX_ROUNDS) {
                    return null;
                }
                continue;
            }
            if (countsAll) {
                pace.allInFlight().incrementAndGet();
            }
            return new Selection(this, place, endpoint, seen, probe, gate == null ? null : new Pass(gate, permit));
        }
    }

    private static void letGo(EndpointState endpoint, @Nullable Mark probe) {
        endpoint.end();
        if (probe != null) {
            endpoint.undecided(probe);
        }
    }

    /** Whether the gate before an endpoint would let a call through, if there is one; for people, whom its summary tells more. */
    boolean admits(int place, long now) {
        try {
            return gates == null || gates[place].admits(now);
        } catch (GatewayException broken) {
            // None can be made.
            return false;
        }
    }

    /** The gate before an endpoint, or null without breakers. */
    EndpointBreaker.@Nullable Gate gate(int place) {
        return gates == null ? null : gates[place];
    }

    /** {@link #nobody(Keys)} for a request without keys. */
    GatewayException nobody() {
        return nobody(Keys.NONE);
    }

    /** Why {@link #select} has found nobody. */
    GatewayException nobody(Keys keys) {
        try {
            return refusal(keys);
        } catch (GatewayException broken) {
            return broken;
        }
    }

    private GatewayException refusal(Keys keys) {
        long now = pace.now();
        int pinned = strict() && !pace.draining() ? pinned(keys) : -1;
        if (pinned >= 0) {
            // Of the others none was asked.
            return nobody(
                    "upstream \"" + config.name() + "\": the endpoint of the client's cookie, "
                            + endpoints.get(pinned).uri() + ", may not be used (strict)",
                    refuses(pinned, now) ? ": its circuit breaker is open" : null);
        }
        boolean refused = false;
        for (int i = 0; i < endpoints.size(); i++) {
            refused |= refuses(i, now);
        }
        return nobody(
                "upstream \"" + config.name() + "\" has no endpoint that may be used",
                refused ? ": circuit breakers are open" : null);
    }

    private static GatewayException nobody(String message, @Nullable String circuit) {
        return circuit == null
                ? new GatewayException(Failure.NO_ENDPOINT, message)
                : new GatewayException(Failure.NO_ENDPOINT, "circuit_open", message + circuit, null);
    }

    /** Whether nothing but its breaker may be what keeps an endpoint from being picked. */
    private boolean refuses(int place, long now) {
        EndpointBreaker.Gate gate = gate(place);
        boolean candidate =
                declared.get(place).weight() > 0 && !endpoints.get(place).draining() && !pace.draining();
        return candidate && gate != null && !gate.admits(now);
    }

    /** The index in {@link #endpoints} that the next {@link #select} would pick, or -1. Changes nothing. */
    public int peek(Request request, Keys keys) {
        Groups groups = groups(keys);
        if (groups == null) {
            return -1;
        }
        Moment moment = new Moment(groups, null, null, keys);
        int pinned = pinned(keys);
        if (pinned >= 0 && moment.reachAny(pace.ticket()) && moment.permits(pinned)) {
            return pinned;
        }
        int index = pinned >= 0 && strict() ? -1 : pick(pace.ticket(), moment, request);
        return index < 0 ? -1 : moment.group().place(index);
    }

    /** The place of the endpoint that the request's cookie means, if it may be picked at all; -1 for none. */
    private int pinned(Keys keys) {
        int place = pins == null ? -1 : pins.place(keys.pin());
        if (place < 0 || declared.get(place).weight() == 0) {
            return -1;
        }
        String label = config.subsetLabel();
        boolean fits = keys.subset() == null
                || label == null
                || keys.subset().equals(declared.get(place).labels().get(label));
        return fits ? place : -1;
    }

    private boolean strict() {
        return pins != null && pins.strict();
    }

    /** What the sticky cookie says for an endpoint, or null when there is no such cookie. */
    @Nullable
    String pinOf(int place) {
        return pins == null ? null : pins.value(place);
    }

    /** {@link #peek(Request, Keys)} for a request without keys. */
    public int peek(Request request) {
        return peek(request, Keys.NONE);
    }

    private @Nullable Groups groups(Keys keys) {
        if (pace.draining()) {
            return null;
        }
        if (keys.subset() != null && config.subsetLabel() != null) {
            return subsets.get(keys.subset());
        }
        return everyone;
    }

    /** Each endpoint with what speaks for or against it, for people; for requests without a subset. */
    public List<String> describe() {
        return describe(Keys.NONE);
    }

    /** Each endpoint with what speaks for or against it, for people. */
    public List<String> describe(Keys keys) {
        long now = pace.now();
        Groups groups = groups(keys);
        boolean panicking = groups != null && groups.standing().panic();
        int pinned = pinned(keys);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < declared.size(); i++) {
            EndpointState endpoint = endpoints.get(i);
            String verdict;
            if (declared.get(i).weight() == 0) {
                verdict = "weight 0";
            } else if (endpoint.draining() || pace.draining()) {
                verdict = "drained, " + endpoint.inFlight() + " in flight";
            } else if (groups == null || !groups.contains(i)) {
                verdict = "not in subset " + config.subsetLabel() + "=" + keys.subset();
            } else {
                EndpointBreaker.Gate gate = gate(i);
                verdict = groups.describe(i)
                        + verdict(endpoint, now, panicking)
                        + (gate == null ? "" : ", breaker " + gate.summary(now));
            }
            lines.add(endpoint.uri() + ": " + verdict + (i == pinned ? ", named by the cookie" : ""));
        }
        return lines;
    }

    /** Whether too few are healthy for health to be believed. */
    boolean panicking() {
        return everyone.standing().panic();
    }

    /** From now on this one is told what attempts at the upstream are like; null for nobody. */
    public void witness(@Nullable Witness witness) {
        pace.witness(witness);
    }

    Pace pace() {
        return pace;
    }

    boolean measuresLatency() {
        return measuresLatency;
    }

    boolean keepsLatencies() {
        return keepsLatencies;
    }

    boolean countsAll() {
        return countsAll;
    }

    EndpointState state(int place) {
        return endpoints.get(place);
    }

    /** Called when an endpoint that was avoided has been connected to. */
    void recovered(EndpointState endpoint) {
        for (int i = 0; i < endpoints.size(); i++) {
            EndpointState other = endpoints.get(i);
            if (other != endpoint
                    && declared.get(i).weight() > 0
                    && other.mark().clear()) {
                return;
            }
        }
        for (EndpointState other : endpoints) {
            other.reached();
        }
    }

    private int pick(long ticket, Moment moment, Request request) {
        if (!moment.reachAny(ticket)) {
            return -1;
        }
        Groups.Group group = moment.group();
        int index;
        try {
            index = group.picker().pick(ticket, moment, request);
        } catch (RuntimeException thrown) {
            throw new GatewayException(Failure.INTERNAL, balancer() + " failed", thrown);
        }
        // Between the balancer's look and ours an endpoint may have been marked; only its index is checked.
        if (index < -1 || index >= group.size()) {
            throw new GatewayException(
                    Failure.INTERNAL,
                    balancer() + " picked " + index + " (expected: -1 to " + (group.size() - 1) + ")");
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

    /** Endpoints that are warming up and that this pick passes over, each by chance, so that they get their part only. */
    private final class Cold {
        // As many as this are passed over, then whoever comes gets it.
        private final EndpointState[] endpoints = new EndpointState[4];
        private int size;

        boolean passesOver(EndpointState endpoint, double warmth) {
            if (warmth >= 1 || size == endpoints.length || pace.chance() < warmth) {
                return false;
            }
            endpoints[size++] = endpoint;
            return true;
        }

        boolean passedOver() {
            return size > 0;
        }

        boolean contains(EndpointState endpoint) {
            for (int i = 0; i < size; i++) {
                if (endpoints[i] == endpoint) {
                    return true;
                }
            }
            return false;
        }
    }

    private static final Reach[] REACHES = Reach.values();

    /** How far a pick has to go to find anything. */
    private enum Reach {
        GOOD,
        NOT_AVOIDED,
        ANY
    }

    /** The candidates as they are while one pick is made. */
    private final class Moment implements LoadBalancer.Candidates {
        private final Groups groups;
        private final Groups.Standing standing;
        private final @Nullable Tried tried;
        private final @Nullable Cold cold;
        private final Keys keys;
        private Groups.Group group;
        private Reach reach = Reach.GOOD;
        private boolean again;
        private long now;
        private boolean nowKnown;

        Moment(Groups groups, @Nullable Tried tried, @Nullable Cold cold, Keys keys) {
            this.groups = groups;
            this.standing = groups.standing();
            this.tried = tried;
            this.cold = cold;
            this.keys = keys;
            group = groups.first();
        }

        /** The group that the pick is made from. */
        Groups.Group group() {
            return group;
        }

        /** Widens the reach until there is a candidate; whether there is one. */
        boolean reachAny(long ticket) {
            Groups.Group turn = groups.turn(ticket, standing);
            for (Reach next : REACHES) {
                reach = next;
                again = false;
                if (any(turn)) {
                    return true;
                }
                again = true;
                if (tried != null && any(turn)) {
                    return true;
                }
            }
            return false;
        }

        private boolean any(Groups.Group turn) {
            if (anyOf(turn)) {
                return true;
            }
            for (int i = 0; i < groups.size(); i++) {
                if (groups.group(i) != turn && anyOf(groups.group(i))) {
                    return true;
                }
            }
            return false;
        }

        private boolean anyOf(Groups.Group one) {
            group = one;
            for (int i = 0; i < one.size(); i++) {
                if (allows(i)) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean allows(int index) {
            return allows(group.member(index), group.place(index), false);
        }

        /** Whether the endpoint of a cookie may be picked, as far as this pick has to go for any. */
        boolean permits(int place) {
            return allows(endpoints.get(place), place, strict());
        }

        private boolean allows(EndpointState candidate, int place, boolean alsoAgain) {
            if (candidate.draining() || (cold != null && cold.contains(candidate))) {
                return false;
            }
            if (!again && !alsoAgain && tried != null && tried.contains(candidate)) {
                return false;
            }
            if (gates != null && !gates[place].admits(now())) {
                return false;
            }
            return switch (reach) {
                case GOOD -> (standing.panic() || candidate.healthy()) && open(candidate);
                case NOT_AVOIDED -> open(candidate);
                case ANY -> true;
            };
        }

        @Override
        public int inFlight(int index) {
            EndpointState candidate = group.member(index);
            return candidate.inFlight() + (candidate.hasFailed() ? candidate.recentFailures(now()) : 0);
        }

        @Override
        public double latencyNanos(int index) {
            return group.member(index).latency(now());
        }

        @Override
        public int allInFlight() {
            return pace.allInFlight().get();
        }

        @Override
        public @Nullable String key() {
            return keys.balancing();
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
}
