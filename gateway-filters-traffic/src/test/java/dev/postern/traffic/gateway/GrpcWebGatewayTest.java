package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Protocol;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.traffic.GrpcWeb;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A browser's call, over sockets, to a service that only knows gRPC. */
class GrpcWebGatewayTest {
    private static final byte[] MESSAGE = {0, 0, 0, 0, 2, 'h', 'i'};

    private final BlockingQueue<HttpServerRequest> calls = new LinkedBlockingQueue<>();
    private Vertx vertx;
    private Gateway gateway;
    private URI call;

    /** Sends each message back when it comes, then the status. */
    @BeforeEach
    void start() throws Exception {
        vertx = Vertx.vertx();
        HttpServer service = vertx.createHttpServer()
                .requestHandler(request -> {
                    calls.add(request);
                    HttpServerResponse response = request.response();
                    if (request.path().endsWith("/Refuse")) {
                        response.putHeader("content-type", "application/grpc")
                                .putHeader("grpc-status", "7")
                                .putHeader("grpc-message", "not you")
                                .end();
                        return;
                    }
                    response.putHeader("content-type", "application/grpc+proto");
                    request.handler(response::write);
                    request.endHandler(
                            v -> response.putTrailer("grpc-status", "0").end());
                })
                .listen(0, "127.0.0.1")
                .await(10, TimeUnit.SECONDS);
        gateway = Gateway.builder()
                .listen(Listener.http(0).host("127.0.0.1"))
                .upstream(Upstream.builder("greeter")
                        .endpoints("http://127.0.0.1:" + service.actualPort())
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(Route.builder("all")
                        .filter(GrpcWeb.toGrpc())
                        .to("greeter")
                        .streaming()
                        .build())
                .build();
        gateway.start();
        call = URI.create("http://127.0.0.1:" + gateway.listeners().get(0).port() + "/greet.Greeter/Hello");
    }

    @AfterEach
    void stop() throws Exception {
        gateway.close();
        vertx.close().await(10, TimeUnit.SECONDS);
    }

    private HttpResponse<InputStream> post(URI where, String type, byte[] body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(where)
                .header("Content-Type", type)
                .header("X-Grpc-Web", "1")
                .version(HttpClient.Version.HTTP_1_1)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofInputStream());
    }

    @Test
    void a_binary_call_is_grpc_for_the_service_and_has_trailers_for_the_browser() throws Exception {
        HttpResponse<InputStream> answer = post(call, "application/grpc-web+proto", MESSAGE);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("content-type")).contains("application/grpc-web+proto");
        byte[] all = answer.body().readAllBytes();
        assertThat(new String(all, StandardCharsets.ISO_8859_1))
                .isEqualTo("\0\0\0\0\2hi\u0080\0\0\0\20grpc-status: 0\r\n");
        HttpServerRequest seen = calls.poll(5, TimeUnit.SECONDS);
        assertThat(seen.version()).isEqualTo(io.vertx.core.http.HttpVersion.HTTP_2);
        assertThat(seen.getHeader("content-type")).isEqualTo("application/grpc+proto");
        assertThat(seen.getHeader("te")).isEqualTo("trailers");
        assertThat(seen.getHeader("x-grpc-web")).isNull();
    }

    @Test
    void a_text_call_is_decoded_and_answered_in_base64() throws Exception {
        byte[] encoded = Base64.getEncoder().encode(MESSAGE);
        String answer = new String(
                post(call, "application/grpc-web-text", encoded).body().readAllBytes(), StandardCharsets.US_ASCII);
        Buffer decoded = Buffer.buffer();
        for (String piece : answer.split("(?<==)(?!=)")) {
            decoded.appendBytes(Base64.getDecoder().decode(piece));
        }
        assertThat(decoded.toString(StandardCharsets.ISO_8859_1))
                .isEqualTo("\0\0\0\0\2hi\u0080\0\0\0\20grpc-status: 0\r\n");
    }

    @Test
    void a_refusal_in_the_head_arrives_as_a_frame() throws Exception {
        HttpResponse<InputStream> answer = post(call.resolve("/greet.Greeter/Refuse"), "application/grpc-web", MESSAGE);
        assertThat(answer.headers().firstValue("grpc-status")).isEmpty();
        assertThat(new String(answer.body().readAllBytes(), StandardCharsets.ISO_8859_1))
                .endsWith("grpc-status: 7\r\ngrpc-message: not you\r\n");
    }

    @Test
    void a_call_that_is_not_base64_is_a_400() throws Exception {
        assertThat(post(call, "application/grpc-web-text", "!".getBytes(StandardCharsets.US_ASCII))
                        .statusCode())
                .isEqualTo(400);
    }
}
