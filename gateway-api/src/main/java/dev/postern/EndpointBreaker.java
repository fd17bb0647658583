package dev.postern;

import java.util.function.Consumer;

/**
 * Decides for each endpoint of an upstream by itself whether it may be called, from how calls before it ended. {@code
 * CircuitBreaker.builder(…).forEndpoints()} of the module {@code gateway-filters-traffic} makes one.
 *
 * <p>An endpoint that is not admitted is not picked, whatever its health and however few the others are: health may be
 * disbelieved ({@link Upstream.Builder#panicThreshold}), a breaker is not. When no endpoint is admitted the answer is 503 {@code
 * circuit_open}.
 *
 * <p>Compared by value: a configuration with an equal one keeps what is known of the endpoints.
 */
public interface EndpointBreaker {
    /**
     * The gate before one endpoint; kept for as long as the endpoint is on the list and the breaker is configured.
     *
     * @param upstream the name of the upstream
     * @param endpoint the address
     * @param nowNanos {@link TimeSource#nanoTime}
     * @param told to be called once for each transition, on the thread that made it, with the state there is now
     */
    Gate gate(String upstream, String endpoint, long nowNanos, Consumer<State> told);

    /** What a gate is doing. */
    enum State {
        /** All calls are made. */
        CLOSED,
        /** None is. */
        OPEN,
        /** A few are, to find out. */
        HALF_OPEN
    }

    /** How a call ended, as far as it speaks about the endpoint. */
    enum Ending {
        /** A response head below 500 has come. */
        SUCCESS,
        /** A response head of 500 or above, or none, and that is the endpoint's doing. */
        FAILURE,
        /** None until now, and nobody waits for it any more: the client has left, or another attempt was faster. */
        ABANDONED,
        /** It says nothing about the endpoint. */
        IGNORED
    }

    /**
     * Safe on any thread; must be quick and must not block. When it throws as it is asked, the exchange fails with {@link
     * Failure#INTERNAL}; when it throws as it is told of an end, that is logged.
     */
    interface Gate {
        /** No permit. */
        long REFUSED = -1;

        /** Whether {@link #tryAcquire} would give a permit now; takes none. */
        boolean admits(long nowNanos);

        /**
         * Asks for one call.
         *
         * @return a permit, 0 or more, which has exactly one {@link #end}, or {@link #REFUSED}
         */
        long tryAcquire(long nowNanos);

        /**
         * Gives a permit back.
         *
         * @param tookNanos from the pick to the response head, or to the end of the attempt, without the time in which the
         *     client sends its body
         */
        void end(long permit, Ending ending, long tookNanos, long nowNanos);

        /** In one line, for people. */
        String summary(long nowNanos);
    }
}
