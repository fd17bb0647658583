package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Failure;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.Figures;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits count for the whole gateway, over four loops. */
class PoolTest {
    @RegisterExtension
    final GatewayRig rig = GatewayRig.ofLoops(4);

    /** Runs as many clients as given, each on a connection and a thread of its own. */
    private static void run(int clients, Work work) throws Exception {
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            int number = i;
            Thread thread = new Thread(() -> {
                try {
                    work.run(number);
                } catch (Throwable failure) {
                    failures.add(failure);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join(60_000);
        }
        if (!failures.isEmpty()) {
            throw new AssertionError(failures.size() + " clients failed", failures.peek());
        }
    }

    private interface Work {
        void run(int number) throws Exception;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void an_origin_never_sees_more_connections_than_allowed(boolean keepsConnections) throws Exception {
        AtomicInteger working = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        RawOrigin.Script ok = keepsConnections
                ? RawOrigin.ok("ok")
                : RawOrigin.lastBytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        RawOrigin origin = rig.close(RawOrigin.answering((request, in, out, socket) -> {
            most.accumulateAndGet(working.incrementAndGet(), Math::max);
            try {
                return ok.answer(request, in, out, socket);
            } finally {
                working.decrementAndGet();
            }
        }));
        origin.watchMoreThan(3);
        Running running = rig.proxy(
                origin, route -> route, upstream -> upstream.maxConnections(3).poolTimeout(Duration.ofSeconds(30)));
        run(16, number -> {
            RawClient client = running.client();
            for (int i = 0; i < 40; i++) {
                Answer answer = client.get("/" + number).read();
                assertThat(answer.text()).as("%s", answer).isEqualTo("ok");
            }
        });
        assertThat(most.get()).isBetween(1, 3);
        assertThat(origin.surplus()).as("connections beyond three").isZero();
        assertThat(running.gateway().upstream("orders").endpoints().get(0).connections())
                .isLessThanOrEqualTo(3);
    }

    @Test
    void the_queue_takes_exactly_as_many_as_allowed_over_all_loops() throws Exception {
        Semaphore release = new Semaphore(0);
        RawOrigin.Script ok = RawOrigin.ok("ok");
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            release.tryAcquire(20, TimeUnit.SECONDS);
            return ok.answer(request, in, out, socket);
        });
        Running running = rig.proxy(
                origin,
                route -> route,
                upstream -> upstream.maxConnections(3).maxPending(5).poolTimeout(Duration.ofSeconds(20)));
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            clients.add(running.client().get("/"));
        }
        // 3 at work, 5 waiting, 12 refused.
        await().untilAsserted(() -> assertThat(running.outcomes()).hasSize(12));
        assertThat(running.gateway().upstream("orders").pending()).isEqualTo(5);
        assertThat(running.gateway().upstream("orders").inFlight()).isGreaterThanOrEqualTo(3);
        release.release(1000);
        int ok200 = 0;
        int refused = 0;
        for (RawClient client : clients) {
            int status = client.read().status();
            ok200 += status == 200 ? 1 : 0;
            refused += status == 503 ? 1 : 0;
        }
        assertThat(ok200).isEqualTo(8);
        assertThat(refused).isEqualTo(12);
        assertThat(running.gateway().upstream("orders").pending()).isZero();
    }

