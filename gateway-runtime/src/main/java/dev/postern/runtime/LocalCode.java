package dev.postern.runtime;

import dev.postern.BlockingHandler;
import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Handler;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.LoopStage;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Calls code of the host for one exchange. Whatever it does, what comes of it is a stage with a response or a {@link
 * GatewayException} that names the route.
 */
final class LocalCode {
    private LocalCode() {}

    /** Calls a handler. */
    static CompletionStage<Response> call(Handler handler, Request request, GatewayExchange exchange, Exchange seen) {
        try {
            CompletionStage<Response> stage = handler.handle(request, seen);
            if (Objects.isNull(stage)) {
                return LoopStage.failed(exchange.loop(), failed(exchange, "returned no stage", null));
            }
            // The common case: an answer that is already there.
            return answer(stage) != null
                    ? stage
                    : stage.handle((response, failure) -> checked(exchange, response, failure));
        } catch (RuntimeException | Error thrown) {
            return LoopStage.failed(exchange.loop(), blamed(exchange, thrown));
        }
    }

    /** Calls a handler on the pool for blocking work. */
    static CompletionStage<Response> callBlocking(
            BlockingHandler handler, Request request, GatewayExchange exchange, Exchange seen) {
        return seen.offload(() -> handler.handle(request, seen))
                .handle((response, failure) -> checked(exchange, response, failure));
    }

    /** The answer, if it is there already. */
    static @Nullable Response answer(CompletionStage<Response> stage) {
        // Who knows what other classes do when they are asked.
        boolean readable = stage instanceof LoopStage || stage.getClass() == CompletableFuture.class;
        return readable && stage instanceof CompletableFuture<Response> future && !future.isCompletedExceptionally()
                ? future.getNow(null)
                : null;
    }

    /** Counts a call as long as it is at work: until the answer is there as a whole, else until the exchange ends. */
    static CompletionStage<Response> counted(
            EndpointState place, GatewayExchange exchange, CompletionStage<Response> stage) {
        Response ready = answer(stage);
        if (ready != null && ready.body() instanceof BufferedBody) {
            place.finish();
            return stage;
        }
        AtWork work = new AtWork(place, exchange);
        exchange.onCut(work);
        return stage.whenComplete((response, failure) -> {
            if (response == null || response.body() instanceof BufferedBody) {
                exchange.loop().enter(work::done);
            }
        });
    }

    /** On the exchange's loop. */
    private static final class AtWork implements Runnable {
        private final EndpointState place;
        private final GatewayExchange exchange;
        private boolean over;

        AtWork(EndpointState place, GatewayExchange exchange) {
            this.place = place;
            this.exchange = exchange;
        }

        @Override
        public void run() {
            if (!over) {
                over = true;
                place.finish();
            }
        }

        void done() {
            exchange.withdraw(this);
            run();
        }
    }

    private static Response checked(
            GatewayExchange exchange, @Nullable Response response, @Nullable Throwable failure) {
        if (failure != null) {
            throw blamed(exchange, root(failure));
        }
        if (response == null) {
            throw failed(exchange, "completed without a response", null);
        }
        return response;
    }

    private static GatewayException blamed(GatewayExchange exchange, Throwable failure) {
        return failure instanceof GatewayException known ? known : failed(exchange, "failed: " + failure, failure);
    }

    private static GatewayException failed(GatewayExchange exchange, String what, @Nullable Throwable cause) {
        return new GatewayException(
                Failure.HANDLER_FAILED,
                "the handler behind route \"" + exchange.route().id() + "\" " + what,
                cause);
    }

    static Throwable root(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
