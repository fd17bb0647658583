package dev.postern.traffic;

import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.MessageHook;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.TimeSource;
import dev.postern.testing.FakeExchange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** A {@link FakeExchange} that remembers which calls were made, which of them cancelled, and how much work left the loop. */
final class WatchedExchange implements Exchange {
    private final FakeExchange exchange;
    private final List<Request> sent = new ArrayList<>();
    private final List<String> called = new ArrayList<>();
    private final List<String> cancelled = new ArrayList<>();
    private int offloaded;

    WatchedExchange(FakeExchange exchange) {
        this.exchange = exchange;
    }

    /** {@code users GET /users/7}, in order. */
    List<String> called() {
        return called;
    }

    List<Request> sent() {
        return sent;
    }

    /** The names of upstreams. */
    List<String> cancelled() {
        return cancelled;
    }

    int offloaded() {
        return offloaded;
    }

    @Override
    public Call call(String upstream, Request request) {
        sent.add(request);
        called.add(upstream + ' ' + request.method() + ' ' + request.target());
        Call call = exchange.call(upstream, request);
        return new Call() {
            @Override
            public CompletionStage<Response> response() {
                return call.response();
            }

            @Override
            public void cancel() {
                cancelled.add(upstream);
                call.cancel();
            }
        };
    }

    @Override
    public void onMessage(MessageHook hook) {
        exchange.onMessage(hook);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        offloaded++;
        return exchange.offload(work);
    }

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
    public String listener() {
        return exchange.listener();
    }

    @Override
    public ClientInfo client() {
        return exchange.client();
    }

    @Override
    public Principal principal() {
        return exchange.principal();
    }

    @Override
    public void authenticate(Principal principal) {
        exchange.authenticate(principal);
    }

    @Override
    public <T> T get(Key<T> key) {
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
    public Duration remaining() {
        return exchange.remaining();
    }

    @Override
    public Executor executor() {
        return exchange.executor();
    }

    @Override
    public CompletionStage<Void> delay(Duration delay) {
        return exchange.delay(delay);
    }

    @Override
    public void onEnd(Consumer<Outcome> callback) {
        exchange.onEnd(callback);
    }
}
