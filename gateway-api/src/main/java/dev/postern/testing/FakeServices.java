package dev.postern.testing;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.TimeSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What a runtime lends to {@link dev.postern.Managed} parts, without a runtime: hand-moved time, the same random numbers
 * in every run, calls answered by a function. For one thread.
 */
public final class FakeServices implements Services {
    private final ManualTime time;
    private final RandomGenerator random = new Random(1);
    private final Map<String, StateSpec> specs = new HashMap<>();
    private final Map<String, Object> states = new HashMap<>();
    private final List<StateSpec> asked = new ArrayList<>();
    private final List<Request> sent = new ArrayList<>();
    private BiFunction<Endpoint, Request, CompletionStage<Response>> network =
            (endpoint, request) -> CompletableFuture.failedFuture(
                    new GatewayException(Failure.CONNECT_FAILED, "nobody answers at " + endpoint + " in this test"));

    /** Within hand-moved time of its own. */
    public FakeServices() {
        this(ManualTime.create());
    }

    /** Within this time. */
    public FakeServices(ManualTime time) {
        this.time = time;
    }

    /** Answers calls of {@link #send} by a function; without this they fail with {@link Failure#CONNECT_FAILED}. */
    public FakeServices answering(BiFunction<Endpoint, Request, CompletionStage<Response>> newNetwork) {
        network = newNetwork;
        return this;
    }

    /** The hand-moved time. */
    public ManualTime manualTime() {
        return time;
    }

    /** The requests given to {@link #send}, in order. */
    public List<Request> sent() {
        return List.copyOf(sent);
    }

    /** The state that was asked for, in order, repetitions included. */
    public List<StateSpec> askedState() {
        return List.copyOf(asked);
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
        asked.add(spec);
        String key = spec.kind() + '\n' + spec.name();
        if (!spec.equals(specs.put(key, spec))) {
            states.remove(key);
        }
        return (T) states.computeIfAbsent(key, unused -> factory.get());
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        sent.add(request);
        return network.apply(endpoint, request);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        return Offloading.run(work);
    }
}
