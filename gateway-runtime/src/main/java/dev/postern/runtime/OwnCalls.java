package dev.postern.runtime;

import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.UpstreamTls;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.message.ResponseHead;
import dev.postern.runtime.message.TrailerFields;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.http.HttpClientInternal;
import io.vertx.core.net.ClientSSLOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.streams.WriteStream;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.codec.BodyCodec;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's own requests: key sets, discovery, probes. No redirect is followed, no answer is taken beyond its limits.
 * The endpoints of an upstream are spoken to in the manner of its traffic.
 */
final class OwnCalls {
    private static final System.Logger LOG = System.getLogger(OwnCalls.class.getName());
    private static final int MAX_CONNECT_MILLIS = 5000;
    /** How long calls may go on with certificates that have been replaced. */
    private static final long OLD_MINUTES = 1;

    private final Vertx vertx;
    private final UpstreamTlsFiles tlsFiles;
    private final Map<Manner, Speaker> speakers = new ConcurrentHashMap<>();

    /** How an endpoint is spoken to. */
    record Manner(UpstreamTls tls, Protocol protocol) {
        static final Manner STANDARD = new Manner(UpstreamTls.verified(), Protocol.HTTP_1_1);
    }

    /** A client and the certificates that it was made with. */
    private record Speaker(ClientSSLOptions ssl, HttpClientInternal agent, WebClientOptions options) {}

    OwnCalls(Vertx vertx, UpstreamTlsFiles tlsFiles) {
        this.vertx = vertx;
        this.tlsFiles = tlsFiles;
    }

