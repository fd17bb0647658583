package dev.postern.runtime;

import dev.postern.BoundListener;
import dev.postern.ClientInfo;
import dev.postern.Explanation;
import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.GatewayHealth;
import dev.postern.InvalidConfigException;
import dev.postern.Plan;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.StateView;
import dev.postern.UpstreamState;
import dev.postern.spi.Environment;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The gateway as its host sees it: what may be called when, and one thing after the other. Starting, applying and stopping
 * happen on a control thread that exists while one of them does; everything about requests is in {@link RunningGateway}.
 */
final class VertxGateway implements Gateway {
    private static final Duration DEFAULT_DRAIN = Duration.ofSeconds(10);

    private enum Phase {
        NEW,
        RUNNING,
        DRAINING,
        STOPPED
    }

    private final Compiler compiler = new Compiler();
    private final GatewayConfig initial;
    private final Environment environment;
    private final VertxHost host;
    private final ThreadPoolExecutor control;
    // Written on the control thread, read anywhere.
    private volatile Phase phase = Phase.NEW;
    private volatile @Nullable RunningGateway running;

    VertxGateway(GatewayConfig config, Environment environment, VertxHost host) {
        List<Problem> errors = Compiler.errors(compiler.problems(config));
        if (!errors.isEmpty()) {
            throw new InvalidConfigException(errors);
        }
        this.initial = config;
        this.environment = environment;
        this.host = host;
        control = new ThreadPoolExecutor(1, 1, 100, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread thread = new Thread(task, "postern-control-" + config.name());
            thread.setDaemon(true);
            return thread;
        });
        control.allowCoreThreadTimeOut(true);
    }

    // ---- life

    @Override
    public void start() {
        await("start", this::startAsync);
    }

    @Override
    public CompletionStage<Void> startAsync() {
        return onControl(() -> {
            if (phase != Phase.NEW) {
                throw new IllegalStateException("a gateway is started once (this one is " + word() + ")");
            }
            try {
                running = RunningGateway.start(initial, environment, host, compiler);
                phase = Phase.RUNNING;
            } catch (RuntimeException failed) {
                phase = Phase.STOPPED;
                throw failed;
            }
            return null;
        });
    }

    @Override
    public void stop(Duration drain) {
        await("stop", () -> stopAsync(drain));
    }

    @Override
    public CompletionStage<Void> stopAsync(Duration drain) {
        if (drain.isNegative()) {
            throw new IllegalArgumentException("drain: " + drain + " (expected: >= 0)");
        }
        return onControl(() -> {
            RunningGateway mine = running;
            if (mine != null && phase == Phase.RUNNING) {
                phase = Phase.DRAINING;
                mine.stop(drain);
            }
            phase = Phase.STOPPED;
            return null;
        });
    }

    @Override
    public void close() {
        stop(DEFAULT_DRAIN);
    }

    // ---- requests

    @Override
    public CompletionStage<Response> handle(Request request, ClientInfo client) {
        return running("handle").handle(request, client);
    }

    @Override
    public Explanation explain(Request request, ClientInfo client) {
        return running("explain").explain(request, client);
    }

    Handler<HttpServerRequest> requestHandler(List<String> trustedProxies) {
        return running("mount").requestHandler(trustedProxies);
    }

    // ---- config

    @Override
    public GatewayConfig config() {
        RunningGateway mine = running;
        return mine == null ? initial : mine.config();
    }

    @Override
    public Plan plan(GatewayConfig next) {
        return compiler.plan(config(), next);
    }

    @Override
    public Plan apply(GatewayConfig next) {
        return await("apply", () -> applyAsync(next));
    }

    @Override
    public CompletionStage<Plan> applyAsync(GatewayConfig next) {
        return onControl(() -> {
            Plan plan = compiler.plan(config(), next);
            if (!plan.applicable()) {
                throw new InvalidConfigException(Compiler.errors(plan.problems()));
            }
            running("apply").apply(next);
            return plan;
        });
    }

    // ---- state

    @Override
    public UpstreamState upstream(String name) {
        return running("upstream").upstream(name);
    }

    @Override
    public CompletionStage<Void> drain(String upstream) {
        return handedOut(running("drain").cluster(upstream).drain());
    }

    @Override
    public CompletionStage<Void> drain(String upstream, String endpoint) {
        CompletableFuture<Void> drained = running("drain").cluster(upstream).drain(endpoint);
        if (drained == null) {
            throw new IllegalArgumentException("endpoint: \"" + endpoint + "\" is none of upstream \"" + upstream
                    + "\" (expected: one of "
                    + upstream(upstream).endpoints().stream()
                            .map(UpstreamState.EndpointState::uri)
                            .collect(Collectors.joining(", "))
                    + ")");
        }
        return handedOut(drained);
    }

    /** What the host does then is not done on an event loop, nor under a lock of ours. */
    private CompletionStage<Void> handedOut(CompletableFuture<Void> stage) {
        return stage.thenRunAsync(() -> {}, control).minimalCompletionStage();
    }

    @Override
    public void endDrain(String upstream) {
        running("endDrain").cluster(upstream).endDrain();
    }

    @Override
    public List<StateView> states() {
        return running("states").states();
    }

    @Override
    public GatewayHealth health() {
        return new GatewayHealth(phase == Phase.RUNNING || phase == Phase.DRAINING, phase == Phase.RUNNING, word());
    }

    @Override
    public List<BoundListener> listeners() {
        RunningGateway mine = running;
        return mine == null || phase == Phase.STOPPED ? List.of() : mine.listeners();
    }

    /** What is held right now; a test that finds something here after its last answer has found a leak. */
    String leases() {
        RunningGateway mine = running;
        return mine == null ? "" : mine.leases();
    }

    @Override
    public String toString() {
        return "Gateway[" + initial.name() + ", " + word() + ']';
    }

    private RunningGateway running(String what) {
        RunningGateway mine = running;
        if (mine == null || phase == Phase.STOPPED) {
            throw new IllegalStateException(what + ": the gateway is " + word() + " (expected: started)");
        }
        return mine;
    }

    private String word() {
        return switch (phase) {
            case NEW -> "not started";
            case RUNNING -> "running";
            case DRAINING -> "draining";
            case STOPPED -> "stopped";
        };
    }

    private <T> CompletionStage<T> onControl(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, control);
    }

    /** Refuses before anything is begun: what was refused must not happen after all. */
    private static <T> T await(String what, Supplier<CompletionStage<T>> begin) {
        if (Context.isOnEventLoopThread()) {
            throw new IllegalStateException(
                    what + " waits and must not be called on an event loop (use " + what + "Async)");
        }
        try {
            return begin.get().toCompletableFuture().join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof RuntimeException cause) {
                // The caller's stack says who asked; the control thread's says what went wrong.
                cause.addSuppressed(new IllegalStateException(what + " was called here"));
                throw cause;
            }
            throw failed;
        }
    }
}
