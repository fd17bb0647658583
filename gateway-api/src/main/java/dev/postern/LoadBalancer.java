package dev.postern;

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

        /** The exchanges that this endpoint is working on for the whole gateway. */
        int inFlight(int index);
    }
}
