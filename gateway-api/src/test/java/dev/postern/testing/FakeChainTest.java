package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class FakeChainTest {
    private static final Filter THROUGH = (request, chain) -> chain.proceed(request);

    @Test
    void it_answers_as_told_and_remembers_what_it_was_given() {
        FakeChain chain =
                FakeChain.answering(request -> CompletableFuture.completedFuture(Response.text(200, request.path())));

        Response response = chain.run(THROUGH, Request.get("/a"));
        chain.run(THROUGH, Request.get("/b"));

        assertThat(response.status()).isEqualTo(200);
        assertThat(chain.proceeded()).hasToString("[GET /a, GET /b]");
    }

    @Test
    void the_same_answers_serve_another_exchange() {
        FakeExchange exchange = new FakeExchange();
        FakeChain chain = FakeChain.answering(Response.of(204)).within(exchange);

        assertThat(chain.exchange()).isSameAs(exchange);
        assertThat(chain.fakeExchange()).isSameAs(exchange);
        assertThat(chain.run(THROUGH, Request.get("/")).status()).isEqualTo(204);
    }

    @Test
    void what_a_filter_fails_with_is_thrown_as_it_is() {
        GatewayException failure = new GatewayException(Failure.CONNECT_FAILED, "refused");
        FakeChain chain = FakeChain.answering(request -> CompletableFuture.failedFuture(failure));
        Filter staged = (request, rest) -> rest.proceed(request).thenApply(response -> response);
        Filter wrapping = (request, rest) ->
                CompletableFuture.failedFuture(new CompletionException(new CompletionException(failure)));

        assertThatThrownBy(() -> chain.run(THROUGH, Request.get("/"))).isSameAs(failure);
        assertThatThrownBy(() -> chain.run(staged, Request.get("/"))).isSameAs(failure);
        assertThatThrownBy(() -> chain.run(wrapping, Request.get("/"))).isSameAs(failure);
    }

    @Test
    void a_stage_that_can_only_be_listened_to_is_waited_for() {
        class Listened extends CompletableFuture<Response> {
            @Override
            public CompletableFuture<Response> toCompletableFuture() {
                throw new UnsupportedOperationException();
            }
        }
        Listened stage = new Listened();
        stage.complete(Response.of(204));

        Response response = FakeChain.answering(Response.of(200)).run((request, chain) -> stage, Request.get("/"));

        assertThat(response.status()).isEqualTo(204);
    }

    @Test
    void errors_are_thrown_and_checked_exceptions_are_wrapped() {
        FakeChain chain = FakeChain.answering(Response.of(200));
        AssertionError error = new AssertionError("in the filter");
        IOException checked = new IOException("disk full");

        assertThatThrownBy(() -> chain.run(failing(error), Request.get("/"))).isSameAs(error);
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(() -> chain.run(failing(checked), Request.get("/")))
                .withCause(checked);
    }

    private static Filter failing(Throwable failure) {
        return (request, chain) -> CompletableFuture.failedFuture(failure);
    }

    @Test
    void a_filter_that_gives_nothing_is_named() {
        FakeChain chain = FakeChain.answering(Response.of(200));

        assertThatIllegalStateException()
                .isThrownBy(() -> chain.run(Filter.named("broken", (request, rest) -> null), Request.get("/")))
                .withMessage("filter broken returned null (expected: a stage)");
        assertThatIllegalStateException()
                .isThrownBy(() -> chain.run(
                        Filter.named("broken", (request, rest) -> CompletableFuture.completedFuture(null)),
                        Request.get("/")))
                .withMessage("filter broken completed with null (expected: a response)");
        assertThatNullPointerException().isThrownBy(() -> chain.proceed(null));
    }

    @Test
    void a_wait_that_is_interrupted_ends() {
        FakeChain chain = FakeChain.answering(request -> new CompletableFuture<>());
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> chain.run(THROUGH, Request.get("/"))).hasCauseInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isTrue();
    }
}
