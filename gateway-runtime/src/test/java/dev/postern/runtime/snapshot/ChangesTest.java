package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.EndpointBreaker;
import dev.postern.ErrorHandler;
import dev.postern.ExchangeObserver;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.Handler;
import dev.postern.HealthCheck;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.LoadBalancer;
import dev.postern.Match;
import dev.postern.Plan.Change;
import dev.postern.Protocol;
import dev.postern.Redirect;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.StateSpec;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class ChangesTest {
    private static final Handler HANDLER = (request, exchange) -> null;

    @Test
    void nothing_is_different_between_equal_ones() {
        assertThat(lines(base(), base())).isEmpty();
    }

    @Test
    void what_comes_and_goes_is_told_in_order() {
        GatewayBuilder next = base().withoutListeners()
                .listen(Listener.http(9090))
                .withoutUpstreams()
                .upstream(Upstream.builder("users").endpoints("http://u").build())
                .filter(new Gadget("audit", 1))
                .withoutRoutes()
                .route(Route.builder("users").to("users").build());
        assertThat(lines(base(), next))
                .containsExactly(
                        "- listener \"http-8080\"",
                        "+ listener \"http-9090\": 0.0.0.0:9090",
                        "- upstream \"orders\"",
                        "+ upstream \"users\": [http://u]",
                        "+ filter \"audit\"",
                        "- route \"orders\"",
                        "+ route \"users\": to upstream users");
    }

    @Test
    void each_field_of_a_listener_has_its_line() {
        Listener before = Listener.http(8080);
        Listener after = Listener.https(
                        8443,
                        Tls.pem(Path.of("c.pem"), Path.of("k.pem"))
                                .refuseUnknownNames()
                                .requireClientCertificate(Path.of("ca.pem"))
                                .forwardClientCertificateChain())
                .name("http-8080")
                .host("127.0.0.1")
                .limits(Limits.standard()
                        .maxTargetBytes(1024)
                        .maxHeadBytes(2048)
                        .maxHeaders(50)
                        .maxConnections(7)
                        .maxConnectionsPerClient(6)
                        .maxNewConnectionsPerClient(5)
                        .handshakeTimeout(Duration.ofSeconds(4))
                        .maxStreams(8)
                        .maxStreamResets(11)
                        .maxControlFrames(12)
                        .headTimeout(Duration.ofSeconds(1))
                        .withoutMinBodyRate()
                        .bodyRateWindow(Duration.ofSeconds(9))
                        .keepAlive(Duration.ofSeconds(2))
                        .writeTimeout(Duration.ofSeconds(3)))
                .trustedProxies("10.0.0.0/8")
                .proxyProtocolOnly("10.1.0.0/16")
                .healthPath("/health")
                .withoutByteGuard();
        assertThat(lines(Gateway.builder().listen(before), Gateway.builder().listen(after)))
                .containsExactly(
                        "~ listener \"http-8080\": host 0.0.0.0 → 127.0.0.1",
                        "~ listener \"http-8080\": port 8080 → 8443",
                        "~ listener \"http-8080\": certificates none → [c.pem (key k.pem)]",
                        "~ listener \"http-8080\": refuseUnknownNames false → true",
                        "~ listener \"http-8080\": clientTrust none → ca.pem",
                        "~ listener \"http-8080\": requireClientCertificate false → true",
                        "~ listener \"http-8080\": forwardClientCertificate false → true",
                        "~ listener \"http-8080\": forwardClientCertificateChain false → true",
                        "~ listener \"http-8080\": reloadEvery none → PT1M",
                        "~ listener \"http-8080\": maxTargetBytes 8192 → 1024",
                        "~ listener \"http-8080\": maxHeadBytes 16384 → 2048",
                        "~ listener \"http-8080\": maxHeaders 100 → 50",
                        "~ listener \"http-8080\": maxConnections 10000 → 7",
                        "~ listener \"http-8080\": maxConnectionsPerClient 2500 → 6",
                        "~ listener \"http-8080\": maxNewConnectionsPerClient 1000 → 5",
                        "~ listener \"http-8080\": handshakeTimeout PT10S → PT4S",
                        "~ listener \"http-8080\": maxStreams 100 → 8",
                        "~ listener \"http-8080\": maxStreamResets 100 → 11",
                        "~ listener \"http-8080\": maxControlFrames 200 → 12",
                        "~ listener \"http-8080\": headTimeout PT10S → PT1S",
                        "~ listener \"http-8080\": minBodyRate 1024 → 0",
                        "~ listener \"http-8080\": bodyRateWindow PT10S → PT9S",
                        "~ listener \"http-8080\": keepAlive PT1M15S → PT2S",
                        "~ listener \"http-8080\": writeTimeout PT30S → PT3S",
                        "~ listener \"http-8080\": trustedProxies [] → [10.0.0.0/8]",
                        "~ listener \"http-8080\": proxyProtocol [] → [10.1.0.0/16]",
                        "~ listener \"http-8080\": proxyProtocolOnly false → true",
                        "~ listener \"http-8080\": healthPath none → /health",
                        "~ listener \"http-8080\": byteGuard true → false",
                        "~ listener \"http-8080\": protocols [HTTP_1_1] → [HTTP_1_1, HTTP_2]");
    }

    @Test
    void each_field_of_an_upstream_has_its_line() {
        Upstream before = Upstream.builder("u")
                .endpoints("http://a", "http://b", "http://c")
                .build();
        Upstream after = Upstream.builder("u")
                .endpoint(Endpoint.of("http://c"))
                .endpoint(Endpoint.of("http://b").weight(5).label("zone", "eu-1"))
                .endpoint(Endpoint.of("http://d"))
                .loadBalancer(LoadBalancer.leastRequests())
                .healthCheck(HealthCheck.http("/health"))
                .retry(RetryPolicy.idempotent())
                .endpointBreaker(new Fuses())
                .tls(UpstreamTls.verified()
                        .trust(Path.of("t"))
                        .certificate(Path.of("c"), Path.of("k"))
                        .serverName("s")
                        .insecureTrustAnything())
                .connectTimeout(Duration.ofSeconds(1))
                .poolTimeout(Duration.ofSeconds(2))
                .firstByteTimeout(Duration.ofSeconds(3))
                .keepAlive(Duration.ofSeconds(4))
                .maxConnections(5)
                .maxPending(6)
                .protocol(Protocol.HTTP_2)
                .build();
        assertThat(lines(Gateway.builder().upstream(before), Gateway.builder().upstream(after)))
                .containsExactly(
                        "~ upstream \"u\": endpoint http://a removed",
                        "~ upstream \"u\": endpoint http://b weight 1 → 5",
                        "~ upstream \"u\": endpoint http://b labels {} → {zone=eu-1}",
                        "~ upstream \"u\": endpoint http://d added",
                        "~ upstream \"u\": endpoints [http://b, http://c] → [http://c, http://b]",
                        "~ upstream \"u\": loadBalancer round robin → least requests",
                        "~ upstream \"u\": healthCheck added",
                        "~ upstream \"u\": retry no retry → 1 retry after connect failure, reset",
                        "~ upstream \"u\": endpointBreaker none → fuses",
                        "~ upstream \"u\": trust none → t",
                        "~ upstream \"u\": certificate none → c",
                        "~ upstream \"u\": key none → k",
                        "~ upstream \"u\": serverName none → s",
                        "~ upstream \"u\": insecureTrustAnything false → true",
                        "~ upstream \"u\": protocol HTTP_1_1 → HTTP_2",
                        "~ upstream \"u\": connectTimeout PT2S → PT1S",
                        "~ upstream \"u\": poolTimeout PT1S → PT2S",
                        "~ upstream \"u\": firstByteTimeout none → PT3S",
                        "~ upstream \"u\": keepAlive PT20S → PT4S",
                        "~ upstream \"u\": maxConnections 1024 → 5",
                        "~ upstream \"u\": maxPending 1024 → 6");
    }

    @Test
    void parts_that_cannot_be_compared_are_opaque_and_others_do_not_show_their_options() {
        Upstream before =
                Upstream.builder("u").discovery(Discovery.manual("http://a")).build();
        Upstream after = Upstream.builder("u")
                .discovery(Discovery.manual("http://a"))
                .healthCheck(HealthCheck.http("/b"))
                .build();
        GatewayBuilder old = Gateway.builder()
                .upstream(before)
                .upstream(Upstream.local("l", HANDLER))
                .filter(Filter.named("lambda", (request, chain) -> chain.proceed(request)))
                .filter(new Gadget("limit", 1))
                .filter(Filter.named("named", new Gadget("inner", 1)))
                .filter((request, chain) -> chain.proceed(request));
        GatewayBuilder next = Gateway.builder()
                .upstream(after)
                .upstream(Upstream.localBlocking("l", (request, exchange) -> null))
                .filter(Filter.named("lambda", (request, chain) -> chain.proceed(request)))
                .filter(new Gadget("limit", 2))
                .filter(Filter.named("named", new Gadget("inner", 2)))
                .filter((request, chain) -> chain.proceed(request));
        assertThat(lines(old, next))
                .containsExactly(
                        "~ upstream \"u\": discovery: holds code that cannot be compared",
                        "~ upstream \"u\": healthCheck added",
                        "~ upstream \"l\": handler removed",
                        "~ upstream \"l\": blocking handler added",
                        "~ filter \"lambda\": holds code that cannot be compared",
                        "~ filter \"limit\": other options",
                        "~ filter \"named\": other options",
                        "~ filter \"filter\": holds code that cannot be compared");
        assertThat(changes(old, next))
                .filteredOn(change -> change.kind() == Change.Kind.OPAQUE)
                .hasSize(3);
    }

    @Test
    void each_field_of_a_route_has_its_line() {
        Route before = Route.builder("r").to("u").build();
        Route after = Route.builder("r")
                .match(Match.path("/a"))
                .filter(new Gadget("limit", 1))
                .to(Split.to("u", 1).and("v", 2))
                .rewrite(Rewrite.none()
                        .path("/b")
                        .host("h")
                        .setRequestHeader("Authorization", "Bearer secret")
                        .removeQuery("q"))
                .timeout(Duration.ofSeconds(2))
                .idleTimeout(Duration.ofSeconds(3))
                .maxDuration(Duration.ofSeconds(4))
                .streaming()
                .maxRequestBytes(5)
                .trailers("x-sum")
                .build();
        assertThat(lines(Gateway.builder().route(before), Gateway.builder().route(after)))
                .containsExactly(
                        "~ route \"r\": match All[conditions=[]] → Path[template=/a]",
                        "+ filter \"limit\" of route \"r\"",
                        "~ route \"r\": destination upstream u → split [u:1, v:2]",
                        "~ route \"r\": rewrite path none → /b",
                        "~ route \"r\": rewrite host none → h",
                        "~ route \"r\": rewrite edits [] → [set request header Authorization, remove query q]",
                        "~ route \"r\": timeout PT30S → PT2S",
                        "~ route \"r\": idleTimeout PT1M → PT3S",
                        "~ route \"r\": maxDuration none → PT4S",
                        "~ route \"r\": streaming false → true",
                        "~ route \"r\": maxRequestBytes 10485760 → 5",
                        "~ route \"r\": trailers [] → [x-sum]");
    }

    @Test
    void destinations_of_one_kind_are_told_apart() {
        assertThat(routes(
                        Route.builder("r").handler(HANDLER), Route.builder("r").handler((request, exchange) -> null)))
                .containsExactly("~ route \"r\": handler: holds code that cannot be compared");
        assertThat(routes(
                        Route.builder("r").handler(HANDLER), Route.builder("r").blockingHandler((q, e) -> null)))
                .containsExactly("~ route \"r\": destination handler → blocking handler");
        assertThat(routes(
                        Route.builder("r").answer(Response.text(200, "a")),
                        Route.builder("r").answer(Response.text(200, "b"))))
                .containsExactly("~ route \"r\": destination with other options");
        assertThat(routes(
                        Route.builder("r").redirect(Redirect.status(301)),
                        Route.builder("r").redirect(Redirect.status(302))))
                .containsExactly("~ route \"r\": destination redirect 301 → redirect 302");
        assertThat(routes(
                        Route.builder("r").rewrite(Rewrite.none().setRequestHeader("A", "1")),
                        Route.builder("r").rewrite(Rewrite.none().setRequestHeader("A", "2"))))
                .containsExactly("~ route \"r\": rewrite edits have other values");
    }

    @Test
    void predicates_are_opaque_but_what_stands_beside_them_is_compared() {
        assertThat(routes(
                        Route.builder("r").match(Match.path("/a").when(request -> true)),
                        Route.builder("r").match(Match.path("/a").when(request -> true))))
                .containsExactly("~ route \"r\": match: holds code that cannot be compared");
        assertThat(routes(
                        Route.builder("r").match(Match.not(Match.path("/a").when(request -> true))),
                        Route.builder("r")
                                .match(Match.not(Match.path("/b").when(request -> true))
                                        .or(Match.path("/c")))))
                .singleElement()
                .asString()
                .contains("When[predicate=(code)]")
                .doesNotContain("Lambda");
    }

    @Test
    void long_texts_are_cut() {
        String[] hosts = new String[100];
        for (int i = 0; i < hosts.length; i++) {
            hosts[i] = i + ".example.com";
        }
        assertThat(routes(Route.builder("r"), Route.builder("r").match(Match.host(hosts))))
                .singleElement()
                .asString()
                .hasSizeLessThan(300)
                .endsWith("…");
    }

    @Test
    void another_order_is_a_change() {
        Gadget a = new Gadget("a", 1);
        Gadget b = new Gadget("b", 1);
        Route one = Route.builder("one").to("u").build();
        Route two = Route.builder("two").to("u").build();
        assertThat(lines(
                        Gateway.builder().filter(a).filter(b).route(one).route(two),
                        Gateway.builder().filter(b).filter(a).route(two).route(one)))
                .containsExactly("~ filters: order [a, b] → [b, a]", "~ routes: order [one, two] → [two, one]");
    }

    @Test
    void two_filters_of_one_name_are_numbered() {
        assertThat(lines(
                        Gateway.builder().filter(new Gadget("a", 1)).filter(new Gadget("a", 2)),
                        Gateway.builder().filter(new Gadget("a", 1)).filter(new Gadget("a", 3))))
                .containsExactly("~ filter \"a\": other options");
    }

    @Test
    void name_observers_and_error_handler_are_compared_too() {
        ErrorHandler handler = (error, request) -> Response.of(500);
        assertThat(lines(
                        Gateway.builder().observe(new Watcher(1)).observe(new ExchangeObserver() {}),
                        Gateway.builder().name("edge").observe(new Watcher(2)).errorHandler(handler)))
                .containsExactly(
                        "~ gateway: name postern → edge",
                        "- observer (lambda)",
                        "~ observer Watcher: other options",
                        "~ error handler: holds code that cannot be compared");
    }

    @Test
    void state_that_is_reset_or_dropped_has_its_line() {
        GatewayBuilder before = Gateway.builder()
                .filter(new Gadget("a", 1)
                        .state(
                                new StateSpec("rate limit", "kept", 1),
                                new StateSpec("rate limit", "reset", 1),
                                new StateSpec("breaker", "dropped", 1)));
        Gadget later = new Gadget("a", 1)
                .state(
                        new StateSpec("rate limit", "kept", 1),
                        new StateSpec("rate limit", "reset", 2),
                        new StateSpec("rate limit", "new", 2));
        assertThat(lines(before, Gateway.builder().filter(later)))
                .containsExactly(
                        "~ rate limit \"reset\": begins anew with other options",
                        "- breaker \"dropped\": nothing names it any more");
    }

    @Test
    void a_part_that_cannot_tell_its_state_does_not_spoil_the_plan() {
        Gadget broken = new Gadget("a", 1);
        broken.state = null;
        assertThat(lines(Gateway.builder(), Gateway.builder().filter(broken))).containsExactly("+ filter \"a\"");
    }

    private static GatewayBuilder base() {
        return Gateway.builder()
                .listen(Listener.http(8080))
                .upstream(Upstream.builder("orders").endpoints("http://a").build())
                .route(Route.builder("orders").to("orders").build());
    }

    private static List<String> routes(Route.Builder before, Route.Builder after) {
        return lines(Gateway.builder().route(before.build()), Gateway.builder().route(after.build()));
    }

    private static List<Change> changes(GatewayBuilder before, GatewayBuilder after) {
        GatewayConfig old = before.toConfig();
        return Changes.between(old, after.toConfig());
    }

    private static List<String> lines(GatewayBuilder before, GatewayBuilder after) {
        return changes(before, after).stream().map(Change::toString).toList();
    }

    private record Watcher(int option) implements ExchangeObserver {}

    private record Fuses() implements EndpointBreaker {
        @Override
        public Gate gate(String upstream, String endpoint, long nowNanos, Consumer<State> told) {
            throw new AssertionError("a plan opens nothing");
        }

        @Override
        public String toString() {
            return "fuses";
        }
    }
}
