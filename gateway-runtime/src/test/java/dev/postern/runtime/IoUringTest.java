package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Where the kernel forbids io_uring these are tests of the fallback. */
class IoUringTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @Test
    void a_gateway_that_asks_for_io_uring_forwards_small_and_large_messages() throws Exception {
        String large = "x".repeat(300_000);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            String body = request.line().contains("/large") ? large : "ok";
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.US_ASCII));
            return true;
        });
        Running running = rig.prepare(
                gateway -> gateway.upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all")
                                .match(Match.prefix("/"))
                                .to("orders")
                                .build()),
                new VertxRuntime().eventLoops(1).ioUring());
        running.gateway().start();
        RawClient client = running.client();

        RawClient.Answer first = client.get("/small").read();
        RawClient.Answer second = client.get("/large").read();

        assertThat(first.text()).isEqualTo("ok");
        assertThat(second.text()).isEqualTo(large);
    }

    @Test
    void the_transport_of_a_borrowed_vertx_is_the_host_s_choice() {
        assertThatThrownBy(() -> VertxRuntime.using(rig.vertx()).ioUring())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the Vertx is borrowed");
    }
}
