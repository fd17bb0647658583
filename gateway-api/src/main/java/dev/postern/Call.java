package dev.postern;

import java.util.concurrent.CompletionStage;

/** A request on its way to another upstream, made within an exchange. */
public interface Call {
    /**
     * Completes on the exchange's event loop at the head of the response; the caller reads or discards the body. Fails
     * with a {@link GatewayException}.
     */
    CompletionStage<Response> response();

    /** Gives up: the upstream's connection is cut and the stage fails. Harmless after the end. */
    void cancel();
}
