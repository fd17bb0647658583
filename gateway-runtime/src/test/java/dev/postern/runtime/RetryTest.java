package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Match;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attempts that are made again, over sockets: what the endpoints see, and what the client gets. */
class RetryTest {
    private static final String UNAVAILABLE = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @ParameterizedTest
    @CsvSource({"GET, 200, 2", "PUT, 200, 2", "DELETE, 200, 2", "POST, 503, 1"})
    void an_answer_of_a_chosen_status_is_let_go_and_asked_for_elsewhere(String method, int status, int seen)
            throws Exception {
        RawOrigin busy = rig.origin(RawOrigin.bytes(UNAVAILABLE));
        RawOrigin good = rig.origin(RawOrigin.echo());
        Running running = start(RetryPolicy.Builder::onGatewayErrors, busy.url(), good.url());
        RawClient client = running.client();
        int[] statuses = new int[6];
        for (int i = 0; i < statuses.length; i++) {
            Answer answer = client.request(method, "/" + i, "payload").read();
            statuses[i] = answer.status();
            assertThat(answer.text()).isEqualTo(answer.status() == 200 ? "payload" : "busy");
        }
        assertThat(Arrays.stream(statuses).filter(each -> each == status).count())
                .isEqualTo(status == 200 ? 6 : 3);
        assertThat(busy.received())
                .hasSizeGreaterThanOrEqualTo(3)
                .allMatch(request -> request.text().equals("payload"));
        assertThat(running.outcome(6).attempts()).isIn(1, seen);
        // The connection of the answer that nobody wanted is used again.
        assertThat(busy.connections()).isEqualTo(1);
    }

