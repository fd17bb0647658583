package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Request;
import dev.postern.Response;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What is answered in the place of a call that is not made or has failed. */
sealed interface Fallback {
    CompletionStage<Response> answer(Request request, Exchange exchange);

    /** Whether the request's body is not needed. */
    default boolean withoutBody() {
        return false;
    }

    /** Always the same response. */
    record Fixed(Response response) implements Fallback {
        @Override
        public CompletionStage<Response> answer(Request request, Exchange exchange) {
            return CompletableFuture.completedFuture(response);
        }

        @Override
        public boolean withoutBody() {
            return true;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Fixed that
                    && that.response.status() == response.status()
                    && that.response.headers().equals(response.headers())
                    && that.response.body().equals(response.body());
        }

        @Override
        public int hashCode() {
            return response.status();
        }
    }

    /** Another upstream. */
    record Elsewhere(String upstream) implements Fallback {
        @Override
        public CompletionStage<Response> answer(Request request, Exchange exchange) {
            return exchange.call(upstream, request).response();
        }
    }

    /** The host's own; equal by name. */
    record Named(String name, BiFunction<Request, Exchange, CompletionStage<Response>> function) implements Fallback {
        @Override
        public CompletionStage<Response> answer(Request request, Exchange exchange) {
            return function.apply(request, exchange);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Named that && that.name.equals(name);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }
    }
}
