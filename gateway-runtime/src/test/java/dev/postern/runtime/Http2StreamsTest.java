package dev.postern.runtime;

import static dev.postern.runtime.rig.RawHttp2.CANCEL;
import static dev.postern.runtime.rig.RawHttp2.GOAWAY;
import static dev.postern.runtime.rig.RawHttp2.HEADERS;
import static dev.postern.runtime.rig.RawHttp2.NO_ERROR;
import static dev.postern.runtime.rig.RawHttp2.REFUSED_STREAM;
import static dev.postern.runtime.rig.RawHttp2.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams of HTTP/2: their flow, their end before their time, and the end of their connection. */
class Http2StreamsTest {
    private static final int MIB = 1 << 20;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private Running cleartext(String origin, Protocol behind) {
        return rig.start(gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                .upstream(Upstream.builder("orders")
                        .endpoints(origin)
                        .protocol(behind)
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .withoutRequestSizeLimit()
                        .to("orders")
                        .build()));
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void awaitStill(AtomicLong counter) {
        long[] last = {-1};
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(150))
                .atMost(Duration.ofSeconds(10))
                .until(() -> {
                    boolean still = counter.get() == last[0];
                    last[0] = counter.get();
                    return still;
                });
    }

    // ---- fields

    // RFC 7541 7.1
    @ParameterizedTest
    @ValueSource(ints = {0, 4_096, 65_536})
    void what_one_client_has_sent_does_not_show_in_how_another_ones_fields_are_compressed(int offered)
            throws Exception {
        List<String> heads = new CopyOnWriteArrayList<>();
        int headerTableSize = 1;
        Http2Origin origin = rig.close(Http2Origin.answering(
                Http2Origin.complete((connection, stream, frame) -> {
                    heads.add(new String(frame.payload(), StandardCharsets.ISO_8859_1));
                    connection.headers(stream.id(), true, ":status", "200");
                }),
                headerTableSize,
                offered));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        for (int i = 0; i < 3; i++) {
            assertThat(client.get("/", "x-secret", "a-value-of-somebody").status())
                    .isEqualTo(200);
        }
        assertThat(origin.connections()).hasSize(1);
        assertThat(heads)
                .hasSize(3)
                .allMatch(head -> head.contains("x-secret") && head.contains("a-value-of-somebody"));
        running.checkNothingHeld();
    }

    // ---- flow

