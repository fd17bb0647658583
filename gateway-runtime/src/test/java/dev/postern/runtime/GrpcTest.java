package dev.postern.runtime;

import static dev.postern.runtime.rig.RawHttp2.CANCEL;
import static dev.postern.runtime.rig.RawHttp2.DATA;
import static dev.postern.runtime.rig.RawHttp2.END_STREAM;
import static dev.postern.runtime.rig.RawHttp2.HEADERS;
import static dev.postern.runtime.rig.RawHttp2.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.OutlierDetection;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Frame;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is different about gRPC calls, as seen in frames. */
class GrpcTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private Running gateway(String origin, UnaryOperator<Route.Builder> settings) {
        return rig.start(gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                .upstream(Upstream.builder("service")
                        .endpoints(origin)
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(settings.apply(Route.builder("calls")
                                .match(Match.prefix("/svc"))
                                .to("service"))
                        .build()));
    }

    private Http2Origin origin(Http2Origin.Script script) throws Exception {
        return rig.close(Http2Origin.answering(script));
    }

    private static byte[] message(int length) {
        return ByteBuffer.allocate(5 + length).put((byte) 0).putInt(length).array();
    }

    private static int call(RawHttp2 client, String path, String... more) throws IOException {
        int stream = client.next();
        String[] fields = request("POST", path, "content-type", "application/grpc", "te", "trailers");
        String[] all = Arrays.copyOf(fields, fields.length + more.length);
        System.arraycopy(more, 0, all, fields.length, more.length);
        client.headers(stream, false, all);
        return stream;
    }

