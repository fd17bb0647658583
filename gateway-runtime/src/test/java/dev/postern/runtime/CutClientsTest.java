package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Filter;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.Running;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Clients cut at random places of their exchange: the origin is told at once, and nothing is left of them. {@code
 * -Dpostern.cuts=10000} makes the long run.
 */
class CutClientsTest {
    private static final int CUTS = Integer.getInteger("postern.cuts", 300);
    private static final long SEED = Long.getLong("postern.seed", 5);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** A request at the origin: that it came, and when its connection ended. */
    private static final class Seen {
        private final CountDownLatch came = new CountDownLatch(1);
        private final CountDownLatch gone = new CountDownLatch(1);
        private volatile long goneNanos;
    }

    private final Map<String, Seen> seen = new ConcurrentHashMap<>();
    private final Map<Executor, Boolean> loops = new ConcurrentHashMap<>();

    @Test
    void an_origin_learns_at_once_that_its_client_is_gone_and_nothing_is_left() throws Exception {
        int port = startOrigin(rig.vertx());
        CountedTime time = rig.close(new CountedTime());
        Running running = rig.start(gateway -> gateway.time(time)
                        .filter(Filter.named("loops", (request, chain) -> {
                            if (loops.size() < 8) {
                                loops.put(chain.exchange().executor(), true);
                            }
                            return chain.proceed(request);
                        }))
                        .upstream(Upstream.builder("origin")
                                .endpoints("http://127.0.0.1:" + port)
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("origin")
                                .build()))
                .keepNothing();
        int idleTimers = time.waiting();
        Random random = new Random(SEED);
        long[] delays = new long[CUTS];
        long[] lags = new long[CUTS];
        int cutUpstream = 0;
        for (int n = 0; n < CUTS; n++) {
            long delay = cut(running, random, n);
            if (delay >= 0) {
                delays[cutUpstream++] = delay;
            }
            lags[n] = lag(random);
        }
        long end = System.nanoTime();
        running.checkNothingHeld();
        await().pollInterval(Duration.ofMillis(5))
                .atMost(Duration.ofSeconds(2))
                .untilAsserted(() -> assertThat(time.waiting()).as("timers").isLessThanOrEqualTo(idleTimers));
        long settled = System.nanoTime() - end;
        Arrays.sort(delays, 0, cutUpstream);
        Arrays.sort(lags);
        long delay = delays[cutUpstream * 99 / 100];
        long lag = lags[CUTS * 99 / 100];
        System.getLogger("cuts")
                .log(
                        System.Logger.Level.INFO,
                        "{0} cuts, {1} behind the head: p50 {2} us, p99 {3} us; loop lag p99 {4} us; settled after {5} ms",
                        Integer.toString(CUTS),
                        Integer.toString(cutUpstream),
                        Long.toString(delays[cutUpstream / 2] / 1000),
                        Long.toString(delay / 1000),
                        Long.toString(lag / 1000),
                        Long.toString(settled / 1_000_000));
        assertThat(cutUpstream).as("exchanges that had reached the origin").isGreaterThan(CUTS / 3);
        assertThat(settled).as("time until nothing was held").isLessThan(TimeUnit.SECONDS.toNanos(2));
        // One run of a few hundred on a busy machine decides nothing; the long one does.
        long allowed = TimeUnit.MILLISECONDS.toNanos(CUTS < 10_000 ? 1_000 : 50);
        assertThat(delay).as("p99, lag %d ns", lag).isLessThanOrEqualTo(lag + allowed);
    }

    /** One exchange, cut somewhere; how long the origin did not know, or -1 when it had not heard of it. */
    private long cut(Running running, Random random, int n) throws Exception {
        boolean post = random.nextBoolean();
        boolean chunked = random.nextBoolean();
        String head = (post ? "POST" : "GET") + " /" + n + (random.nextBoolean() ? "/stream" : "/wait")
                + " HTTP/1.1\r\nHost: localhost\r\n"
                + (!post ? "" : chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 3000\r\n") + "\r\n";
        String body = !post ? "" : chunked ? "3e8\r\n" + "x".repeat(1000) + "\r\n" : "x".repeat(1000);
        boolean withinHead = random.nextInt(5) == 0;
        int bytes = withinHead
                ? random.nextInt(head.length())
                : head.length() + (body.isEmpty() ? 0 : random.nextInt(body.length()));
        Seen mine = new Seen();
        seen.put(Integer.toString(n), mine);
        try (RawClient client = new RawClient(running.port())) {
            client.send((head + body).substring(0, bytes));
            if (!withinHead) {
                assertThat(mine.came.await(10, TimeUnit.SECONDS)).as("came").isTrue();
                if (head.contains("stream")) {
                    // Somewhere within the response, too.
                    client.skip(1 + random.nextInt(3000));
                }
            }
            if (random.nextBoolean()) {
                client.socket().setSoLinger(true, 0);
            }
            long start = System.nanoTime();
            client.socket().close();
            if (withinHead) {
                assertThat(mine.came.getCount()).isEqualTo(1);
                return -1;
            }
            assertThat(mine.gone.await(10, TimeUnit.SECONDS))
                    .as("origin let go of %s", head)
                    .isTrue();
            return mine.goneNanos - start;
        } finally {
            seen.remove(Integer.toString(n));
        }
    }

    /** How long a task waits for one of the gateway's loops now. */
    private long lag(Random random) throws Exception {
        if (loops.isEmpty()) {
            return 0;
        }
        Executor[] all = loops.keySet().toArray(Executor[]::new);
        CountDownLatch ran = new CountDownLatch(1);
        long start = System.nanoTime();
        all[random.nextInt(all.length)].execute(ran::countDown);
        assertThat(ran.await(10, TimeUnit.SECONDS)).isTrue();
        return System.nanoTime() - start;
    }

    private int startOrigin(Vertx vertx) throws Exception {
        HttpServer server = vertx.createHttpServer().requestHandler(this::serve);
        return server.listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get()
                .actualPort();
    }

    /** Answers nothing, or a stream without end. */
    private void serve(HttpServerRequest request) {
        Seen mine = seen.get(request.path().split("/")[1]);
        request.connection().closeHandler(closed -> {
            mine.goneNanos = System.nanoTime();
            mine.gone.countDown();
        });
        request.exceptionHandler(cut -> {
            // The connection's handler counts.
        });
        request.response().exceptionHandler(cut -> {
            // The same.
        });
        if (request.path().endsWith("stream")) {
            request.response()
                    .setChunked(true)
                    .write(Buffer.buffer("x".repeat(4000).getBytes(StandardCharsets.US_ASCII)));
        }
        mine.came.countDown();
    }

    /** The system's time, with timers that can be counted. */
    private static final class CountedTime implements TimeSource, AutoCloseable {
        private final ScheduledThreadPoolExecutor timers = new ScheduledThreadPoolExecutor(1);

        CountedTime() {
            timers.setRemoveOnCancelPolicy(true);
        }

        int waiting() {
            return timers.getQueue().size();
        }

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Instant now() {
            return Instant.now();
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            ScheduledFuture<?> timer = timers.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
            return () -> timer.cancel(false);
        }

        @Override
        public void close() {
            timers.shutdownNow();
        }
    }
}
