package dev.postern.traffic.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.InvalidConfigException;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Plan;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.traffic.RateLimit;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class PlantedMistakesTest {
    @Test
    void ten_mistakes_are_refused_with_ten_messages_that_name_the_thing_and_the_cure() {
        InvalidConfigException refused = catchThrowableOfType(
                InvalidConfigException.class, () -> mistaken().build());

        assertThat(refused.problems())
                .extracting(Problem::toString)
                .as(refused.getMessage())
                .hasSize(10)
                .anySatisfy(line -> assertThat(line).contains("\"unknown\"", "\"order\"", "not defined", "orders"))
                .anySatisfy(line -> assertThat(line).contains("\"twice\""))
                .anySatisfy(line -> assertThat(line).contains("\"same-2\"", "can never match", "\"same-1\""))
                .anySatisfy(line -> assertThat(line).contains("\"below\"", "can never match", "\"above\""))
                .anySatisfy(line -> assertThat(line).contains("\"template\"", "/a/{id"))
                .anySatisfy(line -> assertThat(line).contains("\"regex\"", "(?=x)"))
                .anySatisfy(line -> assertThat(line).contains("\"broken\"", "10.0.0.7:99999"))
                .anySatisfy(line -> assertThat(line).contains("listener", "missing-key.pem"))
                .anySatisfy(line -> assertThat(line).contains("\"split\"", "0"))
                .anySatisfy(
                        line -> assertThat(line).containsIgnoringCase("rate").contains("name"));
    }

    @Test
    void the_running_config_is_untouched_by_a_refused_one() throws Exception {
        GatewayBuilder good = Gateway.builder()
                .upstream(Upstream.local(
                        "local",
                        (request, exchange) -> CompletableFuture.completedFuture(Response.text(200, "still here"))))
                .route(Route.builder("all").match(Match.prefix("/")).to("local").build());
        try (Gateway gateway = good.build()) {
            gateway.start();
            GatewayConfig before = gateway.config();
            GatewayConfig bad = mistaken().toConfig();

            Plan plan = gateway.plan(bad);

            assertThat(plan.applicable()).as(plan.toString()).isFalse();
            assertThatThrownBy(() -> gateway.apply(bad)).isInstanceOf(InvalidConfigException.class);
            assertThat(gateway.config()).isSameAs(before);
            assertThat(gateway.handle(Request.get("/x"), ClientInfo.local())
                            .toCompletableFuture()
                            .get()
                            .status())
                    .isEqualTo(200);
            gateway.stop(Duration.ZERO);
        }
    }

    private static GatewayBuilder mistaken() {
        return Gateway.builder()
                // TLS key missing
                .listen(Listener.https(0, Tls.pem(certificate(), Path.of("missing-key.pem"))))
                .upstream(Upstream.builder("orders")
                        .endpoints("http://10.0.0.7:8081")
                        .build())
                // bad endpoint URI
                .upstream(Upstream.builder("broken")
                        .endpoints("http://10.0.0.7:99999")
                        .build())
                // unknown upstream
                .route(Route.builder("unknown")
                        .match(Match.path("/unknown"))
                        .to("order")
                        .build())
                // duplicate id
                .route(Route.builder("twice")
                        .match(Match.path("/twice/a"))
                        .to("orders")
                        .build())
                .route(Route.builder("twice")
                        .match(Match.path("/twice/b"))
                        .to("orders")
                        .build())
                // identical match
                .route(Route.builder("same-1")
                        .match(Match.path("/same").method("GET"))
                        .to("orders")
                        .build())
                .route(Route.builder("same-2")
                        .match(Match.path("/same").method("GET"))
                        .to("orders")
                        .build())
                // unreachable
                .route(Route.builder("above")
                        .match(Match.prefix("/tree"))
                        .to("orders")
                        .build())
                .route(Route.builder("below")
                        .match(Match.path("/tree/{rest...}"))
                        .to("orders")
                        .build())
                // bad template
                .route(Route.builder("template")
                        .match(Match.path("/a/{id"))
                        .to("orders")
                        .build())
                // a regex that needs backtracking
                .route(Route.builder("regex")
                        .match(Match.pathRegex("/r/(?=x).*"))
                        .to("orders")
                        .build())
                // weights that sum to 0
                .route(Route.builder("split")
                        .match(Match.path("/split"))
                        .to(Split.to("orders", 0))
                        .build())
                // limiter without a name
                .route(Route.builder("limited")
                        .match(Match.path("/limited"))
                        .filter(RateLimit.builder("")
                                .limit(1, Duration.ofSeconds(1))
                                .build())
                        .to("orders")
                        .build());
    }

    private static Path certificate() {
        return Path.of("src/test/resources/tls/certificate.pem");
    }
}
