package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A configuration is a value: the same settings are equal, one other setting is not, and nothing wrong gets in. */
class ConfigValuesTest {
    private static final Path PEM = Path.of("chain.pem");
    private static final Path KEY = Path.of("key.pem");
    private static final EndpointBreaker BREAKER = (upstream, endpoint, now, told) -> {
        throw new AssertionError("nobody calls " + endpoint);
    };
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Filter FILTER = Filter.named("f", (request, chain) -> chain.proceed(request));
    private static final Handler HANDLER = (request, exchange) -> CompletableFuture.completedFuture(Response.of(200));
    private static final BlockingHandler BLOCKING = (request, exchange) -> Response.of(200);
    private static final HealthCheck CHECK = HealthCheck.http("/health");
    private static final Discovery DISCOVERY = Discovery.manual("http://a");

    /** Each row: values that all differ from one another, made anew for each use. */
    static Stream<Arguments> values() {
        return Stream.of(
                all(
                        "split",
                        () -> Split.to("a", 90).and("b", 10),
                        () -> Split.to("a", 90).and("b", 11),
                        () -> Split.to("a", 90).and("c", 10),
                        () -> Split.to("b", 10).and("a", 90),
                        () -> Split.to("a", 90),
                        () -> Split.to("a", 90).and("b", 10).stickyBy(RequestKey.client()),
                        () -> Split.to("a", 90).and("b", 10).stickyBy(RequestKey.cookie("s"))),
                all(
                        "redirect",
                        () -> Redirect.status(301),
                        () -> Redirect.status(308),
                        () -> Redirect.status(301).scheme("https"),
                        () -> Redirect.status(301).scheme("http"),
                        () -> Redirect.status(301).host("a.example"),
                        () -> Redirect.status(301).port(8443),
                        () -> Redirect.status(301).path("/b/{id}"),
                        () -> Redirect.status(301).prefix("/b"),
                        () -> Redirect.status(301)
                                .scheme("https")
                                .host("a.example")
                                .port(1)
                                .path("/")),
                all(
                        "rewrite",
                        Rewrite::none,
                        () -> Rewrite.none().path("/b/{id}"),
                        () -> Rewrite.none().prefix("/"),
                        () -> Rewrite.none().host("a.example"),
                        () -> Rewrite.none().keepHost(),
                        () -> Rewrite.none().setRequestHeader("X", "1"),
                        () -> Rewrite.none().addRequestHeader("X", "1"),
                        () -> Rewrite.none().removeRequestHeader("X"),
                        () -> Rewrite.none().setQuery("X", "1"),
                        () -> Rewrite.none().addQuery("X", "1"),
                        () -> Rewrite.none().removeQuery("X"),
                        () -> Rewrite.none().setResponseHeader("X", "1"),
                        () -> Rewrite.none().addResponseHeader("X", "1"),
                        () -> Rewrite.none().removeResponseHeader("X"),
                        () -> Rewrite.none().setQuery("a", "1").removeQuery("b"),
                        () -> Rewrite.none().removeQuery("b").setQuery("a", "1")),
                all(
                        "route",
                        () -> Route.builder("r").build(),
                        () -> Route.builder("s").build(),
                        () -> Route.builder("r").match(Match.path("/a")).build(),
                        () -> Route.builder("r").filter(FILTER).build(),
                        () -> Route.builder("r").filter(FILTER).filter(FILTER).build(),
                        () -> Route.builder("r").to("a").build(),
                        () -> Route.builder("r").to(Split.to("a", 1)).build(),
                        () -> Route.builder("r").handler(HANDLER).build(),
                        () -> Route.builder("r").blockingHandler(BLOCKING).build(),
                        () -> Route.builder("r").answer(Response.text(200, "a")).build(),
                        () -> Route.builder("r").answer(Response.text(200, "b")).build(),
                        () -> Route.builder("r").redirect(Redirect.status(301)).build(),
                        () -> Route.builder("r")
                                .rewrite(Rewrite.none().prefix("/"))
                                .build(),
                        () -> Route.builder("r").timeout(SECOND).build(),
                        () -> Route.builder("r").withoutTimeout().build(),
                        () -> Route.builder("r").idleTimeout(SECOND).build(),
                        () -> Route.builder("r").maxDuration(SECOND).build(),
                        () -> Route.builder("r").streaming().build(),
                        () -> Route.builder("r").maxRequestBytes(0).build(),
                        () -> Route.builder("r").trailers("x-sum").build(),
                        () -> Route.builder("r").withoutRequestSizeLimit().build()),
                all(
                        "upstream",
                        () -> Upstream.builder("u").build(),
                        () -> Upstream.builder("v").build(),
                        () -> Upstream.builder("u").endpoints("http://a").build(),
                        () -> Upstream.builder("u")
                                .endpoints("http://a", "http://b")
                                .build(),
                        () -> Upstream.builder("u")
                                .endpoint(Endpoint.of("http://a").weight(2))
                                .build(),
                        () -> Upstream.builder("u").discovery(DISCOVERY).build(),
                        () -> Upstream.local("u", HANDLER),
                        () -> Upstream.localBlocking("u", BLOCKING),
                        () -> Upstream.builder("u")
                                .loadBalancer(LoadBalancer.random())
                                .build(),
                        () -> Upstream.builder("u").healthCheck(CHECK).build(),
                        () -> Upstream.builder("u")
                                .retry(RetryPolicy.idempotent())
                                .build(),
                        () -> Upstream.builder("u")
                                .tls(UpstreamTls.verified().trust(PEM))
                                .build(),
                        () -> Upstream.builder("u").connectTimeout(SECOND).build(),
                        () -> Upstream.builder("u")
                                .poolTimeout(SECOND.plusNanos(1))
                                .build(),
                        () -> Upstream.builder("u").firstByteTimeout(SECOND).build(),
                        () -> Upstream.builder("u").keepAlive(SECOND).build(),
                        () -> Upstream.builder("u").maxConnections(1).build(),
                        () -> Upstream.builder("u").maxPending(0).build(),
                        () -> Upstream.builder("u").protocol(Protocol.HTTP_2).build(),
                        () -> Upstream.builder("u")
                                .outlierDetection(OutlierDetection.standard())
                                .build(),
                        () -> Upstream.builder("u").endpointBreaker(BREAKER).build(),
                        () -> Upstream.builder("u").panicThreshold(0).build(),
                        () -> Upstream.builder("u").slowStart(SECOND).build(),
                        () -> Upstream.builder("u")
                                .hedging(Hedging.after(SECOND))
                                .build(),
                        () -> Upstream.builder("u").priorities("priority").build(),
                        () -> Upstream.builder("u").preferZone("zone", "a").build(),
                        () -> Upstream.builder("u").preferZone("zone", "b").build(),
                        () -> Upstream.builder("u").preferZone("rack", "a").build(),
                        () -> Upstream.builder("u")
                                .subset("version", RequestKey.header("v"))
                                .build(),
                        () -> Upstream.builder("u")
                                .subset("version", RequestKey.header("w"))
                                .build(),
                        () -> Upstream.builder("u")
                                .subset("tier", RequestKey.header("v"))
                                .build()),
                all(
                        "hedging",
                        () -> Hedging.after(SECOND),
                        () -> Hedging.after(Duration.ofMillis(20)),
                        () -> Hedging.after(SECOND).share(0.1),
                        () -> Hedging.afterPercentile(0.95),
                        () -> Hedging.afterPercentile(0.99)),
                all(
                        "outlier detection",
                        OutlierDetection::standard,
                        () -> outliers(rules -> rules.consecutive5xx(4)),
                        () -> outliers(rules -> rules.withoutConsecutive5xx()),
                        () -> outliers(rules -> rules.consecutiveGatewayFailures(5)),
                        () -> outliers(rules -> rules.consecutiveLocalFailures(5)),
                        () -> outliers(rules -> rules.interval(SECOND)),
                        () -> outliers(rules -> rules.baseEjection(SECOND)),
                        () -> outliers(rules -> rules.maxEjection(SECOND)),
                        () -> outliers(rules -> rules.ejectionJitter(SECOND)),
                        () -> outliers(rules -> rules.maxEjectedShare(0.2)),
                        () -> outliers(rules -> rules.successRate(2, 5, 100)),
                        () -> outliers(rules -> rules.successRate(1.9, 6, 100)),
                        () -> outliers(rules -> rules.successRate(1.9, 5, 101)),
                        () -> outliers(rules -> rules.withoutSuccessRate()),
                        () -> outliers(rules -> rules.failureShare(0.85, 5, 50)),
                        () -> outliers(rules -> rules.failureShare(0.85, 6, 50)),
                        () -> outliers(rules -> rules.failureShare(0.85, 5, 51)),
                        () -> outliers(rules -> rules.despiteChecks())),
                all(
                        "endpoint",
                        () -> Endpoint.of("http://a"),
                        () -> Endpoint.of("http://b"),
                        () -> Endpoint.of("http://a").weight(0),
                        () -> Endpoint.of("http://a").label("zone", "eu"),
                        () -> Endpoint.of("http://a").label("zone", "us")),
                all(
                        "upstream TLS",
                        UpstreamTls::verified,
                        () -> UpstreamTls.verified().trust(PEM),
                        () -> UpstreamTls.verified().certificate(PEM, KEY),
                        () -> UpstreamTls.verified().certificate(PEM, PEM),
                        () -> UpstreamTls.verified().serverName("a.example"),
                        () -> UpstreamTls.verified().reloadEvery(SECOND),
                        () -> UpstreamTls.verified().insecureTrustAnything()),
                all(
                        "listener",
                        () -> Listener.http(8080),
                        () -> Listener.http(8081),
                        () -> Listener.https(8080, Tls.pem(PEM, KEY)),
                        () -> Listener.http(8080).name("edge"),
                        () -> Listener.http(8080).host("127.0.0.1"),
                        () -> Listener.http(8080).limits(Limits.standard().maxHeaders(8)),
                        () -> Listener.http(8080).trustedProxies("10.0.0.0/8"),
                        () -> Listener.http(8080).proxyProtocol("10.0.0.0/8"),
                        () -> Listener.http(8080).proxyProtocolOnly("10.0.0.0/8"),
                        () -> Listener.http(8080).healthPath("/health"),
                        () -> Listener.http(8080).withoutByteGuard(),
                        () -> Listener.http(8080).protocols(Protocol.HTTP_2),
                        () -> Listener.http2Cleartext(8080),
                        () -> Listener.https(8080, Tls.pem(PEM, KEY)).name("http-8080")),
                all(
                        "limits",
                        Limits::standard,
                        () -> Limits.standard().maxTargetBytes(256),
                        () -> Limits.standard().maxHeadBytes(1024),
                        () -> Limits.standard().maxHeaders(8),
                        () -> Limits.standard().maxConnections(1),
                        () -> Limits.standard().maxConnectionsPerClient(1),
                        () -> Limits.standard().maxNewConnectionsPerClient(1),
                        () -> Limits.standard().handshakeTimeout(SECOND),
                        () -> Limits.standard().maxStreams(1),
                        () -> Limits.standard().maxStreamResets(10),
                        () -> Limits.standard().maxControlFrames(10),
                        () -> Limits.standard().headTimeout(SECOND),
                        () -> Limits.standard().minBodyRate(1),
                        () -> Limits.standard().withoutMinBodyRate(),
                        () -> Limits.standard().bodyRateWindow(SECOND),
                        () -> Limits.standard().keepAlive(SECOND),
                        () -> Limits.standard().writeTimeout(SECOND)),
                all(
                        "TLS",
                        () -> Tls.pem(PEM, KEY),
                        () -> Tls.pem(PEM, PEM),
                        () -> Tls.pem(KEY, KEY),
                        () -> Tls.pem(PEM, KEY).and(PEM, KEY),
                        () -> Tls.pem(PEM, KEY).refuseUnknownNames(),
                        () -> Tls.pem(PEM, KEY).requestClientCertificate(PEM),
                        () -> Tls.pem(PEM, KEY).requireClientCertificate(PEM),
                        () -> Tls.pem(PEM, KEY).forwardClientCertificate(),
                        () -> Tls.pem(PEM, KEY).forwardClientCertificateChain(),
                        () -> Tls.pem(PEM, KEY).reloadEvery(SECOND)),
                all(
                        "retry",
                        RetryPolicy::none,
                        RetryPolicy::idempotent,
                        () -> retry(policy -> policy.onConnectFailure()),
                        () -> retry(policy -> policy.onReset()),
                        () -> retry(policy -> policy.onTimeout()),
                        () -> retry(policy -> policy.onGatewayErrors()),
                        () -> retry(policy -> policy.onStatus(503)),
                        () -> retry(policy -> policy.onGrpcStatus(14)),
                        () -> retry(policy -> policy.onReset().maxRetries(2)),
                        () -> retry(policy -> policy.onReset().treatAsIdempotent("POST")),
                        () -> retry(policy -> policy.onReset().trustIdempotencyKey()),
                        () -> retry(policy -> policy.onReset().backOff(SECOND, SECOND)),
                        () -> retry(policy -> policy.onReset().backOff(SECOND, SECOND.plusNanos(1))),
                        () -> retry(policy -> policy.onReset().maxRetryAfter(SECOND.plusNanos(1))),
                        () -> retry(policy -> policy.onReset().perTryTimeout(SECOND)),
                        () -> retry(policy -> policy.onReset().budget(0.1, 10)),
                        () -> retry(policy -> policy.onReset().budget(0.2, 0)),
                        () -> retry(policy -> policy.onReset().withoutBudget()),
                        () -> retry(policy -> policy.onReset().replayBytes(0))),
                all(
                        "balancer",
                        LoadBalancer::roundRobin,
                        LoadBalancer::weighted,
                        LoadBalancer::random,
                        LoadBalancer::leastRequests),
                all(
                        "sticky cookie",
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef"),
                        () -> LoadBalancer.stickyCookie("b", "0123456789abcdef"),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdeg"),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef")
                                .otherwise(LoadBalancer.leastRequests()),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").path("/a"),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").maxAge(SECOND),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").sameSite(StickyCookie.SameSite.STRICT),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").alwaysSecure(),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").readableByScripts(),
                        () -> LoadBalancer.stickyCookie("a", "0123456789abcdef").strict()),
                all(
                        "health check",
                        () -> HealthCheck.http("/a"),
                        () -> HealthCheck.http("/b"),
                        () -> HealthCheck.http("/a?b"),
                        () -> HealthCheck.http("/a").expecting(200, 200),
                        () -> HealthCheck.http("/a").expecting(201, 299),
                        () -> HealthCheck.http("/a").containing("up"),
                        () -> HealthCheck.http("/a").timeout(Duration.ofSeconds(2)),
                        () -> HealthCheck.http("/a").interval(SECOND),
                        () -> HealthCheck.http("/a").unhealthyInterval(SECOND),
                        () -> HealthCheck.http("/a").jitter(0.2),
                        () -> HealthCheck.http("/a").unhealthyAfter(1),
                        () -> HealthCheck.http("/a").healthyAfter(1),
                        HealthCheck::tcp,
                        HealthCheck::grpc,
                        () -> HealthCheck.grpc("a")),
                all(
                        "request key",
                        RequestKey::client,
                        RequestKey::principal,
                        RequestKey::route,
                        () -> RequestKey.header("a"),
                        () -> RequestKey.header("b"),
                        () -> RequestKey.cookie("a"),
                        () -> RequestKey.pathVariable("a"),
                        () -> RequestKey.named("a", (request, exchange) -> null),
                        () -> RequestKey.named("b", (request, exchange) -> null)),
                all(
                        "state",
                        () -> new StateSpec("limit", "a", 1),
                        () -> new StateSpec("limit", "b", 1),
                        () -> new StateSpec("quota", "a", 1),
                        () -> new StateSpec("limit", "a", 2)));
    }

    private interface Value {
        Object get();
    }

    private static Arguments all(String name, Value... values) {
        return arguments(name, List.of(values));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("values")
    void the_same_settings_are_equal_and_one_other_setting_is_not(String name, List<Value> values) {
        for (int i = 0; i < values.size(); i++) {
            Object value = values.get(i).get();
            assertThat(value)
                    .isEqualTo(values.get(i).get())
                    .hasSameHashCodeAs(values.get(i).get());
            assertThat(value).isNotEqualTo(null).isNotEqualTo("text");
            assertThat(value.toString()).isNotBlank();
            for (int j = i + 1; j < values.size(); j++) {
                assertThat(value)
                        .as("%s %d and %d", name, i, j)
                        .isNotEqualTo(values.get(j).get());
            }
        }
    }

    @Test
    void a_builder_begins_with_the_settings_of_its_value() {
        Route route = Route.builder("r")
                .match(Match.path("/a"))
                .filter(FILTER)
                .to("u")
                .rewrite(Rewrite.none().keepHost())
                .timeout(SECOND)
                .idleTimeout(SECOND)
                .streaming()
                .maxDuration(SECOND)
                .maxRequestBytes(7)
                .trailers("x-*")
                .build();
        Upstream upstream = Upstream.builder("u")
                .endpoints("http://a")
                .discovery(DISCOVERY)
                .loadBalancer(LoadBalancer.weighted())
                .healthCheck(CHECK)
                .retry(RetryPolicy.idempotent())
                .tls(UpstreamTls.verified().serverName("x"))
                .connectTimeout(SECOND)
                .poolTimeout(SECOND)
                .firstByteTimeout(SECOND)
                .keepAlive(SECOND)
                .maxConnections(3)
                .maxPending(4)
                .protocol(Protocol.HTTP_2)
                .endpointBreaker(BREAKER)
                .build();

        assertThat(route.toBuilder().build()).isEqualTo(route);
        assertThat(upstream.toBuilder().build()).isEqualTo(upstream);
        assertThat(Upstream.local("u", HANDLER).toBuilder().build()).isEqualTo(Upstream.local("u", HANDLER));
        assertThat(Upstream.localBlocking("u", BLOCKING).toBuilder().build())
                .isEqualTo(Upstream.localBlocking("u", BLOCKING));
    }

    @Test
    void the_filters_of_a_route_can_be_declared_anew() {
        Filter other = Filter.named("g", FILTER);
        Route route = Route.builder("r").filter(FILTER).build();

        assertThat(route.toBuilder().withoutFilters().filter(other).build().filters())
                .containsExactly(other);
    }

    @Test
    void a_value_is_not_changed_by_its_builder_afterwards() {
        Route.Builder builder = Route.builder("r").to("u");
        Route route = builder.build();
        builder.filter(FILTER).timeout(SECOND);
        Upstream.Builder upstreams = Upstream.builder("u").endpoints("http://a");
        Upstream upstream = upstreams.build();
        upstreams.endpoints("http://b");

        assertThat(route.filters()).isEmpty();
        assertThat(route.timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(upstream.endpoints()).containsExactly(Endpoint.of("http://a"));
    }

    @Test
    void a_route_has_the_defaults_of_its_documentation() {
        Route route = Route.builder("r").build();

        assertThat(route.id()).isEqualTo("r");
        assertThat(route.match()).isEqualTo(Match.any());
        assertThat(route.filters()).isEmpty();
        assertThat(route.destination()).isNull();
        assertThat(route.rewrite()).isEqualTo(Rewrite.none());
        assertThat(route.timeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(route.idleTimeout()).isEqualTo(Duration.ofSeconds(60));
        assertThat(route.maxDuration()).isNull();
        assertThat(route.streaming()).isFalse();
        assertThat(route.maxRequestBytes()).isEqualTo(10 * 1024 * 1024);
        assertThat(route.trailers()).isEmpty();
        assertThat(route).hasToString("route \"r\"");
        assertThat(route.toBuilder().withoutTimeout().withoutRequestSizeLimit().build())
                .returns(null, Route::timeout)
                .returns(Long.MAX_VALUE, Route::maxRequestBytes);
        assertThat(Route.UNMATCHED.id()).isEqualTo("unmatched");
    }

    @Test
    void an_upstream_has_the_defaults_of_its_documentation() {
        Upstream upstream = Upstream.builder("u").build();

        assertThat(upstream.loadBalancer()).isEqualTo(LoadBalancer.roundRobin());
        assertThat(upstream.retry()).isEqualTo(RetryPolicy.none());
        assertThat(upstream.tls()).isEqualTo(UpstreamTls.verified());
        assertThat(upstream.connectTimeout()).isEqualTo(Duration.ofSeconds(2));
        assertThat(upstream.poolTimeout()).isEqualTo(SECOND);
        assertThat(upstream.firstByteTimeout()).isNull();
        assertThat(upstream.endpointBreaker()).isNull();
        assertThat(upstream.keepAlive()).isEqualTo(Duration.ofSeconds(20));
        assertThat(upstream.maxConnections()).isEqualTo(1024);
        assertThat(upstream.maxPending()).isEqualTo(1024);
        assertThat(upstream.protocol()).isEqualTo(Protocol.HTTP_1_1);
        assertThat(upstream.discovery()).isNull();
        assertThat(upstream.healthCheck()).isNull();
        assertThat(upstream.handler()).isNull();
        assertThat(upstream.blockingHandler()).isNull();
        assertThat(upstream).hasToString("upstream \"u\"");
        assertThat(Upstream.local("u", HANDLER).handler()).isSameAs(HANDLER);
        assertThat(Upstream.localBlocking("u", BLOCKING).blockingHandler()).isSameAs(BLOCKING);
    }

    @Test
    void a_listener_has_the_defaults_of_its_documentation() {
        Listener listener = Listener.http(8080);

        assertThat(listener.name()).isEqualTo("http-8080");
        assertThat(Listener.https(8443, Tls.pem(PEM, KEY)).name()).isEqualTo("https-8443");
        assertThat(listener.host()).isEqualTo("0.0.0.0");
        assertThat(listener.port()).isEqualTo(8080);
        assertThat(listener.tls()).isNull();
        assertThat(listener.limits()).isEqualTo(Limits.standard());
        assertThat(listener.trustedProxies()).isEmpty();
        assertThat(listener.healthPath()).isNull();
        assertThat(listener.byteGuard()).isTrue();
        assertThat(listener.withoutByteGuard().byteGuard()).isFalse();
        assertThat(listener).hasToString("listener \"http-8080\"");
        assertThat(listener.protocols()).containsExactly(Protocol.HTTP_1_1);
        assertThat(Listener.https(8443, Tls.pem(PEM, KEY)).protocols()).containsExactly(Protocol.values());
        assertThat(Listener.http2Cleartext(8081).protocols()).containsExactly(Protocol.HTTP_2);
        assertThat(Listener.http2Cleartext(8081).name()).isEqualTo("h2c-8081");
    }

    @Test
    void limits_have_the_defaults_of_their_documentation() {
        Limits limits = Limits.standard();

        assertThat(limits.maxTargetBytes()).isEqualTo(8 * 1024);
        assertThat(limits.maxHeadBytes()).isEqualTo(16 * 1024);
        assertThat(limits.maxHeaders()).isEqualTo(100);
        assertThat(limits.maxConnections()).isEqualTo(10_000);
        assertThat(limits.maxStreams()).isEqualTo(100);
        assertThat(limits.maxStreamResets()).isEqualTo(100);
        assertThat(limits.maxControlFrames()).isEqualTo(200);
        assertThat(limits.headTimeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(limits.minBodyRate()).isEqualTo(1024);
        assertThat(limits.bodyRateWindow()).isEqualTo(Duration.ofSeconds(10));
        assertThat(limits.keepAlive()).isEqualTo(Duration.ofSeconds(75));
        assertThat(limits.writeTimeout()).isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void tls_tells_what_it_was_given() {
        Tls tls = Tls.pem(PEM, KEY).reloadEvery(SECOND);
        UpstreamTls upstream = UpstreamTls.verified()
                .trust(PEM)
                .certificate(PEM, KEY)
                .serverName("a.example")
                .insecureTrustAnything();

        assertThat(tls.certificate()).isEqualTo(PEM);
        assertThat(tls.key()).isEqualTo(KEY);
        assertThat(tls.reloadEvery()).isEqualTo(SECOND);
        assertThat(tls).hasToString("TLS chain.pem");
        assertThat(upstream.trust()).isEqualTo(PEM);
        assertThat(upstream.certificate()).isEqualTo(PEM);
        assertThat(upstream.key()).isEqualTo(KEY);
        assertThat(upstream.serverName()).isEqualTo("a.example");
        assertThat(upstream.insecure()).isTrue();
        assertThat(UpstreamTls.verified().insecure()).isFalse();
    }

    @Test
    void redirects_and_rewrites_tell_what_they_were_given() {
        Redirect redirect =
                Redirect.status(302).scheme("https").host("a.example").port(8443);

        assertThat(redirect.status()).isEqualTo(302);
        assertThat(redirect.scheme()).isEqualTo("https");
        assertThat(redirect.host()).isEqualTo("a.example");
        assertThat(redirect.port()).isEqualTo(8443);
        assertThat(redirect.path()).isNull();
        assertThat(Redirect.status(302).port()).isEqualTo(-1);
        assertThat(Rewrite.none()
                        .setQuery("a", "1")
                        .removeResponseHeader("Server")
                        .edits())
                .containsExactly(
                        new Rewrite.Edit(Rewrite.Target.QUERY, Rewrite.Action.SET, "a", "1"),
                        new Rewrite.Edit(Rewrite.Target.RESPONSE_HEADER, Rewrite.Action.REMOVE, "Server", ""));
    }

    @Test
    void of_two_that_exclude_each_other_the_last_one_counts() {
        assertThat(Redirect.status(301).path("/a").prefix("/b"))
                .returns(null, Redirect::path)
                .returns("/b", Redirect::prefix);
        assertThat(Redirect.status(301).prefix("/b").path("/a"))
                .returns("/a", Redirect::path)
                .returns(null, Redirect::prefix);
        assertThat(Rewrite.none().path("/a").prefix("/b"))
                .returns(null, Rewrite::path)
                .returns("/b", Rewrite::prefix);
        assertThat(Rewrite.none().prefix("/b").path("/a"))
                .returns("/a", Rewrite::path)
                .returns(null, Rewrite::prefix);
        assertThat(Rewrite.none().host("a").keepHost())
                .returns(null, Rewrite::host)
                .returns(true, Rewrite::keepsHost);
        assertThat(Rewrite.none().keepHost().host("a"))
                .returns("a", Rewrite::host)
                .returns(false, Rewrite::keepsHost);
        assertThat(Route.builder("r")
                        .to("a")
                        .redirect(Redirect.status(301))
                        .build()
                        .destination())
                .hasToString("redirect 301");
    }

    @Test
    void destinations_say_where_they_lead() {
        assertThat(Stream.of(
                                Route.builder("r").to("a"),
                                Route.builder("r").to(Split.to("a", 9).and("b", 1)),
                                Route.builder("r").to(Split.to("a", 1).stickyBy(RequestKey.cookie("s"))),
                                Route.builder("r").handler(HANDLER),
                                Route.builder("r").blockingHandler(BLOCKING),
                                Route.builder("r").answer(Response.of(204)),
                                Route.builder("r").redirect(Redirect.status(301)))
                        .map(builder -> builder.build().destination().toString()))
                .containsExactly(
                        "upstream a",
                        "split [a:9, b:1]",
                        "split [a:1] sticky by cookie s",
                        "handler",
                        "blocking handler",
                        "answer 204",
                        "redirect 301");
    }

    // Map.copyOf is in another order in every JVM.
    @Test
    void labels_are_in_order_of_their_names() {
        Endpoint endpoint =
                Endpoint.of("http://a").label("zone", "eu").label("rack", "7").label("az", "1");

        assertThat(endpoint.labels().toString()).isEqualTo("{az=1, rack=7, zone=eu}");
        assertThat(endpoint).hasToString("http://a");
    }

    private static RetryPolicy retry(UnaryOperator<RetryPolicy.Builder> settings) {
        return settings.apply(RetryPolicy.builder()).build();
    }

    private static OutlierDetection outliers(UnaryOperator<OutlierDetection.Builder> settings) {
        return settings.apply(OutlierDetection.builder()).build();
    }

    @Test
    void outlier_detection_has_the_defaults_of_envoy_and_says_so() {
        assertThat(OutlierDetection.standard())
                .hasToString(
                        "outliers: 5 × 5xx, success rate 1.9σ below (5 endpoints, 100 answers); every PT10S; ejected"
                                + " for PT30S to PT5M, at most 0.1");
        assertThat(outliers(rules -> rules.withoutConsecutive5xx()
                        .withoutSuccessRate()
                        .consecutiveGatewayFailures(3)
                        .consecutiveLocalFailures(4)
                        .failureShare(0.85, 5, 50)
                        .ejectionJitter(SECOND)
                        .despiteChecks()))
                .hasToString("outliers: 3 × gateway failure, 4 × no answer, failures >= 0.85 (5 endpoints, 50 answers);"
                        + " every PT10S; ejected for PT30S to PT5M + PT1S, at most 0.1, whatever checks say");
    }

    @Test
    void outlier_detection_refuses_what_makes_no_sense() {
        OutlierDetection.Builder rules = OutlierDetection.builder();
        assertThatThrownBy(() -> rules.consecutive5xx(0)).hasMessage("consecutive5xx: 0 (expected: >= 1)");
        assertThatThrownBy(() -> rules.consecutiveGatewayFailures(0)).hasMessageContaining(">= 1");
        assertThatThrownBy(() -> rules.consecutiveLocalFailures(-1)).hasMessageContaining(">= 1");
        assertThatThrownBy(() -> rules.interval(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> rules.baseEjection(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> rules.maxEjection(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> rules.ejectionJitter(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> rules.maxEjectedShare(1.1)).hasMessageContaining("0 to 1");
        assertThatThrownBy(() -> rules.successRate(0, 5, 100)).hasMessageContaining("more than 0");
        assertThatThrownBy(() -> rules.successRate(1.9, 0, 100)).hasMessageContaining(">= 1");
        assertThatThrownBy(() -> rules.failureShare(0, 5, 50)).hasMessageContaining("more than 0");
        assertThatThrownBy(() -> rules.failureShare(1.1, 5, 50)).hasMessageContaining("more than 0");
        assertThatThrownBy(() -> rules.failureShare(1, 5, 0)).hasMessageContaining(">= 1");
        assertThatThrownBy(() -> Upstream.builder("u").panicThreshold(-0.1)).hasMessageContaining("0 to 1");
        assertThatThrownBy(() -> Upstream.builder("u").slowStart(Duration.ZERO)).hasMessageContaining("> 0");
    }

    @Test
    void a_retry_policy_refuses_what_makes_no_sense() {
        RetryPolicy.Builder builder = RetryPolicy.builder();
        assertThatThrownBy(builder::build)
                .hasMessageContaining("without a condition")
                .hasMessageContaining("none()");
        assertThatThrownBy(() -> builder.maxRetries(0))
                .hasMessage("maxRetries: 0 (expected: 1 to 10; for none use RetryPolicy.none())");
        assertThatThrownBy(() -> builder.maxRetries(11)).hasMessageContaining("1 to 10");
        assertThatThrownBy(() -> builder.onStatus(399)).hasMessage("status: 399 (expected: 400 to 599)");
        assertThatThrownBy(() -> builder.onStatus(600)).hasMessageContaining("400 to 599");
        assertThatThrownBy(() -> builder.onGrpcStatus(0)).hasMessageContaining("1 to 16");
        assertThatThrownBy(() -> builder.onGrpcStatus(17)).hasMessageContaining("1 to 16");
        assertThatThrownBy(() -> builder.treatAsIdempotent(" ")).hasMessageContaining("not blank");
        assertThatThrownBy(() -> builder.backOff(SECOND, SECOND.minusNanos(1))).hasMessageContaining(">= base PT1S");
        assertThatThrownBy(() -> builder.backOff(Duration.ZERO, SECOND)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> builder.maxRetryAfter(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> builder.perTryTimeout(Duration.ZERO)).hasMessageContaining("> 0");
        assertThatThrownBy(() -> builder.budget(-0.1, 1)).hasMessageContaining("0 to 1");
        assertThatThrownBy(() -> builder.budget(1.1, 1)).hasMessageContaining("0 to 1");
        assertThatThrownBy(() -> builder.budget(Double.NaN, 1)).hasMessageContaining("0 to 1");
        assertThatThrownBy(() -> builder.budget(0, -1)).hasMessageContaining("0 to 10000");
        assertThatThrownBy(() -> builder.budget(0, 10_001)).hasMessageContaining("0 to 10000");
        assertThatThrownBy(() -> builder.replayBytes(-1)).hasMessageContaining("0 to 16777216");
    }

    @Test
    void policies_are_shown_in_words() {
        assertThat(RetryPolicy.none()).hasToString("no retry");
        assertThat(RetryPolicy.idempotent()).hasToString("1 retry after connect failure, reset");
        assertThat(RetryPolicy.builder()
                        .onConnectFailure()
                        .onReset()
                        .onTimeout()
                        .onGatewayErrors()
                        .onGrpcStatus(14)
                        .maxRetries(2)
                        .treatAsIdempotent("POST")
                        .trustIdempotencyKey()
                        .backOff(SECOND, SECOND)
                        .maxRetryAfter(Duration.ofSeconds(2))
                        .perTryTimeout(SECOND)
                        .budget(0.1, 3)
                        .replayBytes(7)
                        .build())
                .hasToString("2 retries after connect failure, reset, timeout, status [502, 503, 504], grpc-status [14]"
                        + " (also [POST], Idempotency-Key trusted, back-off PT1S to PT1S, Retry-After up to PT2S,"
                        + " each try PT1S, budget 0.1 and 3/s, replay 7 bytes)");
        assertThat(retry(policy -> policy.onReset().withoutBudget())).hasToString("1 retry after reset (no budget)");
        assertThat(RetryPolicy.idempotent().maxRetries()).isEqualTo(1);
        assertThat(LoadBalancer.leastRequests()).hasToString("least requests");
        assertThat(Stream.of(
                                RequestKey.client(),
                                RequestKey.principal(),
                                RequestKey.route(),
                                RequestKey.header("a"),
                                RequestKey.cookie("a"),
                                RequestKey.pathVariable("a"),
                                RequestKey.named("a", (request, exchange) -> null))
                        .map(Object::toString))
                .containsExactly("client", "principal", "route", "header a", "cookie a", "path variable a", "a");
    }

    static final List<Arguments> WRONG = List.of(
            wrong("route id: \" \" (expected: not blank)", () -> Route.builder(" ")),
            wrong("upstream name: \"\" (expected: not blank)", () -> Upstream.builder("")),
            wrong("upstream name: \"\" (expected: not blank)", () -> Upstream.local("", HANDLER)),
            wrong(
                    "listener name: \"\t\" (expected: not blank)",
                    () -> Listener.http(1).name("\t")),
            wrong("filter name: \"\" (expected: not blank)", () -> Filter.named("", FILTER)),
            wrong("port: -1 (expected: 0 to 65535)", () -> Listener.http(-1)),
            wrong("port: 65536 (expected: 0 to 65535)", () -> Listener.https(65536, Tls.pem(PEM, KEY))),
            wrong("port: 0 (expected: 1 to 65535)", () -> Redirect.status(301).port(0)),
            wrong(
                    "port: 65536 (expected: 1 to 65535)",
                    () -> Redirect.status(301).port(65536)),
            wrong("status: 300 (expected: 301, 302, 303, 307 or 308)", () -> Redirect.status(300)),
            wrong(
                    "scheme: ftp (expected: http or https)",
                    () -> Redirect.status(301).scheme("ftp")),
            wrong(
                    "host: \"a:80\" (expected: a name without a port)",
                    () -> Redirect.status(301).host("a:80")),
            wrong(
                    "host: \"::1\" (expected: a name without a port)",
                    () -> Redirect.status(301).host("::1")),
            wrong(
                    "host: \"[::1]:80\" (expected: a name without a port)",
                    () -> Redirect.status(301).host("[::1]:80")),
            wrong(
                    "host: \"a:80\" (expected: a name without a port)",
                    () -> UpstreamTls.verified().serverName("a:80")),
            wrong(
                    "authority: \"\" (expected: host or host:port)",
                    () -> Rewrite.none().host("")),
            wrong(
                    "path: \"b\" (expected: begins with /)",
                    () -> Redirect.status(301).prefix("b")),
            wrong("path: \"\" (expected: begins with /)", () -> Rewrite.none().prefix("")),
            wrong(
                    "path: \"health\" (expected: begins with /)",
                    () -> Listener.http(1).healthPath("health")),
            wrong("path: \"health\" (expected: begins with /)", () -> HealthCheck.http("health")),
            wrong(
                    "statuses: 300 to 200 (expected: 100 to 599)",
                    () -> HealthCheck.http("/").expecting(300, 200)),
            wrong(
                    "text: \"\" (expected: not empty)",
                    () -> HealthCheck.http("/").containing("")),
            wrong(
                    "jitter: 1.0 (expected: 0 to 0.9)",
                    () -> HealthCheck.http("/").jitter(1)),
            wrong("failures: 0 (expected: >= 1)", () -> HealthCheck.http("/").unhealthyAfter(0)),
            wrong("successes: 0 (expected: >= 1)", () -> HealthCheck.http("/").healthyAfter(0)),
            wrong(
                    "header name: \"a b\" (expected: a token, RFC 9110 5.6.2)",
                    () -> Rewrite.none().setRequestHeader("a b", "")),
            wrong(
                    "header name: \"\" (expected: a token, RFC 9110 5.6.2)",
                    () -> Rewrite.none().removeResponseHeader("")),
            wrong(
                    "weight: -1 (expected: 0 to 10000)",
                    () -> Endpoint.of("http://a").weight(-1)),
            wrong(
                    "weight: 10001 (expected: 0 to 10000)",
                    () -> Endpoint.of("http://a").weight(10_001)),
            wrong("weight: -1 (expected: 0 to 1000000)", () -> Split.to("a", -1)),
            wrong(
                    "weight: 1000001 (expected: 0 to 1000000)",
                    () -> Split.to("a", 1).and("b", 1_000_001)),
            wrong("timeout: PT0S (expected: > 0)", () -> Route.builder("r").timeout(Duration.ZERO)),
            wrong("idleTimeout: PT-1S (expected: > 0)", () -> Route.builder("r").idleTimeout(SECOND.negated())),
            wrong("maxDuration: PT0S (expected: > 0)", () -> Route.builder("r").maxDuration(Duration.ZERO)),
            wrong(
                    "maxRequestBytes: -1 (expected: >= 0)",
                    () -> Route.builder("r").maxRequestBytes(-1)),
            wrong(
                    "answer: the body is a stream (expected: Body.of(…))",
                    () -> Route.builder("r")
                            .answer(Response.of(200)
                                    .withBody(Body.from(Body.of("a").chunks(), 1)))),
            wrong(
                    "connectTimeout: PT0S (expected: > 0)",
                    () -> Upstream.builder("u").connectTimeout(Duration.ZERO)),
            wrong(
                    "poolTimeout: PT0S (expected: > 0)",
                    () -> Upstream.builder("u").poolTimeout(Duration.ZERO)),
            wrong(
                    "firstByteTimeout: PT0S (expected: > 0)",
                    () -> Upstream.builder("u").firstByteTimeout(Duration.ZERO)),
            wrong("keepAlive: PT0S (expected: > 0)", () -> Upstream.builder("u").keepAlive(Duration.ZERO)),
            wrong(
                    "maxConnections: 0 (expected: >= 1)",
                    () -> Upstream.builder("u").maxConnections(0)),
            wrong(
                    "protocols: [HTTP_1_1, HTTP_2] in cleartext (expected: one, or TLS, or a listener for each)",
                    () -> Listener.http(8080).protocols(Protocol.HTTP_1_1, Protocol.HTTP_2)),
            wrong("maxPending: -1 (expected: >= 0)", () -> Upstream.builder("u").maxPending(-1)),
            wrong(
                    "maxTargetBytes: 255 (expected: 256 to 65536)",
                    () -> Limits.standard().maxTargetBytes(255)),
            wrong(
                    "maxHeadBytes: 262145 (expected: 1024 to 262144)",
                    () -> Limits.standard().maxHeadBytes(262_145)),
            wrong("maxHeaders: 7 (expected: 8 to 1000)", () -> Limits.standard().maxHeaders(7)),
            wrong(
                    "maxConnections: 0 (expected: 1 to 2147483647)",
                    () -> Limits.standard().maxConnections(0)),
            wrong("maxStreams: 0 (expected: 1 to 1000)", () -> Limits.standard().maxStreams(0)),
            wrong(
                    "maxStreamResets: 9 (expected: 10 to 100000)",
                    () -> Limits.standard().maxStreamResets(9)),
            wrong(
                    "maxControlFrames: 9 (expected: 10 to 100000)",
                    () -> Limits.standard().maxControlFrames(9)),
            wrong("headTimeout: PT0S (expected: > 0)", () -> Limits.standard().headTimeout(Duration.ZERO)),
            wrong(
                    "minBodyRate: 0 (expected: 1 to 1000000000)",
                    () -> Limits.standard().minBodyRate(0)),
            wrong(
                    "bodyRateWindow: PT0S (expected: > 0)",
                    () -> Limits.standard().bodyRateWindow(Duration.ZERO)),
            wrong("keepAlive: PT0S (expected: > 0)", () -> Limits.standard().keepAlive(Duration.ZERO)),
            wrong("writeTimeout: PT0S (expected: > 0)", () -> Limits.standard().writeTimeout(Duration.ZERO)),
            wrong("reloadEvery: PT0S (expected: > 0)", () -> Tls.pem(PEM, KEY).reloadEvery(Duration.ZERO)),
            wrong("timeout: PT0S (expected: > 0)", () -> new CallLimits(Duration.ZERO, 1)),
            wrong("timeout: PT-1S (expected: > 0)", () -> new CallLimits(SECOND.negated(), 1)),
            wrong("maxBytes: -1 (expected: >= 0)", () -> new CallLimits(SECOND, -1)),
            wrong("state: kind \"\", name \"a\" (expected: both)", () -> new StateSpec("", "a", 1)),
            wrong("state: kind \"a\", name \" \" (expected: both)", () -> new StateSpec("a", " ", 1)),
            wrong("name: \"a b\" (expected: a token)", () -> Gateway.builder().name("a b")));

    private static Arguments wrong(String message, ThrowingCallable call) {
        return arguments(message, call);
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("WRONG")
    void what_is_out_of_range_is_refused_with_name_value_and_rule(String message, ThrowingCallable call) {
        assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
    }

    static final List<ThrowingCallable> NULLS = List.of(
            () -> Route.builder("r").match(null),
            () -> Route.builder("r").filter(null),
            () -> Route.builder("r").to((String) null),
            () -> Route.builder("r").to((Split) null),
            () -> Route.builder("r").handler(null),
            () -> Route.builder("r").blockingHandler(null),
            () -> Route.builder("r").redirect(null),
            () -> Route.builder("r").rewrite(null),
            () -> Route.builder("r").timeout(null),
            () -> Upstream.local("u", null),
            () -> Upstream.localBlocking("u", null),
            () -> Upstream.builder("u").endpoint(null),
            () -> Upstream.builder("u").endpoints((String) null),
            () -> Upstream.builder("u").discovery(null),
            () -> Upstream.builder("u").loadBalancer(null),
            () -> Upstream.builder("u").healthCheck(null),
            () -> Upstream.builder("u").retry(null),
            () -> Upstream.builder("u").tls(null),
            () -> Endpoint.of(null),
            () -> Endpoint.of("a").label("a", null),
            () -> Split.to(null, 1),
            () -> Split.to("a", 1).stickyBy(null),
            () -> Redirect.status(301).path(null),
            () -> Rewrite.none().path(null),
            () -> Rewrite.none().setQuery(null, "1"),
            () -> Rewrite.none().setQuery("a", null),
            () -> Listener.https(1, null),
            () -> Listener.http(1).host(null),
            () -> Listener.http(1).limits(null),
            () -> Listener.http(1).trustedProxies((String) null),
            () -> Tls.pem(null, KEY),
            () -> Tls.pem(PEM, null),
            () -> UpstreamTls.verified().trust(null),
            () -> UpstreamTls.verified().certificate(PEM, null),
            () -> RequestKey.named(null, (request, exchange) -> null),
            () -> RequestKey.named("a", null),
            () -> new StateSpec("a", "b", null),
            () -> Filter.named("a", null),
            () -> Filter.onRequest("a", null),
            () -> Filter.onResponse("a", null));

    @ParameterizedTest
    @FieldSource("NULLS")
    void nothing_may_be_null(ThrowingCallable call) {
        assertThatNullPointerException().isThrownBy(call);
    }
}
