package dev.postern.runtime;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.runtime.balancing.EndpointAddress;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Connections of the gateway's own that are made to see whether they can be made, and closed. */
final class OwnConnects {
    private OwnConnects() {}

    /** Completes when one is made in time, and fails otherwise; nothing of it is left in either case. */
    static CompletionStage<Void> once(Vertx vertx, Endpoint endpoint, Duration timeout) {
        EndpointAddress address;
        try {
            address = EndpointAddress.of(endpoint.uri());
        } catch (IllegalArgumentException malformed) {
            return CompletableFuture.failedFuture(
                    new GatewayException(Failure.CONNECT_FAILED, String.valueOf(malformed.getMessage()), malformed));
        }
        long millis = Math.max(1, Math.min(Integer.MAX_VALUE, timeout.toMillis()));
        NetClient client = vertx.createNetClient(new NetClientOptions().setConnectTimeout((int) millis));
        return client.connect(address.port(), address.host())
                .<Void>mapEmpty()
                // Closes the socket too.
                .eventually(client::close)
                .recover(failure -> Future.failedFuture(new GatewayException(
                        Failure.CONNECT_FAILED,
                        "connect to " + endpoint.uri() + " failed: " + failure.getMessage(),
                        failure)))
                .toCompletionStage();
    }
}
