package dev.postern;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
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
     * stage completes with the whole answer in memory, the trailers of gRPC included, and fails with a {@link
     * GatewayException}.
     *
     * @param endpoint where to: scheme, host and port
     * @param request what to send; its path and headers are used, its authority is not
     * @param limits time and size
     */
    CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits);

    /**
     * Makes a connection of the gateway's own and closes it at once; nothing is sent over it. The stage completes when it is
     * made, and fails when it is not made in time. By default it fails.
     *
     * @param endpoint where to: host and port
     * @param timeout more than zero
     */
    default CompletionStage<Void> connect(Endpoint endpoint, Duration timeout) {
        return CompletableFuture.failedFuture(
                new UnsupportedOperationException(getClass().getName() + " makes no connections"));
    }

    /** Runs blocking or CPU-heavy work on the gateway's bounded pool; the stage fails with {@link Failure#OVERLOADED} when it is full. */
    <T> CompletionStage<T> offload(Callable<T> work);
}
