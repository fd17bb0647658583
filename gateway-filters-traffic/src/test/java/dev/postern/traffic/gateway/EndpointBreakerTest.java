package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.postern.ClientInfo;
import dev.postern.EndpointBreaker;
import dev.postern.Gateway;
import dev.postern.Hedging;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.VertxRuntime;
import dev.postern.testing.ManualTime;
import dev.postern.traffic.BreakerSwitch;
import dev.postern.traffic.CircuitBreaker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A breaker before each endpoint, over sockets and four event loops; time is moved by hand. */
class EndpointBreakerTest {
    private static final Logger LOG = Logger.getLogger(CircuitBreaker.class.getName());

    private final ManualTime time = ManualTime.create();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<AutoCloseable> closeables = new ArrayList<>();
    private final List<String> lines = new ArrayList<>();
    private final Handler ear = new Handler() {
        @Override
        public void publish(LogRecord line) {
            synchronized (lines) {
                lines.add(new java.util.logging.SimpleFormatter().formatMessage(line));
            }
        }

        @Override
        public void flush() {
            // Nothing is kept back.
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    };

    /** An endpoint that answers with the status of the moment, or holds its answers. */
    private final class Site {
        final HttpServer server;
        final AtomicInteger asked = new AtomicInteger();
        volatile int status;
        volatile CountDownLatch hold = new CountDownLatch(0);

        Site(int status) throws IOException {
            this.status = status;
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(threads);
            server.createContext("/", this::answer);
            server.start();
            closeables.add(() -> server.stop(0));
        }

        private void answer(HttpExchange exchange) throws IOException {
            asked.incrementAndGet();
            try {
                exchange.getRequestBody().readAllBytes();
                hold.await();
                exchange.sendResponseHeaders(status, -1);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            } finally {
                exchange.close();
            }
        }

        String url() {
            return "http://127.0.0.1:" + server.getAddress().getPort();
        }
    }

    private static CircuitBreaker.Builder breaker() {
        return CircuitBreaker.builder("orders").lastCalls(10).minimumCalls(4).trials(3);
    }

    private Gateway start(Upstream upstream) {
        Gateway gateway = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .time(time)
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(upstream)
                .route(Route.builder("orders")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build())
                .build();
        gateway.start();
        closeables.add(0, () -> gateway.stop(Duration.ZERO));
        LOG.addHandler(ear);
        return gateway;
    }

    private Gateway start(UnaryOperator<Upstream.Builder> more, Site... sites) {
        Upstream.Builder upstream =
                Upstream.builder("orders").endpointBreaker(breaker().forEndpoints());
        for (Site site : sites) {
            upstream.endpoints(site.url());
        }
        return start(more.apply(upstream).build());
    }

    @AfterEach
    void close() throws Exception {
        LOG.removeHandler(ear);
        for (AutoCloseable each : closeables) {
            each.close();
        }
        threads.shutdownNow();
    }

    private static CompletableFuture<HttpResponse<String>> send(Gateway gateway, HttpClient client) {
        int port = gateway.listeners().get(0).port();
        return client.sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static int get(Gateway gateway, HttpClient client) {
        return send(gateway, client).join().statusCode();
    }

    private static UpstreamState.EndpointState state(Gateway gateway, int place) {
        return gateway.upstream("orders").endpoints().get(place);
    }

    private List<String> lines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    @Test
    void of_three_endpoints_the_one_that_fails_is_left_alone_until_its_trials_go_well() throws Exception {
        Site bad = new Site(500);
        Site good = new Site(204);
        Site fine = new Site(204);
        Gateway gateway = start(upstream -> upstream, bad, good, fine);
        HttpClient client = HttpClient.newHttpClient();
        // 1. Four failures of four calls.
        int failed = 0;
        for (int i = 0; i < 30; i++) {
            failed += get(gateway, client) == 500 ? 1 : 0;
        }
        assertThat(failed).isEqualTo(4);
        assertThat(bad.asked).hasValue(4);
        assertThat(good.asked.get() + fine.asked.get()).isEqualTo(26);
        assertThat(state(gateway, 0).usable()).isFalse();
        assertThat(state(gateway, 0).breaker()).isEqualTo("open for another PT5S");
        assertThat(state(gateway, 1).usable()).isTrue();
        assertThat(state(gateway, 1).breaker()).startsWith("closed, 0 of ");
        assertThat(gateway.explain(Request.get("/"), ClientInfo.local()).toString())
                .contains("breaker open for another PT5S")
                .contains("breaker closed");
        // 2. Not one too early; the first two of three trials decide.
        time.advance(Duration.ofSeconds(5).minusNanos(1));
        for (int i = 0; i < 9; i++) {
            assertThat(get(gateway, client)).isEqualTo(204);
        }
        time.advance(Duration.ofNanos(1));
        for (int i = 0; i < 30; i++) {
            get(gateway, client);
        }
        assertThat(bad.asked).hasValue(6);
        // 3. Well again.
        bad.status = 204;
        time.advance(Duration.ofSeconds(5));
        for (int i = 0; i < 30; i++) {
            assertThat(get(gateway, client)).isEqualTo(204);
        }
        assertThat(bad.asked.get()).isGreaterThanOrEqualTo(14);
        assertThat(state(gateway, 0).usable()).isTrue();
        assertThat(gateway.upstream("orders").policies().breakersOpened()).isEqualTo(2);
        String place = "circuit breaker \"orders\" of endpoint " + bad.url() + " of upstream \"orders\": ";
        assertThat(lines())
                .containsExactly(
                        place
                                + "closed → open: 4 of 4 calls failed among the last 10 (limit 50 %); calls are refused for"
                                + " PT5S",
                        place + "open → half-open: PT5S have passed",
                        place + "half-open → open: 2 of 3 trials failed; calls are refused for PT5S",
                        place + "open → half-open: PT5S have passed",
                        place + "half-open → closed: 2 of 3 trials went well");
    }

    @Test
    void exactly_the_trials_reach_an_endpoint_whatever_comes_on_four_loops() throws Exception {
        Site only = new Site(500);
        Gateway gateway = start(upstream -> upstream, only);
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 4; i++) {
            assertThat(get(gateway, client)).isEqualTo(500);
        }
        HttpResponse<String> refused = send(gateway, client).join();
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.body()).contains("circuit_open");
        only.asked.set(0);
        only.status = 204;
        CountDownLatch hold = new CountDownLatch(1);
        only.hold = hold;
        time.advance(Duration.ofSeconds(5));
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            answers.add(send(gateway, client));
        }
        await().until(() -> answers.stream().filter(CompletableFuture::isDone).count() == 29);
        await().until(() -> only.asked.get() == 3);
        assertThat(state(gateway, 0).breaker()).startsWith("half-open, 3 of 3 trials under way");
        hold.countDown();
        int[] statuses = answers.stream()
                .mapToInt(answer -> answer.join().statusCode())
                .sorted()
                .toArray();
        assertThat(statuses).startsWith(204, 204, 204, 503).endsWith(503);
        assertThat(only.asked).hasValue(3);
        assertThat(get(gateway, client)).isEqualTo(204);
    }

    @Test
    void a_trial_whose_client_leaves_gives_its_permit_back() throws Exception {
        Site only = new Site(500);
        Gateway gateway = start(Upstream.builder("orders")
                .endpoints(only.url())
                .endpointBreaker(breaker().trials(1).forEndpoints())
                .build());
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 4; i++) {
            get(gateway, client);
        }
        only.status = 204;
        CountDownLatch hold = new CountDownLatch(1);
        only.hold = hold;
        time.advance(Duration.ofSeconds(5));
        for (int i = 1; i <= 3; i++) {
            int count = 4 + i;
            CompletableFuture<HttpResponse<String>> left = send(gateway, client);
            await().until(() -> only.asked.get() == count);
            assertThat(state(gateway, 0).usable()).isFalse();
            assertThat(get(gateway, client)).isEqualTo(503);
            left.cancel(true);
            await().until(() -> state(gateway, 0).usable());
        }
        hold.countDown();
        assertThat(get(gateway, client)).isEqualTo(204);
        assertThat(state(gateway, 0).breaker()).startsWith("closed");
    }

    @Test
    void a_retry_goes_past_an_endpoint_that_has_just_been_opened() throws Exception {
        Site bad = new Site(503);
        Site good = new Site(204);
        Gateway gateway = start(
                upstream -> upstream.retry(RetryPolicy.builder()
                        .onGatewayErrors()
                        .withoutBudget()
                        .backOff(Duration.ofNanos(1), Duration.ofNanos(1))
                        .build()),
                bad,
                good);
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 20; i++) {
            CompletableFuture<HttpResponse<String>> answer = send(gateway, client);
            await().until(() -> {
                time.advance(Duration.ofNanos(1));
                return answer.isDone();
            });
            assertThat(answer.join().statusCode()).isEqualTo(204);
        }
        assertThat(bad.asked).hasValue(4);
        assertThat(gateway.upstream("orders").policies().retries()).isEqualTo(4);
    }

    @Test
    void the_hosts_own_code_has_one_too() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        Gateway gateway = start(Upstream.local("orders", (request, exchange) -> {
                    calls.incrementAndGet();
                    return CompletableFuture.failedFuture(new IllegalStateException("no"));
                })
                .toBuilder()
                .hedging(Hedging.after(Duration.ofSeconds(1)))
                .endpointBreaker(breaker().forEndpoints())
                .build());
        for (int i = 0; i < 10; i++) {
            Response answer = gateway.handle(Request.get("/"), ClientInfo.local())
                    .toCompletableFuture()
                    .get();
            assertThat(answer.status()).isEqualTo(i < 4 ? 500 : 503);
        }
        assertThat(calls).hasValue(4);
    }

    @Test
    void a_swap_keeps_what_is_known_under_equal_rules_and_begins_anew_under_others() throws Exception {
        Site bad = new Site(500);
        Gateway gateway = start(upstream -> upstream, bad);
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 4; i++) {
            get(gateway, client);
        }
        assertThat(get(gateway, client)).isEqualTo(503);
        Upstream same = Upstream.builder("orders")
                .endpoints(bad.url())
                .endpointBreaker(breaker().forEndpoints())
                .maxPending(7)
                .build();
        gateway.apply(
                gateway.config().toBuilder().withoutUpstreams().upstream(same).toConfig());
        assertThat(get(gateway, client)).isEqualTo(503);
        Upstream other = same.toBuilder()
                .endpointBreaker(breaker().minimumCalls(2).forEndpoints())
                .build();
        assertThat(gateway.plan(gateway.config().toBuilder()
                                .withoutUpstreams()
                                .upstream(other)
                                .toConfig())
                        .toString())
                .contains("endpointBreaker")
                .contains("minimumCalls=2");
        gateway.apply(
                gateway.config().toBuilder().withoutUpstreams().upstream(other).toConfig());
        assertThat(get(gateway, client)).isEqualTo(500);
    }

    @Test
    void the_host_can_force_them() throws Exception {
        Site site = new Site(204);
        BreakerSwitch maintenance = BreakerSwitch.automatic();
        Gateway gateway = start(Upstream.builder("orders")
                .endpoints(site.url())
                .endpointBreaker(breaker().control(maintenance).forEndpoints())
                .build());
        HttpClient client = HttpClient.newHttpClient();
        maintenance.forceOpen();
        // Before anybody calls, and though nobody is let through.
        assertThat(state(gateway, 0).breaker()).isEqualTo("forced open");
        assertThat(state(gateway, 0).usable()).isFalse();
        assertThat(lines()).singleElement().asString().contains("closed → forced-open: forced by the host");
        assertThat(get(gateway, client)).isEqualTo(503);
        maintenance.forceClosed();
        assertThat(state(gateway, 0).breaker()).isEqualTo("forced closed");
        site.status = 500;
        for (int i = 0; i < 20; i++) {
            assertThat(get(gateway, client)).isEqualTo(500);
        }
        maintenance.release();
        assertThat(get(gateway, client)).isEqualTo(500);
        assertThat(state(gateway, 0).breaker()).startsWith("closed, 1 of 1");
    }

    @Test
    void to_force_what_is_closed_makes_nobody_start_slowly() throws Exception {
        List<EndpointBreaker.State> told = new ArrayList<>();
        BreakerSwitch maintenance = BreakerSwitch.automatic();
        EndpointBreaker.Gate gate =
                breaker().control(maintenance).forEndpoints().gate("orders", "http://a", 0, told::add);
        maintenance.forceClosed();
        assertThat(gate.tryAcquire(1)).isNotEqualTo(EndpointBreaker.Gate.REFUSED);
        maintenance.release();
        assertThat(gate.admits(2)).isTrue();
        assertThat(gate.summary(2)).startsWith("closed, 0 of 0");
        assertThat(told).isEmpty();
        maintenance.forceOpen();
        assertThat(gate.admits(3)).isFalse();
        maintenance.release();
        assertThat(gate.admits(4)).isTrue();
        assertThat(told).containsExactly(EndpointBreaker.State.OPEN, EndpointBreaker.State.CLOSED);
    }

    // Review of #5: clients that sent slowly could open breakers for all.
    @Test
    void clients_that_send_slowly_are_no_slow_calls() throws Exception {
        Site site = new Site(204);
        Gateway gateway = start(Upstream.builder("orders")
                .endpoints(site.url())
                .endpointBreaker(breaker().slowCalls(Duration.ofSeconds(1), 50).forEndpoints())
                .build());
        for (int i = 1; i <= 4; i++) {
            try (Socket client = upload(gateway)) {
                int count = i;
                await().until(() -> site.asked.get() == count);
                time.advance(Duration.ofSeconds(2));
                client.getOutputStream().write('x');
                assertThat(client.getInputStream().read()).isEqualTo('H');
            }
        }
        assertThat(state(gateway, 0).breaker()).startsWith("closed, 0 of 4 calls failed, 0 were slow");
        for (int i = 5; i <= 8; i++) {
            try (Socket client = upload(gateway)) {
                int count = i;
                await().until(() -> site.asked.get() == count);
                time.advance(Duration.ofSeconds(2));
                client.shutdownOutput();
            }
            await().until(() -> state(gateway, 0).inFlight() == 0);
        }
        assertThat(state(gateway, 0).breaker()).startsWith("closed, 0 of 4 calls failed, 0 were slow");
    }

    @Test
    void nor_before_the_hosts_own_code_when_they_leave() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        Gateway gateway = start(Upstream.local("orders", (request, exchange) -> {
                    calls.incrementAndGet();
                    return request.body().buffer(100).thenApply(bytes -> Response.of(204));
                })
                .toBuilder()
                .endpointBreaker(breaker().slowCalls(Duration.ofSeconds(1), 50).forEndpoints())
                .build());
        for (int i = 1; i <= 4; i++) {
            int count = i;
            try (Socket client = upload(gateway)) {
                await().until(() -> calls.get() == count);
                time.advance(Duration.ofSeconds(2));
                client.shutdownOutput();
            }
            await().until(() -> state(gateway, 0).inFlight() == 0);
        }
        assertThat(state(gateway, 0).breaker()).startsWith("closed, 0 of 0 calls failed, 0 were slow");
    }

    /** A request whose last byte is missing. */
    private static Socket upload(Gateway gateway) throws IOException {
        Socket client = new Socket(
                InetAddress.getLoopbackAddress(), gateway.listeners().get(0).port());
        client.setSoTimeout(10_000);
        client.getOutputStream()
                .write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx".getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    @Test
    void what_means_nothing_for_endpoints_is_refused_and_equal_rules_are_equal() {
        assertThat(breaker().forEndpoints())
                .isEqualTo(breaker().forEndpoints())
                .isNotEqualTo(breaker().trials(4).forEndpoints());
        String nothing = "a breaker for endpoints has neither scope nor fallback nor failWhen";
        for (CircuitBreaker.Builder odd : List.of(
                breaker().perRoute(),
                breaker().fallbackTo("other"),
                breaker().failWhen("teapots", response -> response.status() == 418))) {
            assertThatThrownBy(odd::forEndpoints)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(nothing);
        }
        assertThatThrownBy(() -> breaker().minimumCalls(11).forEndpoints())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("minimumCalls 11 is more than the window holds");
    }
}
