package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Filter;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * One filter in a hundred breaks the rules, in one of five ways: each request gets one answer and one access record.
 * {@code -Dpostern.chaos=1000000} makes the long run.
 */
class FilterChaosTest {
    private static final int REQUESTS = Integer.getInteger("postern.chaos", 10_000);
    private static final int CLIENTS = 16;
    private static final int EVERY = 100;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    // A hundred stacks a second tell nothing new.
    private static final List<Logger> MUTED = List.of(
            Logger.getLogger("dev.postern.runtime.pipeline.GatewayExchange"),
            Logger.getLogger("dev.postern.runtime.pipeline.Pipeline"),
            Logger.getLogger("dev.postern.runtime.pipeline.Watchdog"));

    @BeforeAll
    static void mute() {
        MUTED.forEach(logger -> logger.setLevel(Level.OFF));
    }

    @AfterAll
    static void unmute() {
        MUTED.forEach(logger -> logger.setLevel(null));
    }

    private enum Chaos {
        THROWS(500),
        HANGS(500),
        COMPLETES_TWICE(200),
        COMPLETES_ELSEWHERE(200),
        BLOCKS(200);

        private final int status;

        Chaos(int status) {
            this.status = status;
        }

        /** What the request of this number meets, or null. */
        static Chaos of(int number) {
            return number % EVERY == 0 ? values()[number / EVERY % values().length] : null;
        }

        CompletionStage<Response> apply(Request request, Filter.Chain chain) {
            return switch (this) {
                case THROWS -> throw new IllegalStateException("chaos");
                case HANGS -> new CompletableFuture<>();
                case COMPLETES_TWICE -> new Twice(chain.proceed(request));
                case COMPLETES_ELSEWHERE ->
                    CompletableFuture.supplyAsync(() -> request)
                            .thenCompose(chain::proceed)
                            .thenApplyAsync(response -> response);
                case BLOCKS -> {
                    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(10);
                    while (System.nanoTime() < end) {
                        LockSupport.parkNanos(end - System.nanoTime());
                    }
                    yield chain.proceed(request);
                }
            };
        }
    }

    /** A stage that calls back two times. */
    private static final class Twice extends CompletableFuture<Response> {
        private final CompletionStage<Response> real;

        Twice(CompletionStage<Response> real) {
            this.real = real;
        }

        @Override
        public CompletableFuture<Response> whenComplete(BiConsumer<? super Response, ? super Throwable> action) {
            real.whenComplete((response, failure) -> {
                action.accept(response, failure);
                action.accept(Response.text(201, "again"), null);
            });
            return this;
        }
    }

    private final AtomicIntegerArray records = new AtomicIntegerArray(REQUESTS);
    private final AtomicIntegerArray met = new AtomicIntegerArray(Chaos.values().length);
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<Throwable> wrong = new AtomicReference<>();

    @Test
    void every_request_gets_one_answer_and_one_access_record() throws Exception {
        Running running = rig.start(gateway -> gateway.observe(
                                AccessLog.json().to(line -> records.incrementAndGet(numberIn(line))))
                        .filter(Filter.named("chaos", (request, chain) -> {
                            Chaos chaos =
                                    Chaos.of(Integer.parseInt(request.path().substring(3)));
                            if (chaos == null) {
                                return chain.proceed(request);
                            }
                            met.incrementAndGet(chaos.ordinal());
                            return chaos.apply(request, chain);
                        }))
                        .upstream(Upstream.local(
                                "origin",
                                (request, exchange) -> CompletableFuture.completedFuture(
                                        Response.text(200, request.path().substring(3)))))
                        .route(Route.builder("patient")
                                .match(Match.path("/n/{number}"))
                                .timeout(Duration.ofMinutes(1))
                                .to("origin")
                                .build())
                        .route(Route.builder("hanging")
                                .match(Match.path("/h/{number}"))
                                .timeout(Duration.ofMillis(200))
                                .to("origin")
                                .build()))
                .keepNothing();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            Thread client = new Thread(() -> ask(running), "client-" + i);
            clients.add(client);
            client.start();
        }
        for (Thread client : clients) {
            client.join();
        }
        assertThat(wrong.get()).isNull();
        running.checkNothingHeld();
        int without = 0;
        for (int i = 0; i < REQUESTS; i++) {
            without += records.get(i) == 1 ? 0 : 1;
        }
        assertThat(without).as("requests that have not one access record").isZero();
        for (Chaos chaos : Chaos.values()) {
            assertThat(met.get(chaos.ordinal())).as("%s", chaos).isEqualTo(REQUESTS / EVERY / Chaos.values().length);
        }
        System.getLogger("chaos")
                .log(System.Logger.Level.INFO, "{0} requests, of each kind {1}", Integer.toString(REQUESTS), met);
    }

    private static int numberIn(String line) {
        int from = line.indexOf("\"path\":\"/") + 11;
        return Integer.parseInt(line.substring(from, line.indexOf('"', from)));
    }

    private void ask(Running running) {
        try {
            RawClient client = new RawClient(running.port());
            for (int n = next.getAndIncrement(); n < REQUESTS && wrong.get() == null; n = next.getAndIncrement()) {
                Chaos chaos = Chaos.of(n);
                int expected = chaos == null ? 200 : chaos.status;
                Answer answer =
                        client.get((chaos == Chaos.HANGS ? "/h/" : "/n/") + n).read();
                assertThat(answer.status()).as("%s %s", chaos, answer).isEqualTo(expected);
                if (expected == 200) {
                    assertThat(answer.text()).isEqualTo("" + n);
                }
                assertThat(client.available()).as("bytes behind the answer").isZero();
                if ("close".equals(answer.header("Connection"))) {
                    client.close();
                    client = new RawClient(running.port());
                }
            }
            client.close();
        } catch (Exception | AssertionError broken) {
            wrong.compareAndSet(null, broken);
        }
    }
}