    @Test
    void clients_that_leave_the_queue_take_nobodys_place() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(
                origin, route -> route, upstream -> upstream.maxConnections(2).poolTimeout(Duration.ofSeconds(20)));
        run(12, number -> {
            for (int i = 0; i < 30; i++) {
                RawClient client = running.client().get("/");
                if (number % 2 == 0) {
                    client.close();
                } else {
                    assertThat(client.read().text()).isEqualTo("ok");
                    client.close();
                }
            }
        });
        running.checkNothingHeld();
        assertThat(running.client().get("/").read().text()).isEqualTo("ok");
        assertThat(running.gateway().upstream("orders").endpoints().get(0).connections())
                .isLessThanOrEqualTo(2);
    }

    @Test
    void idle_connections_end_after_the_keep_alive() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(origin, route -> route, upstream -> upstream.keepAlive(Duration.ofMillis(100)));
        assertThat(running.client().get("/").read().text()).isEqualTo("ok");
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
        assertThat(running.gateway().upstream("orders").endpoints().get(0).connections())
                .isZero();
    }

    /** Answers of two halves: whoever dies between them leaves an incomplete one. */
    private static RawOrigin.Script halves(AtomicInteger halfway) {
        RawOrigin.Script ok = RawOrigin.ok("ok");
        CountDownLatch never = new CountDownLatch(1);
        return (request, in, out, socket) -> {
            if (!request.line().contains("/halves")) {
                return ok.answer(request, in, out, socket);
            }
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf".getBytes(StandardCharsets.US_ASCII));
            out.flush();
            halfway.incrementAndGet();
            never.await(20, TimeUnit.MILLISECONDS);
            halfway.decrementAndGet();
            out.write("half".getBytes(StandardCharsets.US_ASCII));
            return true;
        };
    }

    /** Longer: {@code -Dpostern.deaths=20}. */
    @Test
    void one_of_three_endpoints_may_die_and_return_under_load() throws Exception {
        int deaths = Integer.getInteger("postern.deaths", 5);
        AtomicInteger halfway = new AtomicInteger();
        RawOrigin.Script mortal = halves(halfway);
        RawOrigin first = rig.origin(halves(new AtomicInteger()));
        RawOrigin second = rig.origin(halves(new AtomicInteger()));
        RawOrigin[] third = {RawOrigin.answering(mortal)};
        int port = third[0].port();
        Map<Failure, Integer> failed = new ConcurrentHashMap<>();
        Running running = rig.start(gateway -> gateway.observe(new ExchangeObserver() {
                    @Override
                    public void ended(Request request, Exchange exchange, Outcome outcome) {
                        if (outcome.failure() != null) {
                            failed.merge(outcome.failure(), 1, Integer::sum);
                        }
                    }
                })
                .upstream(Upstream.builder("orders")
                        .endpoints(first.url(), second.url(), third[0].url())
                        .retry(RetryPolicy.idempotent())
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        running.keepNothing();
        AtomicBoolean done = new AtomicBoolean();
        AtomicInteger answered = new AtomicInteger();
        AtomicInteger cut = new AtomicInteger();
        Queue<Throwable> broken = new ConcurrentLinkedQueue<>();
        Thread killer = new Thread(() -> {
            try {
                for (int i = 0; i < deaths; i++) {
                    int before = answered.get();
                    await().atMost(Duration.ofSeconds(20))
                            .pollInterval(Duration.ofMillis(1))
                            .until(() -> answered.get() > before + 50 && halfway.get() > 0);
                    third[0].close();
                    int dead = answered.get();
                    await().atMost(Duration.ofSeconds(20)).until(() -> answered.get() > dead + 50);
                    third[0] = RawOrigin.on(port, mortal);
                }
            } catch (Throwable failure) {
                broken.add(failure);
            } finally {
                done.set(true);
            }
        });
        killer.start();
        run(10, number -> {
            RawClient client = running.client();
            while (!done.get()) {
                boolean halved = number < 4;
                Answer answer = client.get(halved ? "/halves" : "/" + number).read();
                if (halved && (!answer.complete() || answer.status() == 502)) {
                    // The head had arrived: the end of it is missing, or no byte of it had left the gateway yet.
                    assertThat(answer.complete() ? answer.text() : "response_body_broken")
                            .contains("response_body_broken");
                    cut.incrementAndGet();
                    client = running.client();
                    continue;
                }
                assertThat(answer.status()).as("%s", answer).isEqualTo(200);
                assertThat(answer.text()).isEqualTo(halved ? "halfhalf" : "ok");
                answered.incrementAndGet();
            }
        });
        killer.join();
        third[0].close();
        assertThat(broken).isEmpty();
        Figures.seen("%d deaths: %d answered, %d visibly incomplete", deaths, answered.get(), cut.get());
        assertThat(cut.get()).as("cut within their bodies").isPositive();
        await().untilAsserted(() -> assertThat(failed).isEqualTo(Map.of(Failure.RESPONSE_BODY_BROKEN, cut.get())));
    }
}
