package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.Handler;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What an attempt of the host's own code holds of what it has begun, over sockets. */
class AttemptExchangeTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** A gateway whose answer is what this code says. */
    private Running start(Handler code) throws Exception {
        // In chunks: a short answer of a known length ends with its head.
        RawOrigin origin = rig.origin(
                RawOrigin.bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n0\r\n\r\n"));
        return rig.start(gateway -> gateway.upstream(Upstream.local("own", code).toBuilder()
                        .firstByteTimeout(Duration.ofSeconds(20))
                        .build())
                .upstream(Upstream.builder("far").endpoints(origin.url()).build())
                .upstream(Upstream.local(
                        "near", (request, exchange) -> CompletableFuture.completedFuture(Response.text(200, "event"))))
                .route(Route.builder("all").match(Match.any()).to("own").build()));
    }

    private static int held(Exchange exchange) {
        assertThat(exchange).isInstanceOf(AttemptExchange.class);
        return ((AttemptExchange) exchange).held();
    }

    private static CompletionStage<String> asked(Exchange exchange, String upstream) {
        return exchange.call(upstream, Request.get("/"))
                .response()
                .thenCompose(response -> response.body().buffer(100))
                .thenApply(BufferedBody::text)
                .exceptionally(failure -> "failed");
    }

    @Test
    void calls_that_are_over_are_held_no_more() throws Exception {
        List<String> answers = new ArrayList<>();
        Running running = start((request, exchange) -> {
            CompletionStage<Integer> most = CompletableFuture.completedFuture(0);
            for (int i = 0; i < 20; i++) {
                for (String upstream : List.of("far", "near", "nowhere")) {
                    most = most.thenCompose(before -> asked(exchange, upstream).thenApply(answer -> {
                        answers.add(answer);
                        return Math.max(before, held(exchange));
                    }));
                }
            }
            return most.thenApply(held -> Response.text(200, "held " + held));
        });
        // The one that has just come to its end may still be there.
        assertThat(running.client().get("/").read().text()).isIn("held 0", "held 1");
        assertThat(answers).hasSize(60).containsSequence("event", "event", "failed");
    }

    @Test
    void a_call_is_held_until_the_last_byte_of_its_answer() throws Exception {
        Running running = start((request, exchange) -> exchange.call("far", Request.get("/"))
                .response()
                .thenCompose(response -> {
                    int atHead = held(exchange);
                    return response.body()
                            .buffer(100)
                            .thenApply(body -> Response.text(200, atHead + " " + held(exchange) + " " + body.text()));
                }));
        assertThat(running.client().get("/").read().text()).isEqualTo("1 0 event");
    }
}
