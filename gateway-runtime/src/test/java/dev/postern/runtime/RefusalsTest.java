package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Pki;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.Running;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What ends before it is an exchange is seen: by observers, in meters, in the access log. */
class RefusalsTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final Queue<ExchangeObserver.Refused> seen = new ConcurrentLinkedQueue<>();
    private final Queue<String> listeners = new ConcurrentLinkedQueue<>();
    private final Queue<String> lines = new ConcurrentLinkedQueue<>();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    private final ExchangeObserver watcher = new ExchangeObserver() {
        @Override
        public void started(Request request, Exchange exchange) {
            listeners.add(String.valueOf(exchange.listener()));
        }

        @Override
        public void refused(Refused refused) {
            seen.add(refused);
        }
    };

    private Running start(Listener listener) {
        return rig.start(gateway -> gateway.listen(listener)
                .observe(watcher)
                .observe(AccessLog.json().to(lines::add))
                .observe(MicrometerMetrics.to(registry))
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .answer(Response.of(204))
                        .build()));
    }

    private void assertCounted(String listener, String reason) {
        await().ignoreExceptions()
                .untilAsserted(() -> assertThat(registry.get("postern.edge.refusals")
                                .tags("listener", listener, "reason", reason)
                                .functionCounter()
                                .count())
                        .isEqualTo(1));
    }

    @Test
    void what_the_byte_guard_refuses_is_told_with_listener_reason_peer_and_the_id_of_the_answer() throws Exception {
        Running running = start(Listener.http(0).host("127.0.0.1").name("edge"));
        Answer answer = running.client()
                .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                .read();
        assertThat(answer.status()).isEqualTo(400);
        await().until(() -> !seen.isEmpty());
        // The question that every listener asks itself at its start is no refusal.
        assertThat(seen).hasSize(1);
        ExchangeObserver.Refused refused = seen.element();
        assertThat(refused.listener()).isEqualTo("edge");
        assertThat(refused.reason()).isEqualTo("framing.te_and_cl");
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.requestId()).isEqualTo(answer.header("X-Request-Id"));
        assertThat(refused.peer().getAddress().isLoopbackAddress()).isTrue();
        assertThat(lines).hasSize(1);
        assertThat(lines.element())
                .contains("\"id\":\"" + refused.requestId() + "\",\"listener\":\"edge\"")
                .contains("\"reason\":\"framing.te_and_cl\"");
        assertCounted("edge", "framing.te_and_cl");
    }

    @Test
    void exchanges_and_their_lines_name_the_listener_and_its_requests_are_counted() throws Exception {
        Running running = start(Listener.http(0).host("127.0.0.1").name("edge"));
        RawClient client = running.client();
        assertThat(client.get("/").read().status()).isEqualTo(204);
        assertThat(client.get("/%zz").read().status()).isEqualTo(400);
        await().until(() -> lines.size() == 2);
        assertThat(listeners).containsExactly("edge", "edge");
        assertThat(lines).allMatch(line -> line.contains("\"listener\":\"edge\""));
        await().ignoreExceptions()
                .untilAsserted(() -> assertThat(registry.get("postern.listener.requests")
                                .tags("listener", "edge")
                                .functionCounter()
                                .count())
                        .isEqualTo(2));
    }

    @Test
    void a_connection_that_is_not_http2_is_told_on_a_port_for_nothing_else() throws Exception {
        Running running = start(Listener.http(0).host("127.0.0.1").name("h2c").protocols(Protocol.HTTP_2));
        RawClient client = running.client().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.isAtEnd()).isTrue();
        assertCounted("h2c", "h2.preface");
        assertThat(seen)
                .singleElement()
                .satisfies(refused -> assertThat(refused.requestId()).isNull());
        assertThat(lines).isEmpty();
    }

    @Test
    void handshakes_that_fail_or_take_too_long_are_told_and_who_only_looks_is_not(@TempDir Path dir) throws Exception {
        Tls.Pair pair = Pki.write(dir, "server", new Pki("CN=Authority").server(1, "localhost"));
        Running running = start(Listener.https(0, Tls.pem(pair.certificate(), pair.key()))
                .host("127.0.0.1")
                .name("tls")
                .limits(Limits.standard().handshakeTimeout(Duration.ofMillis(300))));
        try (Socket looks = new Socket(InetAddress.getLoopbackAddress(), running.port())) {
            assertThat(looks.isConnected()).isTrue();
        }
        try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), running.port());
                Socket plain = new Socket(InetAddress.getLoopbackAddress(), running.port())) {
            OutputStream out = plain.getOutputStream();
            out.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(silent.getInputStream().read()).isEqualTo(-1);
        }
        assertCounted("tls", "tls.handshake");
        assertCounted("tls", "tls.timeout");
        assertThat(seen.stream().map(ExchangeObserver.Refused::reason).sorted())
                .isEqualTo(List.of("tls.handshake", "tls.timeout"));
    }
}
