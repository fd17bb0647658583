package dev.postern;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Picks the endpoint for one attempt. A balancer is compiled once for each set of endpoints; the picker is then asked for
 * every attempt, on all event loops at once, and must neither block nor allocate in proportion to the set.
 *
 * <p>A pick is a function of its arguments and of the live loads: it keeps no position of its own. What moves is the
 * {@code ticket}, a number that the runtime hands out in steps of one for each upstream. So {@code explain} can say what
 * the next request would get without disturbing it, and one seed gives one sequence.
 */
@FunctionalInterface
public interface LoadBalancer {
    /** Prepares for a set of endpoints, at least one. */
    Picker prepare(Endpoints endpoints);

    /** Each endpoint in turn. */
    static LoadBalancer roundRobin() {
        return Balancers.Simple.ROUND_ROBIN;
    }

    /** Each endpoint in turn, in proportion to the weights and spread evenly (smooth weighted round robin). */
    static LoadBalancer weighted() {
        return Balancers.Simple.WEIGHTED;
    }

    /** By chance, in equal shares. */
    static LoadBalancer random() {
        return Balancers.Simple.RANDOM;
    }

    /**
     * The less busy of two endpoints drawn by chance (power of two choices): close to the least busy of all, without the
     * herd that runs to it.
     */
    static LoadBalancer leastRequests() {
        return Balancers.Simple.LEAST_REQUESTS;
    }

    /** As {@link #leastRequests}, in proportion to the weights: an endpoint of weight 2 may be working on twice as many. */
    static LoadBalancer weightedLeastRequests() {
        return Balancers.Simple.WEIGHTED_LEAST_REQUESTS;
    }

    /**
     * Of two endpoints drawn by chance the one that is likely to answer sooner: its latency times what it is working on.
     * The latency is a moving average of ten seconds that follows a rise at once and a fall slowly (peak EWMA, as in
     * Finagle), so a brown-out is left after its first slow answer. A failure counts as an answer of one second, so that
     * failing fast does not look like being fast.
     */
    static LoadBalancer peakEwma() {
        return Balancers.Simple.PEAK_EWMA;
    }

    /**
     * The same endpoint for the same key: 128 points of each endpoint on a ring, in proportion to the weights. An endpoint
     * that comes or goes moves its own keys only; while it is out, they are spread over the others. Requests without the
     * key go anywhere.
     */
    static LoadBalancer ringHash(RequestKey key) {
        return new HashBalancers.Ring(key, Double.POSITIVE_INFINITY, true);
    }

    /**
     * As {@link #ringHash} by the table of Maglev (Eisenbud and others 2016): more even, and quicker with very many
     * endpoints; when one comes or goes some keys of others move too, about one of a hundred.
     */
    static LoadBalancer maglev(RequestKey key) {
        return new HashBalancers.Maglev(key);
    }

    /**
     * As {@link #ringHash}, but an endpoint that is working on more than {@code factor} times its part of all requests is
     * passed over for the next one on the ring (consistent hashing with bounded loads, Mirrokni and others 2017): a key
     * that everybody asks for does not bring an endpoint down.
     *
     * @param factor more than 1, at most 10; 1.25 is usual
     */
    static LoadBalancer boundedHash(RequestKey key, double factor) {
        if (!(factor > 1 && factor <= 10)) {
            throw new IllegalArgumentException("factor: " + factor + " (expected: more than 1, at most 10)");
        }
        return new HashBalancers.Ring(key, factor, true);
    }

    /**
     * As {@link #ringHash}, but never elsewhere: while the endpoint of a key may not be used the answer is 503. For state
     * that only this endpoint has. Retries stay on it too.
     */
    static LoadBalancer strictHash(RequestKey key) {
        return new HashBalancers.Ring(key, Double.POSITIVE_INFINITY, false);
    }

    /**
     * The endpoint that has answered before, by a cookie that the gateway sets; the first one is picked by {@link
     * #roundRobin}, if nothing else is said. Nothing is remembered in the gateway.
     *
     * @param name a token of 1 to 64 characters; each upstream needs a name of its own
     * @param secret 16 characters or more, drawn by chance, the same in all gateways in front of a service: without it, what
     *     the cookie says would tell the endpoint's address to everybody who tries all there are
     */
    static StickyCookie stickyCookie(String name, String secret) {
        return StickyCookie.of(name, secret);
    }

    /** The key of the request by which it picks, or null; its value is {@link Candidates#key}. */
    default @Nullable RequestKey key() {
        return null;
    }

    /** What its picker asks for and what is therefore measured; nothing by default. */
    default Set<Measure> measures() {
        return Set.of();
    }

    /** What is measured for balancers that ask for it. */
    enum Measure {
        /** {@link Candidates#latencyNanos}. */
        LATENCY,
        /** {@link Candidates#allInFlight}. */
        ALL_IN_FLIGHT
    }

    /** A compiled balancer. */
    @FunctionalInterface
    interface Picker {
        /**
         * The index of an endpoint for which {@code candidates.allows(index)} holds, or -1 to refuse all, which answers
         * 503.
         *
         * @param ticket the position of this pick among the picks of the upstream; any value, negative ones included
         * @param candidates which endpoints may be taken now
         * @param request the request as it will be sent
         */
        int pick(long ticket, Candidates candidates, Request request);
    }

    /** An immutable set of endpoints. */
    interface Endpoints {
        /** How many; at least 1. */
        int size();

        /** The endpoint at {@code index}. */
        Endpoint get(int index);
    }

    /** The endpoints as they are at the moment of a pick. */
    interface Candidates {
        /** Whether this endpoint is usable and was not tried before by this exchange. At least one is. */
        boolean allows(int index);

        /**
         * The exchanges that this endpoint is working on for the whole gateway. Each that has just failed counts as one for
         * about a second more: else who fails at once is the least busy of all, and gets everything.
         */
        int inFlight(int index);

        /** How long it takes to its response heads of late, in nanoseconds; 0 when not known or not {@link Measure measured}. */
        default double latencyNanos(int index) {
            return 0;
        }

        /** The exchanges under way at all endpoints of the upstream; 0 when not {@link Measure measured}. */
        default int allInFlight() {
            return 0;
        }

        /** The value of the balancer's {@link LoadBalancer#key}, or null when the request has none. */
        default @Nullable String key() {
            return null;
        }
    }
}
