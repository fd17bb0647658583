package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.UpstreamTls;
import dev.postern.runtime.OwnCalls.Manner;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The gateway's own requests keep their limits, whatever is at the other end. */
class OwnCallsTest {
    private static final CallLimits SHORT = new CallLimits(Duration.ofSeconds(1), 1000);
    private static final CallLimits LONG = new CallLimits(Duration.ofSeconds(9), 1000);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private OwnCalls calls() {
        OwnCalls calls = new OwnCalls(rig.vertx(), new UpstreamTlsFiles(rig.vertx()));
        rig.close(calls::close);
        return calls;
    }

    private static Response get(OwnCalls calls, String url, CallLimits limits) throws Exception {
        return send(calls, url, Request.get("/keys"), limits, Manner.STANDARD);
    }

    private static Response send(OwnCalls calls, String url, Request request, CallLimits limits, Manner manner)
            throws Exception {
        try {
            return calls.send(Endpoint.of(url), request, limits, manner)
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            throw (Exception) failed.getCause();
        }
    }

    private void assertCut(RawOrigin origin, Failure failure, CallLimits limits) {
        OwnCalls calls = calls();
        GatewayException thrown = org.assertj.core.api.Assertions.catchThrowableOfType(
                GatewayException.class, () -> get(calls, origin.url(), limits));
        assertThat(thrown.failure()).isEqualTo(failure);
        assertThat(thrown).hasMessageContaining(origin.url());
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    @Test
    void an_answer_comes_whole_and_its_connection_is_used_again() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        OwnCalls calls = calls();
        Request post = Request.of("POST", "/keys").withHeader("X-A", "b").withBody(Body.of("body"));
        assertThat(send(calls, origin.url(), post, LONG, Manner.STANDARD)
                        .body()
                        .buffer(10)
                        .toCompletableFuture()
                        .get(1, TimeUnit.SECONDS)
                        .text())
                .isEqualTo("body");
        assertThat(get(calls, origin.url(), LONG).status()).isEqualTo(200);
        assertThat(origin.connections()).isEqualTo(1);
        assertThat(origin.received().get(0).header("X-A")).isEqualTo("b");
        assertThat(origin.received().get(0).headers("User-Agent")).containsExactly("Postern");
        assertThat(origin.received().get(0).header("Host")).isEqualTo("127.0.0.1:" + origin.port());
    }

    @Test
    void an_answer_that_trickles_is_cut_when_its_time_is_over() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        assertCut(
                rig.origin((request, in, out, socket) -> {
                    out.write("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                    for (int i = 0; i < 900; i++) {
                        never.await(20, TimeUnit.MILLISECONDS);
                        out.write('x');
                        out.flush();
                    }
                    return true;
                }),
                Failure.FIRST_BYTE_TIMEOUT,
                SHORT);
    }

    @Test
    void an_origin_that_says_nothing_is_cut_when_its_time_is_over() throws Exception {
        assertCut(rig.origin((request, in, out, socket) -> in.read() >= 0), Failure.FIRST_BYTE_TIMEOUT, SHORT);
    }

    @Test
    void an_answer_without_end_is_cut_at_the_limit() throws Exception {
        assertCut(
                rig.origin((request, in, out, socket) -> {
                    out.write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                    while (true) {
                        out.write(new byte[100]);
                    }
                }),
                Failure.RESPONSE_BODY_TOO_LARGE,
                new CallLimits(Duration.ofSeconds(2), 1000));
    }

    @Test
    void an_answer_that_breaks_off_or_is_no_answer_is_a_failure() throws Exception {
        assertCut(
                rig.origin(RawOrigin.lastBytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")),
                Failure.CONNECT_FAILED,
                LONG);
        assertCut(rig.origin(RawOrigin.lastBytes("")), Failure.CONNECT_FAILED, LONG);
    }

    @Test
    void an_endpoint_of_http2_is_asked_in_http2() throws Exception {
        try (Http2Origin origin = Http2Origin.answering(Http2Origin.saying("well"))) {
            assertThat(send(
                                    calls(),
                                    origin.url(),
                                    Request.get("/health"),
                                    LONG,
                                    new Manner(UpstreamTls.verified(), Protocol.HTTP_2))
                            .status())
                    .isEqualTo(200);
        }
    }
}
