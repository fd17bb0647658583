package dev.postern.runtime.pipeline;

import dev.postern.GatewayException;
import dev.postern.Response;

/** The way back to whoever sent the request. Called on the exchange's loop. */
public interface Outlet {
    /**
     * Takes the response, its body included, and calls {@link GatewayExchange#end} when the last byte is out or cannot
     * get out.
     */
    void answer(Response response, GatewayExchange exchange);

    /**
     * The exchange was cut after {@link #answer}: ends the message so that its reader sees it is incomplete. The exchange
     * ends by itself.
     */
    void abort(GatewayException cause);

    /** Whether there is a connection behind it that can become a WebSocket. */
    default boolean tunnels() {
        return false;
    }

    /** Whether the answer waits for the client to take what there is of it. */
    default boolean awaitsClient() {
        return false;
    }
}
