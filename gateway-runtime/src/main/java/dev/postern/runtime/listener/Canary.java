package dev.postern.runtime.listener;

import dev.postern.BoundListener;
import dev.postern.GatewayStartException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Sends a request over loopback that only the byte guard refuses, and expects its refusal: a listener whose guard is not
 * in place does not start. The request has a folded field, which Netty's decoder unfolds and Vert.x serves. Where HTTP/1.1 is
 * not spoken it has to be met with silence.
 */
final class Canary {
    private static final String REQUEST = "GET /.postern/canary HTTP/1.1\r\nHost: canary\r\nX-Folded: a\r\n b\r\n\r\n";
    private static final String REASON = "framing.obs_fold";
    /** For all of it. */
    static final Duration TIMEOUT = Duration.ofSeconds(5);

    private static final long TIMEOUT_MILLIS = TIMEOUT.toMillis();

    private final Vertx vertx;
    private final BoundListener listener;
    private final boolean http1;
    private final @Nullable String serverName;

    /**
     * A canary.
     *
     * @param http1 whether HTTP/1.1 is served, so that a refusal can be read
     * @param serverName to ask for in the handshake, or null
     */
    Canary(Vertx vertx, BoundListener listener, boolean http1, @Nullable String serverName) {
        this.vertx = vertx;
        this.listener = listener;
        this.http1 = http1;
        this.serverName = serverName;
    }

    Future<Void> check() {
        NetClient client = vertx.createNetClient(new NetClientOptions().setConnectTimeout((int) TIMEOUT_MILLIS));
        String host = listener.host().equals("0.0.0.0")
                ? "127.0.0.1"
                : listener.host().equals("::") ? "::1" : listener.host();
        return client.connect(listener.port(), host)
                .compose(this::secured)
                .compose(this::ask)
                .eventually(() -> client.close())
                .compose(answer -> (http1 ? answer.contains(REASON) : answer.isEmpty())
                        ? Future.<Void>succeededFuture()
                        : Future.failedFuture(new GatewayStartException(
                                "listener \"" + listener.name()
                                        + "\": the byte guard is not in place (it did not refuse a"
                                        + " malformed request; use withoutByteGuard() to run without it)",
                                null)));
    }

    private Future<NetSocket> secured(NetSocket socket) {
        if (!listener.secure()) {
            return Future.succeededFuture(socket);
        }
        // We talk to ourselves: the certificate may be for any name.
        ClientSSLOptions trusting = new ClientSSLOptions().setTrustAll(true).setHostnameVerificationAlgorithm("");
        Future<Void> upgraded =
                serverName == null ? socket.upgradeToSsl(trusting) : socket.upgradeToSsl(trusting, serverName);
        return upgraded.map(socket);
    }

    private Future<String> ask(NetSocket socket) {
        Promise<String> answer = Promise.promise();
        Buffer received = Buffer.buffer();
        socket.handler(received::appendBuffer);
        socket.exceptionHandler(broken -> {
            // The end of the connection tells what has come.
        });
        long timer = vertx.setTimer(TIMEOUT_MILLIS, late -> socket.close());
        socket.closeHandler(v -> {
            vertx.cancelTimer(timer);
            answer.tryComplete(received.toString(StandardCharsets.UTF_8));
        });
        socket.write(REQUEST);
        return answer.future();
    }
}
