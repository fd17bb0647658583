package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.Match;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.rig.Figures;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * An upstream of ten over sockets, asked 200 times a second, that gets slow in one place or fails as a whole. The long run,
 * which also judges latencies: {@code -Dpostern.brownout.requests=6000}.
 */
class BrownoutTest {
    private static final int REQUESTS = Integer.getInteger("postern.brownout.requests", 160);
    private static final boolean JUDGES_TIME = REQUESTS >= 6_000;
    private static final int PER_SECOND = 200;
    private static final int CLIENTS = 100;
    private static final int ENDPOINTS = 10;
    private static final long HEALTHY = 20_000_000;
    private static final long BROWN = 400_000_000;

    @RegisterExtension
    final GatewayRig rig = GatewayRig.ofLoops(2);

    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicIntegerArray askedOf = new AtomicIntegerArray(ENDPOINTS);
    private volatile boolean brown;

    /** What clients saw: latencies from the moment a request was due, so that whoever waits for a turn is counted too. */
    private record Seen(long[] nanos, int served) {
        double millis(double percentile) {
            long[] sorted = nanos.clone();
            Arrays.sort(sorted);
            return sorted[(int) Math.ceil(percentile * sorted.length) - 1] / 1e6;
        }

        @Override
        public String toString() {
            return String.format(
                    java.util.Locale.ROOT,
                    "p50 %.1f ms, p99 %.1f ms, most %.1f ms",
                    millis(0.5),
                    millis(0.99),
                    millis(1));
        }
    }

    @Test
    void one_of_ten_that_browns_out_is_left_with_peak_ewma_and_hedging_at_five_percent_more() throws Exception {
        Running running = start(
                upstream -> upstream.loadBalancer(LoadBalancer.peakEwma())
                        .hedging(Hedging.afterPercentile(0.95).share(0.04)),
                number -> (request, in, out, socket) -> {
                    LockSupport.parkNanos(number == 3 && brown ? BROWN : HEALTHY);
                    return RawOrigin.ok("ok").answer(request, in, out, socket);
                });
        load(running, JUDGES_TIME ? 1_000 : 40);
        Seen healthy = load(running, REQUESTS);
        int before = asked.get();
        int brownBefore = askedOf.get(3);
        brown = true;
        Seen browned = load(running, REQUESTS);
        int attempts = asked.get() - before;
        Figures.seen(
                "healthy: %s; one of ten at 400 ms: %s, asked %d times; %d attempts for %d requests",
                healthy, browned, askedOf.get(3) - brownBefore, attempts, REQUESTS);
        assertThat(healthy.served()).isEqualTo(REQUESTS);
        assertThat(browned.served()).isEqualTo(REQUESTS);
        assertThat(attempts).isLessThanOrEqualTo(REQUESTS * 105 / 100);
        assertThat(running.gateway().upstream("orders").policies().hedges())
                .isGreaterThanOrEqualTo(attempts - REQUESTS);
        if (JUDGES_TIME) {
            assertThat(browned.millis(0.99)).isLessThanOrEqualTo(1.5 * healthy.millis(0.99));
        }
    }

    @Test
    void an_upstream_that_fails_as_a_whole_is_asked_a_fifth_more_and_the_minimum() throws Exception {
        RetryPolicy policy = RetryPolicy.builder()
                .onConnectFailure()
                .onReset()
                .onGatewayErrors()
                .maxRetries(5)
                .build();
        Running running = start(
                upstream -> upstream.retry(policy),
                number -> RawOrigin.bytes("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"));
        Seen failing = load(running, REQUESTS);
        double seconds = (double) REQUESTS / PER_SECOND + 10;
        Figures.seen(
                "all fail: %d attempts for %d requests, the minimum %d a second; %s",
                asked.get(), REQUESTS, policy.budgetPerSecond(), failing);
        assertThat(failing.served()).isZero();
        UpstreamState.Policies deeds = running.gateway().upstream("orders").policies();
        assertThat(deeds.retries()).isEqualTo(asked.get() - REQUESTS);
        assertThat(deeds.retriesRefused()).isPositive();
        assertThat((double) asked.get())
                .isGreaterThan(REQUESTS)
                .isLessThanOrEqualTo(1.2 * REQUESTS + policy.budgetPerSecond() * seconds);
    }

    private interface Scripts {
        RawOrigin.Script of(int number);
    }

    private Running start(UnaryOperator<Upstream.Builder> policies, Scripts scripts) throws Exception {
        List<String> urls = new ArrayList<>();
        for (int i = 0; i < ENDPOINTS; i++) {
            int number = i;
            RawOrigin.Script script = scripts.of(i);
            RawOrigin origin = rig.origin((request, in, out, socket) -> {
                asked.incrementAndGet();
                askedOf.incrementAndGet(number);
                return script.answer(request, in, out, socket);
            });
            urls.add(origin.keepNothing().url());
        }
        return rig.start(gateway -> gateway.upstream(
                                policies.apply(Upstream.builder("orders").endpoints(urls.toArray(String[]::new)))
                                        .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build()))
                .keepNothing();
    }

    /** Sends so many requests at moments that do not depend on the answers. */
    private static Seen load(Running running, int requests) throws Exception {
        long[] nanos = new long[requests];
        AtomicInteger served = new AtomicInteger();
        Queue<Throwable> broken = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < Math.min(CLIENTS, requests); i++) {
            clients.add(running.client());
        }
        long start = System.nanoTime() + 50_000_000;
        for (int i = 0; i < clients.size(); i++) {
            int number = i;
            Thread thread = new Thread(() -> {
                try (RawClient client = clients.get(number)) {
                    for (int each = number; each < requests; each += clients.size()) {
                        long due = start + each * (1_000_000_000L / PER_SECOND);
                        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                            LockSupport.parkNanos(left);
                        }
                        served.addAndGet(client.get("/").read().status() == 200 ? 1 : 0);
                        nanos[each] = System.nanoTime() - due;
                    }
                } catch (Throwable failure) {
                    broken.add(failure);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join(120_000);
        }
        assertThat(broken).isEmpty();
        return new Seen(nanos, served.get());
    }
}
