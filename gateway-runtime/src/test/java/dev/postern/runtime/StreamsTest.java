package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Event streams and other messages that are not simply a head and a body (docs/concepts/streams.md). */
class StreamsTest {
    private static final String EVENT = "d\r\ndata: hello\n\n\r\n";

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** Sends one event and then nothing, until the connection ends. */
    private RawOrigin oneEvent() throws Exception {
        return rig.origin((request, in, out, socket) -> {
            out.write(
                    ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + EVENT)
                            .getBytes(StandardCharsets.US_ASCII));
            out.flush();
            in.read();
            return false;
        });
    }

    private static String readEvent(RawClient client) throws Exception {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("data: hello\n\n") < 0) {
            text.append((char) client.readByte());
        }
        return text.toString();
    }

    private static void assertCut(RawClient client) throws Exception {
        StringBuilder rest = new StringBuilder();
        for (int next = client.in().read(); next >= 0; next = client.in().read()) {
            rest.append((char) next);
        }
        assertThat(rest.toString()).as("no last chunk").doesNotContain("0\r\n\r\n");
    }

    @Test
    void t104_an_event_stream_does_not_outlive_the_principal_that_opened_it() throws Exception {
        RawOrigin origin = oneEvent();
        CompletableFuture<Exchange.Kind> kind = new CompletableFuture<>();
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named("login", (request, chain) -> {
                    Exchange exchange = chain.exchange();
                    exchange.authenticate(new Principal("alice", "test", Set.of(), Map.of())
                            .withExpiry(exchange.time().now().plusMillis(300)));
                    exchange.onEnd(outcome -> kind.complete(exchange.kind()));
                    return chain.proceed(request);
                })),
                upstream -> upstream);
        RawClient client = running.client().get("/");
        assertThat(readEvent(client)).contains("text/event-stream");
        assertCut(client);
        Outcome outcome = running.outcome();
        assertThat(outcome.failure()).isEqualTo(Failure.STREAM_ENDED);
        assertThat(outcome.reason()).isEqualTo("stream.expired");
        assertThat(kind.get(5, TimeUnit.SECONDS)).isEqualTo(Exchange.Kind.SSE);
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    @Test
    void an_ordinary_answer_may_take_longer_than_its_principal_lasts() throws Exception {
        CompletableFuture<Void> now = new CompletableFuture<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no".getBytes(StandardCharsets.US_ASCII));
            out.flush();
            now.join();
            out.write('k');
            return true;
        });
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named("login", (request, chain) -> {
                    chain.exchange()
                            .authenticate(new Principal("alice", "test", Set.of(), Map.of())
                                    .withExpiry(chain.exchange().time().now()));
                    return chain.proceed(request);
                })),
                upstream -> upstream);
        RawClient client = running.client().get("/");
        await().until(() -> client.available() > 0);
        now.complete(null);
        assertThat(client.read().text()).isEqualTo("ok");
        assertThat(running.outcome().failure()).isNull();
    }

    @Test
    void an_event_stream_is_not_ended_by_a_drain_before_its_time_is_up() throws Exception {
        CompletableFuture<Void> now = new CompletableFuture<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write(
                    ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + EVENT)
                            .getBytes(StandardCharsets.US_ASCII));
            out.flush();
            now.join();
            out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return true;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        readEvent(client);
        var stopped = running.gateway().stopAsync(Duration.ofSeconds(10));
        await().until(() -> !running.gateway().health().ready());
        now.complete(null);
        stopped.toCompletableFuture().get(20, TimeUnit.SECONDS);
        assertThat(running.outcome().failure()).isNull();
    }

    @Test
    void a_client_that_ends_its_side_has_left() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            in.read();
            return false;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        await().until(() -> !origin.received().isEmpty());
        client.socket().shutdownOutput();
        assertThat(client.isAtEnd()).isTrue();
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    @Test
    void ranges_pass_untouched_in_both_directions() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/10\r\n"
                + "Accept-Ranges: bytes\r\nETag: \"v1\"\r\nContent-Length: 2\r\n\r\ncd"));
        Running running = rig.proxy(origin);
        Answer answer = running.client()
                .request("GET", "/", "", "Range: bytes=2-3", "If-Range: \"v1\"")
                .read();
        assertThat(origin.received().get(0).header("Range")).isEqualTo("bytes=2-3");
        assertThat(origin.received().get(0).header("If-Range")).isEqualTo("\"v1\"");
        assertThat(answer.status()).isEqualTo(206);
        assertThat(answer.header("Content-Range")).isEqualTo("bytes 2-3/10");
        assertThat(answer.header("Accept-Ranges")).isEqualTo("bytes");
        assertThat(answer.text()).isEqualTo("cd");
    }
}
