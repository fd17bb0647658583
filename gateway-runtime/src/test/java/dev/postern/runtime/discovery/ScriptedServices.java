package dev.postern.runtime.discovery;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.StateSpec;
import dev.postern.UpstreamTls;
import dev.postern.testing.ManualTime;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What sources are lent, in hand-moved time: each question is kept, and answered by a function or by the test. */
final class ScriptedServices implements SourceServices {
    final ManualTime time = ManualTime.create();
    final List<Request> asked = new ArrayList<>();
    final List<OpenCall> calls = new ArrayList<>();
    Function<Request, CompletionStage<Response>> network =
            request -> CompletableFuture.failedFuture(new IllegalStateException("nobody answers"));
    CompletionStage<List<Lookups.Address>> addresses = CompletableFuture.completedFuture(List.of());
    CompletionStage<List<Lookups.Service>> srv = CompletableFuture.completedFuture(List.of());
    int lookups;

    @Nullable
    RuntimeException refusal;

    private final RandomGenerator random = new Random(1);

    /** A call that the test answers. */
    static final class OpenCall {
        final Request request;
        final Duration silence;
        final LineCalls.Reader reader;
        boolean stopped;

        OpenCall(Request request, Duration silence, LineCalls.Reader reader) {
            this.request = request;
            this.silence = silence;
            this.reader = reader;
        }

        void answer(int status, String... lines) {
            reader.head(status);
            for (String line : lines) {
                reader.line(line);
            }
        }
    }

    OpenCall lastCall() {
        return calls.get(calls.size() - 1);
    }

    void answering(int status, String body) {
        network = request -> CompletableFuture.completedFuture(Response.text(status, body));
    }

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
        asked.add(request);
        return network.apply(request);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        try {
            return CompletableFuture.completedFuture(work.call());
        } catch (Exception failed) {
            return CompletableFuture.failedFuture(failed);
        }
    }

    @Override
    public Lookups lookups() {
        return new Lookups() {
            @Override
            public CompletionStage<List<Address>> addresses(String name, @Nullable InetSocketAddress server) {
                lookups++;
                return addresses;
            }

            @Override
            public CompletionStage<List<Service>> services(String name, @Nullable InetSocketAddress server) {
                lookups++;
                return srv;
            }
        };
    }

    @Override
    public LineCalls lineCalls() {
        return (endpoint, request, tls, silence, reader) -> opened(request, tls, silence, reader);
    }

    private LineCalls.Call opened(Request request, UpstreamTls tls, Duration silence, LineCalls.Reader reader) {
        if (refusal != null) {
            throw refusal;
        }
        OpenCall call = new OpenCall(request, silence, reader);
        calls.add(call);
        return () -> call.stopped = true;
    }
}
