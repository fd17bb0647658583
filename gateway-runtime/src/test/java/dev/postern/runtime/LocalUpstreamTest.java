package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayException;
import dev.postern.Handler;
import dev.postern.Hedging;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.testing.ManualTime;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The host's own code as an upstream: what endpoints get by policy, it gets too. */
class LocalUpstreamTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final ManualTime time = ManualTime.create();
    private final Own own = new Own();

    /** The host's code: each call waits until the test answers it. */
    private static final class Own implements Handler {
        final List<Asked> calls = new CopyOnWriteArrayList<>();

        @Override
        public CompletionStage<Response> handle(Request request, Exchange exchange) {
            Asked asked = new Asked(request, exchange, new CompletableFuture<>(), new CompletableFuture<>());
            exchange.onEnd(asked.end::complete);
            calls.add(asked);
            return asked.answer;
        }

        Asked call(int number) {
            return calls.get(number - 1);
        }
    }

    private record Asked(
            Request request, Exchange exchange, CompletableFuture<Response> answer, CompletableFuture<Outcome> end) {}

    private static Upstream.Builder upstream(Handler handler) {
        return Upstream.local("own", handler).toBuilder();
    }

    private Running start(Upstream upstream) {
        return rig.start(gateway -> gateway.time(time)
                .upstream(upstream)
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofSeconds(10))
                        .to("own")
                        .build()));
    }

    private Running retrying(UnaryOperator<RetryPolicy.Builder> policy) {
        return start(upstream(own)
                .retry(policy.apply(RetryPolicy.builder().backOff(Duration.ofMillis(10), Duration.ofMillis(10)))
                        .build())
                .build());
    }

    private static CompletableFuture<Response> send(Running running, String method) {
        return send(running, Request.of(method, "/"));
    }

    private static CompletableFuture<Response> send(Running running, Request request) {
        return running.gateway().handle(request, ClientInfo.local()).toCompletableFuture();
    }

    private void pass(long millis) {
        time.advance(Duration.ofMillis(millis));
    }

    private static UpstreamState state(Running running) {
        return running.gateway().upstream("own");
    }

    // ---- retries

    @ParameterizedTest
    @ValueSource(strings = {"fails", "throws", "503", "times out"})
    void what_fails_is_called_again_until_it_does_not(String how) {
        CompletableFuture<Response> never = new CompletableFuture<>();
        List<Integer> attempts = new ArrayList<>();
        Running running = start(upstream((request, exchange) -> {
                    attempts.add(attempts.size() + 1);
                    if (attempts.size() == 3) {
                        return CompletableFuture.completedFuture(Response.text(200, "third"));
                    }
                    return switch (how) {
                        case "fails" -> CompletableFuture.failedFuture(new IllegalStateException("no"));
                        case "throws" -> throw new IllegalStateException("no");
                        case "503" -> CompletableFuture.completedFuture(Response.of(503));
                        default -> never;
                    };
                })
                .retry(RetryPolicy.builder()
                        .onReset()
                        .onStatus(503)
                        .onTimeout()
                        .perTryTimeout(Duration.ofMillis(500))
                        .maxRetries(2)
                        .build())
                .build());
        CompletableFuture<Response> answer = send(running, "GET");
        for (int i = 0; i < 20; i++) {
            pass(100);
        }
        assertThat(answer).isDone();
        assertThat(answer.join().status()).isEqualTo(200);
        assertThat(attempts).containsExactly(1, 2, 3);
        assertThat(state(running).policies().retries()).isEqualTo(2);
        assertThat(running.outcome().attempts()).isEqualTo(3);
        assertThat(running.outcome().endpoint()).isEqualTo("local:own");
        assertThat(running.attempts())
                .extracting(attempt -> attempt.endpoint() + ' ' + attempt.number() + ' ' + attempt.failure())
                .containsExactlyInAnyOrder(
                        "local:own 1 " + failure(how), "local:own 2 " + failure(how), "local:own 3 null");
    }

    private static String failure(String how) {
        return switch (how) {
            case "503" -> "null";
            case "times out" -> "FIRST_BYTE_TIMEOUT";
            default -> "HANDLER_FAILED";
        };
    }

    @ParameterizedTest
    @CsvSource({"GET, '', 2", "PUT, '', 2", "POST, '', 1", "POST, key, 2", "PATCH, '', 1"})
    void what_may_have_had_its_effect_is_not_called_twice(String method, String key, int calls) {
        Running running = retrying(policy -> policy.onReset().trustIdempotencyKey());
        Request request = Request.of(method, "/");
        CompletableFuture<Response> answer =
                send(running, key.isEmpty() ? request : request.withHeader("Idempotency-Key", key));
        own.call(1).answer().completeExceptionally(new IllegalStateException("no"));
        pass(20);
        assertThat(own.calls).hasSize(calls);
        if (calls == 2) {
            own.call(2).answer().completeExceptionally(new IllegalStateException("no"));
        }
        assertThat(answer.join().status()).isEqualTo(500);
    }

    @Test
    void answers_of_the_hosts_code_are_the_gateways_own_with_policies_as_without() {
        Running running = retrying(RetryPolicy.Builder::onReset);
        CompletableFuture<Response> answer = send(running, "GET");
        own.call(1).answer().complete(Response.of(204));
        assertThat(answer.join().header("X-Request-Id")).hasSize(32);
    }

    @Test
    void a_body_that_streams_is_read_again_from_the_beginning() throws Exception {
        List<String> read = new CopyOnWriteArrayList<>();
        Running running = rig.start(gateway -> gateway.upstream(upstream((request, exchange) -> request.body()
                                .buffer(100)
                                .thenApply(body -> {
                                    read.add(body.text());
                                    return Response.of(read.size() < 3 ? 503 : 200)
                                            .withBody(body);
                                }))
                        .retry(RetryPolicy.builder().onStatus(503).maxRetries(2).build())
                        .build())
                .route(Route.builder("all").match(Match.any()).to("own").build()));
        RawClient client = running.client();
        assertThat(client.request("PUT", "/", "payload").read().text()).isEqualTo("payload");
        assertThat(read).containsExactly("payload", "payload", "payload");
        assertThat(client.get("/").read().status()).isEqualTo(200);
    }

    @Test
    void a_body_is_taken_from_an_attempt_that_takes_too_long_with_it() {
        Chunks source = new Chunks();
        Running running = start(upstream(own)
                .retry(RetryPolicy.builder()
                        .onTimeout()
                        .perTryTimeout(Duration.ofMillis(500))
                        .backOff(Duration.ofMillis(10), Duration.ofMillis(10))
                        .build())
                .build());
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        CompletableFuture<BufferedBody> first =
                own.call(1).request().body().buffer(100).toCompletableFuture();
        source.send("one ");
        pass(500);
        assertThat(first).isCompletedExceptionally();
        pass(20);
        CompletableFuture<BufferedBody> second =
                own.call(2).request().body().buffer(100).toCompletableFuture();
        source.send("two");
        source.end();
        assertThat(second.join().text()).isEqualTo("one two");
        own.call(2).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void an_answer_that_reads_the_request_after_its_head_gets_all_of_it(boolean transformed) {
        Running running = retrying(policy -> policy.onStatus(503));
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        CompletableFuture<BufferedBody> first =
                own.call(1).request().body().buffer(100).toCompletableFuture();
        source.send("one ");
        own.call(1).answer().complete(Response.of(503));
        assertThat(first).isCompletedExceptionally();
        pass(20);
        Body again = own.call(2).request().body();
        own.call(2).answer().complete(Response.of(200).withBody(transformed ? Body.from(again.chunks(), -1) : again));
        assertThat(source.cancelled).isFalse();
        CompletableFuture<BufferedBody> read = answer.join().body().buffer(100).toCompletableFuture();
        source.send("two");
        source.end();
        assertThat(read.join().text()).isEqualTo("one two");
        assertThat(state(running).inFlight()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"buffered", "discards", "never reads", "leaves"})
    void what_no_answer_reads_any_more_is_let_go(String how) {
        Running running = retrying(policy -> policy.onStatus(503));
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        CompletableFuture<BufferedBody> first =
                own.call(1).request().body().buffer(100).toCompletableFuture();
        source.send("one ");
        own.call(1).answer().complete(Response.of(503));
        assertThat(first).isCompletedExceptionally();
        pass(20);
        Body again = own.call(2).request().body();
        Chunks streaming = new Chunks();
        own.call(2)
                .answer()
                .complete(
                        how.equals("buffered")
                                ? Response.of(204)
                                : Response.of(200).withBody(Body.from(streaming, -1)));
        switch (how) {
            case "buffered" -> assertThat(answer.join().status()).isEqualTo(204);
            case "discards" -> {
                again.discard();
                assertThat(source.cancelled).isTrue();
                answer.join().body().discard();
            }
            case "never reads" -> {
                CompletableFuture<BufferedBody> read =
                        answer.join().body().buffer(100).toCompletableFuture();
                assertThat(source.cancelled).isFalse();
                streaming.end();
                assertThat(read.join().text()).isEmpty();
            }
            default -> answer.join().body().discard();
        }
        assertThat(source.cancelled).isTrue();
    }

    @Test
    void an_attempt_that_is_over_takes_nothing_from_the_one_that_reads() {
        Running running = retrying(policy -> policy.onStatus(503).replayBytes(8));
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        own.call(1).answer().complete(Response.of(503));
        pass(20);
        CompletableFuture<BufferedBody> second =
                own.call(2).request().body().buffer(100).toCompletableFuture();
        source.send("more than 8 bytes ");
        own.call(1).request().body().discard();
        CompletableFuture<BufferedBody> late =
                own.call(1).request().body().buffer(100).toCompletableFuture();
        assertThat(late).isCompletedExceptionally();
        source.send("to the end");
        source.end();
        assertThat(second.join().text()).isEqualTo("more than 8 bytes to the end");
        own.call(2).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
        assertThat(source.cancelled).isFalse();
    }

    @Test
    void code_that_reads_before_the_attempt_after_it_does_gets_an_error_and_no_bytes() {
        Running running = retrying(policy -> policy.onStatus(503).replayBytes(8));
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        own.call(1).answer().complete(Response.of(503));
        CompletableFuture<BufferedBody> late =
                own.call(1).request().body().buffer(100).toCompletableFuture();
        assertThat(late).isCompletedExceptionally();
        assertThat(source.subscriber).isNull();
        pass(20);
        own.call(2).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
    }

    @Test
    void a_reader_that_throws_when_its_attempt_is_given_up_holds_nothing_up() {
        rig.expectLog("who read the request's body for an attempt failed at its end");
        Running running = start(upstream(own)
                .retry(RetryPolicy.builder()
                        .onTimeout()
                        .perTryTimeout(Duration.ofMillis(500))
                        .backOff(Duration.ofMillis(10), Duration.ofMillis(10))
                        .build())
                .build());
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        own.call(1).request().body().chunks().subscribe(new Throwing());
        pass(500);
        pass(20);
        assertThat(own.calls).hasSize(2);
        assertThat(state(running).inFlight()).isEqualTo(1);
        own.call(2).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
        assertThat(state(running).inFlight()).isZero();
    }

    /** Does what subscribers must not. */
    private static final class Throwing implements Flow.Subscriber<ByteBuffer> {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(1);
        }

        @Override
        public void onNext(ByteBuffer chunk) {}

        @Override
        public void onError(Throwable failure) {
            throw new IllegalStateException("thrown by a subscriber", failure);
        }

        @Override
        public void onComplete() {}
    }

    @Test
    void a_body_longer_than_what_is_remembered_is_not_sent_twice() {
        Chunks source = new Chunks();
        Running running = retrying(policy -> policy.onReset().replayBytes(4));
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        own.call(1).request().body().buffer(100);
        source.send("too long");
        own.call(1).answer().completeExceptionally(new IllegalStateException("no"));
        pass(20);
        assertThat(own.calls).hasSize(1);
        assertThat(answer.join().status()).isEqualTo(500);
    }

    @Test
    void a_body_has_the_limit_of_its_reader() {
        Running running = retrying(RetryPolicy.Builder::onReset);
        Chunks source = new Chunks();
        CompletableFuture<Response> answer =
                send(running, Request.of("PUT", "/").withBody(Body.from(source, -1)));
        CompletableFuture<BufferedBody> read =
                own.call(1).request().body().buffer(3).toCompletableFuture();
        source.send("four");
        assertThat(catchThrowableOfType(
                                java.util.concurrent.ExecutionException.class, () -> read.get(0, TimeUnit.SECONDS))
                        .getCause())
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        failure -> assertThat(failure.failure()).isEqualTo(Failure.REQUEST_BODY_TOO_LARGE));
        own.call(1).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
    }

    @Test
    void the_budget_bounds_what_is_called_again() {
        Running running = start(upstream((request, exchange) -> CompletableFuture.completedFuture(Response.of(503)))
                .retry(RetryPolicy.builder()
                        .onStatus(503)
                        .budget(0.2, 0)
                        .backOff(Duration.ofNanos(1), Duration.ofNanos(1))
                        .build())
                .build());
        for (int i = 0; i < 100; i++) {
            CompletableFuture<Response> answer = send(running, "GET");
            pass(1);
            assertThat(answer.join().status()).isEqualTo(503);
        }
        UpstreamState.Policies did = state(running).policies();
        assertThat(did.retries()).isEqualTo(20);
        assertThat(did.retriesRefused()).isEqualTo(80);
    }

    @Test
    void a_pause_that_ends_after_the_deadline_is_not_begun() {
        Running running = retrying(policy -> policy.onStatus(503).maxRetryAfter(Duration.ofMinutes(1)));
        CompletableFuture<Response> answer = send(running, "GET");
        own.call(1).answer().complete(Response.of(503).withHeader("Retry-After", "11"));
        assertThat(answer.join().header("Retry-After")).isEqualTo("11");
        assertThat(own.calls).hasSize(1);
    }

    // ---- time

    @Test
    void an_attempt_has_the_time_of_first_byte_and_sees_it() {
        Running running =
                start(upstream(own).firstByteTimeout(Duration.ofSeconds(1)).build());
        CompletableFuture<Response> answer = send(running, "GET");
        assertThat(own.call(1).exchange().remaining()).isEqualTo(Duration.ofSeconds(1));
        CompletableFuture<Void> delay =
                own.call(1).exchange().delay(Duration.ofSeconds(5)).toCompletableFuture();
        pass(1000);
        assertThat(answer.join().status()).isEqualTo(504);
        assertThat(delay).isCompletedExceptionally();
        assertThat(own.call(1).end().join().failure()).isEqualTo(Failure.FIRST_BYTE_TIMEOUT);
        assertThat(running.outcome().failure()).isEqualTo(Failure.FIRST_BYTE_TIMEOUT);
        assertThat(time.pending()).isZero();
        // Too late: nobody reads it, and nobody is disturbed.
        Chunks late = new Chunks();
        own.call(1).answer().complete(Response.of(200).withBody(Body.from(late, -1)));
        assertThat(late.cancelled).isTrue();
    }

    @Test
    void the_deadline_of_the_route_ends_all_attempts() {
        Running running = retrying(policy -> policy.onReset().maxRetries(10));
        CompletableFuture<Response> answer = send(running, "GET");
        CompletableFuture<Void> delay =
                own.call(1).exchange().delay(Duration.ofMinutes(1)).toCompletableFuture();
        pass(10_000);
        assertThat(answer.join().status()).isEqualTo(504);
        assertThat(delay).isCompletedExceptionally();
        assertThat(own.call(1).end().join().failure()).isEqualTo(Failure.DEADLINE_EXCEEDED);
        assertThat(own.calls).hasSize(1);
    }

    @Test
    void blocking_code_that_is_too_slow_is_interrupted_and_called_again() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        List<String> calls = new CopyOnWriteArrayList<>();
        Upstream blocking = Upstream.localBlocking("own", (request, exchange) -> {
            calls.add(exchange.id());
            if (calls.size() == 1) {
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException wanted) {
                    interrupted.countDown();
                    throw wanted;
                }
            }
            return Response.text(200, "second");
        });
        Running running = rig.start(gateway -> gateway.upstream(blocking.toBuilder()
                        .retry(RetryPolicy.builder()
                                .onTimeout()
                                .perTryTimeout(Duration.ofMillis(50))
                                .build())
                        .build())
                .route(Route.builder("all").match(Match.any()).to("own").build()));
        assertThat(running.client().get("/").read().text()).isEqualTo("second");
        assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
    }

    // ---- hedging

    private Running hedging() {
        return start(upstream(own)
                .hedging(Hedging.after(Duration.ofMillis(50)).share(1))
                .build());
    }

    @Test
    void the_slower_of_two_attempts_is_cut_at_once_with_all_it_has_begun() throws Exception {
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running running = rig.start(gateway -> gateway.time(time)
                .upstream(upstream(own)
                        .hedging(Hedging.after(Duration.ofMillis(50)).share(1))
                        .build())
                .upstream(Upstream.builder("silent").endpoints(silent.url()).build())
                .route(Route.builder("all").match(Match.any()).to("own").build()));
        RawClient client = running.client();
        client.get("/");
        await().until(() -> own.calls.size() == 1);
        Exchange first = own.call(1).exchange();
        CompletableFuture<Call> made = new CompletableFuture<>();
        first.executor().execute(() -> made.complete(first.call("silent", Request.get("/"))));
        await().until(() -> silent.received().size() == 1);
        pass(50);
        await().until(() -> own.calls.size() == 2);
        assertThat(state(running).inFlight()).isEqualTo(2);
        own.call(2).answer().complete(Response.text(200, "hedge"));
        assertThat(client.read().text()).isEqualTo("hedge");
        assertThat(own.call(1).end().get(10, TimeUnit.SECONDS).failure()).isEqualTo(Failure.CLIENT_GONE);
        await().until(() -> silent.open() == 0);
        assertThat(own.call(2).end().get(10, TimeUnit.SECONDS).failure()).isNull();
        assertThat(state(running).policies().hedges()).isEqualTo(1);
        assertThat(state(running).inFlight()).isZero();
    }

    @Test
    void an_answer_that_is_not_good_waits_for_the_other_attempt() {
        Running running = hedging();
        CompletableFuture<Response> answer = send(running, "GET");
        pass(50);
        own.call(1).answer().complete(Response.of(500));
        assertThat(answer).isNotDone();
        own.call(2).answer().completeExceptionally(new IllegalStateException("no"));
        assertThat(answer.join().status()).isEqualTo(500);
        assertThat(running.outcome().reason()).isEqualTo("handler_failed");
        CompletableFuture<Response> next = send(running, "GET");
        pass(50);
        own.call(4).answer().complete(Response.of(502));
        own.call(3).answer().complete(Response.of(204));
        assertThat(next.join().status()).isEqualTo(204);
    }

    @Test
    void what_changes_something_is_not_hedged() {
        Running running = hedging();
        CompletableFuture<Response> answer = send(running, "POST");
        pass(1000);
        assertThat(own.calls).hasSize(1);
        own.call(1).answer().complete(Response.of(204));
        assertThat(answer.join().status()).isEqualTo(204);
    }

    // ---- drain, counts, leaving

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void it_is_drained_with_and_without_policies(boolean policies) throws Exception {
        Running running = policies
                ? retrying(RetryPolicy.Builder::onReset)
                : start(upstream(own).build());
        Gateway gateway = running.gateway();
        CompletableFuture<Response> busy = send(running, "GET");
        assertThat(state(running).inFlight()).isEqualTo(1);
        assertThat(state(running).endpoints().get(0).uri()).isEqualTo("local:own");
        CompletableFuture<Void> drained = gateway.drain("own").toCompletableFuture();
        assertThat(send(running, "GET").join().status()).isEqualTo(503);
        assertThat(running.outcome().failure()).isEqualTo(Failure.NO_ENDPOINT);
        assertThat(drained).isNotDone();
        assertThat(state(running).endpoints().get(0).usable()).isFalse();
        own.call(1).answer().complete(Response.of(204));
        assertThat(busy.join().status()).isEqualTo(204);
        drained.get(10, TimeUnit.SECONDS);
        gateway.endDrain("own");
        CompletableFuture<Response> next = send(running, "GET");
        own.call(2).answer().complete(Response.of(204));
        assertThat(next.join().status()).isEqualTo(204);
        assertThat(state(running).inFlight()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void it_is_at_work_until_the_last_byte_of_an_answer_that_streams(boolean policies) {
        Running running = policies
                ? retrying(RetryPolicy.Builder::onReset)
                : start(upstream(own).build());
        Chunks source = new Chunks();
        CompletableFuture<Response> answer = send(running, "GET");
        own.call(1).answer().complete(Response.of(200).withBody(Body.from(source, -1)));
        CompletableFuture<BufferedBody> read = answer.join().body().buffer(100).toCompletableFuture();
        source.send("all");
        assertThat(state(running).inFlight()).isEqualTo(1);
        assertThat(own.call(1).end()).isNotDone();
        source.end();
        assertThat(read.join().text()).isEqualTo("all");
        assertThat(state(running).inFlight()).isZero();
        assertThat(own.call(1).end().join().failure()).isNull();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_client_that_leaves_ends_what_the_code_has_begun(boolean policies) throws Exception {
        Running running = policies
                ? retrying(policy -> policy.onReset().maxRetries(3))
                : start(upstream(own).build());
        RawClient client = running.client();
        client.get("/");
        await().until(() -> own.calls.size() == 1);
        Exchange exchange = own.call(1).exchange();
        CompletableFuture<String> delay = new CompletableFuture<>();
        exchange.executor()
                .execute(() -> exchange.delay(Duration.ofMinutes(1))
                        .whenComplete((nothing, failure) -> delay.complete(String.valueOf(failure))));
        assertThat(state(running).inFlight()).isEqualTo(1);
        client.close();
        assertThat(own.call(1).end().get(10, TimeUnit.SECONDS).failure()).isEqualTo(Failure.CLIENT_GONE);
        assertThat(delay.get(10, TimeUnit.SECONDS)).contains("GatewayException");
        assertThat(own.calls).hasSize(1);
        await().until(() -> state(running).inFlight() == 0);
    }

    @Test
    void a_call_of_a_filter_is_made_again_too_and_can_be_cancelled() {
        List<Call> calls = new ArrayList<>();
        Running running = rig.start(gateway -> gateway.time(time)
                .upstream(upstream(own)
                        .retry(RetryPolicy.builder()
                                .onStatus(503)
                                .backOff(Duration.ofMillis(10), Duration.ofMillis(10))
                                .build())
                        .build())
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(Filter.named("asks", (request, chain) -> {
                            Call call = chain.exchange().call("own", Request.get("/side"));
                            calls.add(call);
                            return call.response()
                                    .exceptionally(cancelled -> Response.of(502))
                                    .thenCompose(chain::answer);
                        }))
                        .answer(Response.of(204))
                        .build()));
        CompletableFuture<Response> answer = send(running, "GET");
        own.call(1).answer().complete(Response.of(503));
        pass(20);
        own.call(2).answer().complete(Response.text(200, "second"));
        assertThat(answer.join().status()).isEqualTo(200);
        assertThat(running.outcome().attempts()).isZero();
        CompletableFuture<Response> other = send(running, "GET");
        calls.get(1).cancel();
        calls.get(1).cancel();
        assertThat(other.join().status()).isEqualTo(502);
        assertThat(own.call(3).end()).isDone();
        assertThat(state(running).inFlight()).isZero();
    }

    @Test
    void a_swap_keeps_what_is_known_and_takes_the_new_policy() {
        Running running = start(upstream(own).build());
        CompletableFuture<Response> before = send(running, "GET");
        Gateway gateway = running.gateway();
        gateway.apply(gateway.config().toBuilder()
                .withoutUpstreams()
                .upstream(upstream(own)
                        .retry(RetryPolicy.builder().onStatus(503).build())
                        .build())
                .toConfig());
        assertThat(state(running).inFlight()).isEqualTo(1);
        own.call(1).answer().complete(Response.of(503));
        assertThat(before.join().status()).isEqualTo(503);
        CompletableFuture<Response> after = send(running, "GET");
        own.call(2).answer().complete(Response.of(503));
        pass(1000);
        own.call(3).answer().complete(Response.of(204));
        assertThat(after.join().status()).isEqualTo(204);
    }

    /** Sends when the test says so. */
    private static final class Chunks implements Flow.Publisher<ByteBuffer>, Flow.Subscription {
        private Flow.Subscriber<? super ByteBuffer> subscriber;
        private boolean cancelled;

        @Override
        public void subscribe(Flow.Subscriber<? super ByteBuffer> mine) {
            subscriber = mine;
            mine.onSubscribe(this);
        }

        void send(String text) {
            subscriber.onNext(
                    ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)).asReadOnlyBuffer());
        }

        void end() {
            subscriber.onComplete();
        }

        @Override
        public void request(long n) {
            // The test decides.
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }
}
