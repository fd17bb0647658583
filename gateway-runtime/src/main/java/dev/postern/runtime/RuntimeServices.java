package dev.postern.runtime;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.StateSpec;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.runtime.discovery.LineCalls;
import dev.postern.runtime.discovery.Lookups;
import dev.postern.runtime.discovery.SourceServices;
import dev.postern.runtime.snapshot.StateRegistry;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What the parts plugged into a gateway are lent. */
record RuntimeServices(
        TimeSource time,
        RandomGenerator random,
        StateRegistry states,
        OwnCalls calls,
        LineCalls lineCalls,
        Lookups lookups,
        VertxHost host,
        OwnCalls.Manner manner)
        implements SourceServices {
    /** The same for what is asked of the endpoints of an upstream: they are spoken to as its traffic does. */
    RuntimeServices toward(Upstream upstream) {
        return new RuntimeServices(
                time,
                random,
                states,
                calls,
                lineCalls,
                lookups,
                host,
                new OwnCalls.Manner(upstream.tls(), upstream.protocol()));
    }

    @Override
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        return states.get(spec, factory);
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        return calls.send(endpoint, request, limits, manner);
    }

    @Override
    public CompletionStage<Void> connect(Endpoint endpoint, Duration timeout) {
        return OwnConnects.once(host.vertx(), endpoint, timeout);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        return host.offload().run(work).result();
    }
}
