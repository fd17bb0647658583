package dev.postern.runtime;

import static dev.postern.runtime.rig.RawHttp2.CANCEL;
import static dev.postern.runtime.rig.RawHttp2.CONTINUATION;
import static dev.postern.runtime.rig.RawHttp2.DATA;
import static dev.postern.runtime.rig.RawHttp2.END_HEADERS;
import static dev.postern.runtime.rig.RawHttp2.END_STREAM;
import static dev.postern.runtime.rig.RawHttp2.ENHANCE_YOUR_CALM;
import static dev.postern.runtime.rig.RawHttp2.HEADERS;
import static dev.postern.runtime.rig.RawHttp2.PING;
import static dev.postern.runtime.rig.RawHttp2.PRIORITY;
import static dev.postern.runtime.rig.RawHttp2.PROTOCOL_ERROR;
import static dev.postern.runtime.rig.RawHttp2.REFUSED_STREAM;
import static dev.postern.runtime.rig.RawHttp2.RST_STREAM;
import static dev.postern.runtime.rig.RawHttp2.SETTINGS;
import static dev.postern.runtime.rig.RawHttp2.WINDOW_UPDATE;
import static dev.postern.runtime.rig.RawHttp2.frame;
import static dev.postern.runtime.rig.RawHttp2.literals;
import static dev.postern.runtime.rig.RawHttp2.number;
import static dev.postern.runtime.rig.RawHttp2.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Filter;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients of HTTP/2 who want to be served by nobody else, or to be understood in two ways. */
class Http2GuardTest {
    private static final int UNKNOWN = 0xb;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private Running gateway(RawOrigin origin, Limits limits) {
        return rig.start(gateway -> gateway.listen(
                        Listener.http2Cleartext(0).host("127.0.0.1").limits(limits))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    private Running gateway(RawOrigin origin) {
        return gateway(origin, Limits.standard());
    }

    private RawOrigin echo() throws Exception {
        return rig.origin(RawOrigin.echo());
    }

    /** What a client can send that is never answered, and reads until the end. */
    private static long end(RawHttp2 client, byte[] bytes) throws IOException {
        try {
            client.bytes(bytes);
        } catch (SocketException closedAlready) {
            // Sent is sent.
        }
        return client.awaitEnd();
    }

    private static byte[] times(int count, byte[]... frames) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            for (byte[] frame : frames) {
                all.writeBytes(frame);
            }
        }
        return all.toByteArray();
    }

