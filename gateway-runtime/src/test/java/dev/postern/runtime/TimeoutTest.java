package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.Failure;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.OutlierDetection;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Everything that waits has a bound, and the answer says which. */
class TimeoutTest {
    private static final Duration SHORT = Duration.ofMillis(200);
    private static final String POST_UNREAD = "POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\n";

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static final RawOrigin.Script SILENT = (request, in, out, socket) -> in.read() >= 0;

    private static void assertFailed(Answer answer, int status, Failure failure) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
        assertThat(answer.text()).contains('"' + failure.code() + '"');
        assertThat(answer.complete()).isTrue();
    }

    @Test
    void an_endpoint_that_does_not_accept_is_a_504_after_the_connect_timeout() throws Exception {
        try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Socket> filling = new ArrayList<>();
            // Its queue is full after two or three; further connections get no answer.
            for (int i = 0; i < 8; i++) {
                Socket socket = new Socket();
                filling.add(socket);
                try {
                    socket.connect(new InetSocketAddress(full.getInetAddress(), full.getLocalPort()), 50);
                } catch (java.net.SocketTimeoutException expected) {
                    break;
                }
            }
            Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                            .endpoints("http://127.0.0.1:" + full.getLocalPort())
                            .connectTimeout(SHORT)
                            .build())
                    .route(Route.builder("all")
                            .match(Match.prefix("/"))
                            .to("orders")
                            .build()));
            assertFailed(running.client().request("POST", "/", "x").read(), 504, Failure.CONNECT_TIMEOUT);
            running.checkNothingHeld();
            for (Socket socket : filling) {
                socket.close();
            }
        }
    }

    @Test
    void waiting_for_a_connection_ends_with_a_503() throws Exception {
        RawOrigin origin = rig.origin(SILENT);
        Running running = rig.proxy(
                origin, route -> route, upstream -> upstream.maxConnections(1).poolTimeout(SHORT));
        running.client().get("/1");
        await().until(() -> origin.received().size() == 1);
        assertFailed(running.client().get("/2").read(), 503, Failure.POOL_EXHAUSTED);
        assertThat(running.gateway().upstream("orders").pending()).isZero();
    }

    @Test
    void more_than_may_wait_for_a_connection_get_a_503_at_once() throws Exception {
        RawOrigin origin = rig.origin(SILENT);
        Running running = rig.proxy(
                origin,
                route -> route,
                upstream -> upstream.maxConnections(1).maxPending(2).poolTimeout(Duration.ofSeconds(20)));
        for (int i = 0; i < 3; i++) {
            running.client().get("/" + i);
        }
        await().until(() -> running.gateway().upstream("orders").pending() == 2);
        assertFailed(running.client().get("/4").read(), 503, Failure.POOL_EXHAUSTED);
    }

    @Test
    void a_silent_endpoint_is_a_504_after_the_first_byte_timeout() throws Exception {
        RawOrigin origin = rig.origin(SILENT);
        Running running = rig.proxy(origin, route -> route, upstream -> upstream.firstByteTimeout(SHORT));
        RawClient client = running.client();
        assertFailed(client.get("/").read(), 504, Failure.FIRST_BYTE_TIMEOUT);
        assertFailed(client.request("POST", "/", "x").read(), 504, Failure.FIRST_BYTE_TIMEOUT);
        await().until(() -> origin.open() == 0);
    }

    @Test
    void the_deadline_of_the_route_is_a_504_and_lets_go_of_the_endpoint() throws Exception {
        RawOrigin origin = rig.origin(SILENT);
        Running running = rig.proxy(origin, route -> route.timeout(SHORT), upstream -> upstream);
        RawClient client = running.client();
        assertFailed(client.get("/").read(), 504, Failure.DEADLINE_EXCEEDED);
        await().until(() -> origin.open() == 0);
        assertThat(running.outcome().failure()).isEqualTo(Failure.DEADLINE_EXCEEDED);
        assertFailed(client.get("/").read(), 504, Failure.DEADLINE_EXCEEDED);
    }

    @Test
    void the_deadline_counts_the_response_body_too() throws Exception {
        RawOrigin origin = rig.origin(dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
        Running running = rig.proxy(origin, route -> route.timeout(Duration.ofMillis(400)), upstream -> upstream);
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.complete()).isFalse();
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_streaming_route_outlives_its_timeout_and_an_event_stream_does_too() throws Exception {
        for (String type : List.of("text/plain", "text/event-stream; charset=utf-8")) {
            CountDownLatch go = new CountDownLatch(1);
            RawOrigin origin = rig.origin((request, in, out, socket) -> {
                out.write(("HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: 4\r\n\r\nab")
                        .getBytes(StandardCharsets.UTF_8));
                out.flush();
                go.await(5, TimeUnit.SECONDS);
                out.write("cd".getBytes(StandardCharsets.UTF_8));
                return true;
            });
            Running running = rig.proxy(
                    origin,
                    route -> type.equals("text/plain") ? route.streaming().timeout(SHORT) : route.timeout(SHORT),
                    upstream -> upstream);
            RawClient client = running.client().get("/");
            long start = System.nanoTime();
            await().until(() -> System.nanoTime() - start > SHORT.toNanos() * 2);
            go.countDown();
            Answer answer = client.read();
            assertThat(answer.text()).isEqualTo("abcd");
            assertThat(answer.complete()).isTrue();
        }
    }

    @Test
    void a_streaming_route_ends_at_its_longest_life() throws Exception {
        RawOrigin origin = rig.origin(dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
        Running running =
                rig.proxy(origin, route -> route.streaming().maxDuration(Duration.ofMillis(400)), upstream -> upstream);
        assertThat(running.client().get("/").read().complete()).isFalse();
        assertThat(running.outcome().complete()).isFalse();
        assertThat(running.outcome().truncated()).isFalse();
    }

    @Test
    void a_response_that_stalls_is_cut_after_the_idle_timeout() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc".getBytes(StandardCharsets.UTF_8));
            out.flush();
            return in.read() >= 0;
        });
        Running running = rig.proxy(origin, route -> route.idleTimeout(SHORT), upstream -> upstream);
        Answer answer = running.client().get("/").read();
        assertThat(answer.text()).isEqualTo("abc");
        assertThat(answer.complete()).isFalse();
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_STALLED);
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_response_that_drips_is_not_cut() throws Exception {
        RawOrigin origin = rig.origin(dripping("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"));
        Running running = rig.proxy(origin, route -> route.idleTimeout(Duration.ofMillis(300)), upstream -> upstream);
        assertThat(running.client().get("/").read().complete()).isTrue();
    }

    @Test
    void a_request_body_that_stalls_is_a_408() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(origin, route -> route.idleTimeout(SHORT), upstream -> upstream);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 100\r\n\r\nabc");
        Answer answer = client.read();
        assertFailed(answer, 408, Failure.REQUEST_BODY_TIMEOUT);
        assertThat(answer.header("Connection")).isEqualTo("close");
        assertThat(client.isAtEnd()).isTrue();
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_request_body_that_is_missing_at_the_deadline_is_a_408_and_no_fault_of_the_endpoint() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(
                origin,
                route -> route.timeout(SHORT),
                upstream -> upstream.outlierDetection(OutlierDetection.builder()
                        .consecutive5xx(1)
                        .maxEjectedShare(1)
                        .build()));
        for (String framing : List.of("Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n")) {
            assertFailed(running.client().send(POST_UNREAD + framing).read(), 408, Failure.REQUEST_BODY_TIMEOUT);
            await().until(() -> origin.open() == 0);
        }
        assertThat(running.gateway().upstream("orders").endpoints().get(0).ejection())
                .isNull();
    }

    @Test
    void a_request_body_that_an_endpoint_does_not_take_is_its_own_fault() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> !over.await(10, TimeUnit.SECONDS));
        Running running = rig.proxy(
                origin,
                route -> route.timeout(Duration.ofMillis(500)).maxRequestBytes(1_000_000_000),
                upstream -> upstream);
        RawClient client = running.client().send(POST_UNREAD + "Content-Length: 100000000\r\n\r\n");
        byte[] part = new byte[100_000_000];
        try {
            client.send(part, 0, part.length);
        } catch (IOException cut) {
            // It is, after the deadline.
        }
        assertThat(running.outcome().failure()).isEqualTo(Failure.DEADLINE_EXCEEDED);
        over.countDown();
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_try_that_ends_while_the_client_still_sends_is_not_the_endpoints_fault() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(
                origin,
                route -> route,
                upstream -> upstream.retry(
                        RetryPolicy.builder().onTimeout().perTryTimeout(SHORT).build()));
        for (String method : List.of("POST", "PUT")) {
            Answer answer = running.client()
                    .send(POST_UNREAD.replace("POST", method) + "Content-Length: 100\r\n\r\nabc")
                    .read();
            assertFailed(answer, 408, Failure.REQUEST_BODY_TIMEOUT);
        }
        assertThat(origin.received()).hasSize(2);
    }

    @Test
    void t099_a_body_that_drips_is_a_408_whatever_the_idle_timeout_is() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readNBytes(100_000).length < 0);
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().minBodyRate(10_000).bodyRateWindow(SHORT)))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 100000\r\n\r\n");
        CompletableFuture<Answer> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return client.read();
            } catch (Exception broken) {
                throw new CompletionException(broken);
            }
        });
        await().pollInterval(Duration.ofMillis(10)).until(() -> {
            if (!answer.isDone()) {
                client.send("x");
            }
            return answer.isDone();
        });
        assertThat(answer.get().status()).isEqualTo(408);
        assertThat(answer.get().text()).contains("\"request_body_too_slow\"");
        assertThat(running.outcome().failure()).isEqualTo(Failure.REQUEST_BODY_TIMEOUT);
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_client_that_does_not_read_is_cut_after_the_write_timeout() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            out.write(new byte[100_000_000]);
            return true;
        });
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().writeTimeout(SHORT)))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        running.client().get("/");
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_STALLED);
        await().until(() -> origin.open() == 0);
    }

    @Test
    void a_client_that_stops_reading_later_is_cut_as_soon() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 200000000000\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            byte[] part = new byte[16 * 1024];
            // More than the quickest client reads before it stops.
            while (true) {
                out.write(part);
            }
        });
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().writeTimeout(SHORT)))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        RawClient client = running.client().get("/");
        long start = System.nanoTime();
        while (System.nanoTime() - start < SHORT.toNanos() * 2) {
            client.skip(16 * 1024);
        }
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_STALLED);
    }

    private Running inMemory(int bytes, Duration writeTimeout) {
        return rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().writeTimeout(writeTimeout)))
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .answer(Response.of(200).withBody(Body.of(new byte[bytes])))
                        .build()));
    }

    @Test
    void a_client_that_never_reads_an_answer_in_memory_is_cut_and_its_connection_freed() throws Exception {
        Running running = inMemory(32 << 20, SHORT);
        RawClient client = running.client().get("/");
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_STALLED);
        awaitClosed(client);
        assertThat(client.skip(32 << 20)).isLessThan(32 << 20);
    }

    @Test
    void a_client_that_never_reads_the_end_of_an_answer_is_cut_and_its_connection_freed() throws Exception {
        // Somewhere among these lengths are those that leave just the end in the gateway, whatever the kernel takes.
        int step = 16 * 1024;
        int most = 80;
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            int length = Integer.parseInt(request.header("X-Length"));
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            out.write(new byte[length]);
            return true;
        });
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().writeTimeout(SHORT)))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        List<RawClient> clients = new ArrayList<>();
        for (int i = 1; i <= most; i++) {
            clients.add(running.client().request("GET", "/", "", "X-Length: " + i * step));
        }
        running.outcome(most);
        assertThat(running.outcomes()).extracting(Outcome::failure).containsOnly(null, Failure.CLIENT_STALLED);
        assertThat(running.outcomes().stream()
                        .filter(outcome -> outcome.failure() != null && outcome.responseBytes() % step == 0))
                .as("cut when all but the end was out")
                .isNotEmpty();
        // The longest is one of those that were cut.
        awaitClosed(clients.get(most - 1));
    }

    @Test
    void a_client_that_reads_an_answer_in_memory_slowly_gets_it_whole() throws Exception {
        int length = 24 << 20;
        Running running = inMemory(length, Duration.ofSeconds(1));
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(64 * 1024);
            socket.connect(new InetSocketAddress("127.0.0.1", running.port()));
            RawClient client = new RawClient(socket).get("/");
            long start = System.nanoTime();
            long read = 0;
            while (read < length) {
                read += client.skip(256 * 1024);
                long next = start + read * 1_400_000_000L / length;
                await().pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(1))
                        .until(() -> System.nanoTime() >= next);
            }
            assertThat(running.outcome().failure()).isNull();
            assertThat(running.outcome().responseBytes()).isEqualTo(length);
        }
    }

    @Test
    void an_origin_that_does_not_read_is_let_go_of() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicLong taken = new AtomicLong(-1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            go.await(10, TimeUnit.SECONDS);
            taken.set(in.transferTo(OutputStream.nullOutputStream()));
            return false;
        });
        Running running = rig.proxy(
                origin,
                route -> route.withoutRequestSizeLimit().idleTimeout(Duration.ofMillis(800)),
                upstream -> upstream);
        RawClient client = running.client()
                .send(
                        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 100000000\r\n\r\n");
        Thread sender = new Thread(() -> {
            try {
                client.send(new byte[100_000_000], 0, 100_000_000);
            } catch (IOException cut) {
                // As expected: nobody reads it.
            }
        });
        sender.start();
        Outcome outcome = running.outcome();
        assertThat(outcome.status()).isEqualTo(504);
        running.checkNothingHeld();
        // A connection that waits for the origin to read would still be there, and would go on now.
        await().until(() ->
                running.gateway().upstream("orders").endpoints().get(0).connections() == 0);
        long closed = System.nanoTime() + Duration.ofMillis(1500).toNanos();
        await().until(() -> System.nanoTime() > closed);
        go.countDown();
        await().untilAsserted(() -> assertThat(taken.get()).isNotNegative());
        await().until(() -> origin.open() == 0);
        sender.join(5000);
    }

    /** Waits until what the client sends is refused: nobody holds the other end any more. */
    private static void awaitClosed(RawClient client) {
        await().until(() -> {
            try {
                client.send("x");
                return false;
            } catch (IOException reset) {
                return true;
            }
        });
    }

    @Test
    void a_stream_that_has_lasted_as_long_as_it_may_is_nobodys_fault() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            while (true) {
                out.write("1\r\nx\r\n".getBytes(StandardCharsets.UTF_8));
                never.await(20, TimeUnit.MILLISECONDS);
            }
        });
        Running running =
                rig.proxy(origin, route -> route.streaming().maxDuration(SHORT.multipliedBy(2)), upstream -> upstream);
        assertThat(running.client().get("/").read().complete()).isFalse();
        Outcome outcome = running.outcome();
        assertThat(outcome.failure()).isEqualTo(Failure.STREAM_ENDED);
        assertThat(outcome.reason()).isEqualTo("stream.max_duration");
    }

    @Test
    void a_client_that_takes_longer_than_the_deadline_is_not_the_origins_fault() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            out.write(new byte[64_000_000]);
            return false;
        });
        Running running = rig.proxy(origin, route -> route.timeout(Duration.ofSeconds(1)), upstream -> upstream);
        RawClient client = running.client().get("/");
        client.skip(20);
        Outcome outcome = running.outcome();
        assertThat(outcome.failure()).isEqualTo(Failure.CLIENT_STALLED);
        assertThat(outcome.reason()).isEqualTo("client_too_slow");
    }

    @Test
    void a_client_that_sends_longer_than_the_deadline_is_not_the_origins_fault() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readNBytes(100).length == 100);
        Running running = rig.proxy(origin, route -> route.timeout(SHORT), upstream -> upstream);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 100\r\n\r\nx");
        assertFailed(client.read(), 408, Failure.REQUEST_BODY_TIMEOUT);
        assertThat(running.outcome().failure()).isEqualTo(Failure.REQUEST_BODY_TIMEOUT);
    }

    @Test
    void a_slow_head_is_a_408() throws Exception {
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().headTimeout(SHORT)))
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .answer(Response.of(204))
                        .build()));
        RawClient client = running.client().send("GET / HTTP/1.1\r\nHost: loc");
        assertThat(client.read().status()).isEqualTo(408);
        assertThat(client.isAtEnd()).isTrue();
    }

    @Test
    void each_event_arrives_before_the_next_is_sent() throws Exception {
        Semaphore seen = new Semaphore(0);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < 20; i++) {
                out.write(("9\r\ndata: " + (char) ('a' + i) + "\n\n\r\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
                if (!seen.tryAcquire(5, TimeUnit.SECONDS)) {
                    return false;
                }
            }
            out.write("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            return true;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20; ) {
            text.append((char) client.readByte());
            if (text.toString().endsWith("data: " + (char) ('a' + i) + "\n\n")) {
                seen.release();
                i++;
            }
        }
        assertThat(running.outcome().failure()).isNull();
    }

    /** A byte each 50 ms. */
    private static RawOrigin.Script dripping(String head) {
        return (request, in, out, socket) -> {
            out.write(head.getBytes(StandardCharsets.UTF_8));
            CountDownLatch never = new CountDownLatch(1);
            int length = Integer.parseInt(head.replaceAll("(?s).*Content-Length: (\\d+).*", "$1"));
            for (int i = 0; i < length; i++) {
                out.write('x');
                out.flush();
                if (never.await(50, TimeUnit.MILLISECONDS)) {
                    return false;
                }
            }
            return true;
        };
    }
}
