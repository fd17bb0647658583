package dev.postern.runtime.health;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.testing.ManualTime;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Services with hand-moved time and the same random numbers in every run; calls are answered by a function. */
public final class LentServices implements Services {
    public final ManualTime time = ManualTime.create();
    public volatile Function<Endpoint, CompletionStage<Response>> network =
            endpoint -> CompletableFuture.completedFuture(Response.of(200));
    private final RandomGenerator random = new Random(1);

    @Override
    public ManualTime time() {
        return time;
    }

    @Override
    public RandomGenerator random() {
        return random;
    }

    @Override
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        throw new IllegalStateException("no state here: " + spec);
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        return network.apply(endpoint);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        throw new IllegalStateException("no pool here");
    }
}
