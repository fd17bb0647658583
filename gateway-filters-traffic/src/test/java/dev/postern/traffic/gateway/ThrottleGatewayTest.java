package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import dev.postern.testing.ManualTime;
import dev.postern.traffic.Throttle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The throttle in a whole gateway of four event loops, without sockets; time stands still. */
class ThrottleGatewayTest {
    private static final int CALLERS = 16;
    private static final int CALLS_EACH = 50;

    private final AtomicInteger reached = new AtomicInteger();

    @Test
    void counts_exactly_on_four_loops() throws Exception {
        try (Gateway gateway = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .time(ManualTime.create())
                .upstream(Upstream.local(
                        "orders",
                        (request, exchange) -> CompletableFuture.completedFuture(
                                Response.of(reached.incrementAndGet() % 10 == 0 ? 200 : 500))))
                .route(Route.builder("orders")
                        .match(Match.prefix("/"))
                        .filter(Throttle.named("orders"))
                        .to("orders")
                        .build())
                .build()) {
            gateway.start();
            int throttled = 0;
            for (CompletionStage<Response> answer : storm(gateway)) {
                Response response = answer.toCompletableFuture().get(10, TimeUnit.SECONDS);
                response.body().discard();
                throttled += response.status() == 503 ? 1 : 0;
            }
            int total = CALLERS * CALLS_EACH;
            assertThat(throttled).isPositive();
            assertThat(reached.get() + throttled).isEqualTo(total);
            assertThat(gateway.states().get(0).counters())
                    .containsEntry("accepted", reached.get() / 10L)
                    .containsEntry("failed", reached.get() - reached.get() / 10L)
                    .containsEntry("rejected_normal", (long) throttled);
            assertThat(gateway.states().get(0).gauges()).containsEntry("share_critical", 0.0);
            assertThat(gateway.explain(Request.get("/a"), ClientInfo.local()))
                    .asString()
                    .contains("throttle \"orders\": orders: rejects ");
        }
    }

    private static List<CompletionStage<Response>> storm(Gateway gateway) throws InterruptedException {
        ConcurrentLinkedQueue<CompletionStage<Response>> answers = new ConcurrentLinkedQueue<>();
        CountDownLatch ready = new CountDownLatch(CALLERS);
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            Thread caller = new Thread(() -> {
                ready.countDown();
                for (int n = 0; n < CALLS_EACH; n++) {
                    // One after the other, so that what came of a call is known when the next is made.
                    CompletionStage<Response> answer = gateway.handle(Request.get("/orders"), ClientInfo.local());
                    answer.toCompletableFuture().join();
                    answers.add(answer);
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
}
