package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.RawOrigin.Received;
import dev.postern.runtime.rig.Running;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientConfig;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.spi.metrics.ClientMetrics;
import io.vertx.core.spi.metrics.HttpClientMetrics;
import io.vertx.core.spi.metrics.VertxMetrics;
import io.vertx.core.spi.observability.HttpRequest;
import io.vertx.core.spi.observability.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that go out past Vert.x's client, and answers that it gets to see all the same: neither side may notice. */
class ShortCallTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @ParameterizedTest
    @CsvSource({
        // plain, to an empty one
        "'HTTP/1.1 200 OK~Content-Length: 3~X: 1~~abc', 200, abc",
        "'HTTP/1.1 404 ~Content-Length: 0~~', 404, ''",
        "'HTTP/1.1 200 OK~Content-Length: 3~Connection: close~~abc', 200, abc",
        // what Vert.x has to read
        "'HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc~0~~', 200, abc",
        "'HTTP/1.1 200 OK~X: a~ folded~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.1 200 OK~X : blank~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.1 100 Continue~~HTTP/1.1 200 OK~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.1 103 Early Hints~Link: a~~HTTP/1.1 200 OK~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.1 199 What~~HTTP/1.1 200 OK~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.0 200 OK~Content-Length: 3~~abc', 200, abc",
        "'HTTP/1.1 204 No Content~~', 204, ''",
        "'HTTP/1.1 304 Not Modified~Content-Length: 3~~', 304, ''",
    })
    void whatever_the_answer_each_request_is_sent_once(String answer, int status, String text) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes(answer.replace("~", "\r\n")));
        Running running = rig.proxy(origin);
        for (int i = 0; i < 3; i++) {
            assertThat(running.client().get("/a?b").read())
                    .extracting(Answer::status, Answer::text)
                    .containsExactly(status, text);
            Answer posted =
                    running.client().request("POST", "/up", "twelve bytes").read();
            assertThat(posted).extracting(Answer::status, Answer::text).containsExactly(status, text);
        }
        assertThat(origin.received())
                .extracting(Received::line, Received::text)
                .containsExactly(
                        tuple("GET /a?b HTTP/1.1", ""),
                        tuple("POST /up HTTP/1.1", "twelve bytes"),
                        tuple("GET /a?b HTTP/1.1", ""),
                        tuple("POST /up HTTP/1.1", "twelve bytes"),
                        tuple("GET /a?b HTTP/1.1", ""),
                        tuple("POST /up HTTP/1.1", "twelve bytes"));
    }

    @Test
    void an_answer_longer_than_one_read_is_streamed() throws Exception {
        String text = "0123456789".repeat(50_000);
        RawOrigin origin = rig.origin(RawOrigin.ok(text));
        Running running = rig.proxy(origin);
        for (int i = 0; i < 3; i++) {
            assertThat(running.client().get("/").read().text()).isEqualTo(text);
        }
        assertThat(origin.received()).hasSize(3);
    }

    @Test
    void values_beyond_ascii_go_out_as_they_came() throws Exception {
        RawOrigin origin =
                rig.origin(RawOrigin.bytes("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Name: M\u00fcller\r\n\r\na"));
        Running running = rig.proxy(origin);
        RawClient client = running.client();
        byte[] request = "GET / HTTP/1.1\r\nHost: a\r\nX-City: K\u00f6ln\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
        client.send(request, 0, request.length);
        assertThat(client.read().header("X-Name")).isEqualTo("M\u00fcller");
        assertThat(origin.received().get(0).header("X-City")).isEqualTo("K\u00f6ln");
    }

    @Test
    void a_body_in_two_pieces_arrives_whole() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.proxy(origin);
        RawClient client = running.client();
        client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
        assertThat(client.readHead().status()).isEqualTo(100);
        client.send("01234");
        client.send("56789");
        assertThat(client.read().text()).isEqualTo("0123456789");
        assertThat(origin.received()).extracting(Received::text).containsExactly("0123456789");
    }

    @Test
    void a_request_that_a_socket_may_not_take_at_once_is_vertxs() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        String large = "a".repeat(60_000);
        Running running = rig.start(gateway -> gateway.upstream(
                        Upstream.builder("orders").endpoints(origin.url()).build())
                .filter(Filter.named("large", (request, chain) -> chain.proceed(request.withHeader("X-Large", large))))
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        assertThat(running.client().get("/").read().status()).isEqualTo(200);
        assertThat(running.client().request("POST", "/", "twelve bytes").read().text())
                .isEqualTo("twelve bytes");
        assertThat(origin.received())
                .extracting(request -> request.header("X-Large"))
                .containsExactly(large, large);
    }

    @Test
    void an_answer_that_does_not_come_is_a_502() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.lastBytes(""));
        Running running = rig.proxy(origin);
        assertThat(running.client().get("/").read().status()).isEqualTo(502);
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESET_BEFORE_HEAD);
    }

    @Test
    void a_surplus_behind_a_plain_answer_costs_the_connection_and_nothing_else() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
        Running running = rig.proxy(origin);
        for (int i = 0; i < 3; i++) {
            assertThat(running.client().get("/").read().text()).isEqualTo("abc");
        }
        assertThat(origin.connections()).isEqualTo(3);
    }

    /** As those of vertx-micrometer-metrics do. */
    private static final class CountingMetrics implements VertxMetrics {
        final LongAdder requests = new LongAdder();

        @Override
        public boolean isMetricsEnabled() {
            return true;
        }

        @Override
        public HttpClientMetrics<?, ?> createHttpClientMetrics(HttpClientConfig config) {
            return new HttpClientMetrics<Object, Object>() {
                @Override
                public ClientMetrics<Object, HttpRequest, HttpResponse> createEndpointMetrics(
                        SocketAddress endpoint, int connections) {
                    return new ClientMetrics<>() {
                        @Override
                        public void requestBegin(Object metric, String uri, HttpRequest request) {
                            requests.increment();
                        }
                    };
                }
            };
        }
    }

    @Test
    void a_borrowed_vertx_that_counts_requests_sees_them_all() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("abc"));
        CountingMetrics metrics = new CountingMetrics();
        Vertx vertx = Vertx.builder().withMetrics(options -> metrics).build();
        rig.close((AutoCloseable)
                () -> vertx.close().toCompletionStage().toCompletableFuture().join());
        Running running = rig.prepare(
                gateway -> gateway.upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build()),
                VertxRuntime.using(vertx));
        running.gateway().start();
        for (int i = 0; i < 3; i++) {
            assertThat(running.client().get("/").read().text()).isEqualTo("abc");
        }
        assertThat(metrics.requests.sum()).isEqualTo(3);
    }
}
