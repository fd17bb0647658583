package dev.postern.runtime.observe;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.TimeSource;
import dev.postern.testing.ManualTime;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Lends hand-moved time and a seeded generator; nothing else. */
public final class FakeServices implements Services {
    private final ManualTime time = ManualTime.create();
    private final RandomGenerator random;

    public FakeServices(long seed) {
        this(new Random(seed));
    }

    public FakeServices(RandomGenerator random) {
        this.random = random;
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
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        throw new AssertionError("no state expected: " + spec);
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        throw new AssertionError("no call expected: " + request);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        throw new AssertionError("no blocking work expected");
    }
}
