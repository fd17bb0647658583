package dev.postern.runtime;

import static dev.postern.runtime.rig.WebSocketPeer.CLOSE;
import static dev.postern.runtime.rig.WebSocketPeer.TEXT;
import static dev.postern.runtime.rig.WebSocketPeer.accept;
import static dev.postern.runtime.rig.WebSocketPeer.handshake;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.MessageHook.Verdict;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.WebSocketRules;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.rig.WebSocketPeer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What exchanges keep in memory is bounded for all of them together (reliability T085, T136). */
class MemoryTest {
    private static final int ROOM = 1 << 20;
    private static final String WHOLE_CHUNKED = "PUT /retried HTTP/1.1\r\nHost: localhost\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final CountDownLatch patience = new CountDownLatch(1);

    private static final Filter READS_WHOLE = Filter.named(
            "reads-whole",
            (request, chain) ->
                    request.body().buffer(4 * ROOM).thenCompose(body -> chain.proceed(request.withBody(body))));

    /** One route reads bodies whole for an origin that waits; another streams and retries. */
    private GatewayBuilder configured(GatewayBuilder gateway, RawOrigin waiting, RawOrigin flaky) {
        return gateway.maxBufferedBytes(ROOM)
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("waiting").endpoints(waiting.url()).build())
                .upstream(Upstream.builder("flaky")
                        .endpoints(flaky.url())
                        .retry(RetryPolicy.builder().onReset().build())
                        .build())
                .route(Route.builder("whole")
                        .match(Match.path("/whole"))
                        .filter(READS_WHOLE)
                        .to("waiting")
                        .build())
                .route(Route.builder("retried")
                        .match(Match.path("/retried"))
                        .to("flaky")
                        .build());
    }

    private RawOrigin waiting() throws Exception {
        return rig.origin((request, in, out, socket) -> {
            assertThat(patience.await(30, TimeUnit.SECONDS)).isTrue();
            out.write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return true;
        });
    }

    /** Reads the whole request and leaves; the next time it answers. */
    private RawOrigin flaky() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        return rig.origin((request, in, out, socket) ->
                calls.incrementAndGet() % 2 == 0 && RawOrigin.echo().answer(request, in, out, socket));
    }

    private static RawClient fill(Running running, RawOrigin waiting, int bytes) throws Exception {
        RawClient client = running.client().request("POST", "/whole", "x".repeat(bytes));
        await().until(() -> waiting.received().size() == 1);
        return client;
    }

    @Test
    void a_body_for_which_there_is_no_room_is_refused_until_there_is_again() throws Exception {
        RawOrigin waiting = waiting();
        RawOrigin flaky = flaky();
        Running running = rig.start(gateway -> configured(gateway, waiting, flaky));
        RawClient first = fill(running, waiting, 700_000);
        Answer refused =
                running.client().request("POST", "/whole", "x".repeat(700_000)).read();
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.text()).contains("memory_exhausted");
        assertThat(running.outcome().failure()).isEqualTo(Failure.MEMORY_EXHAUSTED);
        assertThat(waiting.received()).hasSize(1);
        // What streams needs no room, and what is small has it.
        assertThat(running.client()
                        .request("POST", "/retried", "x".repeat(400_000))
                        .read()
                        .status())
                .isEqualTo(502);
        patience.countDown();
        assertThat(first.read().status()).isEqualTo(204);
        running.outcome(3);
        assertThat(running.client()
                        .request("POST", "/whole", "x".repeat(700_000))
                        .read()
                        .status())
                .isEqualTo(204);
    }

    @Test
    void bodies_are_not_kept_for_another_attempt_when_most_of_the_room_is_used() throws Exception {
        RawOrigin waiting = waiting();
        RawOrigin flaky = flaky();
        Running running = rig.start(gateway -> configured(gateway, waiting, flaky));
        Answer kept = running.client().send(WHOLE_CHUNKED).read();
        assertThat(kept.text()).isEqualTo("hello");
        assertThat(flaky.received()).hasSize(2);
        RawClient first = fill(running, waiting, ROOM * 9 / 10);
        assertThat(running.client().send(WHOLE_CHUNKED).read().status()).isEqualTo(502);
        assertThat(flaky.received()).hasSize(3);
        patience.countDown();
        assertThat(first.read().status()).isEqualTo(204);
    }

    @Test
    void an_announced_length_is_not_memory_yet() throws Exception {
        RawOrigin waiting = waiting();
        RawOrigin flaky = flaky();
        Running running = rig.start(gateway -> configured(gateway, waiting, flaky));
        for (int i = 0; i < 4; i++) {
            running.client()
                    .send("POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + (ROOM - 1) + "\r\n\r\nx");
        }
        patience.countDown();
        assertThat(running.client()
                        .request("POST", "/whole", "x".repeat(700_000))
                        .read()
                        .status())
                .isEqualTo(204);
    }

    @Test
    void a_message_for_hooks_that_finds_no_room_closes_with_try_again_later() throws Exception {
        RawOrigin echo = rig.origin((request, in, out, socket) -> {
            out.write(accept(request).getBytes(StandardCharsets.US_ASCII));
            WebSocketPeer.origin(in, out).echo();
            return false;
        });
        Running running = rig.start(gateway -> gateway.maxBufferedBytes(ROOM)
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("echo").endpoints(echo.url()).build())
                .route(Route.builder("talk")
                        .webSockets(WebSocketRules.standard().maxMessageBytes(ROOM))
                        .filter(Filter.named("looks", (request, chain) -> {
                            chain.exchange().onMessage((direction, message) -> Verdict.pass());
                            return chain.proceed(request);
                        }))
                        .to("echo")
                        .build()));
        RawClient client = running.client();
        assertThat(client.send(handshake("/") + "\r\n").read().status()).isEqualTo(101);
        WebSocketPeer peer = WebSocketPeer.client(client);
        // Each once as it came and once without its mask; given back when it has been judged.
        byte[] fits = "x".repeat(400_000).getBytes(StandardCharsets.US_ASCII);
        for (int i = 0; i < 4; i++) {
            assertThat(peer.send(true, TEXT, fits).read().payload()).hasSize(400_000);
        }
        peer.send(true, TEXT, "x".repeat(600_000).getBytes(StandardCharsets.US_ASCII));
        WebSocketPeer.Frame last = peer.read();
        assertThat(last.opcode()).isEqualTo(CLOSE);
        assertThat(last.code()).isEqualTo(1013);
        peer.close(1013, "");
        assertThat(running.outcome().failure()).isEqualTo(Failure.MEMORY_EXHAUSTED);
    }
}
