package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class MinimalStageTest {
    /** A stage that answers no question but calls back: {@code isDone} of it throws. */
    @Test
    void a_stage_that_can_only_be_composed_is_as_good_as_any() throws Exception {
        Filter minimal = Filter.named(
                "minimal",
                (request, chain) -> CompletableFuture.completedFuture(Response.text(200, "filter"))
                        .minimalCompletionStage());
        try (Gateway gateway = Gateway.builder()
                .route(Route.builder("filter")
                        .match(Match.path("/filter"))
                        .filter(minimal)
                        .answer(Response.of(404))
                        .build())
                .route(Route.builder("handler")
                        .match(Match.path("/handler"))
                        .handler((request, exchange) -> CompletableFuture.completedFuture(Response.text(200, "handler"))
                                .minimalCompletionStage())
                        .build())
                .build()) {
            gateway.start();
            for (String path : new String[] {"/filter", "/handler"}) {
                Response response = gateway.handle(Request.get(path), ClientInfo.local())
                        .toCompletableFuture()
                        .get();
                assertThat(response.status()).as(path).isEqualTo(200);
            }
        }
    }
}
