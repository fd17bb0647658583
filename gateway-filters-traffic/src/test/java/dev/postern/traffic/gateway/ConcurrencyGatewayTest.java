package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.InvalidConfigException;
import dev.postern.Match;
import dev.postern.Plan;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import dev.postern.testing.ManualTime;
import dev.postern.traffic.ConcurrencyLimit;
import dev.postern.traffic.Priority;
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

/** The limit in a whole gateway of four event loops, without sockets; time is moved by hand. */
class ConcurrencyGatewayTest {
    private static final int CALLERS = 16;
    private static final int CALLS_EACH = 25;
    private static final int PLACES = 7;
    private static final int LINE = 5;

    private final ManualTime time = ManualTime.create();
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();
    private final AtomicInteger reached = new AtomicInteger();
    private volatile CompletionStage<Response> upstream = new CompletableFuture<>();

    private GatewayBuilder builder(ConcurrencyLimit limit) {
        return Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .time(time)
                .upstream(Upstream.local("orders", (request, exchange) -> {
                    most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                    reached.incrementAndGet();
                    exchange.onEnd(outcome -> underWay.decrementAndGet());
                    return upstream;
                }))
                .route(Route.builder("orders")
                        .match(Match.prefix("/"))
                        .filter(limit)
                        .to("orders")
                        .build());
    }

    private static ConcurrencyLimit.Builder limit() {
        return ConcurrencyLimit.builder("orders").atMost(PLACES).queue(LINE, Duration.ofSeconds(5));
    }

    private List<CompletableFuture<Response>> storm(Gateway gateway) throws InterruptedException {
        ConcurrentLinkedQueue<CompletableFuture<Response>> answers = new ConcurrentLinkedQueue<>();
        CountDownLatch ready = new CountDownLatch(CALLERS);
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            Thread caller = new Thread(() -> {
                ready.countDown();
                while (ready.getCount() > 0) {
                    Thread.onSpinWait();
                }
                for (int n = 0; n < CALLS_EACH; n++) {
                    answers.add(gateway.handle(Request.get("/orders/" + n), ClientInfo.local())
                            .toCompletableFuture());
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

    private static int status(CompletableFuture<Response> answer) throws Exception {
        Response response = answer.get(10, TimeUnit.SECONDS);
        response.body().discard();
        return response.status();
    }

    /** A number of the limit as the gateway shows it, as soon as it is this. */
    private static void awaitShown(Gateway gateway, String summary) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!gateway.states().get(0).toString().endsWith(summary)) {
            assertThat(System.nanoTime() - deadline)
                    .as("waited for %s, still %s", summary, gateway.states())
                    .isNegative();
            Thread.onSpinWait();
        }
    }

    @Test
    void admits_exactly_its_places_on_four_loops_and_gives_every_one_back() throws Exception {
        try (Gateway gateway = builder(limit().build()).build()) {
            gateway.start();
            CompletableFuture<Response> answer = new CompletableFuture<>();
            upstream = answer;
            List<CompletableFuture<Response>> answers = storm(gateway);
            awaitShown(gateway, PLACES + " of " + PLACES + " under way, " + LINE + " waiting");
            int total = CALLERS * CALLS_EACH;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (answers.stream().filter(CompletableFuture::isDone).count() < total - PLACES - LINE
                    && System.nanoTime() - deadline < 0) {
                Thread.onSpinWait();
            }
            assertThat(answers.stream().filter(CompletableFuture::isDone)).hasSize(total - PLACES - LINE);
            assertThat(reached).hasValue(PLACES);

            answer.complete(Response.text(200, "ok"));
            int served = 0;
            for (CompletableFuture<Response> each : answers) {
                served += status(each) == 200 ? 1 : 0;
            }
            assertThat(served).isEqualTo(PLACES + LINE);
            awaitShown(gateway, "0 of " + PLACES + " under way, 0 waiting");
            assertThat(most).hasValue(PLACES);
            assertThat(gateway.states().get(0).counters())
                    .containsEntry("admitted", (long) PLACES + LINE)
                    .containsEntry("queued", (long) LINE)
                    .containsEntry("refused_normal", (long) total - PLACES - LINE);

            // Answers that are there at once, so that places change hands between loops all the time.
            for (CompletableFuture<Response> each : storm(gateway)) {
                assertThat(status(each)).isIn(200, 503);
            }
            awaitShown(gateway, "0 of " + PLACES + " under way, 0 waiting");
            assertThat(most).hasValue(PLACES);
        }
    }

    @Test
    void who_waits_too_long_is_refused_and_places_outlive_swaps() throws Exception {
        try (Gateway gateway = builder(limit().build()).build()) {
            gateway.start();
            List<CompletableFuture<Response>> held = new ArrayList<>();
            for (int i = 0; i < PLACES; i++) {
                held.add(gateway.handle(Request.get("/a"), ClientInfo.local()).toCompletableFuture());
            }
            awaitShown(gateway, "7 of 7 under way, 0 waiting");
            CompletableFuture<Response> waits =
                    gateway.handle(Request.get("/a"), ClientInfo.local()).toCompletableFuture();
            awaitShown(gateway, "7 of 7 under way, 1 waiting");
            assertThat(gateway.explain(Request.get("/a"), ClientInfo.local()))
                    .asString()
                    .contains("concurrency limit \"orders\": 7 of 7 under way, 1 waiting");

            Plan plan = gateway.apply(
                    builder(limit().priority(Priority.CRITICAL).build()).toConfig());
            assertThat(plan.toString()).contains("concurrency-limit:orders").doesNotContain("begins anew");
            awaitShown(gateway, "7 of 7 under way, 1 waiting");
            time.advance(Duration.ofSeconds(5));
            assertThat(status(waits)).isEqualTo(503);

            plan = gateway.apply(builder(limit().atMost(1).build()).toConfig());
            assertThat(plan.toString()).contains("concurrency limit \"orders\"").contains("begins anew");
            ((CompletableFuture<Response>) upstream).complete(Response.of(204));
            for (CompletableFuture<Response> each : held) {
                assertThat(status(each)).isEqualTo(204);
            }
            assertThat(status(gateway.handle(Request.get("/a"), ClientInfo.local())
                            .toCompletableFuture()))
                    .isEqualTo(204);
        }
    }

    @Test
    void two_of_one_name_and_different_limits_are_refused() {
        assertThatThrownBy(() -> builder(limit().build())
                        .route(Route.builder("other")
                                .match(Match.path("/other"))
                                .filter(limit().atMost(8).build())
                                .to("orders")
                                .build())
                        .build())
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("concurrency limit \"orders\"");
    }
}
