package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Body;
import dev.postern.Filter;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawHttp2.Stream;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An answer that a filter puts in the place of an upstream's is told as one of the gateway's own. */
class ReplacedAnswersTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static Filter changing(UnaryOperator<Response> change) {
        return Filter.named(
                "changing", (request, chain) -> chain.proceed(request).thenApply(change));
    }

    private Answer answer(UnaryOperator<Response> change, String upstreamFields) throws Exception {
        RawOrigin origin =
                rig.origin(RawOrigin.bytes("HTTP/1.1 200 OK\r\n" + upstreamFields + "Content-Length: 2\r\n\r\nok"));
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("a").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(changing(change))
                        .to("a")
                        .build()));
        return running.client().get("/").read();
    }

    @Test
    void another_answer_has_the_id_of_the_request() throws Exception {
        Answer other = answer(
                response -> {
                    response.body().discard();
                    return Response.text(403, "no");
                },
                "");
        assertThat(other.status()).isEqualTo(403);
        assertThat(other.header("X-Request-Id")).isNotEmpty();
    }

    @Test
    void an_upstreams_answer_keeps_its_own_id_or_none() throws Exception {
        assertThat(answer(response -> response.withHeader("X-A", "1"), "").header("X-Request-Id"))
                .isNull();
        assertThat(answer(
                                response -> {
                                    response.body().discard();
                                    return response.withBody(Body.of("new"));
                                },
                                "X-Request-Id: its-own\r\n")
                        .header("X-Request-Id"))
                .isEqualTo("its-own");
    }

    @Test
    void another_answer_to_a_call_of_grpc_is_one_of_grpc() throws Exception {
        Http2Origin origin =
                rig.close(Http2Origin.answering(Http2Origin.complete((connection, stream, frame) -> connection
                        .headers(stream.id(), false, ":status", "200", "content-type", "application/grpc")
                        .headers(stream.id(), true, "grpc-status", "0"))));
        Running running = rig.start(gateway -> gateway.listen(
                        Listener.http(0).host("127.0.0.1").protocols(Protocol.HTTP_2))
                .upstream(Upstream.builder("a")
                        .endpoints(origin.url())
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(changing(response -> {
                            response.body().discard();
                            return Response.text(403, "no");
                        }))
                        .to("a")
                        .build()));
        RawHttp2 client = running.http2();
        Stream answer = client.post("/svc/Call", new byte[5], "content-type", "application/grpc", "te", "trailers");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("grpc-status")).isEqualTo("7");
        assertThat(answer.header("x-request-id")).isNotEmpty();
    }
}
