package dev.postern.testing;

import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.MessageHook;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
    // Delays and calls, also those that are over: failing them again does nothing.
    private final List<Runnable> cutAtEnd = new ArrayList<>();
    private final List<MessageHook> hooks = new ArrayList<>();
    private long deadline;
    private Kind kind = Kind.HTTP;
    private Route route = Route.builder("fake").answer(Response.of(200)).build();
    private @Nullable String listener;
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
        deadline(Duration.ofSeconds(30));
    }

    /** Sets the kind of traffic; {@link Exchange.Kind#HTTP} unless set. */
    public FakeExchange kind(Kind newKind) {
        kind = newKind;
        return this;
    }

    /** Sets what {@link #remaining} is from now on; 30 seconds unless set. */
    public FakeExchange deadline(Duration fromNow) {
        deadline = time.nanoTime() + fromNow.toNanos();
        return this;
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

    /** Sets the name of the listener; none unless set. */
    public FakeExchange listener(String name) {
        listener = name;
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

    /**
     * Ends the exchange with this outcome, once: fails delays and calls under way, then runs the callbacks, the last one
     * given first. What a callback throws is thrown here when all have run.
     */
    public void end(Outcome how) {
        if (outcome != null) {
            throw new IllegalStateException("this exchange has ended before");
        }
        outcome = Objects.requireNonNull(how, "how");
        List.copyOf(cutAtEnd).forEach(Runnable::run);
        RuntimeException thrown = null;
        while (!callbacks.isEmpty()) {
            try {
                callbacks.pop().accept(how);
            } catch (RuntimeException failed) {
                if (thrown == null) {
                    thrown = failed;
                } else {
                    thrown.addSuppressed(failed);
                }
            }
        }
        if (thrown != null) {
            throw thrown;
        }
    }

    /** Ends the exchange with a whole response of this status. */
    public void end(int status) {
        end(new Outcome(status, null, null, Duration.ZERO, Duration.ZERO, 0, 0, 0, null, null));
    }

    /** Ends the exchange by a failure, such as {@link Failure#CLIENT_GONE}, with its status. */
    public void end(Failure failure) {
        end(new Outcome(failure.status(), failure, failure.code(), Duration.ZERO, Duration.ZERO, 0, 0, 0, null, null));
    }

    /** Shows a message to the hooks, as the gateway would; the first verdict that does not pass it on, or {@code pass}. */
    public MessageHook.Verdict message(MessageHook.Direction direction, MessageHook.Message message) {
        List<MessageHook> order = new ArrayList<>(hooks);
        if (direction == MessageHook.Direction.TO_CLIENT) {
            Collections.reverse(order);
        }
        for (MessageHook hook : order) {
            MessageHook.Verdict verdict = hook.onMessage(direction, message);
            if (!verdict.passes()) {
                return verdict;
            }
        }
        return MessageHook.Verdict.pass();
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
        return kind;
    }

    @Override
    public Route route() {
        return route;
    }

    @Override
    public Map<String, String> pathVariables() {
        return Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }

    @Override
    public @Nullable String listener() {
        return listener;
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
        values.put(key, Objects.requireNonNull(value, "value"));
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
        if (outcome != null) {
            done.completeExceptionally(ended());
            return done;
        }
        TimeSource.Timer timer = time.schedule(delay, () -> done.complete(null));
        cutAtEnd.add(() -> {
            timer.cancel();
            done.completeExceptionally(ended());
        });
        return done.minimalCompletionStage();
    }

    private GatewayException ended() {
        Failure failure = outcome == null || outcome.failure() == null ? Failure.CLIENT_GONE : outcome.failure();
        return new GatewayException(failure, "the exchange has ended");
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
    public void onMessage(MessageHook hook) {
        hooks.add(Objects.requireNonNull(hook, "hook"));
    }

    @Override
    public Call call(String upstream, Request request) {
        Function<Request, CompletionStage<Response>> behind = upstreams.get(upstream);
        CompletableFuture<Response> response = new CompletableFuture<>();
        if (behind == null) {
            response.completeExceptionally(
                    new GatewayException(Failure.NO_ENDPOINT, "upstream \"" + upstream + "\" is not defined here"));
        } else if (outcome != null) {
            response.completeExceptionally(ended());
        } else {
            behind.apply(request).whenComplete((answer, failure) -> arrived(response, answer, failure));
        }
        cutAtEnd.add(() -> response.completeExceptionally(ended()));
        return new Call() {
            @Override
            public CompletionStage<Response> response() {
                return response.minimalCompletionStage();
            }

            @Override
            public void cancel() {
                response.completeExceptionally(new GatewayException(Failure.CLIENT_GONE, "call cancelled"));
            }
        };
    }

    private static void arrived(
            CompletableFuture<Response> response, @Nullable Response answer, @Nullable Throwable failure) {
        if (answer == null) {
            response.completeExceptionally(failure == null ? new NullPointerException("response") : failure);
        } else if (!response.complete(answer)) {
            // Nobody waits for it any more.
            answer.body().discard();
        }
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        return Offloading.run(work);
    }
}
