package dev.postern.runtime;

import static dev.postern.runtime.rig.RawHttp2.CANCEL;
import static dev.postern.runtime.rig.RawHttp2.HEADERS;
import static dev.postern.runtime.rig.RawHttp2.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.Running;
import dev.postern.testing.ManualTime;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Requests that share a connection to an endpoint of HTTP/2: how many, and what one of them does to the others. */
class Http2SharingTest {
    private static final int MAX_CONCURRENT_STREAMS = 3;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final ManualTime time = ManualTime.create();

    private Running before(String origin, UnaryOperator<Upstream.Builder> options) {
        return rig.start(gateway -> gateway.time(time)
                .listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                .upstream(options.apply(Upstream.builder("orders")
                                .endpoints(origin)
                                .protocol(Protocol.HTTP_2)
                                .retry(RetryPolicy.none()))
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    /** Answers a request for {@code /quick} at once, and the others when it is told to. */
    private static Http2Origin.Script held() {
        return Http2Origin.complete((connection, stream, frame) -> {
            if (stream.header(":path").equals("/quick")) {
                connection.headers(stream.id(), true, ":status", "204");
            }
        });
    }

    private static List<Integer> ask(RawHttp2 client, int count, String path) throws IOException {
        List<Integer> streams = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int stream = client.next();
            client.headers(stream, true, request("GET", path));
            streams.add(stream);
        }
        return streams;
    }

    private static void answerAll(Http2Origin origin) throws IOException {
        for (RawHttp2 connection : origin.connections()) {
            for (Stream stream : origin.received()) {
                if (connection.stream(stream.id()) == stream
                        && !stream.header(":path").equals("/quick")) {
                    connection.headers(stream.id(), true, ":status", "200");
                }
            }
        }
    }

    @Test
    void requests_at_the_same_time_go_over_one_connection() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        // The first ones come while the connection is being made, the others when it is there.
        List<Integer> streams = ask(client, 20, "/held");
        await().until(() -> origin.received().size() == 20);
        streams.addAll(ask(client, 20, "/held"));
        await().until(() -> origin.received().size() == 40);
        assertThat(origin.connections()).hasSize(1);
        answerAll(origin);
        for (int stream : streams) {
            assertThat(client.await(stream).status()).isEqualTo(200);
        }
        running.checkNothingHeld();
    }

    @Test
    void an_endpoint_has_as_many_streams_of_a_connection_as_it_allows() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held(), MAX_CONCURRENT_STREAMS, 2));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        List<Integer> streams = ask(client, 6, "/held");
        await().until(() -> origin.received().size() == 6);
        assertThat(origin.connections()).hasSize(3);
        answerAll(origin);
        for (int stream : streams) {
            assertThat(client.await(stream).status()).isEqualTo(200);
        }
        running.checkNothingHeld();
    }

    @Test
    void who_finds_all_streams_in_use_waits_for_the_next_one() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held(), MAX_CONCURRENT_STREAMS, 2));
        Running running = before(origin.url(), upstream -> upstream.maxConnections(1));
        RawHttp2 client = running.http2();
        List<Integer> streams = ask(client, 5, "/held");
        for (int answered = 2; answered <= 5; answered++) {
            int seen = answered;
            await().until(() -> origin.received().size() == seen);
            Stream oldest = origin.received().get(seen - 2);
            origin.connections().get(0).headers(oldest.id(), true, ":status", "200");
        }
        Stream last = origin.received().get(4);
        origin.connections().get(0).headers(last.id(), true, ":status", "200");
        for (int stream : streams) {
            assertThat(client.await(stream).status()).isEqualTo(200);
        }
        assertThat(origin.connections()).hasSize(1);
        running.checkNothingHeld();
    }

    @Test
    void a_request_that_is_not_answered_disturbs_no_other_and_gets_its_connection_nothing_new() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        int silent = ask(client, 1, "/silent").get(0);
        await().until(() -> origin.received().size() == 1);
        time.advance(Duration.ofSeconds(20));
        int slow = ask(client, 1, "/slow").get(0);
        await().until(() -> origin.received().size() == 2);
        time.advance(Duration.ofSeconds(15));
        assertThat(client.await(silent).status()).isEqualTo(504);
        await().until(() -> origin.received().get(0).reset() == CANCEL);
        assertThat(client.get("/quick").status()).isEqualTo(204);
        assertThat(origin.connections()).hasSize(2);
        origin.connections().get(0).headers(origin.received().get(1).id(), true, ":status", "200");
        assertThat(client.await(slow).status()).isEqualTo(200);
        await().until(() -> origin.open() == 1);
        running.checkNothingHeld();
    }

    @Test
    void a_client_that_leaves_takes_its_stream_along_and_no_other() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        List<Integer> streams = ask(client, 2, "/held");
        await().until(() -> origin.received().size() == 2);
        client.reset(streams.get(0), CANCEL);
        await().until(() -> origin.received().stream().anyMatch(stream -> stream.reset() == CANCEL));
        assertThat(client.get("/quick").status()).isEqualTo(204);
        for (Stream stream : origin.received()) {
            if (stream.header(":path").equals("/held") && stream.reset() != CANCEL) {
                origin.connections().get(0).headers(stream.id(), true, ":status", "200");
            }
        }
        assertThat(client.await(streams.get(1)).status()).isEqualTo(200);
        assertThat(origin.connections()).hasSize(1);
        running.checkNothingHeld();
    }

    @Test
    void a_connection_that_breaks_fails_all_that_it_carries_and_no_more() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering((connection, stream, frame) -> {
            if (frame.type() == HEADERS && stream.header(":path").equals("/quick")) {
                connection.headers(stream.id(), true, ":status", "204");
            } else if (frame.type() == HEADERS && stream.id() == 9) {
                connection.close();
            }
        }));
        Running running = before(origin.url(), upstream -> upstream.maxConnections(1));
        RawHttp2 client = running.http2();
        for (int stream : ask(client, 5, "/held")) {
            assertThat(client.await(stream).status()).isEqualTo(502);
        }
        assertThat(client.get("/quick").status()).isEqualTo(204);
        assertThat(origin.connections()).hasSize(2);
        running.checkNothingHeld();
    }

    @Test
    void a_request_whose_body_may_be_long_has_a_connection_for_itself() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        int upload = client.next();
        client.headers(upload, false, request("POST", "/held"));
        await().until(() -> origin.received().size() == 1);
        assertThat(client.get("/quick").status()).isEqualTo(204);
        assertThat(client.get("/quick").status()).isEqualTo(204);
        assertThat(origin.connections()).hasSize(2);
        client.data(upload, true, "end");
        await().until(() -> origin.received().get(0).ended());
        origin.connections().get(0).headers(origin.received().get(0).id(), true, ":status", "200");
        assertThat(client.await(upload).status()).isEqualTo(200);
        running.checkNothingHeld();
    }

    @Test
    void an_upload_that_waits_is_not_passed_by_those_who_share_for_ever() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream.maxConnections(1));
        RawHttp2 client = running.http2();
        int held = ask(client, 1, "/held").get(0);
        await().until(() -> origin.received().size() == 1);
        int upload = client.next();
        client.headers(upload, false, request("POST", "/quick"));
        client.data(upload, true, "end");
        await().until(() -> running.gateway().upstream("orders").pending() == 1);
        List<Integer> later = ask(client, 3, "/quick");
        origin.connections().get(0).headers(origin.received().get(0).id(), true, ":status", "200");
        assertThat(client.await(held).status()).isEqualTo(200);
        assertThat(client.await(upload).status()).isEqualTo(204);
        for (int stream : later) {
            assertThat(client.await(stream).status()).isEqualTo(204);
        }
        running.checkNothingHeld();
    }

    @Test
    void all_who_wait_and_share_go_onto_the_connection_that_becomes_free() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held()));
        Running running = before(origin.url(), upstream -> upstream.maxConnections(1));
        RawHttp2 client = running.http2();
        int upload = client.next();
        client.headers(upload, false, request("POST", "/held"));
        await().until(() -> origin.received().size() == 1);
        List<Integer> waiting = ask(client, 5, "/held");
        await().until(() -> running.gateway().upstream("orders").pending() == 5);
        client.data(upload, true, "end");
        await().until(() -> origin.received().get(0).ended());
        origin.connections().get(0).headers(origin.received().get(0).id(), true, ":status", "200");
        // All at once: none of them has been answered.
        await().until(() -> origin.received().size() == 6);
        for (Stream stream : origin.received().subList(1, 6)) {
            origin.connections().get(0).headers(stream.id(), true, ":status", "200");
        }
        for (int stream : waiting) {
            assertThat(client.await(stream).status()).isEqualTo(200);
        }
        assertThat(origin.connections()).hasSize(1);
        running.checkNothingHeld();
    }

    @Test
    void an_endpoint_that_allows_one_stream_gets_its_connections_at_the_same_time() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(held(), MAX_CONCURRENT_STREAMS, 1));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2();
        assertThat(client.get("/quick").status()).isEqualTo(204);
        List<Integer> streams = ask(client, 10, "/held");
        await().until(() -> origin.received().size() == 11);
        assertThat(origin.connections()).hasSize(10);
        answerAll(origin);
        for (int stream : streams) {
            assertThat(client.await(stream).status()).isEqualTo(200);
        }
        running.checkNothingHeld();
    }

    @Test
    void all_who_wait_for_a_connection_that_cannot_be_made_are_told() throws Exception {
        String nobody;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            nobody = "http://127.0.0.1:" + socket.getLocalPort();
        }
        Running running = before(nobody, upstream -> upstream);
        RawHttp2 client = running.http2();
        for (int stream : ask(client, 10, "/")) {
            assertThat(client.await(stream).status()).isIn(502, 503);
        }
        assertThat(running.outcomes())
                .allMatch(outcome ->
                        outcome.failure() == Failure.CONNECT_FAILED || outcome.failure() == Failure.NO_ENDPOINT);
        running.checkNothingHeld();
    }

    @Test
    void a_response_that_is_not_read_stops_no_other_of_its_connection() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            if (stream.header(":path").equals("/quick")) {
                connection.headers(stream.id(), true, ":status", "204");
            } else {
                connection.headers(stream.id(), false, ":status", "200");
                connection.data(stream.id(), false, new byte[16_000]);
                connection.data(stream.id(), false, new byte[16_000]);
                connection.data(stream.id(), false, new byte[16_000]);
                connection.data(stream.id(), false, new byte[16_000]);
            }
        })));
        Running running = before(origin.url(), upstream -> upstream);
        RawHttp2 client = running.http2().stingy();
        // More than the window of a connection that nobody has widened.
        List<Integer> unread = ask(client, 8, "/large");
        await().until(() -> origin.received().size() == 8);
        assertThat(client.get("/quick").status()).isEqualTo(204);
        assertThat(origin.connections()).hasSize(1);
        for (int stream : unread) {
            client.reset(stream, CANCEL);
        }
        await().until(() -> running.outcomes().size() == 9);
        running.checkNothingHeld();
    }
}
