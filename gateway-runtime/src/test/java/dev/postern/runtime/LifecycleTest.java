package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Gateway;
import dev.postern.GatewayStartException;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.EventExecutor;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.internal.VertxInternal;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Starting, stopping, borrowing, mounting: all or nothing, and nothing left. */
class LifecycleTest {
    private static final int CYCLES = Integer.getInteger("postern.cycles", 20);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static Route hello() {
        return Route.builder("hello")
                .match(Match.prefix("/"))
                .answer(Response.text(200, "hello"))
                .build();
    }

    // ---- start

    @Test
    void a_busy_port_is_one_exception_that_names_port_and_listener_and_nothing_runs() throws Exception {
        try (ServerSocket busy = new ServerSocket(0, 10, InetAddress.getByName("127.0.0.1"))) {
            Running running = rig.prepare(gateway -> gateway.listen(
                            Listener.http(0).host("127.0.0.1").name("free"))
                    .listen(Listener.http(busy.getLocalPort()).host("127.0.0.1").name("taken"))
                    .route(hello()));
            assertThatThrownBy(() -> running.gateway().start())
                    .isInstanceOf(GatewayStartException.class)
                    .hasMessageContaining("taken")
                    .hasMessageContaining(String.valueOf(busy.getLocalPort()));
            assertThat(running.gateway().listeners()).isEmpty();
            assertThat(running.gateway().health().ready()).isFalse();
            assertThatThrownBy(() -> running.gateway().start()).isInstanceOf(IllegalStateException.class);
            awaitNoThreads();
        }
    }

    @Test
    void a_busy_port_leaves_a_borrowed_vertx_as_it_was() throws Exception {
        Vertx vertx = rig.vertx();
        try (ServerSocket busy = new ServerSocket(0, 10, InetAddress.getByName("127.0.0.1"))) {
            Running running = rig.prepare(
                    gateway -> gateway.listen(Listener.http(0).host("127.0.0.1"))
                            .listen(Listener.http(busy.getLocalPort()).host("127.0.0.1"))
                            .route(hello()),
                    VertxRuntime.using(vertx));
            assertThatThrownBy(() -> running.gateway().start()).isInstanceOf(GatewayStartException.class);
        }
        Running second = rig.prepare(gateway -> gateway.route(hello()), VertxRuntime.using(vertx));
        second.gateway().start();
        assertThat(second.client().get("/").read().text()).isEqualTo("hello");
    }

    @Test
    void waiting_on_an_event_loop_is_refused() throws Exception {
        Vertx vertx = rig.vertx();
        Running running = rig.prepare(gateway -> gateway.route(hello()), VertxRuntime.using(vertx));
        CompletableFuture<Throwable> refused = new CompletableFuture<>();
        vertx.runOnContext(v -> {
            try {
                running.gateway().start();
                refused.complete(null);
            } catch (IllegalStateException expected) {
                refused.complete(expected);
            }
        });
        assertThat(refused.get(5, TimeUnit.SECONDS)).hasMessageContaining("startAsync");
        CompletableFuture<Void> started = new CompletableFuture<>();
        vertx.runOnContext(v -> running.gateway().startAsync().thenAccept(started::complete));
        started.get(10, TimeUnit.SECONDS);
        assertThat(running.client().get("/").read().status()).isEqualTo(200);
    }

    @Test
    void a_gateway_is_started_once_and_may_be_stopped_often() {
        Running running = rig.start(gateway -> gateway.route(hello()));
        assertThatThrownBy(() -> running.gateway().start()).isInstanceOf(IllegalStateException.class);
        running.gateway().stop(Duration.ZERO);
        running.gateway().stop(Duration.ZERO);
        assertThatThrownBy(() -> running.gateway().start()).isInstanceOf(IllegalStateException.class);
        Running never = rig.prepare(gateway -> gateway.route(hello()));
        never.gateway().stop(Duration.ZERO);
    }

    // ---- stop

    /** Longer: {@code -Dpostern.cycles=100}. */
    @Test
    void gateways_that_come_and_go_leave_no_thread_and_no_socket() throws Exception {
        cycle(1, () -> new VertxRuntime().eventLoops(2));
        awaitNoThreads();
        Map<String, Long> before = sockets();
        cycle(CYCLES, () -> new VertxRuntime().eventLoops(2));
        awaitNoThreads();
        await().untilAsserted(() -> assertThat(sockets()).isEqualTo(before));
    }

