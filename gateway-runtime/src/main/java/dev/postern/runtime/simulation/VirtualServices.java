package dev.postern.runtime.simulation;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.TimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What health checks and outlier detection are lent in a run: its clock, its chances, its endpoints. */
final class VirtualServices implements Services {
    private final VirtualTime time;
    private final SplittableRandom random;
    private final BiFunction<Endpoint, CallLimits, CompletionStage<Response>> network;
    private BiFunction<Endpoint, Duration, CompletionStage<Void>> doors = Services.super::connect;
    private final Map<StateSpec, Object> states = new HashMap<>();

    VirtualServices(
            VirtualTime time,
            SplittableRandom random,
            BiFunction<Endpoint, CallLimits, CompletionStage<Response>> network) {
        this.time = time;
        this.random = random;
        this.network = network;
    }

    /** Who says whether connections are made. */
    void doors(BiFunction<Endpoint, Duration, CompletionStage<Void>> newDoors) {
        doors = newDoors;
    }

    @Override
    public TimeSource time() {
        return time;
    }

    @Override
    public RandomGenerator random() {
        return random;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        return (T) states.computeIfAbsent(spec, asked -> factory.get());
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        return network.apply(endpoint, limits);
    }

    @Override
    public CompletionStage<Void> connect(Endpoint endpoint, Duration timeout) {
        return doors.apply(endpoint, timeout);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        try {
            return CompletableFuture.completedFuture(work.call());
        } catch (Exception failed) {
            return CompletableFuture.failedFuture(failed);
        }
    }
}
