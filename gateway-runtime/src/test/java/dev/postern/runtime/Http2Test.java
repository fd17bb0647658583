package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 in front and behind, cleartext. */
class Http2Test {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private Running cleartext(String origin, Protocol behind) {
        return cleartext(origin, behind, route -> route);
    }

    private Running cleartext(String origin, Protocol behind, UnaryOperator<Route.Builder> settings) {
        return rig.start(gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                .upstream(Upstream.builder("orders")
                        .endpoints(origin)
                        .protocol(behind)
                        .build())
                .route(settings.apply(
                                Route.builder("all").match(Match.prefix("/")).to("orders"))
                        .build()));
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        new Random(count).nextBytes(bytes);
        return bytes;
    }

    @Test
    void requests_come_over_http2_and_go_on_over_http1() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        RawHttp2 client = running.http2();
        Stream answer = client.get("/a?b=c", "x-a", "1");
        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        assertThat(origin.received().get(0).line()).isEqualTo("GET /a?b=c HTTP/1.1");
        assertThat(origin.received().get(0).header("x-a")).isEqualTo("1");
        assertThat(origin.received().get(0).header("X-Forwarded-Host")).isEqualTo("localhost");
        byte[] body = bytes(200_000);
        assertThat(client.post("/", body).bytes()).isEqualTo(body);
        assertThat(client.post("/", body, "content-length", "200000").bytes()).isEqualTo(body);
        assertThat(client.get("/").header("date")).isNotNull();
    }

    @Test
    void requests_go_on_over_http2() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.echo()));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        Stream answer = client.get("/a?b=c", "x-a", "1", "te", "trailers");
        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        Stream seen = origin.received().get(0);
        assertThat(seen.header(":method")).isEqualTo("GET");
        assertThat(seen.header(":path")).isEqualTo("/a?b=c");
        assertThat(seen.header(":scheme")).isEqualTo("http");
        assertThat(seen.header("x-a")).isEqualTo("1");
        assertThat(seen.header("te")).isEqualTo("trailers");
        assertThat(seen.headers("connection")).isEmpty();
        byte[] body = bytes(200_000);
        assertThat(client.post("/", body).bytes()).isEqualTo(body);
        assertThat(client.post("/", body, "content-length", "200000").bytes()).isEqualTo(body);
        assertThat(origin.received().get(2).header("content-length")).isEqualTo("200000");
    }

    @Test
    void interim_responses_of_endpoints_are_swallowed() throws Exception {
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> {
            for (String status : List.of("102", "103", "104", "199", "100", "110")) {
                connection.headers(stream.id(), false, ":status", status, "x-interim", "1");
            }
            connection.headers(stream.id(), false, ":status", "200").data(stream.id(), true, "ok");
        })));
        Running running = cleartext(origin.url(), Protocol.HTTP_2);
        RawHttp2 client = running.http2();
        for (int i = 0; i < 3; i++) {
            Stream answer = client.get("/");
            assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
            assertThat(answer.text()).isEqualTo("ok");
            assertThat(answer.header("x-interim")).isNull();
        }
        assertThat(origin.connections()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"101", "1xx", "10", "102 end"})
    void what_is_no_interim_response_of_http2_is_a_502(String status) throws Exception {
        boolean end = status.endsWith(" end");
        Http2Origin origin = rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) ->
                connection.headers(stream.id(), end, ":status", status.replace(" end", "")))));
        Stream answer = cleartext(origin.url(), Protocol.HTTP_2).http2().get("/");
        assertThat(answer.status()).as(answer.toString()).isEqualTo(502);
    }

    @Test
    void trailers_of_responses_pass_by_the_list_of_the_route() throws Exception {
        Http2Origin origin =
                rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .data(stream.id(), false, "message")
                        .headers(
                                stream.id(),
                                true,
                                "grpc-status",
                                "0",
                                "grpc-message",
                                "ok",
                                "x-sum",
                                "7",
                                "x-other",
                                "1",
                                "set-cookie",
                                "a=b"))));
        Running running = cleartext(origin.url(), Protocol.HTTP_2, route -> route.trailers("x-s*", "set-cookie"));
        Stream answer = running.http2().post("/svc/Call", "hello".getBytes(StandardCharsets.UTF_8), "te", "trailers");
        assertThat(answer.text()).isEqualTo("message");
        assertThat(answer.trailers())
                .extracting(Object::toString)
                .containsExactly("grpc-status=0", "grpc-message=ok", "x-sum=7");
    }

    @Test
    void trailers_of_responses_reach_http1_clients_who_ask_for_them() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\nX-Other: 1\r\n\r\n"));
        Running running = rig.proxy(origin, route -> route.trailers("x-sum"), upstream -> upstream);
        var asking = running.client()
                .request("GET", "/", "", "TE: trailers", "Connection: TE")
                .read();
        assertThat(asking.text()).isEqualTo("hi");
        assertThat(asking.trailers()).containsExactly("x-sum: 7");
        assertThat(origin.received().get(0).header("TE")).isEqualTo("trailers");
        assertThat(running.client().get("/").read().trailers()).isEmpty();
        assertThat(origin.received().get(1).header("TE")).isNull();
    }

    @Test
    void what_does_not_begin_as_http2_is_closed_without_a_word() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = cleartext(origin.url(), Protocol.HTTP_1_1);
        assertThat(running.client().get("/").isAtEnd()).isTrue();
        assertThat(running.client()
                        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                + "HTTP2-Settings: AAMAAABk\r\n\r\n")
                        .isAtEnd())
                .isTrue();
        assertThat(origin.received()).isEmpty();
    }
}