    @Test
    void the_last_answer_is_passed_on_when_all_have_failed() throws Exception {
        RawOrigin busy = rig.origin(RawOrigin.bytes(UNAVAILABLE));
        Running running = start(policy -> policy.onStatus(503).maxRetries(3), busy.url());
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.text()).isEqualTo("busy");
        assertThat(busy.received()).hasSize(4);
        assertThat(running.outcome().attempts()).isEqualTo(4);
        assertThat(running.attempts()).extracting(attempt -> attempt.number()).containsExactly(1, 2, 3, 4);
    }

    @Test
    void an_endpoint_that_asks_for_more_time_than_is_allowed_gets_it() throws Exception {
        RawOrigin busy = rig.origin(
                RawOrigin.bytes("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"));
        Running running = start(RetryPolicy.Builder::onGatewayErrors, busy.url());
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isEqualTo("2");
        assertThat(busy.received()).hasSize(1);
    }

    @Test
    void a_grpc_status_in_the_head_counts() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        RawOrigin service = rig.origin((request, in, out, socket) -> {
            String status = calls.getAndIncrement() == 0 ? "14" : "0";
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: 0\r\ngrpc-status: " + status + "\r\n\r\n").getBytes());
            return true;
        });
        Running running = start(policy -> policy.onGrpcStatus(14).treatAsIdempotent("POST"), service.url());
        Answer answer = running.client().request("POST", "/Call", "x").read();
        assertThat(answer.header("grpc-status")).isEqualTo("0");
        assertThat(service.received()).hasSize(2);
    }

    @Test
    void a_post_is_repeated_only_with_a_key_and_only_by_a_policy_that_trusts_it() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        RawOrigin flaky = rig.origin((request, in, out, socket) ->
                calls.incrementAndGet() % 2 == 0 && RawOrigin.echo().answer(request, in, out, socket));
        Running running = start(policy -> policy.onReset().trustIdempotencyKey(), flaky.url());
        RawClient client = running.client();
        Answer answer = client.send(
                        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nIdempotency-Key: \"7\"\r\n\r\nx")
                .read();
        assertThat(answer.text()).isEqualTo("x");
        assertThat(flaky.received()).hasSize(2);
        assertThat(client.request("POST", "/", "x").read().status()).isEqualTo(502);
        assertThat(flaky.received()).hasSize(3);
    }

    @Test
    void a_chunked_body_within_the_limit_is_sent_again_and_a_longer_one_is_not() throws Exception {
        // Reads the whole body, then leaves: the worst moment.
        AtomicInteger calls = new AtomicInteger();
        RawOrigin flaky = rig.origin((request, in, out, socket) ->
                calls.incrementAndGet() % 2 == 0 && RawOrigin.echo().answer(request, in, out, socket));
        Running running = start(policy -> policy.onReset().replayBytes(1000), flaky.url());
        RawClient client = running.client();
        String within = "a".repeat(500);
        Answer answer = client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n"
                        + within + "\r\n1f4\r\n" + within + "\r\n0\r\n\r\n")
                .read();
        assertThat(answer.text()).isEqualTo(within + within);
        assertThat(flaky.received()).hasSize(2).allMatch(request -> request.body().length == 1000);
        answer = client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n" + within
                        + "\r\n1f5\r\n" + within + "b\r\n0\r\n\r\n")
                .read();
        assertThat(answer.status()).isEqualTo(502);
        assertThat(flaky.received()).hasSize(3);
        assertThat(running.client().request("PUT", "/", "a".repeat(1000)).read().text())
                .hasSize(1000);
    }

    @Test
    void one_try_has_its_own_bound_and_the_next_goes_elsewhere() throws Exception {
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        RawOrigin good = rig.origin(RawOrigin.ok("ok"));
        Running running =
                start(policy -> policy.onTimeout().perTryTimeout(Duration.ofMillis(100)), silent.url(), good.url());
        RawClient client = running.client();
        for (int i = 0; i < 4; i++) {
            assertThat(client.get("/").read().text()).isEqualTo("ok");
        }
        assertThat(running.attempts())
                .filteredOn(attempt -> attempt.failure() == Failure.FIRST_BYTE_TIMEOUT)
                .hasSameSizeAs(silent.received())
                .isNotEmpty();
    }

    @Test
    void without_the_condition_the_bound_of_a_try_is_the_answer() throws Exception {
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = start(policy -> policy.onReset().perTryTimeout(Duration.ofMillis(50)), silent.url());
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(504);
        assertThat(answer.text()).contains("first_byte_timeout");
        assertThat(silent.received()).hasSize(1);
    }

    @Test
    void with_everything_failing_the_upstream_sees_a_fifth_more_and_the_minimum() throws Exception {
        RawOrigin broken = rig.origin(RawOrigin.bytes(UNAVAILABLE));
        Running running = start(
                policy -> policy.onStatus(503)
                        .maxRetries(3)
                        .budget(0.2, 1)
                        .backOff(Duration.ofNanos(1), Duration.ofNanos(1)),
                broken.url());
        Thread[] clients = new Thread[4];
        for (int i = 0; i < clients.length; i++) {
            RawClient client = running.client();
            clients[i] = new Thread(() -> {
                try {
                    for (int n = 0; n < 100; n++) {
                        assertThat(client.get("/").read().status()).isEqualTo(503);
                    }
                } catch (Exception cut) {
                    throw new AssertionError(cut);
                }
            });
            clients[i].start();
        }
        for (Thread client : clients) {
            client.join();
        }
        // 400 requests, 80 retries for a fifth of them, 10 for one a second; more only if the run took over ten
        // seconds.
        assertThat(broken.received()).hasSize(490);
    }

    @Test
    void a_client_that_leaves_during_the_pause_leaves_nothing_behind() throws Exception {
        RawOrigin busy = rig.origin(
                RawOrigin.bytes("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"));
        Running running = start(policy -> policy.onStatus(503).maxRetryAfter(Duration.ofSeconds(5)), busy.url());
        RawClient client = running.client();
        client.get("/");
        await().until(() -> running.attempts().size() == 1);
        client.close();
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
        assertThat(busy.received()).hasSize(1);
    }

    @Test
    void a_connect_failure_goes_elsewhere_with_a_body_that_cannot_be_repeated() throws Exception {
        int closed;
        try (ServerSocket free = new ServerSocket(0)) {
            closed = free.getLocalPort();
        }
        RawOrigin good = rig.origin(RawOrigin.echo());
        Running running =
                start(policy -> policy.onConnectFailure().replayBytes(0), "http://127.0.0.1:" + closed, good.url());
        for (int i = 0; i < 4; i++) {
            assertThat(running.client()
                            .request("POST", "/", "x".repeat(100_000))
                            .read()
                            .text())
                    .hasSize(100_000);
        }
    }

    private Running start(UnaryOperator<RetryPolicy.Builder> policy, String... endpoints) {
        return rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints(endpoints)
                        .retry(policy.apply(RetryPolicy.builder()).build())
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofSeconds(10))
                        .to("orders")
                        .build()));
    }
}
