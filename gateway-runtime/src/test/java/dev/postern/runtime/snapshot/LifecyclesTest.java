package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Discovery;
import dev.postern.ErrorHandler;
import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.GatewayException;
import dev.postern.GatewayStartException;
import dev.postern.Handler;
import dev.postern.HealthCheck;
import dev.postern.Listener;
import dev.postern.LoadBalancer;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.health.LentServices;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LifecyclesTest {
    private final LentServices services = new LentServices();
    private final Lifecycles lifecycles = new Lifecycles(services);
    private final List<String> life = new ArrayList<>();

    @AfterEach
    void no_timer_is_left() {
        assertThat(services.time.pending()).as("timers").isZero();
    }

    @Test
    void a_part_in_both_configurations_starts_once_and_stops_once_after_the_last_of_them() {
        Gadget a = gadget("a");
        Gadget b = gadget("b");
        Gadget c = gadget("c");
        Lease first = started(config(a, b));
        Lease second = started(config(b, c));
        assertThat(life).containsExactly("start a", "start b", "start c");
        first.release();
        first.release();
        assertThat(life).endsWith("stop a");
        second.release();
        assertThat(life).containsExactly("start a", "start b", "start c", "stop a", "stop c", "stop b");
        assertThat(lifecycles.size()).isZero();
    }

    @Test
    void a_part_at_several_places_starts_once() {
        Gadget a = gadget("a");
        GatewayConfig config = Gateway.builder()
                .filter(a)
                .route(Route.builder("r").filter(a).filter(a).to("u").build())
                .toConfig();
        started(config).release();
        assertThat(life).containsExactly("start a", "stop a");
    }

    @Test
    void a_part_that_was_stopped_starts_again_when_its_configuration_comes_back() {
        GatewayConfig config = config(gadget("a"));
        started(config).release();
        started(config).release();
        assertThat(life).containsExactly("start a", "stop a", "start a", "stop a");
    }

    @Test
    void every_kind_of_part_is_managed() {
        Everything everything = new Everything(life);
        Filter named = Filter.named("named", gadget("inner"));
        GatewayConfig config = Gateway.builder()
                .filter(named)
                .upstream(Upstream.builder("u")
                        .loadBalancer(new Everything(life, "balancer"))
                        .discovery(new Everything(life, "discovery"))
                        .healthCheck(new Everything(life, "check"))
                        .build())
                .upstream(Upstream.local("local", new Everything(life, "local")))
                .route(Route.builder("r")
                        .handler(new Everything(life, "handler"))
                        .build())
                .observe(new Everything(life, "observer"))
                .errorHandler(everything)
                .toConfig();
        started(config).release();
        assertThat(life)
                .containsExactly(
                        "start balancer",
                        "start discovery",
                        "start check",
                        "start local",
                        "start inner",
                        "start handler",
                        "start observer",
                        "start everything",
                        "stop everything",
                        "stop observer",
                        "stop handler",
                        "stop inner",
                        "stop local",
                        "stop check",
                        "stop discovery",
                        "stop balancer");
    }

    @Test
    void one_that_fails_is_named_and_the_others_are_stopped_again_but_not_those_in_use() {
        Gadget running = gadget("running");
        Lease inUse = started(config(running));
        Gadget good = gadget("good");
        Gadget bad = gadget("bad");
        bad.start = () -> CompletableFuture.failedFuture(new IllegalStateException("no keys"));
        Gadget worse = gadget("worse");
        worse.start = () -> {
            throw new IllegalArgumentException();
        };
        Gadget empty = gadget("empty");
        empty.start = () -> null;
        GatewayStartException failure = failure(config(running, good, bad, worse, empty));
        assertThat(failure).hasMessage("filter \"bad\" did not start: no keys").hasRootCauseMessage("no keys");
        assertThat(failure.getSuppressed())
                .extracting(Throwable::getMessage)
                .containsExactly(
                        "filter \"worse\" did not start: java.lang.IllegalArgumentException",
                        "filter \"empty\" did not start: start returned null (expected: a stage)");
        assertThat(life)
                .containsExactly("start running", "start good", "start bad", "start worse", "start empty", "stop good");
        assertThat(lifecycles.size()).isEqualTo(1);
        inUse.release();
        assertThat(life).endsWith("stop running");
    }

    @Test
    void one_that_takes_too_long_is_named_and_stopped_when_it_gets_there() {
        Gadget slow = gadget("slow");
        CompletableFuture<Void> ready = new CompletableFuture<>();
        slow.start = () -> ready;
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CompletionStage<Lease> stage = lifecycles.start(config(gadget("good"), slow));
        stage.whenComplete((lease, failed) -> failure.set(failed));
        services.time.advance(Duration.ofSeconds(29));
        assertThat(failure.get()).isNull();
        services.time.advance(Duration.ofSeconds(1));
        assertThat(failure.get())
                .isInstanceOf(GatewayStartException.class)
                .hasMessage(
                        "filter \"slow\" did not start: not ready after PT30S (expected: the stage of start completes)");
        assertThat(life).containsExactly("start good", "start slow", "stop good");
        ready.complete(null);
        assertThat(life).endsWith("stop slow");
    }

    @Test
    void parts_start_side_by_side() {
        Gadget one = gadget("one");
        Gadget two = gadget("two");
        CompletableFuture<Void> ready = new CompletableFuture<>();
        one.start = () -> ready;
        two.start = () -> {
            ready.complete(null);
            return CompletableFuture.completedFuture(null);
        };
        started(config(one, two)).release();
        assertThat(life).containsExactly("start one", "start two", "stop two", "stop one");
    }

    @Test
    void one_that_throws_when_stopped_does_not_keep_the_others_running() {
        Everything rude = new Everything(life, "rude") {
            @Override
            public void stop() {
                throw new IllegalStateException("no");
            }
        };
        GatewayConfig config =
                Gateway.builder().filter(gadget("a")).errorHandler(rude).toConfig();
        started(config).release();
        assertThat(life).containsExactly("start a", "start rude", "stop a");
    }

    @Test
    void the_end_of_the_gateway_stops_what_is_left_whoever_holds_it() {
        Lease leaked = started(config(gadget("a")));
        lifecycles.stopAll();
        assertThat(life).containsExactly("start a", "stop a");
        leaked.release();
        assertThat(life).as("once").hasSize(2);
        assertThat(lifecycles.size()).isZero();
    }

    @Test
    void equal_parts_are_replaced_by_the_running_ones() {
        Gadget old = gadget("limit");
        GatewayConfig running = Gateway.builder()
                .listen(Listener.http(8080))
                .filter(old)
                .upstream(Upstream.builder("u").endpoints("http://a").build())
                .route(Route.builder("r").filter(gadget("jwt")).to("u").build())
                .toConfig();
        GatewayConfig next = Gateway.builder()
                .listen(Listener.http(8080))
                .filter(new Gadget("limit", 0))
                .upstream(Upstream.builder("u").endpoints("http://b").build())
                .route(Route.builder("r")
                        .filter(new Gadget("jwt", 0))
                        .filter(new Gadget("jwt", 1))
                        .to("u")
                        .timeout(Duration.ofSeconds(2))
                        .build())
                .toConfig();
        GatewayConfig canonical = Lifecycles.canonicalise(next, running);
        assertThat(canonical).isEqualTo(next);
        assertThat(canonical.filters().get(0)).isSameAs(old);
        assertThat(canonical.listeners().get(0)).isSameAs(running.listeners().get(0));
        List<Filter> filters = canonical.routes().get(0).filters();
        assertThat(filters.get(0)).isSameAs(running.routes().get(0).filters().get(0));
        assertThat(filters.get(1)).isSameAs(next.routes().get(0).filters().get(1));
    }

    @Test
    void two_equal_parts_stay_two_and_the_place_decides_which_is_which() {
        Gadget onA = gadget("limit");
        Gadget onB = gadget("limit");
        GatewayConfig running = Gateway.builder()
                .route(Route.builder("a").filter(onA).to("u").build())
                .route(Route.builder("b").filter(onB).to("u").build())
                .toConfig();
        GatewayConfig next = Gateway.builder()
                .route(Route.builder("c").filter(new Gadget("limit", 0)).to("u").build())
                .route(Route.builder("b").filter(new Gadget("limit", 0)).to("u").build())
                .route(Route.builder("d").filter(new Gadget("limit", 0)).to("u").build())
                .toConfig();
        List<Filter> filters = Lifecycles.canonicalise(next, running).routes().stream()
                .map(route -> route.filters().get(0))
                .toList();
        assertThat(filters.get(0)).isSameAs(onA);
        assertThat(filters.get(1)).isSameAs(onB);
        assertThat(filters.get(2)).isNotSameAs(onA).isNotSameAs(onB);
    }

    @Test
    void every_kind_of_part_keeps_its_instance() {
        GatewayConfig running = all(5);
        GatewayConfig canonical = Lifecycles.canonicalise(all(7), running);
        assertThat(canonical).isEqualTo(all(7));
        List<Part> old = Part.of(running);
        List<Part> parts = Part.of(canonical);
        assertThat(parts).hasSameSizeAs(old);
        for (int i = 0; i < parts.size(); i++) {
            assertThat(parts.get(i).object())
                    .as(parts.get(i).subject())
                    .isSameAs(old.get(i).object());
        }
        lifecycles.start(running);
        assertThat(Lifecycles.canonicalise(running, running)).isEqualTo(running);
    }

    private GatewayConfig all(int connections) {
        GatewayBuilder builder = Gateway.builder()
                .upstream(Upstream.builder("u")
                        .loadBalancer(new Everything(life, "balancer"))
                        .discovery(new Everything(life, "discovery"))
                        .healthCheck(new Everything(life, "check"))
                        .maxConnections(connections)
                        .build())
                .upstream(Upstream.local("local", new Everything(life, "local")))
                .filter(Filter.named("named", new Gadget("inner", 0)))
                .route(Route.builder("r")
                        .handler(new Everything(life, "handler"))
                        .build())
                .route(Route.builder("b").blockingHandler(new Blocking()).build())
                .observe(new Everything(life, "observer"))
                .errorHandler(new Everything(life, "errors"));
        return builder.toConfig();
    }

    private Gadget gadget(String name) {
        return new Gadget(name, 0).life(life);
    }

    private static GatewayConfig config(Filter... filters) {
        GatewayBuilder builder = Gateway.builder();
        for (Filter filter : filters) {
            builder.filter(filter);
        }
        return builder.toConfig();
    }

    private Lease started(GatewayConfig config) {
        CompletableFuture<Lease> stage = lifecycles.start(config).toCompletableFuture();
        assertThat(stage).isCompleted();
        return stage.join();
    }

    private GatewayStartException failure(GatewayConfig config) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        lifecycles.start(config).whenComplete((lease, failed) -> failure.set(failed));
        assertThat(failure.get()).isInstanceOf(GatewayStartException.class);
        return (GatewayStartException) failure.get();
    }

    private record Blocking() implements dev.postern.BlockingHandler {
        @Override
        public Response handle(Request request, Exchange exchange) {
            return Response.of(200);
        }
    }

    /** Fits in wherever a part is wanted; equal by name. */
    private static class Everything
            implements Managed, LoadBalancer, Discovery, HealthCheck, Handler, ExchangeObserver, ErrorHandler {
        private final List<String> life;
        private final String name;

        Everything(List<String> life) {
            this(life, "everything");
        }

        Everything(List<String> life, String name) {
            this.life = life;
            this.name = name;
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            life.add("start " + name);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void stop() {
            life.add("stop " + name);
        }

        @Override
        public Picker prepare(Endpoints endpoints) {
            return (ticket, candidates, request) -> -1;
        }

        @Override
        public Watch watch(Services services, java.util.function.Consumer<List<dev.postern.Endpoint>> endpoints) {
            return () -> {};
        }

        @Override
        public CompletionStage<Boolean> check(dev.postern.Endpoint endpoint, Services services) {
            return CompletableFuture.completedFuture(true);
        }

        @Override
        public CompletionStage<Response> handle(Request request, Exchange exchange) {
            return CompletableFuture.completedFuture(Response.of(200));
        }

        @Override
        public Response answer(GatewayException error, Request request) {
            return Response.of(500);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Everything that && that.name.equals(name);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }
    }
}