    /** Longer: {@code -Dpostern.cycles=100}. */
    @Test
    void gateways_that_come_and_go_leave_nothing_in_a_borrowed_vertx() throws Exception {
        Vertx vertx = rig.vertx();
        cycle(1, () -> VertxRuntime.using(vertx));
        awaitNoThreads();
        Map<String, Long> before = sockets();
        cycle(CYCLES, () -> VertxRuntime.using(vertx));
        awaitNoThreads();
        await().untilAsserted(() -> assertThat(sockets()).isEqualTo(before));
        await().untilAsserted(() -> assertThat(timers(vertx)).isZero());
    }

    /** Each serves requests by its one upstream, with connections left in the pool and clients that stay. */
    private void cycle(int count, Supplier<VertxRuntime> runtime) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        for (int i = 0; i < count; i++) {
            Gateway gateway = Gateway.builder()
                    .runtime(runtime.get())
                    .listen(Listener.http(0).host("127.0.0.1"))
                    .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                    .route(Route.builder("all")
                            .match(Match.prefix("/"))
                            .to("orders")
                            .build())
                    .build();
            gateway.start();
            // On each loop: a resolver of the host's Vertx that is used for the first time opens a socket and keeps it.
            List<RawClient> clients = new ArrayList<>();
            for (int c = 0; c < 4; c++) {
                RawClient client = new RawClient(gateway.listeners().get(0).port());
                assertThat(client.get("/").read().text()).isEqualTo("ok");
                clients.add(client);
            }
            gateway.stop(Duration.ZERO);
            for (RawClient client : clients) {
                client.close();
            }
        }
        origin.close();
        await().until(() -> origin.open() == 0);
    }

    /** What the loops of a Vertx still have to do later, as Netty has it. */
    private static long timers(Vertx vertx) throws Exception {
        Field queue = AbstractScheduledEventExecutor.class.getDeclaredField("scheduledTaskQueue");
        queue.setAccessible(true);
        long waiting = 0;
        for (EventExecutor loop : ((VertxInternal) vertx).nettyEventLoopGroup()) {
            // Read on the loop: the queue is its own.
            Collection<?> tasks =
                    (Collection<?>) loop.submit(() -> queue.get(loop)).get(5, TimeUnit.SECONDS);
            waiting += tasks == null ? 0 : tasks.size();
        }
        return waiting;
    }

    private static void awaitNoThreads() {
        await().untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet().stream()
                        .map(Thread::getName)
                        .filter(name -> name.startsWith("postern-")))
                .isEmpty());
    }

    /** What is open in this process besides files, by kind; empty where that cannot be seen. */
    private static Map<String, Long> sockets() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        if (!Files.exists(descriptors)) {
            return Map.of();
        }
        Map<String, Long> kinds = new TreeMap<>();
        try (Stream<Path> all = Files.list(descriptors)) {
            for (Path one : (Iterable<Path>) all::iterator) {
                try {
                    String target = Files.readSymbolicLink(one).toString();
                    if (!target.startsWith("/")) {
                        kinds.merge(target.replaceAll(":?\\[\\d+]", ""), 1L, Long::sum);
                    }
                } catch (NoSuchFileException closed) {
                    // The list's own, for one.
                }
            }
        }
        return kinds;
    }

    @Test
    void no_request_is_lost_for_clients_that_go_when_told() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(origin);
        running.keepNothing();
        AtomicInteger answered = new AtomicInteger();
        Queue<Throwable> lost = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        int port = running.port();
        for (int i = 0; i < 16; i++) {
            Thread thread = new Thread(() -> {
                try (RawClient client = new RawClient(port)) {
                    while (true) {
                        Answer answer = client.get("/").read();
                        assertThat(answer.status()).isEqualTo(200);
                        assertThat(answer.complete()).isTrue();
                        answered.incrementAndGet();
                        if ("close".equals(answer.header("Connection"))) {
                            return;
                        }
                    }
                } catch (Throwable failure) {
                    lost.add(failure);
                }
            });
            thread.start();
            threads.add(thread);
        }
        await().until(() -> answered.get() > 500);
        long start = System.nanoTime();
        running.gateway().stop(Duration.ofSeconds(10));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        for (Thread thread : threads) {
            thread.join(5000);
        }
        assertThat(lost).isEmpty();
    }

    @Test
    void readiness_goes_off_first_and_exchanges_under_way_may_finish() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        RawOrigin.Script ok = RawOrigin.ok("late");
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            go.await(10, TimeUnit.SECONDS);
            return ok.answer(request, in, out, socket);
        });
        Running running = rig.start(gateway -> gateway.listen(
                        Listener.http(0).host("127.0.0.1").healthPath("/healthz"))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        RawClient probe = running.client();
        assertThat(probe.get("/healthz").read().status()).isEqualTo(200);
        RawClient slow = running.client().get("/slow");
        await().until(() -> origin.received().size() == 1);
        int port = running.port();
        CompletableFuture<Void> stopped =
                running.gateway().stopAsync(Duration.ofSeconds(9)).toCompletableFuture();
        await().until(() -> !running.gateway().health().ready());
        assertThat(running.gateway().health().live()).isTrue();
        assertThat(running.gateway().health().detail()).isEqualTo("draining");
        Answer last = probe.get("/healthz").read();
        assertThat(last.status()).isEqualTo(503);
        assertThat(last.header("Connection")).isEqualTo("close");
        assertThat(probe.isAtEnd()).isTrue();
        // The doors close after a third of the time.
        await().atMost(Duration.ofSeconds(6)).until(() -> isRefused(port));
        assertThat(stopped).isNotDone();
        go.countDown();
        Answer answer = slow.read();
        assertThat(answer.text()).isEqualTo("late");
        assertThat(answer.header("Connection")).isEqualTo("close");
        stopped.get(5, TimeUnit.SECONDS);
        assertThat(running.outcome().failure()).isNull();
    }

    @Test
    void clients_that_ask_nothing_do_not_hold_a_drain() throws Exception {
        Running running = rig.start(gateway -> gateway.route(hello()));
        RawClient idle = running.client();
        assertThat(idle.get("/").read().status()).isEqualTo(200);
        long start = System.nanoTime();
        running.gateway().stop(Duration.ofSeconds(30));
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
        assertThat(idle.isAtEnd()).isTrue();
    }

    @Test
    void a_drain_waits_for_exchanges_of_listeners_that_are_gone() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        RawOrigin.Script ok = RawOrigin.ok("late");
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            go.await(10, TimeUnit.SECONDS);
            return ok.answer(request, in, out, socket);
        });
        Vertx vertx = rig.vertx();
        Running running = rig.prepare(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").name("gone"))
                        .upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build()),
                VertxRuntime.using(vertx));
        running.gateway().start();
        RawClient slow = running.client().get("/slow");
        RawClient idle = running.client();
        await().until(() -> origin.received().size() == 1);
        running.gateway()
                .apply(running.gateway().config().toBuilder()
                        .withoutListeners()
                        .listen(Listener.http(0).host("127.0.0.1").name("new"))
                        .toConfig());
        CompletableFuture<Void> stopped =
                running.gateway().stopAsync(Duration.ofSeconds(6)).toCompletableFuture();
        await().until(() -> !running.gateway().health().ready());
        go.countDown();
        assertThat(slow.read().text()).isEqualTo("late");
        stopped.get(5, TimeUnit.SECONDS);
        assertThat(idle.isAtEnd()).isTrue();
        await().untilAsserted(() -> assertThat(timers(vertx)).isZero());
    }

    private static boolean isRefused(int port) {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isClosed();
        } catch (IOException refused) {
            return true;
        }
    }

    @Test
    void what_has_not_ended_in_time_is_answered_or_cut() throws Exception {
        RawOrigin silent = rig.origin((request, in, out, socket) -> {
            if (request.line().contains("/half")) {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
                        .getBytes(java.nio.charset.StandardCharsets.UTF_8));
                out.flush();
            }
            return in.read() >= 0;
        });
        Running running = rig.proxy(silent);
        RawClient waiting = running.client().get("/waiting");
        RawClient half = running.client().get("/half");
        half.skip(15);
        await().until(() -> silent.received().size() == 2);
        running.gateway().stop(Duration.ofMillis(300));
        Answer answer = waiting.read();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.text()).contains("not_running");
        assertThat(half.isAtEnd() || half.skip(1000) < 1000).isTrue();
        assertThat(running.outcomes())
                .hasSize(2)
                .allSatisfy(outcome ->
                        assertThat(outcome.failure()).isIn(Failure.NOT_RUNNING, Failure.RESPONSE_BODY_BROKEN));
        await().until(() -> silent.open() == 0);
    }

    // ---- borrowed, mounted, several

    @Test
    void a_borrowed_vertx_outlives_its_gateways() throws Exception {
        Vertx vertx = rig.vertx();
        Running first = rig.prepare(gateway -> gateway.name("a").route(hello()), VertxRuntime.using(vertx));
        Running second = rig.prepare(gateway -> gateway.name("b").route(hello()), VertxRuntime.using(vertx));
        first.gateway().start();
        second.gateway().start();
        assertThat(first.client().get("/").read().text()).isEqualTo("hello");
        assertThat(second.client().get("/").read().text()).isEqualTo("hello");
        first.gateway().stop(Duration.ZERO);
        assertThat(second.client().get("/").read().text()).isEqualTo("hello");
        second.gateway().stop(Duration.ZERO);
        CompletableFuture<Void> alive = new CompletableFuture<>();
        vertx.setTimer(1, tick -> alive.complete(null));
        alive.get(5, TimeUnit.SECONDS);
        awaitNoThreads();
    }

    @Test
    void a_gateway_can_be_mounted_in_a_server_of_the_host() throws Exception {
        Vertx vertx = rig.vertx();
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.prepare(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1"))
                        .upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/api"))
                                .to("orders")
                                .build()),
                VertxRuntime.using(vertx));
        running.gateway().start();
        HttpServer server = vertx.createHttpServer()
                .requestHandler(VertxRuntime.requestHandler(running.gateway()))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        try (RawClient client = new RawClient(server.actualPort())) {
            assertThat(client.request("POST", "/api/x", "body").read().text()).isEqualTo("body");
            assertThat(client.get("/other").read().status()).isEqualTo(404);
            assertThat(origin.received().get(0).header("X-Forwarded-For")).isEqualTo("127.0.0.1");
            // A malformed head ends the connection here too, and what came behind it is served to nobody.
            client.send("GET /../x HTTP/1.1\r\nHost: a\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
            assertThat(client.read().status()).isEqualTo(400);
            assertThat(client.isAtEnd()).isTrue();
            assertThat(origin.received()).hasSize(1);
        }
        running.gateway().stop(Duration.ZERO);
        try (RawClient client = new RawClient(server.actualPort())) {
            assertThat(client.get("/api/x").read().status()).isEqualTo(503);
        }
    }

    @Test
    void behind_a_server_of_the_host_an_early_answer_over_http2_ends_its_request_too() throws Exception {
        Vertx vertx = rig.vertx();
        Running running = rig.prepare(
                gateway -> gateway.route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .answer(Response.text(403, "no"))
                        .build()),
                VertxRuntime.using(vertx));
        running.gateway().start();
        HttpServer server = vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(true))
                .requestHandler(VertxRuntime.requestHandler(running.gateway()))
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        try (RawHttp2 client = RawHttp2.client(server.actualPort())) {
            int early = client.next();
            client.headers(early, false, RawHttp2.request("POST", "/upload")).data(early, false, "some");
            RawHttp2.Stream answer = client.await(early);
            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.text()).isEqualTo("no");
            // RFC 9113 8.1: it is told to send no more, without an error.
            await().until(() -> {
                client.roundTrip();
                return client.stream(early).reset() >= 0;
            });
            assertThat(client.stream(early).reset()).isEqualTo(RawHttp2.NO_ERROR);
            assertThat(client.get("/").status()).isEqualTo(403);
        }
        running.gateway().stop(Duration.ZERO);
        server.close().toCompletionStage().toCompletableFuture().get(5, TimeUnit.SECONDS);
    }

    @Test
    void a_foreign_gateway_cannot_be_mounted() {
        Running running = rig.prepare(gateway -> gateway.route(hello()));
        assertThatThrownBy(() -> VertxRuntime.requestHandler(running.gateway()))
                .isInstanceOf(IllegalStateException.class);
    }
}
