package dev.postern.runtime;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpClientConfig;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.http.HttpClientInternal;
import io.vertx.core.internal.http.HttpClientTransport;
import io.vertx.core.internal.net.endpoint.EndpointResolverInternal;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.spi.metrics.Metrics;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A client for one call of Web Client, which cannot take a request back: this one can. It is the shared client in all else.
 */
final class RevocableClient implements HttpClientInternal {
    private static final System.Logger LOG = System.getLogger(RevocableClient.class.getName());
    private static final long CANCEL = 8;
    private static final Duration LAST_CALLS = Duration.ofSeconds(1);

    private final HttpClientInternal shared;
    // Guarded by this.
    private @Nullable HttpClientRequest sent;
    private boolean revoked;

    RevocableClient(HttpClientInternal shared) {
        this.shared = shared;
    }

    /** Resets the request if there is one, and each that comes: over HTTP/1.1 its connection ends. Harmless behind the end. */
    void revoke() {
        HttpClientRequest known;
        synchronized (this) {
            revoked = true;
            known = sent;
        }
        if (known != null) {
            known.reset(CANCEL);
        }
    }

    /**
     * The same for a peer that has said nothing for too long: its connection takes no more calls if it is one of HTTP/2, which
     * would otherwise live on, perhaps with nobody at the other end. What else is under way on it has a moment to end.
     */
    void abandon() {
        revoke();
        HttpClientRequest known;
        synchronized (this) {
            known = sent;
        }
        if (known != null && known.version() == HttpVersion.HTTP_2) {
            known.connection().shutdown(LAST_CALLS);
        }
    }

    @Override
    public Future<HttpClientRequest> request(RequestOptions options) {
        return shared.request(options).onSuccess(this::made);
    }

    private void made(HttpClientRequest request) {
        // Whoever called is told by other ways; without a handler Vert.x would log our own reset as an error.
        request.exceptionHandler(broken -> LOG.log(Level.TRACE, "call broken off", broken));
        boolean late;
        synchronized (this) {
            sent = request;
            late = revoked;
        }
        if (late) {
            request.reset(CANCEL);
        }
    }

    @Override
    public VertxInternal vertx() {
        return shared.vertx();
    }

    @Override
    public Function<HttpClientResponse, Future<RequestOptions>> redirectHandler() {
        return shared.redirectHandler();
    }

    @Override
    public HttpClientTransport tcpTransport() {
        return shared.tcpTransport();
    }

    @Override
    public HttpClientTransport quicTransport() {
        return shared.quicTransport();
    }

    @Override
    public HttpClientInternal exceptionHandler(Handler<Throwable> handler) {
        return shared.exceptionHandler(handler);
    }

    @Override
    @SuppressWarnings("removal") // Web Client asks for them
    public HttpClientOptions options() {
        return shared.options();
    }

    @Override
    public HttpClientConfig config() {
        return shared.config();
    }

    @Override
    public EndpointResolverInternal originResolver() {
        return shared.originResolver();
    }

    @Override
    public EndpointResolverInternal resolver() {
        return shared.resolver();
    }

    @Override
    public Future<Void> closeFuture() {
        return shared.closeFuture();
    }

    @Override
    public Future<Void> shutdown(Duration timeout) {
        return shared.shutdown(timeout);
    }

    @Override
    public Future<Boolean> updateSSLOptions(ClientSSLOptions options, boolean force) {
        return shared.updateSSLOptions(options, force);
    }

    @Override
    public Future<HttpClientConnection> connect(HttpConnectOptions options) {
        return shared.connect(options);
    }

    @Override
    public boolean isMetricsEnabled() {
        return shared.isMetricsEnabled();
    }

    @Override
    public Metrics getMetrics() {
        return shared.getMetrics();
    }
}
