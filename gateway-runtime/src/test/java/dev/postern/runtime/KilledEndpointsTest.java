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
import dev.postern.runtime.rig.OriginProcess;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Endpoints in processes of their own, killed without a word. The long run: {@code -Dpostern.kills=20 -Dpostern.kills.pause=5000}. */
class KilledEndpointsTest {
    private static final int KILLS = Integer.getInteger("postern.kills", 2);
    private static final long PAUSE_MILLIS = Long.getLong("postern.kills.pause", 100);
    private static final int READERS = 6;
    private static final int WRITERS = 2;

    @RegisterExtension
    final GatewayRig rig = GatewayRig.ofLoops(4);

    @TempDir
    Path folder;

    private final AtomicBoolean done = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger cut = new AtomicInteger();
    private final Set<String> confirmed = ConcurrentHashMap.newKeySet();
    private final AtomicInteger refused = new AtomicInteger();
    private final Queue<Throwable> broken = new ConcurrentLinkedQueue<>();
    private final Map<String, Integer> failed = new ConcurrentHashMap<>();

    @Test
    void reads_succeed_and_no_write_is_made_twice_while_one_of_three_is_killed_again_and_again() throws Exception {
        Path notes = folder.resolve("posts");
        List<OriginProcess> origins = new CopyOnWriteArrayList<>();
        rig.close(() -> {
            for (OriginProcess origin : origins) {
                origin.close();
            }
        });
        for (int i = 0; i < 3; i++) {
            origins.add(OriginProcess.start(0, notes));
        }
        Running running = start(origins);
        List<Thread> threads = new CopyOnWriteArrayList<>();
        for (int i = 0; i < READERS + WRITERS; i++) {
            int number = i;
            threads.add(thread(() -> {
                if (number < READERS) {
                    read(running, number % 2 == 0 ? "/halves" : "/");
                } else {
                    write(running, number);
                }
            }));
        }
        long slowest = 0;
        try {
            for (int i = 0; i < KILLS; i++) {
                long next = System.nanoTime() + PAUSE_MILLIS * 1_000_000;
                progress(next);
                OriginProcess victim = origins.get(i % origins.size());
                victim.kill();
                long dead = System.nanoTime();
                origins.set(i % origins.size(), OriginProcess.start(victim.port(), notes));
                slowest = Math.max(slowest, System.nanoTime() - dead);
            }
            progress(System.nanoTime());
        } finally {
            done.set(true);
        }
        for (Thread thread : threads) {
            thread.join(20_000);
        }
        assertThat(broken).isEmpty();
        List<String> noted = Files.readAllLines(notes);
        Figures.seen(
                "%d kills, back within %d ms: %d GETs answered, %d visibly incomplete; %d POSTs confirmed, %d refused,"
                        + " %d at the upstream; failures %s",
                KILLS,
                slowest / 1_000_000,
                answered.get(),
                cut.get(),
                confirmed.size(),
                refused.get(),
                noted.size(),
                failed);
        assertThat(new HashSet<>(noted)).as("made once").hasSameSizeAs(noted).containsAll(confirmed);
        await().untilAsserted(() -> assertThat(failed.getOrDefault("GET " + Failure.RESPONSE_BODY_BROKEN, 0))
                .as("%s", failed)
                .isEqualTo(cut.get()));
        assertThat(failed.keySet())
                .isSubsetOf("GET " + Failure.RESPONSE_BODY_BROKEN, "POST " + Failure.RESET_BEFORE_HEAD);
    }

    private Running start(List<OriginProcess> origins) {
        return rig.start(gateway -> gateway.observe(new ExchangeObserver() {
                            @Override
                            public void ended(Request request, Exchange exchange, Outcome outcome) {
                                if (outcome.failure() != null) {
                                    failed.merge(request.method() + " " + outcome.failure(), 1, Integer::sum);
                                }
                            }
                        })
                        .upstream(Upstream.builder("orders")
                                .endpoints(
                                        origins.stream().map(OriginProcess::url).toArray(String[]::new))
                                .retry(RetryPolicy.idempotent())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build()))
                .keepNothing();
    }

    /** Waits for the moment, and until so many have been answered since that all three had their part. */
    private void progress(long moment) {
        int before = answered.get();
        int written = confirmed.size();
        await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> !broken.isEmpty()
                        || (System.nanoTime() >= moment
                                && answered.get() > before + 30
                                && confirmed.size() > written + 10));
    }

    private void read(Running running, String target) throws Exception {
        RawClient client = running.client();
        String text = target.equals("/") ? "ok" : "halfhalf";
        while (!done.get()) {
            Answer answer = client.get(target).read();
            if (target.equals("/halves") && (!answer.complete() || answer.status() == 502)) {
                // The head had arrived: the end of it is missing, or no byte of it had left the gateway yet.
                assertThat(answer.complete() ? answer.text() : "response_body_broken")
                        .contains("response_body_broken");
                cut.incrementAndGet();
                client = running.client();
                continue;
            }
            assertThat(answer.status()).as("%s", answer).isEqualTo(200);
            assertThat(answer.text()).isEqualTo(text);
            answered.incrementAndGet();
            LockSupport.parkNanos(5_000_000);
        }
    }

    private void write(Running running, int number) throws Exception {
        RawClient client = running.client();
        for (int i = 0; !done.get(); i++) {
            String name = number + "-" + i;
            Answer answer = client.request("POST", "/", name).read();
            if (answer.status() == 200) {
                confirmed.add(name);
            } else {
                // It may or may not have been made: only the client can know whether to ask again.
                assertThat(answer.text()).contains("reset_before_head");
                refused.incrementAndGet();
                client = running.client();
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private Thread thread(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Throwable failure) {
                broken.add(failure);
            }
        });
        thread.start();
        return thread;
    }
}
