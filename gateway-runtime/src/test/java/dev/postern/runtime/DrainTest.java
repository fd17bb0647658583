package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Endpoints and upstreams that are taken out by hand, over sockets. */
class DrainTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final Semaphore go = new Semaphore(0);

    private RawOrigin slow() throws Exception {
        return rig.origin((request, in, out, socket) ->
                go.tryAcquire(10, TimeUnit.SECONDS) && RawOrigin.ok("slow").answer(request, in, out, socket));
    }

    private Running start(String... urls) {
        return rig.start(gateway -> gateway.upstream(
                        Upstream.builder("orders").endpoints(urls).build())
                .upstream(Upstream.local(
                        "own", (request, exchange) -> CompletableFuture.completedFuture(Response.of(204))))
                .route(Route.builder("own")
                        .match(Match.prefix("/own"))
                        .to("own")
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    @Test
    void the_last_answer_of_a_drained_endpoint_comes_and_then_the_host_is_told() throws Exception {
        RawOrigin slow = slow();
        RawOrigin other = rig.origin(RawOrigin.ok("other"));
        Running running = start(slow.url(), other.url());
        RawClient waiting = running.client();
        RawClient client = running.client();
        waiting.get("/");
        await().until(() -> !slow.received().isEmpty() || !other.received().isEmpty());
        if (slow.received().isEmpty()) {
            waiting.read();
            waiting.get("/");
            await().until(() -> !slow.received().isEmpty());
        }
        CompletableFuture<Void> drained =
                running.gateway().drain("orders", slow.url()).toCompletableFuture();
        for (int i = 0; i < 6; i++) {
            assertThat(client.get("/").read().text()).isEqualTo("other");
        }
        assertThat(drained).isNotDone();
        go.release();
        assertThat(waiting.read().text()).isEqualTo("slow");
        drained.get(10, TimeUnit.SECONDS);
        assertThat(slow.received()).hasSize(1);
        running.gateway().endDrain("orders");
        go.release(10);
        for (int i = 0; i < 2; i++) {
            client.get("/").read();
        }
        assertThat(slow.received()).hasSize(2);
    }

    @Test
    void a_drained_upstream_answers_503_until_that_is_over() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = start(origin.url());
        Gateway gateway = running.gateway();
        gateway.drain("orders").toCompletableFuture().get(10, TimeUnit.SECONDS);
        assertThat(running.client().get("/").read().status()).isEqualTo(503);
        gateway.apply(gateway.config());
        assertThat(running.client().get("/").read().status()).isEqualTo(503);
        gateway.endDrain("orders");
        assertThat(running.client().get("/").read().text()).isEqualTo("ok");
    }

    @Test
    void what_is_not_there_cannot_be_drained() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Gateway gateway = start(origin.url()).gateway();
        assertThatThrownBy(() -> gateway.drain("order"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("upstream: \"order\" is not defined (defined: orders, own)");
        assertThatThrownBy(() -> gateway.drain("orders", "http://10.0.0.1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("endpoint: \"http://10.0.0.1\" is none of upstream \"orders\" (expected: one of "
                        + origin.url() + ")");
    }
}
