package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Discovery;
import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import dev.postern.runtime.rig.RawOrigin;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gateways whose upstreams are told by registries on real sockets. */
class DiscoveryOnTheWireTest {
    @Test
    void a_kubernetes_watch_is_followed_while_it_comes(@TempDir Path folder) throws Exception {
        Path token = Files.writeString(folder.resolve("token"), "pod-token");
        CountDownLatch changed = new CountDownLatch(1);
        try (RawOrigin first = RawOrigin.saying("first");
                RawOrigin second = RawOrigin.saying("second");
                RawOrigin api = RawOrigin.answering((request, in, out, socket) -> {
                    assertThat(request.header("Authorization")).isEqualTo("Bearer pod-token");
                    if (!request.line().contains("watch=1")) {
                        String list = "{\"metadata\": {\"resourceVersion\": \"7\"}, \"items\": [" + slice(first.port())
                                + "]}";
                        out.write(
                                ("HTTP/1.1 200 OK\r\nContent-Length: " + list.length() + "\r\n\r\n" + list).getBytes());
                        return true;
                    }
                    out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes());
                    out.flush();
                    assertThat(changed.await(20, TimeUnit.SECONDS)).isTrue();
                    String event = "{\"type\": \"MODIFIED\", \"object\": " + slice(second.port()) + "}\n";
                    out.write((Integer.toHexString(event.length()) + "\r\n" + event + "\r\n").getBytes());
                    out.flush();
                    // Until the gateway leaves.
                    return in.read() >= 0;
                });
                Gateway gateway = gateway(KubernetesDiscovery.service("shop", "orders")
                        .apiServer(api.url(), UpstreamTls.verified())
                        .tokenFile(token))) {
            gateway.start();
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(
                            () -> assertThat(endpoints(gateway)).containsExactly("http://127.0.0.1:" + first.port()));
            changed.countDown();
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(
                            () -> assertThat(endpoints(gateway)).containsExactly("http://127.0.0.1:" + second.port()));
            gateway.stop(Duration.ZERO);
            await().atMost(Duration.ofSeconds(10)).until(() -> api.open() == 0);
        }
    }

    @Test
    void a_consul_agent_is_asked_by_the_gateways_own_calls() throws Exception {
        try (RawOrigin origin = RawOrigin.saying("hello");
                RawOrigin agent = RawOrigin.answering(RawOrigin.ok(
                        "[{\"Service\": {\"Address\": \"127.0.0.1\", \"Port\": " + origin.port() + "}}]"));
                Gateway gateway = gateway(ConsulDiscovery.service(agent.url(), "orders"))) {
            gateway.start();
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertThat(endpoints(gateway)).containsExactly(origin.url()));
            assertThat(agent.received().get(0).line()).isEqualTo("GET /v1/health/service/orders?passing=1 HTTP/1.1");
        }
    }

    private static List<String> endpoints(Gateway gateway) {
        return gateway.upstream("orders").endpoints().stream()
                .map(endpoint -> endpoint.uri())
                .toList();
    }

    private static Gateway gateway(Discovery discovery) {
        return Gateway.builder()
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("orders").discovery(discovery).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build())
                .build();
    }

    private static String slice(int port) {
        return "{\"metadata\": {\"name\": \"s1\", \"resourceVersion\": \"9\"}, \"addressType\": \"IPv4\", \"ports\":"
                + " [{\"port\": " + port + "}], \"endpoints\": [{\"addresses\": [\"127.0.0.1\"]}]}";
    }
}
