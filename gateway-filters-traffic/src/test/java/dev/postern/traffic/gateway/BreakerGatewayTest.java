package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.InvalidConfigException;
import dev.postern.Match;
import dev.postern.Plan;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.StateView;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import dev.postern.testing.ManualTime;
import dev.postern.traffic.CircuitBreaker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The breaker in a whole gateway of four event loops, without sockets; time is moved by hand. */
class BreakerGatewayTest {
    private static final int CALLERS = 16;
    private static final int CALLS_EACH = 25;

    private final ManualTime time = ManualTime.create();
    private final AtomicInteger reached = new AtomicInteger();
    private volatile CompletionStage<Response> upstream = CompletableFuture.completedFuture(Response.of(500));

    private GatewayBuilder builder(CircuitBreaker breaker) {
        return Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .time(time)
                .upstream(Upstream.local("orders", (request, exchange) -> {
                    reached.incrementAndGet();
                    return upstream;
                }))
                .route(Route.builder("orders")
                        .match(Match.prefix("/"))
                        .filter(breaker)
                        .to("orders")
                        .build());
    }

    private static CircuitBreaker.Builder breaker() {
        return CircuitBreaker.builder("orders").minimumCalls(10);
    }

    private List<CompletionStage<Response>> storm(Gateway gateway) throws InterruptedException {
        ConcurrentLinkedQueue<CompletionStage<Response>> answers = new ConcurrentLinkedQueue<>();
        CountDownLatch ready = new CountDownLatch(CALLERS);
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            Thread caller = new Thread(() -> {
                ready.countDown();
                while (ready.getCount() > 0) {
                    Thread.onSpinWait();
                }
                for (int n = 0; n < CALLS_EACH; n++) {
                    answers.add(gateway.handle(Request.get("/orders/" + n), ClientInfo.local()));
                }
            });
            caller.start();
            callers.add(caller);
        }
        for (Thread caller : callers) {
            caller.join();
        }
        return List.copyOf(answers);
    }

    private static int status(CompletionStage<Response> stage) throws Exception {
        Response response = stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
        response.body().discard();
        return response.status();
    }

    private static long counted(Gateway gateway, String what) {
        return gateway.states().get(0).counters().get(what);
    }

    @Test
    void counts_exactly_and_admits_exactly_its_trials_on_four_loops() throws Exception {
        try (Gateway gateway = builder(breaker().build()).build()) {
            gateway.start();
            int refused = 0;
            for (CompletionStage<Response> answer : storm(gateway)) {
                refused += status(answer) == 503 ? 1 : 0;
            }
            int total = CALLERS * CALLS_EACH;
            assertThat(reached.get() + refused).isEqualTo(total);
            assertThat(counted(gateway, "refused")).isEqualTo(refused);
            assertThat(counted(gateway, "failed")).isEqualTo(reached.get()).isGreaterThanOrEqualTo(10);
            assertThat(counted(gateway, "opened")).isEqualTo(1);

            // Of all that come at once, as many as there are trials get through, and they are all that is held.
            time.advance(Duration.ofSeconds(5));
            reached.set(0);
            CompletableFuture<Response> hanging = new CompletableFuture<>();
            upstream = hanging;
            List<CompletionStage<Response>> answers = storm(gateway);
            long held = answers.stream()
                    .filter(answer -> {
                        try {
                            return !answer.toCompletableFuture().isDone() || status(answer) == 200;
                        } catch (Exception failed) {
                            throw new AssertionError(failed);
                        }
                    })
                    .count();
            assertThat(held).isEqualTo(5);
            assertThat(reached).hasValue(5);
            assertThat(gateway.states())
                    .singleElement()
                    .hasToString("circuit breaker \"orders\": half-open, 5 of 5 trials under way, 0 ended, 0 of them"
                            + " failed");
            hanging.complete(Response.of(200));
            for (CompletionStage<Response> answer : answers) {
                status(answer);
            }
            assertThat(gateway.states().get(0).gauges()).containsEntry("closed", 1.0);
        }
    }

    @Test
    void its_state_outlives_swaps_and_is_shown_by_plan_and_explain() throws Exception {
        try (Gateway gateway = builder(breaker().build()).build()) {
            gateway.start();
            for (int i = 0; i < 10; i++) {
                assertThat(status(gateway.handle(Request.get("/a"), ClientInfo.local())))
                        .isEqualTo(500);
            }
            StateView open = gateway.explain(Request.get("/a"), ClientInfo.local())
                    .states()
                    .get(0);
            assertThat(open).hasToString("circuit breaker \"orders\": open for another PT5S");
            assertThat(gateway.explain(Request.get("/a"), ClientInfo.local()))
                    .asString()
                    .contains("\n  circuit breaker \"orders\": open for another PT5S\n");
            assertThat(reached).as("explain calls nobody").hasValue(10);

            time.advance(Duration.ofSeconds(1));
            // Built anew, with another fallback: the same breaker.
            GatewayConfig other =
                    builder(breaker().fallback(Response.of(204)).build()).toConfig();
            Plan plan = gateway.apply(other);
            assertThat(plan.toString()).contains("circuit-breaker:orders").doesNotContain("begins anew");
            assertThat(status(gateway.handle(Request.get("/a"), ClientInfo.local())))
                    .isEqualTo(204);
            assertThat(gateway.states())
                    .singleElement()
                    .hasToString("circuit breaker \"orders\": open for another PT4S");

            // Other rules are another breaker, and the plan says so.
            plan = gateway.apply(builder(breaker().trials(1).build()).toConfig());
            assertThat(plan.toString()).contains("circuit breaker \"orders\"").contains("begins anew");
            assertThat(status(gateway.handle(Request.get("/a"), ClientInfo.local())))
                    .isEqualTo(500);

            gateway.apply(Gateway.builder().toConfig());
            assertThat(gateway.states()).isEmpty();
        }
    }

    @Test
    void a_fallback_to_an_upstream_that_there_is_not_is_refused_when_it_is_built() throws Exception {
        assertThatThrownBy(
                        () -> builder(breaker().fallbackTo("standby").build()).build())
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("upstream \"standby\" is not defined (defined: orders)");
        try (Gateway gateway = builder(breaker().build()).build()) {
            assertThat(gateway.plan(builder(breaker().fallbackTo("standby").build())
                                    .toConfig())
                            .problems())
                    .anyMatch(problem -> problem.message().contains("upstream \"standby\" is not defined"));
        }
        builder(breaker().fallbackTo("orders").build()).build().close();
    }

    @Test
    void two_of_one_name_and_different_rules_are_refused() {
        assertThatThrownBy(() -> builder(breaker().build())
                        .route(Route.builder("other")
                                .match(Match.path("/other"))
                                .filter(breaker().trials(1).build())
                                .to("orders")
                                .build())
                        .build())
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("circuit breaker \"orders\"");
    }
}
