package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class FakeExchangeTest {
    private final FakeExchange exchange = new FakeExchange();
    private final List<String> told = new ArrayList<>();

    @Test
    void it_is_what_it_was_told_to_be() {
        Route route = Route.builder("r").to("u").build();
        ClientInfo client = ClientInfo.local().encrypted();
        exchange.route(route)
                .client(client)
                .kind(Exchange.Kind.GRPC)
                .pathVariable("z", "1")
                .pathVariable("a", "2");
        exchange.authenticate(new Principal("alice", "jwt", Set.of(), Map.of()));

        assertThat(exchange.id()).hasSize(32);
        assertThat(exchange.route()).isSameAs(route);
        assertThat(exchange.client()).isSameAs(client);
        assertThat(exchange.kind()).isEqualTo(Exchange.Kind.GRPC);
        assertThat(exchange.pathVariables().toString()).isEqualTo("{z=1, a=2}");
        assertThat(exchange.principal()).hasToString("jwt:alice");
    }

    @Test
    void values_are_found_by_their_key_and_not_by_its_name() {
        Exchange.Key<String> key = Exchange.Key.named("tenant");
        Exchange.Key<String> twin = Exchange.Key.named("tenant");

        exchange.set(key, "acme");

        assertThat(exchange.get(key)).isEqualTo("acme");
        assertThat(exchange.get(twin)).isNull();
        assertThat(key).hasToString("tenant");
        assertThatNullPointerException().isThrownBy(() -> exchange.set(key, null));
        assertThatNullPointerException().isThrownBy(() -> Exchange.Key.named(null));
    }

    @Test
    void what_remains_shrinks_with_time_and_not_below_zero() {
        assertThat(exchange.remaining()).isEqualTo(Duration.ofSeconds(30));
        exchange.manualTime().advance(Duration.ofSeconds(29));
        assertThat(exchange.remaining()).isEqualTo(Duration.ofSeconds(1));
        exchange.manualTime().advance(Duration.ofSeconds(29));
        assertThat(exchange.remaining()).isZero();
        assertThat(exchange.deadline(Duration.ofSeconds(3)).remaining()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void a_delay_ends_when_time_is_moved() {
        CompletionStage<Void> delay = exchange.delay(Duration.ofSeconds(1));

        exchange.manualTime().advance(Duration.ofMillis(999));
        assertThat(delay.toCompletableFuture()).isNotDone();
        exchange.manualTime().advance(Duration.ofMillis(1));

        assertThat(delay.toCompletableFuture()).isCompleted();
        assertThat(exchange.time()).isSameAs(exchange.manualTime());
    }

    @Test
    void a_delay_fails_when_the_exchange_ends_first_and_leaves_no_timer() {
        CompletionStage<Void> delay = exchange.delay(Duration.ofSeconds(1));

        exchange.end(Failure.CLIENT_GONE);

        assertThat(failure(delay)).isEqualTo(Failure.CLIENT_GONE);
        assertThat(failure(exchange.delay(Duration.ZERO))).isEqualTo(Failure.CLIENT_GONE);
        assertThat(exchange.manualTime().pending()).isZero();
    }

    @Test
    void the_end_is_told_once_to_the_last_asker_first() {
        exchange.onEnd(outcome -> told.add("first " + outcome.status()));
        exchange.onEnd(outcome -> told.add("second " + outcome.status()));
        assertThat(exchange.waitingForEnd()).isEqualTo(2);

        exchange.end(204);
        exchange.onEnd(outcome -> told.add("late " + outcome.status()));

        assertThat(told).containsExactly("second 204", "first 204", "late 204");
        assertThat(exchange.waitingForEnd()).isZero();
        assertThatIllegalStateException().isThrownBy(() -> exchange.end(200));
    }

    @Test
    void a_callback_that_throws_does_not_keep_the_others_from_the_end() {
        exchange.onEnd(outcome -> told.add("first"));
        exchange.onEnd(outcome -> {
            throw new IllegalStateException("second");
        });
        exchange.onEnd(outcome -> {
            throw new IllegalStateException("third");
        });

        assertThatThrownBy(() -> exchange.end(Failure.CLIENT_GONE))
                .hasMessage("third")
                .hasSuppressedException(new IllegalStateException("second"));
        assertThat(told).containsExactly("first");
    }

    @Test
    void a_failed_end_has_the_status_and_the_reason_of_the_failure() {
        exchange.onEnd(outcome -> told.add(outcome.status() + " " + outcome.reason() + " " + outcome.complete()));

        exchange.end(Failure.CLIENT_GONE);

        assertThat(told).containsExactly("499 client_gone false");
    }

    @Test
    void calls_are_answered_by_the_upstream_of_that_name() {
        exchange.upstream("auth", request -> CompletableFuture.completedFuture(Response.text(200, request.path())));

        assertThat(exchange.call("auth", Request.get("/check")).response())
                .isCompletedWithValueMatching(response -> response.status() == 200);
        assertThat(failure(exchange.call("other", Request.get("/")).response())).isEqualTo(Failure.NO_ENDPOINT);
    }

    @Test
    void an_answer_that_comes_after_a_call_was_cancelled_is_discarded() {
        CompletableFuture<Response> later = new CompletableFuture<>();
        FakeBody body = FakeBody.of("late");
        Call call = exchange.upstream("slow", request -> later).call("slow", Request.get("/"));

        call.cancel();
        later.complete(Response.of(200).withBody(body));

        assertThat(failure(call.response())).isEqualTo(Failure.CLIENT_GONE);
        assertThat(body.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void a_call_ends_with_its_exchange() {
        Call call = exchange.upstream("slow", request -> new CompletableFuture<>())
                .upstream(
                        "broken",
                        request ->
                                CompletableFuture.failedFuture(new GatewayException(Failure.CONNECT_FAILED, "refused")))
                .call("slow", Request.get("/"));
        assertThat(failure(exchange.call("broken", Request.get("/")).response()))
                .isEqualTo(Failure.CONNECT_FAILED);

        exchange.end(200);

        assertThat(failure(call.response())).isEqualTo(Failure.CLIENT_GONE);
        assertThat(failure(exchange.call("slow", Request.get("/")).response())).isEqualTo(Failure.CLIENT_GONE);
    }

    @Test
    void callers_cannot_complete_what_they_are_given() {
        CompletionStage<Void> delay = exchange.delay(Duration.ofSeconds(1));

        delay.toCompletableFuture().complete(null);

        assertThat(delay.toCompletableFuture()).isNotDone();
    }

    @Test
    void work_is_done_at_once_and_its_failure_is_that_of_the_stage() {
        IOException failure = new IOException("disk full");

        exchange.executor().execute(() -> told.add("executed"));
        CompletionStage<String> done = exchange.offload(() -> "done");
        CompletionStage<String> failed = exchange.offload(() -> {
            throw failure;
        });
        CompletionStage<String> interrupted = exchange.offload(() -> {
            throw new InterruptedException();
        });

        assertThat(told).containsExactly("executed");
        assertThat(done).isCompletedWithValue("done");
        assertThat(Settled.of(failed, 0).failure()).isSameAs(failure);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(Settled.of(interrupted, 0).failure()).isInstanceOf(InterruptedException.class);
    }

    private static Failure failure(CompletionStage<?> stage) {
        Throwable failure = Settled.of(stage, 0).failure();
        return failure instanceof GatewayException known ? known.failure() : null;
    }
}
