package dev.postern.examples.quickstart;

import dev.postern.Body;
import dev.postern.Exchange;
import dev.postern.Gateway;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Plan;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.runtime.VertxRuntime;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Objects;

/**
 * What is not for the public, on a port of its own: metrics, the switch for the canary, and the levers that break the
 * services. A second gateway in the same process, all of whose routes lead to code of the host.
 */
final class AdminGateway {
    private final Gateway gateway;
    private final DemoGateway demo;
    private final DemoServices services;
    private final PrometheusMeterRegistry meters;

    AdminGateway(Gateway gateway, DemoGateway demo, DemoServices services, PrometheusMeterRegistry meters) {
        this.gateway = gateway;
        this.demo = demo;
        this.services = services;
        this.meters = meters;
    }

    Gateway build(int port) {
        return Gateway.builder()
                .name("admin")
                .runtime(new VertxRuntime().eventLoops(1))
                .listen(Listener.http(port).host("127.0.0.1"))
                .route(Route.builder("metrics")
                        .match(Match.path("/metrics").method("GET"))
                        .blockingHandler(this::metrics)
                        .build())
                .route(Route.builder("canary")
                        .match(Match.path("/canary/{percent}").method("POST"))
                        .blockingHandler(this::canary)
                        .build())
                .route(Route.builder("service")
                        .match(Match.path("/services/{name}/{action}").method("POST"))
                        .blockingHandler(this::service)
                        .build())
                .build();
    }

    private Response metrics(Request request, Exchange exchange) {
        return Response.of(200)
                .withHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                .withBody(Body.of(meters.scrape()));
    }

    /** The config swap: requests under way end as they began, the next ones follow the new shares. */
    private Response canary(Request request, Exchange exchange) {
        int percent = Integer.parseInt(variable("percent", exchange));
        Plan applied = gateway.apply(demo.config(percent));
        return Response.text(200, applied + "\n");
    }

    private Response service(Request request, Exchange exchange) {
        String name = variable("name", exchange);
        String action = variable("action", exchange);
        switch (action) {
            case "kill" -> services.kill(name);
            case "stall" -> services.stall(name);
            case "restart" -> services.restart(name);
            default -> {
                return Response.problem(404, "no_such_action", "kill, stall or restart");
            }
        }
        return Response.text(200, action + " " + name + ": done\n");
    }

    /** A variable that the route's own template has, so it is there. */
    private static String variable(String name, Exchange exchange) {
        return Objects.requireNonNull(exchange.pathVariables().get(name), name);
    }
}