    private static byte[] opened(RawHttp2 client, boolean end, String... fields) {
        return frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), client.next(), client.block(fields));
    }

    // ---- floods

    @Test
    void T092_who_opens_and_cancels_is_told_to_calm_down_and_nobody_else_notices() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        RawHttp2 good = running.http2();
        assertThat(good.get("/").status()).isEqualTo(200);
        RawHttp2 bad = running.http2().awaitSettings();
        ByteArrayOutputStream flood = new ByteArrayOutputStream();
        for (int i = 0; i < 400; i++) {
            int stream = bad.next();
            flood.writeBytes(frame(HEADERS, END_HEADERS | END_STREAM, stream, bad.block(request("GET", "/bad"))));
            flood.writeBytes(frame(RST_STREAM, 0, stream, number(CANCEL)));
        }
        assertThat(end(bad, flood.toByteArray())).isEqualTo(ENHANCE_YOUR_CALM);
        assertThat(good.get("/").status()).isEqualTo(200);
        assertThat(origin.received()).noneMatch(request -> request.line().contains("/bad"));
    }

    @Test
    void a_stream_reset_in_the_packet_of_its_head_costs_no_connection_to_an_endpoint() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin, Limits.standard().maxStreamResets(10_000));
        RawHttp2 client = running.http2().awaitSettings();
        assertThat(client.get("/").status()).isEqualTo(200);
        for (int round = 0; round < 100; round++) {
            ByteArrayOutputStream flood = new ByteArrayOutputStream();
            for (int i = 0; i < 10; i++) {
                int stream = client.next();
                flood.writeBytes(
                        frame(HEADERS, END_HEADERS | END_STREAM, stream, client.block(request("GET", "/reset"))));
                flood.writeBytes(frame(RST_STREAM, 0, stream, number(CANCEL)));
            }
            client.bytes(flood.toByteArray());
            assertThat(client.roundTrip()).isTrue();
        }
        assertThat(client.get("/").status()).isEqualTo(200);
        assertThat(origin.connections()).isEqualTo(1);
        assertThat(origin.received()).hasSize(2);
    }

    @Test
    void T093_who_makes_us_reset_is_told_to_calm_down() throws Exception {
        Running running = gateway(
                rig.origin((request, in, out, socket) -> socket.getInputStream().read() >= 0));
        RawHttp2 bad = running.http2().awaitSettings();
        ByteArrayOutputStream flood = new ByteArrayOutputStream();
        for (int i = 0; i < 40; i++) {
            byte[] head = opened(bad, true, request("GET", "/"));
            flood.writeBytes(head);
            flood.writeBytes(frame(WINDOW_UPDATE, 0, 1 + 2 * i, number(0)));
        }
        assertThat(end(bad, flood.toByteArray())).isEqualTo(ENHANCE_YOUR_CALM);
    }

    @Test
    void T094_a_head_in_crumbs_is_not_put_together() throws Exception {
        Running running = gateway(echo());
        RawHttp2 bad = running.http2().awaitSettings();
        byte[] block = bad.block(request("GET", "/"));
        byte[] start = frame(HEADERS, END_STREAM, 1, Arrays.copyOf(block, 2));
        assertThat(end(bad, times(1, start, times(40, frame(CONTINUATION, 0, 1)))))
                .isEqualTo(ENHANCE_YOUR_CALM);
        RawHttp2 worse = running.http2().awaitSettings();
        byte[] field = literals("x-" + "a".repeat(100), "b".repeat(900));
        byte[] more = frame(CONTINUATION, 0, 1, field);
        assertThat(end(worse, times(1, start, times(2000, more)))).isEqualTo(ENHANCE_YOUR_CALM);
    }

    static List<byte[]> frames_about_nothing() {
        return List.of(
                frame(PING, 0, 0, new byte[8]),
                frame(PING, 1, 0, new byte[8]),
                frame(SETTINGS, 0, 0),
                frame(SETTINGS, 0, 0, (byte) 0, (byte) 4, (byte) 0, (byte) 0, (byte) 1, (byte) 0),
                frame(PRIORITY, 0, 1, new byte[] {0, 0, 0, 0, 1}),
                frame(PRIORITY, 0, 1001, new byte[] {0, 0, 0, 3, 1}),
                frame(UNKNOWN, 0, 0, new byte[16]),
                frame(UNKNOWN, 0, 1, new byte[16]),
                frame(WINDOW_UPDATE, 0, 0, number(1)),
                frame(WINDOW_UPDATE, 0, 1, number(1)),
                frame(DATA, 0, 1),
                frame(DATA, 8, 1, new byte[] {3, 0, 0, 0}),
                frame(DATA, 0, 1, new byte[] {'x'}),
                frame(RST_STREAM, 0, 1, number(CANCEL)));
    }

    @Test
    void T095_frames_about_nothing_end_the_connection_and_no_other() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            over.await(30, TimeUnit.SECONDS);
            return false;
        });
        Running running = gateway(origin);
        RawHttp2 good = running.http2().awaitSettings();
        for (byte[] frame : frames_about_nothing()) {
            RawHttp2 bad = running.http2().awaitSettings();
            bad.bytes(opened(bad, false, request("POST", "/", "content-length", "5000")));
            assertThat(end(bad, times(3000, frame)))
                    .as("frames of type " + frame[3] + " and " + (frame.length - 9) + " bytes")
                    .isEqualTo(ENHANCE_YOUR_CALM);
        }
        assertThat(good.roundTrip()).isTrue();
        over.countDown();
    }

    @Test
    void a_client_may_give_window_for_what_it_got_bit_by_bit() throws Exception {
        int length = 1 << 20;
        Running running = gateway(rig.origin(RawOrigin.ok("x".repeat(length))));
        RawHttp2 client = running.http2().awaitSettings().stingy();
        int stream = client.next();
        client.headers(stream, true, request("GET", "/"));
        for (int got = 32 * 1024; got < length; got += 32 * 1024) {
            client.awaitBytes(stream, got);
            ByteArrayOutputStream bits = new ByteArrayOutputStream();
            for (int i = 0; i < 64; i++) {
                bits.writeBytes(frame(WINDOW_UPDATE, 0, stream, number(512)));
                bits.writeBytes(frame(WINDOW_UPDATE, 0, 0, number(512)));
            }
            client.bytes(bits.toByteArray());
        }
        assertThat(client.await(stream).bytes()).hasSize(length);
    }

    @Test
    void T097_more_streams_than_allowed_are_refused_unseen() throws Exception {
        CountDownLatch full = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            full.await(10, TimeUnit.SECONDS);
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            return true;
        });
        Running running = gateway(origin, Limits.standard().maxStreams(10));
        RawHttp2 client = running.http2();
        List<Integer> streams = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            streams.add(client.next());
            client.headers(streams.get(i), false, request("POST", "/"));
            client.data(streams.get(i), true, "hello");
        }
        assertThat(client.roundTrip()).as(client.goAwayText()).isTrue();
        full.countDown();
        for (int i = 0; i < 30; i++) {
            Stream stream = client.await(streams.get(i));
            if (i < 10) {
                assertThat(stream.status()).as(stream.toString()).isEqualTo(200);
            } else {
                assertThat(stream.reset()).as(stream.toString()).isEqualTo(REFUSED_STREAM);
            }
        }
        assertThat(origin.received()).hasSize(10);
        RawHttp2 greedy = running.http2().awaitSettings();
        ByteArrayOutputStream flood = new ByteArrayOutputStream();
        for (int i = 0; i < 300; i++) {
            flood.writeBytes(opened(greedy, false, request("POST", "/", "content-length", "5")));
        }
        assertThat(end(greedy, flood.toByteArray())).isEqualTo(ENHANCE_YOUR_CALM);
    }

    @Test
    void T096_a_small_head_that_grows_large_is_refused() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        RawHttp2 client = running.http2().awaitSettings();
        String large = "v".repeat(3000);
        assertThat(client.get("/first", "x-large", large).status()).isEqualTo(200);
        List<String> fields = new ArrayList<>(List.of(request("GET", "/bomb")));
        for (int i = 0; i < 2000; i++) {
            fields.addAll(List.of("x-large", large));
        }
        int stream = client.next();
        byte[] block = client.block(fields.toArray(String[]::new));
        assertThat(block.length).isLessThan(16_000);
        client.send(HEADERS, END_HEADERS | END_STREAM, stream, block);
        assertThat(client.await(stream).status()).isEqualTo(431);
        RawHttp2 other = running.http2().awaitSettings();
        assertThat(other.get("/first", "x-large", large).status()).isEqualTo(200);
        Stream answer = other.get(
                "/six", "x-large", large, "x-large", large, "x-large", large, "x-large", large, "x-large", large,
                "x-large", large);
        assertThat(answer.status()).as(answer.toString()).isEqualTo(431);
        String[] many = new String[240];
        for (int i = 0; i < many.length; i += 2) {
            many[i] = "x-" + i;
            many[i + 1] = "1";
        }
        assertThat(other.get("/many", many).status()).isEqualTo(431);
        assertThat(other.get("/").status()).isEqualTo(200);
        assertThat(origin.received()).noneMatch(request -> request.line().contains("/bomb"));
    }

    @Test
    void T098_a_head_that_does_not_end_is_waited_for_only_so_long() throws Exception {
        Running running = gateway(echo(), Limits.standard().headTimeout(Duration.ofMillis(300)));
        RawHttp2 client = running.http2().awaitSettings();
        assertThat(client.get("/").status()).isEqualTo(200);
        byte[] block = client.block(request("GET", "/"));
        client.send(HEADERS, END_STREAM, client.next(), Arrays.copyOf(block, 2));
        assertThat(client.awaitEnd()).as(client.goAwayText()).isEqualTo(ENHANCE_YOUR_CALM);
        // Preface and nothing else.
        RawHttp2 silent = rig.close(new RawHttp2(new java.net.Socket("127.0.0.1", running.port())));
        silent.bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(silent.socket().getInputStream().readAllBytes()).isNotEmpty();
    }

    @Test
    void T100_a_client_that_takes_nothing_is_cut_and_read_no_more() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("x".repeat(2000)));
        Running running = gateway(origin, Limits.standard().writeTimeout(Duration.ofMillis(500)));
        java.net.Socket socket = new java.net.Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(new java.net.InetSocketAddress("127.0.0.1", running.port()));
        RawHttp2 client = rig.close(RawHttp2.client(socket, 4, 1 << 30));
        client.window(0, 1 << 30);
        Thread asking = new Thread(() -> {
            try {
                for (int i = 0; i < 20_000; i++) {
                    client.headers(client.next(), true, request("GET", "/nothing"));
                }
            } catch (IOException cut) {
                // What is waited for.
            }
        });
        asking.start();
        asking.join(10_000);
        assertThat(asking.isAlive()).isFalse();
        running.checkNothingHeld();
        await().atMost(Duration.ofSeconds(10)).until(() -> running.outcomes().size() < 20_000);
    }

    // ---- what is kept

    /** Heap in use when everything that can be collected is. */
    private static long heap() {
        Runtime runtime = Runtime.getRuntime();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 2; i++) {
            System.gc();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }

    /** Names of requests, and what a client sends on one stream for an exchange that its endpoint does not answer. */
    static List<String> shapes() {
        return List.of("small", "large head", "many fields", "crumbs of a cookie", "pieces of five bytes", "one piece");
    }

    private static byte[] shape(String name, RawHttp2 client, int stream) {
        List<String> fields = new ArrayList<>(List.of(request("POST", "/")));
        switch (name) {
            case "large head" -> fields.addAll(List.of("x-a", "a".repeat(7000), "x-b", "b".repeat(7000)));
            case "many fields" -> {
                for (int i = 0; i < 90; i++) {
                    fields.addAll(List.of("x" + i, ""));
                }
            }
            case "crumbs of a cookie" -> {
                for (int i = 0; i < 90; i++) {
                    fields.addAll(List.of("cookie", "a"));
                }
            }
            default -> {
                // Nothing else.
            }
        }
        byte[] head = frame(HEADERS, END_HEADERS, stream, client.block(fields.toArray(String[]::new)));
        return switch (name) {
            case "pieces of five bytes" -> times(1, head, times(13_000, frame(DATA, 0, stream, new byte[5])));
            case "one piece" -> times(1, head, times(4, frame(DATA, 0, stream, new byte[16_000])));
            default -> head;
        };
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void M20_no_request_keeps_more_than_ten_times_its_bytes_and_64_KiB(String name) throws Exception {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        AtomicInteger waiting = new AtomicInteger();
        Running running =
                rig.start(gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .filter(Filter.named("gate", (request, chain) -> {
                                    waiting.incrementAndGet();
                                    return gate.thenCompose(open -> chain.answer(Response.of(204)));
                                }))
                                .answer(Response.of(200))
                                .build()));
        RawHttp2 client = running.http2().awaitSettings();
        int count = 15;
        byte[][] bytes = new byte[count][];
        int[] streams = new int[count];
        for (int i = 0; i < count; i++) {
            streams[i] = client.next();
            bytes[i] = shape(name, client, streams[i]);
        }
        // What is there once only.
        client.bytes(bytes[0]);
        assertThat(client.roundTrip()).as(client.goAwayText()).isTrue();
        long before = heap();
        long wire = 0;
        for (int i = 1; i < count; i++) {
            client.bytes(bytes[i]);
            wire += bytes[i].length;
        }
        assertThat(client.roundTrip()).as(client.goAwayText()).isTrue();
        assertThat(waiting).hasValue(count);
        long kept = heap() - before;
        assertThat(kept).as("kept for " + wire + " bytes of " + name).isLessThan(10 * wire + (count - 1) * 65_536L);
        gate.complete(null);
        for (int stream : streams) {
            client.reset(stream, CANCEL);
        }
    }

    // ---- heads

    static List<List<String>> malformed_heads() {
        String[][] heads = {
            {":method", "GET", ":scheme", "http", ":path", "/"},
            {":method", "GET", ":scheme", "http", ":authority", "a"},
            {":method", "GET", ":path", "/", ":authority", "a"},
            {":scheme", "http", ":path", "/", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "a", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "http://a/", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/a b", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/\0", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/a#b", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/\u00e9", ":authority", "a"},
            {":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a"},
            {":method", "GET", ":scheme", "ftp", ":path", "/", ":authority", "a"},
            {":method", "GET", ":scheme", "http://b/?", ":path", "/", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", ":protocol", "websocket"},
            {":method", "CONNECT", ":scheme", "http", ":path", "/", ":authority", "a", ":protocol", "websocket"},
            {":method", "CONNECT", ":authority", "a:443"},
            {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", ":other", "b"},
            {":method", "GET", ":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/", ":path", "/b", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", ":authority", "b"},
            {":method", "GET", ":scheme", "http", ":path", "/", "x-a", "b", ":authority", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a", "host", "b"},
            {":method", "GET", ":scheme", "http", ":path", "/", "host", "a", "host", "a"},
            {":method", "GET", ":scheme", "http", ":path", "/", "host", "a b"},
            {":method", "G T", ":scheme", "http", ":path", "/", ":authority", "a"},
            {":method", "", ":scheme", "http", ":path", "/", ":authority", "a"},
            {":method", "GET\r\nX: y", ":scheme", "http", ":path", "/", ":authority", "a"},
            {":status", "200", ":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"},
        };
        return Arrays.stream(heads).map(List::of).toList();
    }

    static List<List<String>> malformed_fields() {
        String[][] fields = {
            {"X-Upper", "a"},
            {"", "a"},
            {"x a", "b"},
            {"x:a", "b"},
            {"x\r\na", "b"},
            {"x\0", "b"},
            {"x\u00e9", "b"},
            {"x", "a\r\nb: c"},
            {"x", "a\r\n b"},
            {"x", "a\nb"},
            {"x", "a\rb"},
            {"x", "a\0b"},
            {"x", "\1"},
            {"x", "a\u007f"},
            {"x", " a"},
            {"x", "a\t"},
            {"connection", "close"},
            {"connection", "x"},
            {"keep-alive", "5"},
            {"proxy-connection", "keep-alive"},
            {"transfer-encoding", "chunked"},
            {"upgrade", "h2c"},
            {"http2-settings", "AAAA"},
            {"te", "gzip"},
            {"te", "trailers, gzip"},
            {"content-length", "7"},
            {"content-length", "-1"},
            {"content-length", "+0"},
            {"content-length", "0, 1"},
            {"content-length", "x"},
        };
        return Arrays.stream(fields).map(List::of).toList();
    }

    private static void refuses(Running running, RawOrigin origin, String... fields) throws Exception {
        RawHttp2 client = running.http2().awaitSettings();
        int good = client.next();
        client.headers(good, false, request("POST", "/good"));
        int before = origin.received().size();
        for (boolean end : new boolean[] {true, false}) {
            int bad = client.next();
            client.send(HEADERS, END_HEADERS | (end ? END_STREAM : 0), bad, literals(fields));
            if (!end) {
                client.data(bad, true, "hello");
            }
            Stream stream = client.await(bad);
            assertThat(stream.reset()).as(List.of(fields) + " " + stream).isEqualTo(PROTOCOL_ERROR);
        }
        client.data(good, true, "hello");
        assertThat(client.await(good).text()).as(List.of(fields).toString()).isEqualTo("hello");
        assertThat(origin.received()).as(List.of(fields).toString()).hasSize(before + 1);
    }

    @Test
    void T022_T023_T036_what_is_no_request_resets_its_stream_and_no_other() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        for (List<String> head : malformed_heads()) {
            refuses(running, origin, head.toArray(String[]::new));
        }
    }

    @Test
    void T019_T020_T021_what_is_no_field_resets_its_stream_and_no_other() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        for (List<String> field : malformed_fields()) {
            refuses(running, origin, request("GET", "/", field.toArray(String[]::new)));
        }
    }

    @Test
    void T021_no_control_character_passes_in_a_value_or_a_trailer() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        for (int c = 0; c < 32; c++) {
            if (c == '\t') {
                continue;
            }
            // Ten of them end a connection.
            RawHttp2 client = running.http2().awaitSettings();
            int inHead = client.next();
            client.send(
                    HEADERS,
                    END_HEADERS | END_STREAM,
                    inHead,
                    literals(request("GET", "/", "x", "a" + (char) c + "b")));
            assertThat(client.await(inHead).reset()).as("0x%x", c).isEqualTo(PROTOCOL_ERROR);
            int inTrailer = client.next();
            client.headers(inTrailer, false, request("POST", "/trailer"));
            client.data(inTrailer, false, "hello");
            client.send(HEADERS, END_HEADERS | END_STREAM, inTrailer, literals("x", "a" + (char) c + "b"));
            assertThat(client.await(inTrailer).reset()).as("0x%x", c).isEqualTo(PROTOCOL_ERROR);
        }
        await().until(() ->
                origin.received().stream().noneMatch(request -> request.line().contains("GET")));
    }

    @Test
    void T019_content_that_is_not_as_long_as_it_said_resets_its_stream() throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        RawHttp2 client = running.http2().awaitSettings();
        for (String content : new String[] {"hell", "hello!"}) {
            int stream = client.next();
            client.headers(stream, false, request("POST", "/", "content-length", "5"));
            client.data(stream, true, content);
            assertThat(client.await(stream).reset()).isEqualTo(PROTOCOL_ERROR);
        }
        assertThat(client.post("/", "hello".getBytes(StandardCharsets.UTF_8), "content-length", "5")
                        .text())
                .isEqualTo("hello");
    }

    @Test
    void ten_malformed_streams_end_the_connection() throws Exception {
        Running running = gateway(echo());
        RawHttp2 client = running.http2().awaitSettings();
        byte[] bad = literals(request("GET", "/", "x", "a\nb"));
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < 12; i++) {
            all.writeBytes(RawHttp2.frame(HEADERS, END_HEADERS | END_STREAM, client.next(), bad));
        }
        assertThat(end(client, all.toByteArray())).isEqualTo(ENHANCE_YOUR_CALM);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a=1; b=2", "a=1"})
    void cookies_in_crumbs_go_on_in_one_line_and_the_host_in_its_place(String cookies) throws Exception {
        RawOrigin origin = echo();
        Running running = gateway(origin);
        RawHttp2 client = running.http2();
        List<String> fields =
                new ArrayList<>(List.of(":method", "GET", ":scheme", "http", ":path", "/", "host", "A.example"));
        for (String crumb : cookies.split("; ")) {
            fields.addAll(List.of("cookie", crumb));
        }
        int stream = client.next();
        client.headers(stream, true, fields.toArray(String[]::new));
        assertThat(client.await(stream).status()).isEqualTo(200);
        assertThat(origin.received().get(0).headers("cookie")).containsExactly(cookies);
        assertThat(origin.received().get(0).header("X-Forwarded-Host")).isEqualTo("a.example");
        assertThat(origin.received().get(0).header("Transfer-Encoding")).isNull();
        assertThat(origin.received().get(0).header("Content-Length")).isNull();
    }
}
