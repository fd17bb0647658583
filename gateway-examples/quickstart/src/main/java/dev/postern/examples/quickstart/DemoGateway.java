package dev.postern.examples.quickstart;

import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.Upstream;
import dev.postern.runtime.AccessLog;
import dev.postern.runtime.MicrometerMetrics;
import dev.postern.runtime.TraceContext;
import dev.postern.security.ApiKey;
import dev.postern.security.ApiKeyAuth;
import dev.postern.security.JwtAuth;
import dev.postern.traffic.Aggregate;
import dev.postern.traffic.Leg;
import dev.postern.traffic.RateLimit;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.function.Consumer;

/** The gateway's configuration, a value: made anew with another share for the canary it can be put in force at any time. */
final class DemoGateway {
    static final String PARTNER_KEY = "demo-partner-2b1e0c9f8a7d6e5f";
    static final String GUEST_KEY = "demo-guest-0a1b2c3d4e5f6a7b8c";

    private final DemoServices services;
    private final DemoIssuer issuer;
    private final int port;
    private final MeterRegistry meters;
    private final Consumer<String> accessLog;

    DemoGateway(DemoServices services, DemoIssuer issuer, int port, MeterRegistry meters, Consumer<String> accessLog) {
        this.services = services;
        this.issuer = issuer;
        this.port = port;
        this.meters = meters;
        this.accessLog = accessLog;
    }

    GatewayConfig config(int canaryPercent) {
        return Gateway.builder()
                .listen(Listener.http(port).host("127.0.0.1").healthPath("/healthz"))
                .filter(TraceContext.restartingUntrusted())
                .observe(AccessLog.json().to(accessLog))
                .observe(MicrometerMetrics.to(meters))
                .upstream(orders())
                .upstream(upstream("users").build())
                .upstream(upstream("prices").build())
                .upstream(upstream("prices-canary").build())
                .upstream(upstream("recommendations").build())
                .upstream(upstream("inventory").build())
                .route(order())
                .route(orderOfCustomer())
                .route(price(canaryPercent))
                .route(user())
                .route(partnerOrder())
                .route(search())
                .route(dashboard())
                .route(stock())
                .route(greeting())
                .toConfig();
    }

    // ---- upstreams

    /** Three endpoints in turn; when one refuses the connection, the request is tried on another. */
    private Upstream orders() {
        return Upstream.builder("orders")
                .endpoints(services.url("orders-1"), services.url("orders-2"), services.url("orders-3"))
                .retry(RetryPolicy.idempotent())
                .build();
    }

    private Upstream.Builder upstream(String service) {
        return Upstream.builder(service)
                .endpoints(services.url(service))
                .connectTimeout(Duration.ofSeconds(1))
                .firstByteTimeout(Duration.ofSeconds(1));
    }

    // ---- routes

    private static Route order() {
        return Route.builder("order")
                .match(Match.path("/orders/{id}").method("GET"))
                .to("orders")
                .build();
    }

    /** Path variables: the service has another idea of its paths. */
    private static Route orderOfCustomer() {
        return Route.builder("order-of-customer")
                .match(Match.path("/customers/{customer}/orders/{order}").method("GET"))
                .rewrite(Rewrite.none().path("/v2/orders/{order}/of/{customer}"))
                .to("orders")
                .build();
    }

    /** A canary: a share of the users, always the same ones, gets the new version. */
    private static Route price(int canaryPercent) {
        return Route.builder("price")
                .match(Match.path("/prices/{sku}").method("GET"))
                .to(Split.to("prices", 100 - canaryPercent)
                        .and("prices-canary", canaryPercent)
                        .stickyBy(RequestKey.header("X-User")))
                .build();
    }

    private Route user() {
        JwtAuth token = JwtAuth.builder()
                .issuer(DemoIssuer.NAME)
                .audience(DemoIssuer.AUDIENCE)
                .jwks(issuer.jwks())
                .allowCleartextJwks()
                .scopes("users:read")
                .removeToken()
                .build();
        return Route.builder("user")
                .match(Match.path("/users/{id}").method("GET"))
                .filter(token)
                .to("users")
                .build();
    }

    private static Route partnerOrder() {
        ApiKeyAuth key = ApiKeyAuth.builder()
                .key(PARTNER_KEY, ApiKey.of("partner").scopes("orders:read"))
                .key(GUEST_KEY, ApiKey.of("guest"))
                .scopes("orders:read")
                .build();
        return Route.builder("partner-order")
                .match(Match.path("/partner/orders/{id}").method("GET"))
                .filter(key)
                .rewrite(Rewrite.none().path("/orders/{id}"))
                .to("orders")
                .build();
    }

    /** Three requests at once for each client, then one every ten seconds. */
    private static Route search() {
        return Route.builder("search")
                .match(Match.path("/search").method("GET"))
                .filter(RateLimit.builder("search")
                        .limit(3, Duration.ofSeconds(30))
                        .build())
                .answer(Response.json(200, "{\"found\":0}\n"))
                .build();
    }

    /** One answer made of three, asked for at the same time; without recommendations it is still worth something. */
    private static Route dashboard() {
        Aggregate parts = Aggregate.builder()
                .call("user", "users", "/users/{user}")
                .call("orders", "orders", "/orders?user={user}")
                .call(Leg.get("recommended", "recommendations", "/for/{user}").optional())
                .build();
        return Route.builder("dashboard")
                .match(Match.path("/dashboard/{user}").method("GET"))
                .handler(parts)
                .build();
    }

    private static Route stock() {
        return Route.builder("stock")
                .match(Match.path("/inventory/{sku}").method("GET"))
                .to("inventory")
                .timeout(Duration.ofSeconds(3))
                .build();
    }

    /** Code of the host application, behind the same filters, limits and logs as any service. */
    private static Route greeting() {
        return Route.builder("greeting")
                .match(Match.path("/hello/{name}").method("GET"))
                .blockingHandler((request, exchange) -> Response.text(
                        200, "Hello " + exchange.pathVariables().get("name") + ", request " + exchange.id() + "\n"))
                .build();
    }
}
