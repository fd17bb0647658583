package dev.postern;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * A gateway, running or startable. Safe on any thread.
 *
 * <p>Methods that wait ({@link #start}, {@link #stop}, {@link #apply}, {@link #close}) refuse to run on an event loop,
 * where waiting would stop the very work they wait for; each has a twin that does not wait.
 */
public interface Gateway extends AutoCloseable {
    /** Begins a gateway. */
    static GatewayBuilder builder() {
        return new GatewayBuilder();
    }

    /**
     * Starts and waits until every listener is bound.
     *
     * @throws IllegalStateException when it was started before, or when called on an event loop
     * @throws GatewayStartException naming the listener and port, or the part that failed to start; nothing is left bound
     *     or running
     */
    void start();

    /** Starts without waiting; the stage fails as {@link #start} does. */
    CompletionStage<Void> startAsync();

    /**
     * Stops in order: readiness goes off and responses say {@code Connection: close}; then no more connections are
     * accepted; exchanges under way may finish within {@code drain}; what is left is cut. Waits for the end. A gateway
     * that was stopped cannot be started again.
     *
     * @param drain how long exchanges under way may take, zero or more
     */
    void stop(Duration drain);

    /** Stops without waiting. */
    CompletionStage<Void> stopAsync(Duration drain);

    /** {@code stop(Duration.ofSeconds(10))}. */
    @Override
    void close();

    /**
     * Sends a request through the whole gateway, filters, limits, upstreams and all, without a socket in front of it. The
     * request is validated as one from the wire would be; a refused one completes with its error answer.
     *
     * <p>The caller reads or discards the body of the response: only then is the exchange over. Works on a started
     * gateway, with or without listeners.
     *
     * @param client whom the gateway should take for the caller
     */
    CompletionStage<Response> handle(Request request, ClientInfo client);

    /** What {@link #handle} would do with a request. Nothing is sent and no state is changed. */
    Explanation explain(Request request, ClientInfo client);

    /** The configuration in force. */
    GatewayConfig config();

    /** What applying a configuration would change, and what is wrong with it. */
    Plan plan(GatewayConfig next);

    /**
     * Puts a configuration in force, all or nothing, and waits. Exchanges under way end with the configuration they began
     * with; no connection is dropped unless its listener goes away.
     *
     * @return what changed
     * @throws InvalidConfigException with every problem; the running configuration is untouched
     * @throws GatewayStartException when a new listener could not be bound or a part failed to start; the running
     *     configuration is untouched
     */
    Plan apply(GatewayConfig next);

    /** Puts a configuration in force without waiting; calls are carried out one after the other, in order. */
    CompletionStage<Plan> applyAsync(GatewayConfig next);

    /**
     * The live state of an upstream.
     *
     * @throws IllegalArgumentException when there is none of that name, listing those there are
     */
    UpstreamState upstream(String name);

    /**
     * Gives an upstream no new exchanges from now on: they are answered 503. Those under way may finish. Configurations and
     * lists of endpoints that come later do not end it; {@link #endDrain} does.
     *
     * @return done when the upstream works on nothing
     * @throws IllegalArgumentException when there is none of that name, or it is the host's own code
     */
    CompletionStage<Void> drain(String upstream);

    /**
     * Gives one endpoint no new attempts from now on, as if it were not on the list: the others take over, whatever their
     * health. Attempts under way may finish; idle connections close after the upstream's {@code keepAlive}. It gets attempts
     * again after {@link #endDrain}, or when it has left the list and comes back on it.
     *
     * @param endpoint its address as in {@link UpstreamState}
     * @return done when the endpoint works on nothing
     * @throws IllegalArgumentException when there is none of that address on the list
     */
    CompletionStage<Void> drain(String upstream, String endpoint);

    /** Ends all that {@link #drain} has begun at this upstream; harmless when nothing was. */
    void endDrain(String upstream);

    /** The state that filters keep and show: breakers, limits. In the order of their kinds and names. */
    List<StateView> states();

    /** Whether the gateway works and wants traffic. */
    GatewayHealth health();

    /** The listeners as bound; empty before start and after stop. */
    List<BoundListener> listeners();
}
