package dev.postern.testing;

import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An exchange without a gateway: everything runs on the calling thread, time is moved by hand, upstreams are functions.
 * For one thread.
 */
public final class FakeExchange implements Exchange {
    private final ManualTime time;
    private final Map<String, String> variables = new LinkedHashMap<>();
    private final Map<Key<?>, Object> values = new HashMap<>();
    private final Map<String, Function<Request, CompletionStage<Response>>> upstreams = new HashMap<>();
    private final Deque<Consumer<Outcome>> callbacks = new ArrayDeque<>();
    private final long deadline;
    private Route route = Route.builder("fake").answer(Response.of(200)).build();
    private ClientInfo client = ClientInfo.local();
    private @Nullable Principal principal;
    private @Nullable Outcome outcome;

    /** Within hand-moved time of its own and a deadline of 30 seconds. */
    public FakeExchange() {
        this(ManualTime.create());
    }

    /** Within this time. */
    public FakeExchange(ManualTime time) {
        this.time = time;
        deadline = time.nanoTime() + Duration.ofSeconds(30).toNanos();
    }

    /** Sets the route. */
    public FakeExchange route(Route newRoute) {
        route = newRoute;
        return this;
    }

    /** Sets a path variable. */
    public FakeExchange pathVariable(String name, String value) {
        variables.put(name, value);
        return this;
    }

    /** Sets the caller. */
    public FakeExchange client(ClientInfo newClient) {
        client = newClient;
        return this;
    }

    /** Defines an upstream for {@link #call}. */
    public FakeExchange upstream(String name, Function<Request, CompletionStage<Response>> behind) {
        upstreams.put(name, behind);
        return this;
    }

    /** Ends the exchange with this outcome, once: runs the callbacks, the last one given first. */
    public void end(Outcome how) {
        if (outcome != null) {
            throw new IllegalStateException("this exchange has ended before");
        }
        outcome = how;
        while (!callbacks.isEmpty()) {
            callbacks.pop().accept(how);
        }
    }

    /** Ends the exchange with a whole response of this status. */
    public void end(int status) {
        end(new Outcome(status, null, null, Duration.ZERO, Duration.ZERO, 0, 0, 0, null, null));
    }

    /** The hand-moved time. */
    public ManualTime manualTime() {
        return time;
    }

    /** The number of callbacks that wait for the end. */
    public int waitingForEnd() {
        return callbacks.size();
    }

    @Override
    public String id() {
        return "00000000000000000000000000000001";
    }

    @Override
    public Kind kind() {
        return Kind.HTTP;
    }

    @Override
    public Route route() {
        return route;
    }

    @Override
    public Map<String, String> pathVariables() {
        return Map.copyOf(variables);
    }

    @Override
    public ClientInfo client() {
        return client;
    }

    @Override
    public @Nullable Principal principal() {
        return principal;
    }

    @Override
    public void authenticate(Principal newPrincipal) {
        principal = newPrincipal;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> @Nullable T get(Key<T> key) {
        return (T) values.get(key);
    }

    @Override
    public <T> void set(Key<T> key, T value) {
        values.put(key, value);
    }

    @Override
    public TimeSource time() {
        return time;
    }

    @Override
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, deadline - time.nanoTime()));
    }

    @Override
    public Executor executor() {
        return Runnable::run;
    }

    @Override
    public CompletionStage<Void> delay(Duration delay) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        time.schedule(delay, () -> done.complete(null));
        return done;
    }

    @Override
    public void onEnd(Consumer<Outcome> callback) {
        if (outcome != null) {
            callback.accept(outcome);
        } else {
            callbacks.push(callback);
        }
    }

    @Override
    public Call call(String upstream, Request request) {
        Function<Request, CompletionStage<Response>> behind = upstreams.get(upstream);
        CompletableFuture<Response> response = behind == null
                ? CompletableFuture.failedFuture(
                        new GatewayException(Failure.NO_ENDPOINT, "upstream \"" + upstream + "\" is not defined here"))
                : behind.apply(request).toCompletableFuture();
        return new Call() {
            @Override
            public CompletionStage<Response> response() {
                return response;
            }

            @Override
            public void cancel() {
                response.completeExceptionally(new GatewayException(Failure.CLIENT_GONE, "call cancelled"));
            }
        };
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
