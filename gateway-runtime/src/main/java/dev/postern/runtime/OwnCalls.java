package dev.postern.runtime;

import dev.postern.Body;
import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.message.ResponseHead;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.streams.WriteStream;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.codec.BodyCodec;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The gateway's own requests: key sets, discovery, probes. No redirect is followed, no answer is taken beyond its limits. */
final class OwnCalls {
    private static final int MAX_CONNECT_MILLIS = 5000;

    private final WebClient client;

    OwnCalls(Vertx vertx) {
        client = WebClient.create(
                vertx,
                new WebClientOptions()
                        .setFollowRedirects(false)
                        .setDecompressionSupported(false)
                        .setHttp2ClearTextUpgrade(false)
                        .setConnectTimeout(MAX_CONNECT_MILLIS)
                        .setUserAgent("Postern"));
    }

    CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits) {
        EndpointAddress address;
        try {
            address = EndpointAddress.of(endpoint.uri());
        } catch (IllegalArgumentException malformed) {
            return CompletableFuture.failedFuture(
                    new GatewayException(Failure.CONNECT_FAILED, String.valueOf(malformed.getMessage()), malformed));
        }
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.valueOf(request.method()))
                .setHost(address.host())
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
            HttpRequest<Void> prepared = client.request(options).as(BodyCodec.pipe(collector));
            Future<Response> answer = prepared.sendBuffer(Buffer.buffer(body.toByteArray()))
                    .compose(head -> {
                        ResponseHead judged = ResponseHead.of(head.statusCode(), head.headers(), endpoint.uri());
                        return collector
                                .whole()
                                .map(bytes -> Response.of(judged.status())
                                        .withHeaders(judged.headers())
                                        .withBody(Body.of(bytes)));
                    });
            // The idle time bounds what Web Client waits for; a call as a whole is bounded here, however its answer
            // trickles.
            return answer.timeout(limits.timeout().toMillis(), TimeUnit.MILLISECONDS)
                    .recover(failure -> Future.failedFuture(explained(endpoint, failure)))
                    .toCompletionStage();
        });
    }

    void close() {
        client.close();
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

    /** Takes an answer's body up to a limit; past it the call fails. */
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
