package dev.postern.runtime;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.UpstreamTls;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.LineCalls;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.parsetools.RecordParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Calls of the gateway's own that are read line by line, each over a connection of its own that ends with it. */
final class VertxLineCalls implements LineCalls {
    private static final int CONNECT_MILLIS = 5000;

    private final Vertx vertx;
    private final UpstreamTlsFiles tlsFiles;

    VertxLineCalls(Vertx vertx, UpstreamTlsFiles tlsFiles) {
        this.vertx = vertx;
        this.tlsFiles = tlsFiles;
    }

    @Override
    public Call open(Endpoint endpoint, Request request, UpstreamTls tls, Duration silence, Reader reader) {
        EndpointAddress address = EndpointAddress.of(endpoint.uri());
        HttpClientOptions options = new HttpClientOptions()
                .setKeepAlive(false)
                .setDecompressionSupported(false)
                .setHttp2ClearTextUpgrade(false)
                .setConnectTimeout(CONNECT_MILLIS)
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                .setIdleTimeout((int) Math.min(Integer.MAX_VALUE, Math.max(1, silence.toMillis())));
        RequestOptions target = new RequestOptions()
                .setMethod(HttpMethod.valueOf(request.method()))
                .setHost(address.host())
                .setPort(address.port())
                .setSsl(address.secure())
                .setURI(request.target())
                .setFollowRedirects(false);
        Headers headers = request.headers();
        for (int i = 0; i < headers.size(); i++) {
            target.addHeader(headers.name(i), headers.value(i));
        }
        UnderWay call = new UnderWay(vertx.createHttpClient(options), endpoint.uri(), reader);
        Future<RequestOptions> ready =
                address.secure() ? tlsFiles.current(tls).map(target::setSslOptions) : Future.succeededFuture(target);
        ready.compose(call.client::request).compose(HttpClientRequest::send).onComplete(answer -> {
            if (answer.succeeded()) {
                call.read(answer.result());
            } else {
                call.end(answer.cause());
            }
        });
        return call;
    }

    /** One call; whatever ends it first, ends it. */
    private static final class UnderWay implements Call {
        private final HttpClient client;
        private final String uri;
        private final Reader reader;
        private final AtomicBoolean over = new AtomicBoolean();

        UnderWay(HttpClient client, String uri, Reader reader) {
            this.client = client;
            this.uri = uri;
            this.reader = reader;
        }

        void read(HttpClientResponse response) {
            if (over.get()) {
                return;
            }
            reader.head(response.statusCode());
            RecordParser lines = RecordParser.newDelimited("\n", response)
                    .maxRecordSize(MAX_LINE_BYTES)
                    .exceptionHandler(this::end)
                    .endHandler(end -> end(null));
            lines.handler(this::line);
        }

        private void line(Buffer line) {
            if (!over.get()) {
                String text = line.toString(StandardCharsets.UTF_8);
                reader.line(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
            }
        }

        void end(@Nullable Throwable failure) {
            if (over.compareAndSet(false, true)) {
                client.close();
                reader.end(
                        failure == null
                                ? null
                                : new GatewayException(
                                        Failure.CONNECT_FAILED, "call to " + uri + " failed: " + failure, failure));
            }
        }

        @Override
        public void stop() {
            if (over.compareAndSet(false, true)) {
                client.close();
            }
        }
    }
}
