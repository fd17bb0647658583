package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that leave: the origin is let go, the endpoint keeps its good name. */
class CancellationTest {
    @RegisterExtension
    final GatewayRig rig = rig();

    GatewayRig rig() {
        return new GatewayRig();
    }

    private void assertLetGo(Running running, RawOrigin origin) {
        Outcome outcome = running.outcome();
        assertThat(outcome.failure()).isIn(Failure.CLIENT_GONE, Failure.REQUEST_BODY_BROKEN);
        await().untilAsserted(() ->
                assertThat(origin.open()).as("open connections at the origin").isZero());
        running.checkNothingHeld();
        assertThat(running.gateway().upstream("orders").endpoints().get(0).usable())
                .isTrue();
        assertThat(running.gateway().upstream("orders").endpoints().get(0).backOff())
                .isZero();
    }

    @Test
    void a_client_that_leaves_while_the_origin_thinks() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        await().until(() -> origin.received().size() == 1);
        client.close();
        assertLetGo(running, origin);
        assertThat(running.outcome().status()).isEqualTo(499);
    }

    @Test
    void a_client_that_resets_while_the_origin_thinks() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = rig.proxy(origin);
        RawClient client = running.client().request("POST", "/", "all of the body");
        await().until(() -> origin.received().size() == 1);
        client.socket().setSoLinger(true, 0);
        client.close();
        assertLetGo(running, origin);
        assertThat(running.outcome().status()).isEqualTo(499);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 10, 100_000})
    void a_client_that_leaves_within_its_body(int sent) throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(origin);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 1000000\r\n\r\n"
                        + "x".repeat(sent));
        await().until(() -> origin.received().size() == 1);
        client.close();
        assertLetGo(running, origin);
    }

    @Test
    void a_client_that_leaves_within_a_chunked_body() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(origin);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\n"
                        + "Host: localhost\r\n"
                        + "X-Script-Reads-Body: 1\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + "5\r\n"
                        + "ab");
        await().until(() -> origin.received().size() == 1);
        client.close();
        assertLetGo(running, origin);
    }

    @Test
    void a_client_that_leaves_while_the_origin_does_not_take_its_body() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            done.await(10, TimeUnit.SECONDS);
            return in.readAllBytes().length < 0;
        });
        Running running = rig.proxy(origin, route -> route.withoutRequestSizeLimit(), upstream -> upstream);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\n"
                        + "Host: localhost\r\n"
                        + "X-Script-Reads-Body: 1\r\n"
                        + "Content-Length: 100000000\r\n\r\n");
        Thread sender = new Thread(() -> {
            try {
                client.send(new byte[100_000_000], 0, 100_000_000);
            } catch (IOException closed) {
                // That is the point.
            }
        });
        sender.start();
        await().until(() -> origin.received().size() == 1);
        await().during(Duration.ofMillis(200)).until(sender::isAlive);
        client.socket().setSoLinger(true, 0);
        client.close();
        running.outcome();
        done.countDown();
        assertLetGo(running, origin);
        sender.join(5000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 100000000", "Transfer-Encoding: chunked"})
    void a_client_that_leaves_within_the_response(String framing) throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write(("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            byte[] chunk = ("10000\r\n" + "x".repeat(65_536) + "\r\n").getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 1500; i++) {
                out.write(chunk);
            }
            return false;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        client.skip(200_000);
        client.close();
        assertLetGo(running, origin);
        assertThat(running.outcome().status()).isEqualTo(200);
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
    }

    @Test
    void a_client_that_leaves_a_silent_stream() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .getBytes(StandardCharsets.UTF_8));
            out.flush();
            return in.read() >= 0;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        client.skip(15);
        client.close();
        assertLetGo(running, origin);
    }

    @Test
    void a_client_that_leaves_in_the_queue_for_a_connection() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = rig.proxy(
                origin, route -> route, upstream -> upstream.maxConnections(1).poolTimeout(Duration.ofSeconds(10)));
        RawClient first = running.client().get("/1");
        await().until(() -> origin.received().size() == 1);
        RawClient second = running.client().get("/2");
        await().until(() -> running.gateway().upstream("orders").pending() == 1);
        second.close();
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
        assertThat(running.gateway().upstream("orders").pending()).isZero();
        first.close();
        running.outcome(2);
        assertLetGo(running, origin);
        assertThat(origin.received()).hasSize(1);
    }

    @Test
    void what_a_filter_waits_for_ends_with_the_client() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        CountDownLatch working = new CountDownLatch(1);
        AtomicReference<Throwable> interrupted = new AtomicReference<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named("waits", (request, chain) -> {
                    chain.exchange()
                            .delay(Duration.ofSeconds(60))
                            .whenComplete((v, failure) -> seen.add("delay " + code(failure)));
                    chain.exchange()
                            .call("orders", Request.of("GET", "/side"))
                            .response()
                            .whenComplete((v, failure) -> seen.add("call " + code(failure)));
                    CompletableFuture<Response> never = new CompletableFuture<>();
                    chain.exchange()
                            .offload(() -> {
                                working.countDown();
                                try {
                                    new CountDownLatch(1).await();
                                } catch (InterruptedException expected) {
                                    interrupted.set(expected);
                                    throw expected;
                                }
                                return 1;
                            })
                            .whenComplete((v, failure) -> seen.add("offload " + code(failure)));
                    return never;
                })),
                upstream -> upstream);
        RawClient client = running.client().get("/");
        working.await(5, TimeUnit.SECONDS);
        await().until(() -> origin.received().size() == 1);
        client.close();
        assertThat(running.outcome().status()).isEqualTo(499);
        await().untilAsserted(() -> assertThat(seen)
                .containsExactlyInAnyOrder("delay client_gone", "call client_gone", "offload client_gone"));
        await().untilAsserted(() -> assertThat(interrupted.get()).isNotNull());
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    private static String code(Throwable failure) {
        Throwable root = failure instanceof CompletionException ? failure.getCause() : failure;
        return root instanceof GatewayException known ? known.reason() : String.valueOf(root);
    }
}
