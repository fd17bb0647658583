package dev.postern.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Explanation;
import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.InvalidConfigException;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import dev.postern.security.ApiKey;
import dev.postern.security.ApiKeyAuth;
import dev.postern.traffic.RateLimit;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The code of docs/getting-started.md and docs/embedding.md, run. {@link DocsTest} compares. */
class GuideSnippetsTest {
    private static final String KEY = "0123456789abcdef0123456789abcdef";

    @Test
    void the_route_of_getting_started_asks_for_a_key_and_limits() throws Exception {
        GatewayConfig config = config();
        try (Gateway gateway = config.toBuilder().withoutListeners().build()) {
            gateway.start();
            assertThat(status(gateway, Request.get("/orders/7"))).isEqualTo(401);
            assertThat(status(gateway, Request.get("/orders/7").withHeader("X-API-Key", KEY)))
                    .isEqualTo(502);
        }
    }

    private static GatewayConfig config() {
        String secret = KEY;
        ApiKeyAuth keys = ApiKeyAuth.builder().key(secret, ApiKey.of("shop")).build();
        Gateway gateway = Gateway.builder()
                .listen(Listener.http(8080))
                .upstream(Upstream.builder("orders")
                        .endpoints("http://localhost:1")
                        .build())
                .route(Route.builder("order")
                        .match(Match.path("/orders/{id}").method("GET"))
                        .filter(RateLimit.perClient(100, Duration.ofSeconds(1)))
                        .filter(keys)
                        .to("orders")
                        .timeout(Duration.ofSeconds(2))
                        .build())
                .build();
        return gateway.config();
    }

    @Test
    void the_problems_on_the_page_are_the_real_ones() throws Exception {
        assertThatThrownBy(() -> Gateway.builder()
                        .upstream(Upstream.builder("orders")
                                .endpoints("localhost:8081")
                                .build())
                        .route(Route.builder("order").to("order").build())
                        .build())
                .isInstanceOf(InvalidConfigException.class)
                .satisfies(refused -> assertThat(Files.readString(Path.of("../../docs/getting-started.md")))
                        .contains(refused.getMessage().indent(4)));
    }

    @Test
    void a_gateway_is_tested_without_a_socket() throws Exception {
        GatewayConfig config = config();
        Gateway gateway = config.toBuilder()
                .withoutListeners()
                .withoutUpstreams()
                .upstream(Upstream.localBlocking("orders", (request, exchange) -> Response.text(200, "order 7")))
                .build();
        gateway.start();
        Request request = Request.get("/orders/7").withHeader("X-API-Key", "0123456789abcdef0123456789abcdef");
        Response response = gateway.handle(request, ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        assertThat(response.status()).isEqualTo(200);
        response.body().discard();
        gateway.close();
    }

    @Test
    void explain_tells_what_would_become_of_a_request() {
        try (Gateway gateway = config().toBuilder().withoutListeners().build()) {
            gateway.start();
            Explanation explanation = gateway.explain(Request.get("/orders/7"), ClientInfo.local());
            System.out.println(explanation);
            assertThat(explanation.route()).isEqualTo("order");
        }
    }

    @Test
    void a_gateway_may_be_mounted_in_a_server_of_the_host() throws Exception {
        Vertx vertx = Vertx.vertx();
        int port = 0;
        Gateway gateway = Gateway.builder()
                .runtime(VertxRuntime.using(vertx))
                .route(Route.builder("hello")
                        .match(Match.path("/hello"))
                        .answer(Response.text(200, "hello"))
                        .build())
                .build();
        gateway.start();
        HttpServer server = vertx.createHttpServer()
                .requestHandler(VertxRuntime.requestHandler(gateway))
                .listen(port)
                .await(10, TimeUnit.SECONDS);

        String url = "http://127.0.0.1:" + server.actualPort() + "/hello";
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.body()).isEqualTo("hello");

        gateway.stop(Duration.ZERO);
        // The host's Vertx and server are the host's to close, and still open.
        assertThat(server.actualPort()).isPositive();
        vertx.close().await(10, TimeUnit.SECONDS);
    }

    @Test
    void a_gateway_is_ended_with_a_drain() {
        Gateway gateway = Gateway.builder().build();
        gateway.start();
        Thread hook = new Thread(() -> gateway.stop(Duration.ofSeconds(20)));
        Runtime.getRuntime().addShutdownHook(hook);
        assertThat(gateway.health().ready()).isTrue();

        assertThat(Runtime.getRuntime().removeShutdownHook(hook)).isTrue();
        gateway.stop(Duration.ZERO);
        assertThat(gateway.health().live()).isFalse();
    }

    private static int status(Gateway gateway, Request request) throws Exception {
        Response response = gateway.handle(request, ClientInfo.local())
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        response.body().discard();
        return response.status();
    }
}
