package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import dev.postern.traffic.AdaptiveLimit;
import dev.postern.traffic.ConcurrencyLimit;
import dev.postern.traffic.Priority;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.PoolOptions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A service that does 200 requests a second is offered 2,000 in three priorities, over sockets and through a gateway of four
 * event loops, with {@code -Dpostern.overload.seconds=60}. Without it, 600 are for a second, and only what does not depend on
 * time is asserted: how many are served how quickly wants a machine that has not much else to do.
 */
class OverloadTest {
    private static final int SECONDS = Integer.getInteger("postern.overload.seconds", 1);
    private static final boolean MEASURED = SECONDS >= 10;
    private static final int WORKERS = 20;
    private static final int SERVICE_MILLIS = 100;
    private static final int CAP = WORKERS * 1000 / SERVICE_MILLIS;
    private static final int PLACES = WORKERS + 2;

    private Vertx vertx;
    private HttpClient client;
    private Service service;

    /** Serves so many at once, each for so long; the others wait. */
    private static final class Service {
        private final Vertx vertx;
        private final Deque<HttpServerRequest> line = new ArrayDeque<>();
        private final AtomicInteger answered = new AtomicInteger();
        private volatile int most;
        private int busy;
        private int underWay;

        Service(Vertx vertx) {
            this.vertx = vertx;
        }

        /** Always on the one loop of its server. */
        void arrived(HttpServerRequest request) {
            underWay++;
            most = Math.max(most, underWay);
            line.addLast(request);
            work();
        }

        private void work() {
            while (busy < WORKERS && !line.isEmpty()) {
                busy++;
                HttpServerRequest request = line.removeFirst();
                vertx.setTimer(SERVICE_MILLIS, timer -> {
                    busy--;
                    underWay--;
                    answered.incrementAndGet();
                    request.response().end("done");
                    work();
                });
            }
        }
    }

    /** One answer. */
    private record Seen(Priority priority, int status, long nanos) {}

    @BeforeEach
    void start() {
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
        client = vertx.createHttpClient(
                new HttpClientOptions().setKeepAliveTimeout(60), new PoolOptions().setHttp1MaxSize(200));
        service = new Service(vertx);
    }

    @AfterEach
    void stop() throws Exception {
        vertx.close().await(10, TimeUnit.SECONDS);
    }

    private static ConcurrencyLimit.Builder limit(String which) {
        ConcurrencyLimit.Builder limit = ConcurrencyLimit.builder("orders")
                .queue(8, Duration.ofMillis(80))
                .reserveForCritical(10);
        return which.equals("fixed")
                ? limit.atMost(PLACES)
                : limit.adaptive(AdaptiveLimit.gradient().between(5, 60));
    }

