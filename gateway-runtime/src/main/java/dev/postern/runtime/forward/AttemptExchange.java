package dev.postern.runtime.forward;

import dev.postern.Body;
import dev.postern.BufferedBody;
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
import dev.postern.runtime.message.WireBody;
import dev.postern.runtime.pipeline.ExchangeContext;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.LoopStage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The exchange as one attempt of the host's own code sees it: the same, but it ends when the attempt is given up, and what
 * the attempt has begun through it (calls, delays, work on the pool) ends then, too. On the exchange's loop only.
 */
final class AttemptExchange implements Exchange {
    private final GatewayExchange exchange;
    /** When the attempt is given up, on the gateway's clock. */
    private final long untilNanos;

    private final boolean bounded;
    private final List<Runnable> held = new ArrayList<>(2);
    private @Nullable List<Consumer<Outcome>> onEnd;
    private @Nullable Outcome ended;
    /** What it holds is let go. */
    private boolean over;
    /** It answered with all there is: from here on it is the exchange itself. */
    private boolean detached;

    /**
     * For an attempt that begins now.
     *
     * @param bound how long it may take to its response head, or null
     */
    AttemptExchange(GatewayExchange exchange, @Nullable Duration bound) {
        this.exchange = exchange;
        bounded = bound != null;
        untilNanos = bound == null ? 0 : exchange.time().nanoTime() + bound.toNanos();
    }

    /** The attempt has answered, and nothing of the answer is still on its way; whether nothing else needs its end either. */
    boolean detach() {
        detached = held.isEmpty();
        return detached;
    }

    /** The exchange has ended, or is about to: what was begun ends now, and who waits for the end hears the exchange's. */
    void letGo() {
        over = true;
        // One by one: what ends may take others out.
        while (!held.isEmpty()) {
            held.remove(held.size() - 1).run();
        }
    }

    /** The attempt is given up. Harmless after the end. */
    void end(int status, GatewayException why, long startedNanos) {
        if (ended != null) {
            return;
        }
        Duration took = Duration.ofNanos(exchange.time().nanoTime() - startedNanos);
        release(new Outcome(status, why.failure(), why.reason(), took, took, 0, 0, 1, null, null));
    }

    private void release(Outcome outcome) {
        if (ended != null) {
            return;
        }
        ended = outcome;
        letGo();
        List<Consumer<Outcome>> callbacks = onEnd;
        onEnd = null;
        for (int i = callbacks == null ? -1 : callbacks.size() - 1; i >= 0; i--) {
            exchange.callBack(Objects.requireNonNull(callbacks).get(i), outcome);
        }
    }

    // ---- what ends with the attempt

    @Override
    public Duration remaining() {
        Duration whole = exchange.remaining();
        if (!bounded || detached) {
            return whole;
        }
        Duration mine =
                Duration.ofNanos(Math.max(0, untilNanos - exchange.time().nanoTime()));
        return mine.compareTo(whole) < 0 ? mine : whole;
    }

    @Override
    public CompletionStage<Void> delay(Duration delay) {
        if (detached) {
            return exchange.delay(delay);
        }
        LoopStage<Void> stage = new LoopStage<>(exchange.loop());
        Runnable[] hook = new Runnable[1];
        TimeSource.Timer timer = exchange.loop().schedule(Math.max(0, delay.toNanos()), () -> {
            held.remove(hook[0]);
            deliverNothing(stage);
        });
        hook[0] = () -> {
            timer.cancel();
            stage.fail(givenUp());
        };
        hold(hook[0]);
        return stage;
    }

    @SuppressWarnings("NullAway") // a Void stage has no other value
    private static void deliverNothing(LoopStage<Void> stage) {
        stage.deliver(null);
    }

    @Override
    public Call call(String upstream, Request request) {
        Call call = exchange.call(upstream, request);
        if (!detached) {
            Runnable hook = call::cancel;
            hold(hook);
            call.response()
                    .whenComplete((response, failure) -> exchange.loop().enter(() -> {
                        Body body = response == null ? Body.empty() : response.body();
                        if (body instanceof BufferedBody) {
                            held.remove(hook);
                        } else if (body instanceof WireBody) {
                            // Also after the head: the body may still be on its way.
                            body.trailers()
                                    .whenComplete((trailers, broken) ->
                                            exchange.loop().enter(() -> held.remove(hook)));
                        }
                        // Else it is code of the host that answers, at work until the exchange ends.
                    }));
        }
        return call;
    }

    /** What would be let go now, for the test that it does not pile up. */
    int held() {
        return held.size();
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        if (detached) {
            return exchange.offload(work);
        }
        LoopStage<T> stage = new LoopStage<>(exchange.loop());
        ExchangeContext.Offload<T> offload = exchange.context().offload(work);
        Runnable hook = () -> {
            offload.cancel();
            stage.fail(givenUp());
        };
        hold(hook);
        offload.result()
                .whenComplete((value, failure) -> exchange.loop().enter(() -> {
                    held.remove(hook);
                    if (failure != null) {
                        stage.fail(failure);
                    } else if (!stage.deliver(value) && value instanceof Response unwanted) {
                        unwanted.body().discard();
                    }
                }));
        return stage;
    }

    @Override
    public void onEnd(Consumer<Outcome> callback) {
        if (ended != null) {
            callback.accept(ended);
            return;
        }
        if (onEnd == null) {
            onEnd = new ArrayList<>(2);
            exchange.onEnd(this::release);
        }
        // The exchange may be over, and this with it.
        if (onEnd == null) {
            exchange.onEnd(callback);
        } else {
            onEnd.add(callback);
        }
    }

    private void hold(Runnable hook) {
        if (over || exchange.isOver()) {
            hook.run();
        } else {
            held.add(hook);
        }
    }

    private static GatewayException givenUp() {
        return new GatewayException(Failure.CLIENT_GONE, "the attempt is over");
    }

    // ---- what is the exchange's

    @Override
    public String id() {
        return exchange.id();
    }

    @Override
    public Kind kind() {
        return exchange.kind();
    }

    @Override
    public Route route() {
        return exchange.route();
    }

    @Override
    public Map<String, String> pathVariables() {
        return exchange.pathVariables();
    }

    @Override
    public @Nullable String listener() {
        return exchange.listener();
    }

    @Override
    public ClientInfo client() {
        return exchange.client();
    }

    @Override
    public @Nullable Principal principal() {
        return exchange.principal();
    }

    @Override
    public void authenticate(Principal principal) {
        exchange.authenticate(principal);
    }

    @Override
    public <T> @Nullable T get(Key<T> key) {
        return exchange.get(key);
    }

    @Override
    public <T> void set(Key<T> key, T value) {
        exchange.set(key, value);
    }

    @Override
    public TimeSource time() {
        return exchange.time();
    }

    @Override
    public Executor executor() {
        return exchange.executor();
    }

    @Override
    public void onMessage(MessageHook hook) {
        exchange.onMessage(hook);
    }
}