    @Test
    void a_stream_that_is_not_read_stops_its_origin_and_no_other_stream() throws Exception {
        AtomicLong sent = new AtomicLong();
        RawOrigin origin = rig.close(RawOrigin.answering((request, in, out, socket) -> {
            if (request.line().contains("/small")) {
                out.write(text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
                return true;
            }
            socket.setSendBufferSize(64 * 1024);
            out.write(text("HTTP/1.1 200 OK\r\nContent-Length: " + 512 * MIB + "\r\n\r\n"));
            byte[] part = new byte[16 * 1024];
            for (int i = 0; i < 512 * MIB / part.length; i++) {
                out.write(part);
                sent.addAndGet(part.length);
            }
            return true;
        }));
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2().stingy();
        int slow = client.next();
        client.headers(slow, true, request("GET", "/large"));
        client.awaitBytes(slow, 65_535);
        awaitStill(sent);
        // What two sockets and the gateway hold; the rest of 512 MiB was never written.
        assertThat(sent.get()).isLessThan(16 * MIB);
        client.window(0, MIB);
        assertThat(client.get("/small").text()).isEqualTo("hi");
        assertThat(client.stream(slow).bytes()).hasSize(65_535);
        client.reset(slow, CANCEL);
        running.checkNothingHeld();
    }

    @Test
    void an_origin_that_does_not_read_stops_its_stream_and_no_other() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        RawOrigin origin = rig.close(RawOrigin.answering((request, in, out, socket) -> {
            if (request.line().contains("/small")) {
                out.write(text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
                return true;
            }
            go.await(10, TimeUnit.SECONDS);
            byte[] body = in.readNBytes(MIB);
            out.write(text("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + body.length));
            return true;
        }));
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2().awaitSettings().keepingFrames();
        int slow = client.next();
        client.headers(slow, false, request("POST", "/large", "x-script-reads-body", "1", "content-length", "" + MIB));
        client.data(slow, false, new byte[65_535]);
        assertThat(client.get("/small").text()).isEqualTo("hi");
        go.countDown();
        int sent = 65_535;
        int window = 0;
        int seen = 0;
        while (sent < MIB) {
            for (; seen < client.frames().size(); seen++) {
                RawHttp2.Frame frame = client.frames().get(seen);
                window += frame.type() == RawHttp2.WINDOW_UPDATE && frame.stream() == slow ? (int) frame.number(0) : 0;
            }
            int next = Math.min(window, MIB - sent);
            if (next > 0) {
                client.data(slow, sent + next == MIB, new byte[next]);
                sent += next;
                window -= next;
            } else if (client.read() == null) {
                break;
            }
        }
        assertThat(client.await(slow).text()).isEqualTo("1048576");
    }

    @Test
    void bodies_pass_unchanged_over_http2_on_both_sides() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            connection.window(0, 64 * MIB);
            connection.headers(stream.id(), false, ":status", "200");
            // More than the windows: the rest goes when there is room, which the gateway gives as its client reads.
            connection.data(stream.id(), true, stream.bytes());
        })));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        byte[] body = new byte[60_000];
        Arrays.fill(body, (byte) 'x');
        RawHttp2 client = running.http2();
        for (int i = 0; i < 20; i++) {
            assertThat(client.post("/", body).bytes()).isEqualTo(body);
        }
        // A connection goes back behind its answer: a client that is quick may need a second one.
        assertThat(origin.connections()).hasSizeLessThanOrEqualTo(2);
    }

    // ---- streams that end before their time

    @Test
    void T121_a_client_that_cancels_ends_the_exchange_at_an_endpoint_of_http1() throws Exception {
        CompletableFuture<Integer> seen = new CompletableFuture<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            seen.complete(socket.getInputStream().read());
            return false;
        });
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2();
        int stream = client.next();
        client.headers(stream, true, request("GET", "/"));
        await().until(() -> !origin.received().isEmpty());
        client.reset(stream, CANCEL);
        assertThat(seen.get(5, TimeUnit.SECONDS)).isEqualTo(-1);
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
    }

    @Test
    void T121_a_client_that_cancels_costs_an_endpoint_of_http2_a_stream_and_no_connection() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering((connection, stream, frame) -> {
            if (frame.type() == HEADERS && stream.header(":path").equals("/answered")) {
                connection.headers(stream.id(), false, ":status", "200").data(stream.id(), false, "part");
            } else if (frame.type() == HEADERS && stream.header(":path").equals("/quick")) {
                connection.headers(stream.id(), true, ":status", "204");
            }
        }));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        for (int i = 0; i < 10; i++) {
            int stream = client.next();
            client.headers(stream, true, request("GET", i % 2 == 0 ? "/answered" : "/silent"));
            int count = i + 1;
            await().until(() -> origin.received().size() == 2 * count - 1);
            if (i % 2 == 0) {
                client.awaitBytes(stream, 4);
            }
            client.reset(stream, CANCEL);
            Stream seen = origin.received().get(2 * i);
            await().until(() -> seen.reset() == CANCEL);
            running.outcome(2 * i + 1);
            assertThat(client.get("/quick").status()).isEqualTo(204);
        }
        assertThat(origin.connections()).hasSize(1);
    }

    @Test
    void T116_an_endpoint_that_breaks_off_is_seen_as_broken_off() throws Exception {
        Http2Origin origin =
                rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200")
                        .data(stream.id(), false, "part")
                        .reset(stream.id(), CANCEL))));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        Stream answer = running.http2().get("/");
        assertThat(answer.ended()).as(answer.toString()).isFalse();
        assertThat(answer.reset()).as(answer.toString()).isPositive();
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
    }

    // ---- connections that are not made

    @Test
    void an_endpoint_that_accepts_connections_and_says_nothing_holds_none_of_them() throws Exception {
        // Vert.x says so of each that it has waited for.
        rig.expectLog("Connection evicted");
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
            Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                            .endpoints("http://127.0.0.1:" + silent.getLocalPort())
                            .protocol(Protocol.HTTP_2)
                            .maxConnections(1)
                            .connectTimeout(Duration.ofMillis(150))
                            .build())
                    .route(Route.builder("all")
                            .match(Match.prefix("/"))
                            .to("orders")
                            .build()));
            for (int i = 1; i <= 3; i++) {
                running.client().get("/").read();
                assertThat(running.outcome(i).failure()).as("request " + i).isEqualTo(Failure.CONNECT_TIMEOUT);
                await().until(() ->
                        running.gateway().upstream("orders").endpoints().get(0).connections() == 0);
                // Was it closed? The end of what the gateway sends comes behind its preface.
                try (Socket accepted = silent.accept()) {
                    accepted.setSoTimeout(10_000);
                    accepted.getInputStream().readAllBytes();
                }
            }
        }
    }

    @Test
    void streams_under_way_outlast_a_connection_that_was_not_made() throws Exception {
        rig.expectLog("Connection evicted");
        CountDownLatch go = new CountDownLatch(1);
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            connection.headers(stream.id(), false, ":status", "200").data(stream.id(), false, "first ");
            CompletableFuture.runAsync(() -> {
                try {
                    go.await(10, TimeUnit.SECONDS);
                    connection.data(stream.id(), true, "second");
                } catch (Exception broken) {
                    throw new IllegalStateException(broken);
                }
            });
        })));
        try (FirstOnly door = new FirstOnly(origin.url())) {
            Running running = rig.start(
                    gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                            .upstream(Upstream.builder("orders")
                                    .endpoints("http://127.0.0.1:" + door.server.getLocalPort())
                                    .protocol(Protocol.HTTP_2)
                                    .connectTimeout(Duration.ofMillis(300))
                                    .build())
                            .route(Route.builder("all")
                                    .match(Match.prefix("/"))
                                    .to("orders")
                                    .build()));
            RawHttp2 client = running.http2();
            int slow = client.next();
            client.headers(slow, true, request("GET", "/"));
            client.awaitBytes(slow, 6);
            // It has a body without a length, and so wants a connection of its own.
            int other = client.next();
            client.headers(other, false, request("POST", "/")).data(other, true, "body");
            assertThat(client.await(other).status()).isEqualTo(504);
            go.countDown();
            assertThat(client.await(slow).text()).isEqualTo("first second");
        }
    }

    /** Leads the first connection to another port and lets all others wait. */
    private static final class FirstOnly implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));

        FirstOnly(String url) throws IOException {
            int port = Integer.parseInt(url.substring(url.lastIndexOf(':') + 1));
            CompletableFuture.runAsync(() -> {
                try {
                    Socket first = server.accept();
                    Socket behind = new Socket("127.0.0.1", port);
                    new Thread(() -> copy(first, behind)).start();
                    new Thread(() -> copy(behind, first)).start();
                } catch (IOException closed) {
                    throw new IllegalStateException(closed);
                }
            });
        }

        private static void copy(Socket from, Socket to) {
            try (from;
                    to) {
                from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException over) {
                // One side has ended the connection.
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    // ---- heads of endpoints

    @Test
    void a_head_of_an_endpoint_may_be_larger_than_one_of_a_client() throws Exception {
        String large = "a".repeat(20_000);
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) ->
                connection.headers(stream.id(), true, ":status", "200", "x-large", large))));
        Stream answer = cleartext(origin.url(), Protocol.HTTP_2).http2().get("/");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("x-large")).isEqualTo(large);
    }

    @Test
    void a_head_that_is_none_is_a_502_and_nothing_else_is_said_about_it() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) ->
                connection.headers(stream.id(), false, ":status", "700").data(stream.id(), false, "x"))));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        assertThat(running.http2().get("/").status()).isEqualTo(502);
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_MALFORMED);
    }

    // ---- connections that end: endpoints

    @Test
    void T110_a_request_that_an_endpoint_refused_unseen_is_sent_again_whatever_it_is() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Http2Origin origin = rig.close(Http2Origin.answering((connection, stream, frame) -> {
            if (frame.type() == HEADERS) {
                if (asked.getAndIncrement() == 0) {
                    connection.reset(stream.id(), REFUSED_STREAM);
                } else {
                    connection.headers(stream.id(), true, ":status", "204");
                }
            }
        }));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        assertThat(running.http2().post("/", new byte[0], "content-length", "0").status())
                .isEqualTo(204);
        assertThat(asked.get()).isEqualTo(2);
    }

    @Test
    void T110_requests_behind_the_last_stream_of_a_GOAWAY_go_to_another_connection() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering((connection, stream, frame) -> {
            if (frame.type() == HEADERS && stream.id() >= 5) {
                // As an endpoint does that stops: what came last is not looked at.
                connection.send(GOAWAY, 0, 0, new byte[] {0, 0, 0, 3, 0, 0, 0, 0});
            } else if (frame.type() == HEADERS) {
                connection.headers(stream.id(), true, ":status", "204");
            }
        }));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        for (int i = 0; i < 6; i++) {
            int stream = client.next();
            client.headers(stream, true, request("POST", "/" + i, "content-length", "0"));
            assertThat(client.await(stream).status()).as("request " + i).isEqualTo(204);
        }
        assertThat(origin.connections()).hasSize(3);
        assertThat(running.outcomes()).allMatch(outcome -> outcome.failure() == null);
    }

    @Test
    void a_response_under_way_survives_the_GOAWAY_of_its_endpoint() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            connection.headers(stream.id(), false, ":status", "200").data(stream.id(), false, "first ");
            connection.send(GOAWAY, 0, 0, new byte[] {0, 0, 0, (byte) stream.id(), 0, 0, 0, 0});
            connection.data(stream.id(), true, "second");
        })));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        for (int i = 0; i < 3; i++) {
            assertThat(client.get("/").text()).isEqualTo("first second");
        }
        assertThat(origin.connections()).hasSize(3);
    }

    // ---- connections that end: ours

    @Test
    void T134_a_drain_is_told_twice_and_loses_nothing_in_between() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            if (request.line().contains("/slow")) {
                go.await(10, TimeUnit.SECONDS);
            }
            out.write(text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
            return true;
        });
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2().awaitSettings();
        int slow = client.next();
        client.headers(slow, true, request("GET", "/slow"));
        await().until(() -> !origin.received().isEmpty());
        CompletableFuture<Void> stopped =
                CompletableFuture.runAsync(() -> running.gateway().stop(Duration.ofSeconds(10)));
        while (client.goAwayCode() < 0) {
            assertThat(client.read()).isNotNull();
        }
        assertThat(client.goAwayLast()).isEqualTo(Integer.MAX_VALUE);
        // Sent before the client could know.
        int crossing = client.next();
        client.headers(crossing, true, request("GET", "/crossing"));
        assertThat(client.await(crossing).text()).isEqualTo("hi");
        go.countDown();
        assertThat(client.await(slow).text()).isEqualTo("hi");
        assertThat(client.awaitEnd()).isEqualTo(NO_ERROR);
        assertThat(client.goAwayLast()).isEqualTo(crossing);
        stopped.get(10, TimeUnit.SECONDS);
    }

    @Test
    void T134_idle_connections_leave_at_once_when_the_gateway_drains() throws Exception {
        Running running = cleartext(rig.origin(RawOrigin.ok("hi")).url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2();
        assertThat(client.get("/").text()).isEqualTo("hi");
        CompletableFuture<Void> stopped =
                CompletableFuture.runAsync(() -> running.gateway().stop(Duration.ofSeconds(10)));
        assertThat(client.awaitEnd()).isEqualTo(NO_ERROR);
        assertThat(client.goAwayLast()).isEqualTo(1);
        stopped.get(5, TimeUnit.SECONDS);
    }
}