    private Gateway gateway(String which) throws Exception {
        HttpServer server = vertx.createHttpServer()
                .requestHandler(service::arrived)
                .listen(0, "127.0.0.1")
                .await(10, TimeUnit.SECONDS);
        GatewayBuilder builder = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("orders")
                        .endpoints("http://127.0.0.1:" + server.actualPort())
                        .build());
        for (Priority priority : Priority.values()) {
            String name = priority.name().toLowerCase(Locale.ROOT);
            builder.route(Route.builder(name)
                    .match(Match.prefix("/" + name))
                    .filter(limit(which).priority(priority).build())
                    .to("orders")
                    .build());
        }
        return builder.build();
    }

    /** Sends so many a second of each priority, evenly, whatever becomes of them. */
    private List<Seen> offer(int port, int seconds, int... rates) {
        Queue<Seen> seen = new ConcurrentLinkedQueue<>();
        int[] sent = new int[rates.length];
        long began = System.nanoTime();
        int[] total = Arrays.stream(rates).map(rate -> rate * seconds).toArray();
        long timer = vertx.setPeriodic(5, tick -> {
            double passed = Math.min(seconds, (System.nanoTime() - began) / 1e9);
            for (Priority priority : Priority.values()) {
                int due = (int) (passed * rates[priority.ordinal()]);
                for (; sent[priority.ordinal()] < due; sent[priority.ordinal()]++) {
                    send(port, priority, seen);
                }
            }
        });
        await().atMost(Duration.ofSeconds(seconds + 30L))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> seen.size() == Arrays.stream(total).sum());
        vertx.cancelTimer(timer);
        return List.copyOf(seen);
    }

    private void send(int port, Priority priority, Queue<Seen> seen) {
        long began = System.nanoTime();
        client.request(HttpMethod.GET, port, "127.0.0.1", "/" + priority.name().toLowerCase(Locale.ROOT))
                .compose(request -> request.send())
                .compose(response -> response.body().map(body -> response.statusCode()))
                .onComplete(status -> seen.add(
                        new Seen(priority, status.succeeded() ? status.result() : -1, System.nanoTime() - began)));
    }

    private static double servedShare(List<Seen> seen, Priority priority) {
        List<Seen> all = seen.stream().filter(one -> one.priority() == priority).toList();
        return all.stream().filter(one -> one.status() == 200).count() / (double) all.size();
    }

    private static double p99Millis(List<Seen> seen) {
        long[] served = seen.stream()
                .filter(one -> one.status() == 200)
                .mapToLong(Seen::nanos)
                .sorted()
                .toArray();
        return served.length == 0 ? 0 : served[(int) Math.ceil(served.length * 0.99) - 1] / 1e6;
    }

    @ParameterizedTest
    @ValueSource(strings = {"fixed", "gradient"})
    void ten_times_too_much_leaves_the_service_busy_and_serves_what_matters(String which) throws Exception {
        try (Gateway gateway = gateway(which)) {
            gateway.start();
            int port = gateway.listeners().get(0).port();
            if (MEASURED) {
                offer(port, 15, 100, 500, 500);
            }
            List<Seen> calm = MEASURED ? offer(port, 20, 10, 20, 20) : List.of();
            int before = service.answered.get();
            long began = System.nanoTime();
            List<Seen> storm = MEASURED ? offer(port, SECONDS, 100, 900, 1000) : offer(port, SECONDS, 60, 240, 300);
            double seconds = (System.nanoTime() - began) / 1e9;

            int served = service.answered.get() - before;
            String told =
                    "%s: goodput %.1f/s of %d, critical %.5f, normal %.3f, sheddable %.3f, p99 %.1f ms (calm %.1f ms)"
                            .formatted(
                                    which,
                                    served / seconds,
                                    CAP,
                                    servedShare(storm, Priority.CRITICAL),
                                    servedShare(storm, Priority.NORMAL),
                                    servedShare(storm, Priority.SHEDDABLE),
                                    p99Millis(storm),
                                    p99Millis(calm));
            if (MEASURED) {
                System.getLogger("dev.postern.records").log(System.Logger.Level.INFO, told);
            }
            assertThat(storm).as(told).allMatch(one -> one.status() == 200 || one.status() == 503);
            assertThat(storm.stream().filter(one -> one.status() == 200).count())
                    .as("answered once each: " + told)
                    .isEqualTo(served);
            assertThat(service.most).as(told).isLessThanOrEqualTo(which.equals("fixed") ? PLACES : 60);
            assertThat(servedShare(storm, Priority.CRITICAL))
                    .as(told)
                    .isGreaterThan(servedShare(storm, Priority.SHEDDABLE));
            if (MEASURED) {
                assertThat(calm).as("calm").allMatch(one -> one.status() == 200);
                assertThat(served / seconds).as(told).isGreaterThanOrEqualTo(0.9 * CAP);
                assertThat(servedShare(storm, Priority.CRITICAL)).as(told).isGreaterThanOrEqualTo(0.999);
                assertThat(p99Millis(storm)).as(told).isLessThanOrEqualTo(2 * p99Millis(calm));
            }
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertThat(gateway.states().get(0).gauges())
                            .containsEntry("in_flight", 0.0)
                            .containsEntry("waiting", 0.0));
            assertThat(gateway.upstream("orders").inFlight()).isZero();
        }
    }
}