    /** Ends within the time of its limits, whatever comes. */
    CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits, Manner manner) {
        EndpointAddress address;
        try {
            address = EndpointAddress.of(endpoint.uri());
        } catch (IllegalArgumentException malformed) {
            return CompletableFuture.failedFuture(
                    new GatewayException(Failure.CONNECT_FAILED, String.valueOf(malformed.getMessage()), malformed));
        }
        String name = address.secure() ? manner.tls().serverName() : null;
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.valueOf(request.method()))
                .setServer(SocketAddress.inetSocketAddress(address.port(), address.host()))
                .setHost(name == null ? address.host() : name)
                .setPort(address.port())
                .setSsl(address.secure())
                .setURI(request.target())
                .setFollowRedirects(false)
                .setTimeout(limits.timeout().toMillis())
                .setIdleTimeout(limits.timeout().toMillis());
        Headers headers = request.headers();
        for (int i = 0; i < headers.size(); i++) {
            options.addHeader(headers.name(i), headers.value(i));
        }
        return request.body().buffer(limits.maxBytes()).thenCompose(body -> {
            Collector collector = new Collector(limits.maxBytes(), endpoint.uri());
            Promise<RevocableClient> sending = Promise.promise();
            Future<Response> answer = tlsFiles.current(manner.tls())
                    .compose(ssl -> {
                        Speaker speaker = speaker(manner, ssl);
                        RevocableClient mine = new RevocableClient(speaker.agent);
                        sending.complete(mine);
                        return WebClient.wrap(mine, speaker.options)
                                .request(options)
                                .as(BodyCodec.pipe(collector))
                                .sendBuffer(Buffer.buffer(body.toByteArray()));
                    })
                    .compose(head -> {
                        ResponseHead judged = ResponseHead.of(head.statusCode(), head.headers(), endpoint.uri());
                        return collector
                                .whole()
                                .map(bytes -> Response.of(judged.status())
                                        .withHeaders(judged.headers())
                                        .withBody(WholeBody.of(bytes, TrailerFields.of(head.trailers(), List.of()))));
                    });
            // Whichever is first. The idle time bounds what Web Client waits for; a call as a whole is bounded here,
            // however its answer trickles.
            Promise<Response> first = Promise.promise();
            answer.onSuccess(first::tryComplete).onFailure(first::tryFail);
            collector.whole().onFailure(first::tryFail);
            return first.future()
                    .timeout(limits.timeout().toMillis(), TimeUnit.MILLISECONDS)
                    .onFailure(over -> sending.future()
                            .onSuccess(
                                    over instanceof TimeoutException
                                            ? RevocableClient::abandon
                                            : RevocableClient::revoke))
                    .recover(failure -> Future.failedFuture(explained(endpoint, failure)))
                    .toCompletionStage();
        });
    }

    private Speaker speaker(Manner manner, ClientSSLOptions ssl) {
        Speaker known = speakers.get(manner);
        if (known == null || !known.ssl.equals(ssl)) {
            known = speaker(manner.protocol(), ssl);
            Speaker before = speakers.put(manner, known);
            if (before != null) {
                before.agent.shutdown(OLD_MINUTES, TimeUnit.MINUTES);
            }
        }
        return known;
    }

    private Speaker speaker(Protocol protocol, ClientSSLOptions ssl) {
        WebClientOptions options =
                new WebClientOptions().setFollowRedirects(false).setUserAgent("Postern");
        options.setDecompressionSupported(false)
                .setHttp2ClearTextUpgrade(false)
                .setConnectTimeout(MAX_CONNECT_MILLIS)
                .setTrustAll(ssl.isTrustAll())
                .setVerifyHost(!ssl.isTrustAll());
        if (ssl.getTrustOptions() != null) {
            options.setTrustOptions(ssl.getTrustOptions());
        }
        if (ssl.getKeyCertOptions() != null) {
            options.setKeyCertOptions(ssl.getKeyCertOptions());
        }
        if (protocol == Protocol.HTTP_2) {
            options.setProtocolVersion(HttpVersion.HTTP_2)
                    .setUseAlpn(true)
                    .setAlpnVersions(List.of(HttpVersion.HTTP_2));
        }
        HttpClientAgent agent = vertx.httpClientBuilder()
                .with(options)
                // Calls are told by their own ways; without a handler Vert.x would log what a peer does wrong as an
                // error.
                .withConnectHandler(connection ->
                        connection.exceptionHandler(broken -> LOG.log(Level.DEBUG, "connection broken", broken)))
                .build();
        return new Speaker(ssl, (HttpClientInternal) agent, options);
    }

    void close() {
        speakers.values().forEach(speaker -> speaker.agent.close());
    }

    private static GatewayException explained(Endpoint endpoint, Throwable failure) {
        if (failure instanceof GatewayException known) {
            return known;
        }
        boolean late = failure instanceof TimeoutException;
        return new GatewayException(
                late ? Failure.FIRST_BYTE_TIMEOUT : Failure.CONNECT_FAILED,
                "call to " + endpoint.uri() + " failed: " + failure.getMessage(),
                failure);
    }

    /** Takes an answer's body up to a limit; past it the call fails, and with it what sends the answer is revoked. */
    private static final class Collector implements WriteStream<Buffer> {
        private final int maxBytes;
        private final String endpoint;
        private final Buffer bytes = Buffer.buffer();
        private final Promise<byte[]> whole = Promise.promise();

        Collector(int maxBytes, String endpoint) {
            this.maxBytes = maxBytes;
            this.endpoint = endpoint;
        }

        Future<byte[]> whole() {
            return whole.future();
        }

        @Override
        public Future<Void> write(Buffer chunk) {
            if (bytes.length() + (long) chunk.length() > maxBytes) {
                GatewayException tooLarge = new GatewayException(
                        Failure.RESPONSE_BODY_TOO_LARGE, endpoint + " answered with more than " + maxBytes + " bytes");
                whole.tryFail(tooLarge);
                return Future.failedFuture(tooLarge);
            }
            bytes.appendBuffer(chunk);
            return Future.succeededFuture();
        }

        @Override
        public Future<Void> end() {
            whole.tryComplete(bytes.getBytes());
            return Future.succeededFuture();
        }

        @Override
        public WriteStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> handler) {
            return this;
        }

        @Override
        public WriteStream<Buffer> setWriteQueueMaxSize(int maxSize) {
            return this;
        }

        @Override
        public boolean writeQueueFull() {
            return false;
        }

        @Override
        public WriteStream<Buffer> drainHandler(@Nullable Handler<Void> handler) {
            return this;
        }
    }
}
