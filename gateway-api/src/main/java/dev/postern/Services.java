package dev.postern;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What the runtime lends to the parts plugged into it. Safe on any thread. */
public interface Services {
    /** The gateway's clock and timer. */
    TimeSource time();

    /** The gateway's source of randomness; not for secrets. */
    RandomGenerator random();

    /**
     * State that outlives config swaps, made by {@code factory} when no config before had it.
     *
     * @param spec one of those the object's {@link Managed#state()} lists
     */
    <T> T state(StateSpec spec, Supplier<T> factory);

    /**
     * Sends a request of the gateway's own, such as for a key set, outside any exchange. No redirect is followed. The
     * stage completes with the whole answer in memory and fails with a {@link GatewayException}.
     *
     * @param endpoint where to: scheme, host and port
     * @param request what to send; its path and headers are used, its authority is not
     * @param limits time and size
     */
    CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits);

    /** Runs blocking or CPU-heavy work on the gateway's bounded pool; the stage fails with {@link Failure#OVERLOADED} when it is full. */
    <T> CompletionStage<T> offload(Callable<T> work);
}