    /** A head that is all: nothing behind it, not even an empty frame. */
    private static Stream trailersOnly(RawHttp2 client, int stream) throws IOException {
        Stream answer = client.await(stream);
        List<Frame> frames = client.frames().stream()
                .filter(frame -> frame.stream() == stream && (frame.type() == HEADERS || frame.type() == DATA))
                .toList();
        assertThat(frames).as(answer.toString()).hasSize(1);
        assertThat(frames.get(0).type()).isEqualTo(HEADERS);
        assertThat(frames.get(0).has(END_STREAM)).isTrue();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("content-type")).isEqualTo("application/grpc");
        return answer;
    }

    @Test
    void errors_of_the_gateway_are_told_as_status() throws Exception {
        Running running = gateway("http://127.0.0.1:1", route -> route);
        RawHttp2 client = running.http2().keepingFrames();
        int nowhere = call(client, "/nowhere");
        client.data(nowhere, true, message(3));
        Stream answer = trailersOnly(client, nowhere);
        assertThat(answer.header("grpc-status")).isEqualTo("12");
        assertThat(answer.header("grpc-message")).isEqualTo("no_route");
        assertThat(answer.header("x-request-id")).isNotNull();
        int dead = call(client, "/svc/Call");
        client.data(dead, true, message(3));
        answer = trailersOnly(client, dead);
        assertThat(answer.header("grpc-status")).isEqualTo("14");
        assertThat(answer.header("grpc-message")).isEqualTo("connect_failed");
        // Who does not speak gRPC gets what everybody gets.
        assertThat(client.post("/nowhere", new byte[0], "content-type", "application/grpc-web")
                        .status())
                .isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource({
        "400, 13", "401, 16", "403, 7", "404, 12", "409, 10", "412, 9", "418, 2", "429, 8", "499, 1", "503, 14",
        "504, 4"
    })
    void refusals_of_filters_are_told_as_status(int http, String status) throws Exception {
        Running running = gateway(
                "http://127.0.0.1:1",
                route -> route.filter(Filter.named(
                        "refuse",
                        (request, chain) ->
                                chain.answer(Response.text(http, "no").withHeader("Retry-After", "7")))));
        RawHttp2 client = running.http2().keepingFrames();
        int stream = call(client, "/svc/Call");
        client.data(stream, true, message(0));
        Stream answer = trailersOnly(client, stream);
        assertThat(answer.header("grpc-status")).isEqualTo(status);
        assertThat(answer.header("retry-after")).isEqualTo("7");
    }

    @Test
    void a_head_that_is_all_stays_one_and_metadata_pass_at_both_ends() throws Exception {
        Http2Origin origin = origin(Http2Origin.complete((connection, stream, frame) -> {
            if (stream.header(":path").equals("/svc/Only")) {
                connection.headers(
                        stream.id(),
                        true,
                        ":status",
                        "200",
                        "content-type",
                        "application/grpc",
                        "grpc-status",
                        "5",
                        "grpc-message",
                        "not%20here",
                        "x-meta",
                        "a");
            } else {
                connection
                        .headers(
                                stream.id(),
                                false,
                                ":status",
                                "200",
                                "content-type",
                                "application/grpc",
                                "x-first",
                                "1")
                        .data(stream.id(), false, stream.bytes())
                        .headers(
                                stream.id(),
                                true,
                                "grpc-status",
                                "0",
                                "x-last-bin",
                                "AAEC",
                                "x-last-bin",
                                "Aw",
                                "content-length",
                                "7");
            }
        }));
        AtomicReference<Exchange.Kind> kind = new AtomicReference<>();
        Running running = gateway(
                origin.url(),
                route -> route.filter(Filter.named("look", (request, chain) -> {
                    kind.set(chain.exchange().kind());
                    return chain.proceed(request);
                })));
        RawHttp2 client = running.http2().keepingFrames();
        int only = call(client, "/svc/Only", "x-asked", "b");
        client.data(only, true, message(0));
        Stream answer = trailersOnly(client, only);
        assertThat(answer.header("grpc-status")).isEqualTo("5");
        assertThat(answer.header("grpc-message")).isEqualTo("not%20here");
        assertThat(answer.header("x-meta")).isEqualTo("a");
        assertThat(origin.received().get(0).header("x-asked")).isEqualTo("b");
        assertThat(origin.received().get(0).header("te")).isEqualTo("trailers");
        assertThat(kind.get()).isEqualTo(Exchange.Kind.GRPC);
        int whole = call(client, "/svc/Whole");
        client.data(whole, true, message(9));
        answer = client.await(whole);
        assertThat(answer.bytes()).isEqualTo(message(9));
        assertThat(answer.header("x-first")).isEqualTo("1");
        assertThat(answer.trailers())
                .extracting(Object::toString)
                .containsExactly("grpc-status=0", "x-last-bin=AAEC", "x-last-bin=Aw");
    }

    @Test
    void the_deadline_of_a_call_ends_it_and_its_endpoint_knows_what_is_left() throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            // Says nothing.
        });
        Running running = gateway(origin.url(), route -> route);
        RawHttp2 client = running.http2().keepingFrames();
        int stream = call(client, "/svc/Slow", "grpc-timeout", "300m");
        client.data(stream, true, message(0));
        Stream answer = trailersOnly(client, stream);
        assertThat(answer.header("grpc-status")).isEqualTo("4");
        Stream seen = origin.received().get(0);
        assertThat(seen.header("grpc-timeout")).endsWith("u");
        assertThat(Integer.parseInt(seen.header("grpc-timeout").replace("u", "")))
                .isBetween(1, 300_000);
        assertThat(running.outcome().failure()).isEqualTo(Failure.CALL_DEADLINE);
    }

    @ParameterizedTest
    @CsvSource({"20m, CALL_DEADLINE, 0", "60S, DEADLINE_EXCEEDED, 1"})
    void a_deadline_that_the_client_has_named_is_not_held_against_the_endpoint(
            String timeout, Failure failure, int held) throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            // Says nothing.
        });
        Running running = rig.start(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").protocols(Protocol.HTTP_2))
                        .upstream(Upstream.builder("svc")
                                .endpoints(origin.url())
                                .protocol(Protocol.HTTP_2)
                                .outlierDetection(OutlierDetection.builder()
                                        .consecutive5xx(1)
                                        .maxEjectedShare(1)
                                        .build())
                                .build())
                        .route(Route.builder("svc")
                                .match(Match.any())
                                .timeout(Duration.ofMillis(100))
                                .to("svc")
                                .build()));
        RawHttp2 client = running.http2().keepingFrames();
        int stream = call(client, "/svc/Slow", "grpc-timeout", timeout);
        client.data(stream, true, message(0));
        assertThat(trailersOnly(client, stream).header("grpc-status")).isEqualTo("4");
        assertThat(running.outcome().failure()).isEqualTo(failure);
        assertThat(running.gateway().upstream("svc").endpoints().get(0).ejection() == null)
                .isEqualTo(held == 0);
    }

    // Review of #3: told as the filter's failure, it was held against the endpoint that the filter asks.
    @Test
    void a_deadline_that_the_client_has_named_is_not_held_against_what_a_filter_calls() throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            // Says nothing.
        });
        Running running =
                rig.start(gateway -> gateway.listen(Listener.http2Cleartext(0).host("127.0.0.1"))
                        .upstream(Upstream.builder("svc")
                                .endpoints(origin.url())
                                .protocol(Protocol.HTTP_2)
                                .build())
                        .upstream(Upstream.builder("slow")
                                .endpoints(origin.url())
                                .protocol(Protocol.HTTP_2)
                                .outlierDetection(OutlierDetection.builder()
                                        .consecutive5xx(1)
                                        .maxEjectedShare(1)
                                        .build())
                                .build())
                        .route(Route.builder("svc")
                                .match(Match.any())
                                .filter(Filter.named(
                                        "asks",
                                        (request, chain) -> chain.exchange()
                                                .call("slow", Request.get("/"))
                                                .response()))
                                .to("svc")
                                .build()));
        RawHttp2 client = running.http2().keepingFrames();
        int stream = call(client, "/svc/Slow", "grpc-timeout", "20m");
        client.data(stream, true, message(0));
        Stream answer = trailersOnly(client, stream);
        assertThat(answer.header("grpc-status")).isEqualTo("4");
        assertThat(answer.header("grpc-message")).isEqualTo("call_deadline");
        assertThat(running.outcome().failure()).isEqualTo(Failure.CALL_DEADLINE);
        assertThat(running.gateway().upstream("slow").endpoints().get(0).ejection())
                .isNull();
    }

    @Test
    void the_timeout_of_the_route_ends_at_the_head_and_that_of_the_call_does_not() throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            if (frame.type() == HEADERS) {
                connection.headers(stream.id(), false, ":status", "200", "content-type", "application/grpc");
            } else if (frame.type() == DATA && frame.has(END_STREAM)) {
                connection.data(stream.id(), false, stream.bytes()).headers(stream.id(), true, "grpc-status", "0");
            }
        });
        Running running = gateway(origin.url(), route -> route.timeout(Duration.ofMillis(200)));
        RawHttp2 client = running.http2();
        int quiet = call(client, "/svc/Quiet", "grpc-timeout", "400m");
        int patient = call(client, "/svc/Patient");
        client.awaitHead(patient);
        assertThat(client.await(quiet).reset()).isPositive();
        Outcome cut = running.outcome();
        assertThat(cut.failure()).isEqualTo(Failure.CALL_DEADLINE);
        assertThat(cut.truncated()).isFalse();
        assertThat(cut.complete()).isFalse();
        client.data(patient, true, message(4));
        Stream answer = client.await(patient);
        assertThat(answer.bytes()).isEqualTo(message(4));
        assertThat(answer.trailer("grpc-status")).isEqualTo("0");
    }

    @Test
    void both_sides_of_a_call_go_at_the_same_time_and_as_long_as_they_like() throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            if (frame.type() == HEADERS) {
                connection.headers(stream.id(), false, ":status", "200", "content-type", "application/grpc");
            } else if (frame.type() == DATA && frame.payload().length > 0) {
                connection.data(stream.id(), false, frame.payload());
            }
            if (frame.type() == DATA && frame.has(END_STREAM)) {
                connection.headers(stream.id(), true, "grpc-status", "0");
            }
        });
        Running running = gateway(origin.url(), route -> route.maxRequestBytes(1000));
        RawHttp2 client = running.http2();
        int stream = call(client, "/svc/Chat");
        for (int i = 1; i <= 50; i++) {
            client.data(stream, false, message(500));
            client.awaitBytes(stream, i * 505);
        }
        client.data(stream, true, message(0));
        assertThat(client.await(stream).trailer("grpc-status")).isEqualTo("0");
        // More than ten of the limit: it is that of a message.
        int large = call(client, "/svc/Chat");
        client.awaitHead(large);
        client.data(large, false, message(1001));
        assertThat(client.await(large).reset()).isPositive();
        await().until(() -> origin.received().get(1).reset() == CANCEL);
    }

    @Test
    void a_message_that_is_too_large_is_told_as_status() throws Exception {
        Http2Origin origin = origin((connection, stream, frame) -> {
            // Says nothing.
        });
        Running running = gateway(origin.url(), route -> route.maxRequestBytes(1000));
        RawHttp2 client = running.http2().keepingFrames();
        int stream = call(client, "/svc/Large");
        client.data(stream, true, message(1001));
        assertThat(trailersOnly(client, stream).header("grpc-status")).isEqualTo("8");
    }

    @Test
    void a_content_type_does_not_lift_the_limits_of_routes_without_grpc() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("taken"));
        Running running = rig.proxy(origin, route -> route.maxRequestBytes(1000), upstream -> upstream);
        String messages = new String(message(600), StandardCharsets.ISO_8859_1).repeat(3);
        RawClient.Answer answer = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/grpc\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(messages.length()) + "\r\n"
                        + messages + "\r\n0\r\n\r\n")
                .read();
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.text()).contains("request_body_too_large");
    }
}
