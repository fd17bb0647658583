package dev.postern.examples.springboot;

import dev.postern.Exchange;
import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.AccessLog;
import dev.postern.runtime.MicrometerMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Objects;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The gateway as a bean: its meters go to the application's registry, one of its routes leads to a bean. */
@Configuration(proxyBeanMethods = false)
class Edge {
    // Built here, started by GatewayLifecycle. Without a destroy method: Spring would otherwise find close() by itself.
    @Bean(destroyMethod = "")
    Gateway gateway(
            @Value("${gateway.port}") int port,
            @Value("${orders.url}") String orders,
            Greetings greetings,
            MeterRegistry meters) {
        return Gateway.builder()
                .listen(Listener.http(port).healthPath("/healthz"))
                .observe(AccessLog.json())
                .observe(MicrometerMetrics.to(meters))
                .upstream(Upstream.builder("orders").endpoints(orders).build())
                .route(Route.builder("orders")
                        .match(Match.prefix("/orders"))
                        .to("orders")
                        .build())
                .route(Route.builder("greeting")
                        .match(Match.path("/greetings/{name}").method("GET"))
                        .blockingHandler((request, exchange) -> greeting(greetings, exchange))
                        .build())
                .build();
    }

    private static Response greeting(Greetings greetings, Exchange exchange) {
        String name = Objects.requireNonNull(exchange.pathVariables().get("name"), "name");
        return Response.text(200, greetings.greet(name) + "\n");
    }
}
