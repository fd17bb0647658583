package dev.postern.runtime;

import dev.postern.Body;
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
import dev.postern.runtime.forward.UpstreamClient;
import dev.postern.runtime.message.ResponseHead;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.tracing.TracingPolicy;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The gateway's own requests: key sets, discovery, probes. No redirect is followed, no answer is taken beyond its limits, and
 * one that takes too long or becomes too large is cut, its connection with it.
 */
final class OwnCalls {
    private static final int MAX_CONNECT_MILLIS = 5000;

    /** How an endpoint is spoken to. */
    record Manner(UpstreamTls tls, Protocol protocol) {
        /** What nobody has said anything about. */
        static final Manner STANDARD = new Manner(UpstreamTls.verified(), Protocol.HTTP_1_1);
    }

    private final Vertx vertx;
    private final HttpClient http1;
    private final HttpClient http2;

    OwnCalls(Vertx vertx) {
        this.vertx = vertx;
        http1 = vertx.createHttpClient(options());
        http2 = vertx.createHttpClient(options()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setUseAlpn(true)
                .setAlpnVersions(List.of(HttpVersion.HTTP_2)));
    }

    private static HttpClientOptions options() {
        return new HttpClientOptions()
                .setDecompressionSupported(false)
                .setHttp2ClearTextUpgrade(false)
                .setConnectTimeout(MAX_CONNECT_MILLIS)
                .setTracingPolicy(TracingPolicy.IGNORE);
    }

    CompletionStage<Response> send(Endpoint endpoint, Request request, CallLimits limits, Manner manner) {
        RequestOptions options;
        try {
            options = options(EndpointAddress.of(endpoint.uri()), request, limits, manner);
        } catch (IllegalArgumentException malformed) {
            return CompletableFuture.failedFuture(
                    new GatewayException(Failure.CONNECT_FAILED, String.valueOf(malformed.getMessage()), malformed));
        }
        return request.body().buffer(limits.maxBytes()).thenCompose(body -> {
            OneCall call = new OneCall(endpoint.uri(), limits);
            vertx.getOrCreateContext()
                    .runOnContext(v -> call.begin(
                            manner.protocol() == Protocol.HTTP_2 ? http2 : http1, options, body.toByteArray()));
            return call.answer.future().toCompletionStage();
        });
    }

    private static RequestOptions options(EndpointAddress address, Request request, CallLimits limits, Manner manner) {
        RequestOptions options = new RequestOptions()
                .setMethod(HttpMethod.valueOf(request.method()))
                .setServer(SocketAddress.inetSocketAddress(address.port(), address.host()))
                .setHost(address.host())
                .setPort(address.port())
                .setSsl(address.secure())
                .setURI(request.target())
                .setFollowRedirects(false)
                .setConnectTimeout(Math.min(MAX_CONNECT_MILLIS, millis(limits)));
        if (address.secure()) {
            String name = manner.tls().serverName();
            if (name != null) {
                options.setHost(name);
            }
            options.setSslOptions(UpstreamClient.ssl(manner.tls()).setUseAlpn(manner.protocol() == Protocol.HTTP_2));
        }
        options.addHeader(HttpHeaders.USER_AGENT, "Postern");
        Headers headers = request.headers();
        for (int i = 0; i < headers.size(); i++) {
            if (headers.name(i).equalsIgnoreCase("User-Agent")) {
                options.putHeader(HttpHeaders.USER_AGENT, headers.value(i));
            } else {
                options.addHeader(headers.name(i), headers.value(i));
            }
        }
        return options;
    }

    private static long millis(CallLimits limits) {
        return Math.max(1, limits.timeout().toMillis());
    }

    void close() {
        http1.close();
        http2.close();
    }

    /** One request and its answer, on one loop. Ends once: with the whole answer, or cut. */
    private final class OneCall {
        private final String endpoint;
        private final CallLimits limits;
        private final Promise<Response> answer = Promise.promise();
        private final Buffer bytes = Buffer.buffer();
        private long timer = -1;
        private boolean over;
        private boolean headCame;
        private @Nullable HttpClientRequest sending;

        OneCall(String endpoint, CallLimits limits) {
            this.endpoint = endpoint;
            this.limits = limits;
        }

        void begin(HttpClient client, RequestOptions options, byte[] body) {
            timer = vertx.setTimer(millis(limits), tick -> tooLate());
            client.request(options).onComplete(made -> {
                if (made.failed()) {
                    broke(made.cause());
                } else if (over) {
                    made.result().reset();
                } else {
                    send(made.result(), body);
                }
            });
        }

        private void send(HttpClientRequest request, byte[] body) {
            sending = request;
            Future<HttpClientResponse> response = body.length == 0 ? request.send() : request.send(Buffer.buffer(body));
            response.onComplete(head -> {
                if (head.failed()) {
                    broke(head.cause());
                } else if (!over) {
                    head(head.result());
                }
            });
        }

        private void head(HttpClientResponse response) {
            headCame = true;
            response.exceptionHandler(this::broke);
            ResponseHead head;
            try {
                head = ResponseHead.of(response.statusCode(), response.headers(), endpoint);
            } catch (GatewayException malformed) {
                cut(malformed);
                return;
            }
            response.handler(this::received);
            response.endHandler(v -> {
                if (!over) {
                    end();
                    answer.complete(Response.of(head.status())
                            .withHeaders(head.headers())
                            .withBody(Body.of(bytes.getBytes())));
                }
            });
        }

        private void received(Buffer chunk) {
            if (over) {
                return;
            }
            if (bytes.length() + (long) chunk.length() > limits.maxBytes()) {
                cut(new GatewayException(
                        Failure.RESPONSE_BODY_TOO_LARGE,
                        endpoint + " answered with more than " + limits.maxBytes() + " bytes"));
                return;
            }
            bytes.appendBuffer(chunk);
        }

        private void tooLate() {
            cut(new GatewayException(
                    headCame ? Failure.RESPONSE_BODY_STALLED : Failure.FIRST_BYTE_TIMEOUT,
                    "call to " + endpoint + " was not over within " + limits.timeout()));
        }

        private void broke(Throwable cause) {
            cut(
                    cause instanceof GatewayException known
                            ? known
                            : new GatewayException(
                                    headCame ? Failure.RESPONSE_BODY_BROKEN : Failure.CONNECT_FAILED,
                                    "call to " + endpoint + " failed: " + cause.getMessage(),
                                    cause));
        }

        private void cut(GatewayException why) {
            if (over) {
                return;
            }
            end();
            if (sending != null) {
                sending.reset();
            }
            answer.fail(why);
        }

        private void end() {
            over = true;
            vertx.cancelTimer(timer);
        }
    }
}
