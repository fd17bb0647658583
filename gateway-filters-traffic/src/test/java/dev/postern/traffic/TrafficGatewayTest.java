package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.InvalidConfigException;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.VertxRuntime;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The filters in a whole gateway, without sockets. */
class TrafficGatewayTest {
    private static final Duration HOUR = Duration.ofHours(1);

    @Test
    void sixteen_clients_on_all_loops_get_exactly_the_limit_on_two_routes_together() throws Exception {
        Gateway gateway = Gateway.builder()
                .runtime(new VertxRuntime().eventLoops(4))
                .route(Route.builder("a")
                        .match(Match.path("/a"))
                        .filter(RateLimit.perClient(10, HOUR))
                        .answer(Response.of(200))
                        .build())
                .route(Route.builder("b")
                        .match(Match.path("/b"))
                        .filter(RateLimit.perClient(10, HOUR))
                        .answer(Response.of(200))
                        .build())
                .build();
        gateway.start();
        try {
            List<CompletionStage<Response>> answers = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                for (int client = 1; client <= 16; client++) {
                    answers.add(gateway.handle(Request.get(i % 2 == 0 ? "/a" : "/b"), client("192.0.2." + client)));
                }
            }
            int admitted = 0;
            for (CompletionStage<Response> answer : answers) {
                admitted += status(answer) == 200 ? 1 : 0;
            }
            assertThat(admitted).isEqualTo(16 * 10);

            gateway.apply(gateway.config().toBuilder()
                    .route(Route.builder("c")
                            .match(Match.path("/c"))
                            .filter(RateLimit.perClient(10, HOUR))
                            .answer(Response.of(200))
                            .build())
                    .toConfig());
            assertThat(status(gateway.handle(Request.get("/c"), client("192.0.2.1"))))
                    .as("after a swap")
                    .isEqualTo(429);
        } finally {
            gateway.close();
        }
    }

    @Test
    void an_aggregate_asks_upstreams_of_the_gateway() throws Exception {
        Gateway gateway = Gateway.builder()
                .upstream(Upstream.local(
                        "users",
                        (request, exchange) -> CompletableFuture.completedFuture(
                                Response.json(200, "{\"path\":\"" + request.path() + "\",\"team\":\"t/1\"}"))))
                .upstream(Upstream.local("teams", (request, exchange) -> new CompletableFuture<>()))
                .route(Route.builder("profile")
                        .match(Match.path("/profile/{id}"))
                        .handler(Aggregate.builder()
                                .call("user", "users", "/users/{id}")
                                .call(Leg.get("team", "teams", "/teams?id={user.team}")
                                        .timeout(Duration.ofMillis(50))
                                        .optional())
                                .build())
                        .build())
                .build();
        gateway.start();
        try {
            Response response = answered(gateway.handle(Request.get("/profile/a%20b"), ClientInfo.local()));
            assertThat(answered(response.body().buffer(1000)).text())
                    .isEqualTo("{\"user\":{\"path\":\"/users/a%20b\",\"team\":\"t/1\"},\"team\":null,"
                            + "\"_errors\":[{\"call\":\"team\",\"code\":\"timeout\"}]}");
        } finally {
            gateway.close();
        }
    }

    @Test
    void problems_of_filters_and_handlers_refuse_the_configuration() {
        assertThatThrownBy(() -> Gateway.builder()
                        .route(Route.builder("a")
                                .filter(RateLimit.builder("").limit(1, HOUR).build())
                                .handler(Aggregate.builder()
                                        .call("a", "x", "/{a.b}")
                                        .build())
                                .build())
                        .build())
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining("name is missing")
                .hasMessageContaining("calls wait for each other");
    }

    private static <T> T answered(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private static int status(CompletionStage<Response> stage) throws Exception {
        Response response = answered(stage);
        response.body().discard();
        return response.status();
    }

    private static ClientInfo client(String address) throws Exception {
        return ClientInfo.of(new InetSocketAddress(InetAddress.getByName(address), 1234));
    }
}
