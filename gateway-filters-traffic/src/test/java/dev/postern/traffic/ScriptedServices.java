package dev.postern.traffic;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.TimeSource;
import dev.postern.testing.ManualTime;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What a gateway would lend: keeps state by its spec, over as many starts as the test likes. */
final class ScriptedServices implements Services {
    private final TimeSource time;
    private final Map<StateSpec, Object> states = new HashMap<>();

    ScriptedServices() {
        this(ManualTime.create());
    }

    ScriptedServices(TimeSource time) {
        this.time = time;
    }

    <T extends dev.postern.Managed> T started(T managed) {
        managed.start(this).toCompletableFuture().join();
        return managed;
    }

    int states() {
        return states.size();
    }

    @Override
    public TimeSource time() {
        return time;
    }

    @Override
    public RandomGenerator random() {
        return RandomGenerator.of("L64X128MixRandom");
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        return (T) states.computeIfAbsent(spec, missing -> factory.get());
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        throw new UnsupportedOperationException("no calls here");
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        throw new UnsupportedOperationException("no pool here");
    }
}
