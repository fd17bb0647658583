package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The kinds of stages that filters and handlers may give: whatever the JDK calls a CompletionStage. */
class AnswerStagesTest {
    @Test
    void a_filter_may_answer_with_a_stage_that_can_only_be_listened_to() throws Exception {
        assertThat(status(Route.builder("all")
                        .filter(Filter.named(
                                "minimal", (request, chain) -> CompletableFuture.completedStage(Response.of(201))))
                        .answer(Response.of(200))
                        .build()))
                .isEqualTo(201);
        assertThat(status(Route.builder("all")
                        .filter(Filter.named("minimal", (request, chain) -> minimal(chain.proceed(request))))
                        .answer(Response.of(202))
                        .build()))
                .isEqualTo(202);
    }

    @Test
    void a_handler_may_answer_with_a_stage_that_can_only_be_listened_to() throws Exception {
        assertThat(status(Route.builder("all")
                        .handler((request, exchange) -> CompletableFuture.completedStage(Response.of(203)))
                        .build()))
                .isEqualTo(203);
        CompletableFuture<Response> later = new CompletableFuture<>();
        later.completeOnTimeout(Response.of(204), 10, TimeUnit.MILLISECONDS);
        assertThat(status(Route.builder("all")
                        .handler((request, exchange) -> later.minimalCompletionStage())
                        .build()))
                .isEqualTo(204);
    }

    @Test
    void a_failed_stage_of_any_kind_names_the_part_that_failed() throws Exception {
        assertThat(status(Route.builder("all")
                        .filter(Filter.named(
                                "broken",
                                (request, chain) ->
                                        CompletableFuture.failedStage(new IllegalStateException("on purpose"))))
                        .answer(Response.of(200))
                        .build()))
                .isEqualTo(500);
    }

    private static CompletionStage<Response> minimal(CompletionStage<Response> stage) {
        return stage.toCompletableFuture().minimalCompletionStage();
    }

    private static int status(Route route) throws Exception {
        try (Gateway gateway = Gateway.builder().route(route).build()) {
            gateway.start();
            Response response = gateway.handle(Request.get("/"), ClientInfo.local())
                    .toCompletableFuture()
                    .get(5, TimeUnit.SECONDS);
            response.body().discard();
            return response.status();
        }
    }
}
