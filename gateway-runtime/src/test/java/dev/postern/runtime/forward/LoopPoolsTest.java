package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import dev.postern.testing.ManualTime;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is kept for an endpoint goes with it. */
class LoopPoolsTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static VertxLoop loop(Vertx vertx) {
        ContextInternal context = ((VertxInternal) vertx).createEventLoopContext();
        return new VertxLoop(context, null);
    }

    @Test
    void endpoints_that_nobody_is_connected_to_are_forgotten_on_all_loops() {
        Vertx vertx = rig.vertx();
        UpstreamClient client = new UpstreamClient(vertx, new UpstreamTlsFiles(vertx));
        Upstream config = Upstream.builder("orders")
                .endpoints("http://127.0.0.1:1", "http://127.0.0.1:2")
                .build();
        List<EndpointState> endpoints = new Cluster("orders", ManualTime.create(), 0)
                .view(config, config.endpoints())
                .endpoints();
        List<VertxLoop> loops = IntStream.range(0, 2).mapToObj(i -> loop(vertx)).toList();
        for (VertxLoop loop : loops) {
            loop.execute(() -> endpoints.forEach(endpoint -> client.pools(loop).of(endpoint, config)));
        }
        await().untilAsserted(() -> assertThat(client.endpoints()).isEqualTo(2));
        // Swept once a second.
        await().untilAsserted(() -> assertThat(client.endpoints()).isZero());
        client.close();
    }
}
