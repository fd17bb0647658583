package dev.postern;

import java.util.concurrent.CompletionStage;

/**
 * The host's own code as a destination. Called on the exchange's event loop and must not block; what blocks is a {@link
 * BlockingHandler}. May be called again for the same exchange by a retry or beside
 * a slow call by a hedge; then the exchange it gets ends with its own call: {@link Exchange#onEnd} tells when it is given up.
 */
@FunctionalInterface
public interface Handler {
    /** Answers one request; the stage completes at the head of the response. */
    CompletionStage<Response> handle(Request request, Exchange exchange);
}
