package dev.postern.security;

import dev.postern.Body;
import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.testing.ManualTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Lends hand-moved time, an issuer that does as told, and workers that can be held back. For one thread. */
final class ScriptedServices implements Services {
    final ManualTime time = ManualTime.create();
    final List<Request> sent = new ArrayList<>();
    final List<Endpoint> endpoints = new ArrayList<>();
    final Map<StateSpec, Object> states = new HashMap<>();
    private final Deque<Runnable> heldWork = new ArrayDeque<>();
    private Supplier<CompletionStage<Response>> issuer =
            () -> CompletableFuture.failedFuture(new IllegalStateException("no script"));
    private boolean holding;
    int offloaded;

    /** The issuer publishes this from now on. */
    ScriptedServices publishing(String json) {
        return answering(Response.json(200, json));
    }

    ScriptedServices answering(Response response) {
        return issuer(() -> CompletableFuture.completedFuture(response));
    }

    ScriptedServices down() {
        return issuer(() -> CompletableFuture.failedFuture(new IllegalStateException("connection refused")));
    }

    /** The issuer answers when the future it gives is completed. */
    CompletableFuture<Response> slow() {
        CompletableFuture<Response> answer = new CompletableFuture<>();
        issuer(() -> answer);
        return answer;
    }

    ScriptedServices issuer(Supplier<CompletionStage<Response>> script) {
        issuer = script;
        return this;
    }

    static Response of(byte[] body) {
        return Response.of(200).withBody(Body.of(body));
    }

    /** Workers keep their work until {@link #work}. */
    void holdWork() {
        holding = true;
    }

    void work() {
        holding = false;
        while (!heldWork.isEmpty()) {
            heldWork.poll().run();
        }
    }

    int fetches() {
        return sent.size();
    }

    @Override
    public ManualTime time() {
        return time;
    }

    @Override
    public RandomGenerator random() {
        return RandomGenerator.getDefault();
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T state(StateSpec spec, Supplier<T> factory) {
        return (T) states.computeIfAbsent(spec, first -> factory.get());
    }

    @Override
    public CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        endpoints.add(endpoint);
        sent.add(request);
        return issuer.get();
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        offloaded++;
        CompletableFuture<T> done = new CompletableFuture<>();
        Runnable run = () -> {
            try {
                done.complete(work.call());
            } catch (Exception failed) {
                done.completeExceptionally(failed);
            }
        };
        if (holding) {
            heldWork.add(run);
        } else {
            run.run();
        }
        return done;
    }
}
