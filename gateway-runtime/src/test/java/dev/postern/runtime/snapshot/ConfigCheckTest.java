package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Checked;
import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.ErrorHandler;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayConfig;
import dev.postern.GatewayException;
import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.Listener;
import dev.postern.LoadBalancer;
import dev.postern.OutlierDetection;
import dev.postern.Problem;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Services;
import dev.postern.Split;
import dev.postern.StateSpec;
import dev.postern.StickyCookie;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConfigCheckTest {
    private static final Instant NOW = Instant.now();

    private final ConfigCheck check = new ConfigCheck(
            network -> network.startsWith("10.") ? null : "\"" + network + "\" is no network",
            path -> path.contains("//") ? "is not canonical" : null);

    @TempDir
    Path folder;

    @Test
    void nothing_is_wrong_with_a_good_one() {
        assertThat(texts(good())).isEmpty();
    }

    @Test
    void an_empty_one_is_a_warning() {
        assertThat(problems(Gateway.builder()))
                .containsExactly(Problem.warning("gateway", "there is no listener and no route: it does nothing"));
        assertThat(texts(Gateway.builder().listen(Listener.http(0))))
                .containsExactly("WARNING gateway: there is no route: every request is answered 404");
    }

    @Test
    void unknown_upstreams_are_told_with_what_is_defined() {
        assertThat(texts(good().route(Route.builder("a").to("order").build())
                        .route(Route.builder("b").to("payments").build())
                        .route(Route.builder("c").to("ORDERS").build())
                        .route(Route.builder("d")
                                .to(Split.to("orders", 1).and("user", 1))
                                .build())))
                .containsExactly(
                        "ERROR route \"a\": upstream \"order\" is not defined (did you mean \"orders\"? defined: orders,"
                                + " users)",
                        "ERROR route \"b\": upstream \"payments\" is not defined (defined: orders, users)",
                        "ERROR route \"c\": upstream \"ORDERS\" is not defined (did you mean \"orders\"? defined: orders,"
                                + " users)",
                        "ERROR route \"d\": upstream \"user\" is not defined (did you mean \"users\"? defined: orders,"
                                + " users)");
        assertThat(texts(Gateway.builder().route(Route.builder("a").to("b").build())))
                .containsExactly("ERROR route \"a\": upstream \"b\" is not defined (defined: none)");
    }

    @Test
    void short_names_are_not_guessed() {
        assertThat(Names.closest("ab", List.of("cd", "abc"))).isNull();
        assertThat(Names.closest("abc", List.of("xbc"))).isEqualTo("xbc");
        assertThat(Names.closest("orders-v1", List.of("orders-v9", "orders-v1x", "orders")))
                .isEqualTo("orders-v9");
    }

    @Test
    void routes_need_an_id_of_their_own_and_a_destination() {
        assertThat(texts(good().route(Route.builder("orders").to("orders").build())
                        .route(Route.builder("unmatched").to("orders").build())
                        .route(Route.builder("nowhere").build())
                        .route(Route.builder("split")
                                .to(Split.to("orders", 0).and("orders", 0))
                                .build())))
                .containsExactly(
                        "ERROR route \"orders\": is declared twice (expected: an id of its own)",
                        "ERROR route \"unmatched\": this id stands for requests that no route takes (expected: another id)",
                        "ERROR route \"nowhere\": leads nowhere (expected: to(…), handler(…), answer(…) or redirect(…))",
                        "ERROR route \"split\": split names upstream \"orders\" twice (expected: once)",
                        "ERROR route \"split\": all weights of the split are 0 (expected: at least one that takes"
                                + " requests)");
    }

    @Test
    void upstreams_need_one_kind_of_endpoints() {
        Discovery discovery = Discovery.manual();
        assertThat(texts(good().upstream(
                                Upstream.builder("orders").endpoints("http://a").build())
                        .upstream(Upstream.builder("none").build())
                        .upstream(Upstream.builder("two")
                                .endpoints("http://a")
                                .discovery(discovery)
                                .build())
                        .upstream(Upstream.local("three", (request, exchange) -> null).toBuilder()
                                .endpoints("http://a")
                                .discovery(discovery)
                                .build())
                        .upstream(Upstream.builder("idle")
                                .endpoint(Endpoint.of("http://a").weight(0))
                                .build())
                        .upstream(Upstream.builder("bad")
                                .endpoints("10.0.0.7", "http://a", "http://A:80/")
                                .build())))
                .containsExactly(
                        "ERROR upstream \"orders\": is defined twice (expected: a name of its own)",
                        "ERROR upstream \"none\": has no endpoint (expected: endpoints(…), discovery(…) or"
                                + " Upstream.local(…))",
                        "ERROR upstream \"two\": has endpoints and a discovery (expected: one of them)",
                        "ERROR upstream \"three\": has endpoints and a discovery and a handler (expected: one of them)",
                        "ERROR upstream \"idle\": all endpoints have weight 0 (expected: at least one that takes requests)",
                        "ERROR upstream \"bad\": endpoint \"10.0.0.7\" has no scheme (expected: http or https)",
                        "ERROR upstream \"bad\": endpoint http://A:80/ stands twice (expected: once, with a weight)");
    }

    @Test
    void listeners_need_names_ports_and_networks_that_make_sense() {
        assertThat(texts(good().listen(Listener.http(0))
                        .listen(Listener.http(0).name("other"))
                        .listen(Listener.http(8080).host("127.0.0.1").name("inner"))
                        .listen(Listener.http(9090).host("127.0.0.1"))
                        .listen(Listener.http(9090).host("127.0.0.2").trustedProxies("10.0.0.0/8", "lan"))
                        .listen(Listener.http(7070).healthPath("/a//b").withoutByteGuard())))
                .containsExactly(
                        "ERROR listener \"inner\": port 8080 on 127.0.0.1 is taken by listener \"http-8080\" (expected:"
                                + " another port or host)",
                        "ERROR listener \"http-9090\": name is used twice (expected: a name of its own)",
                        "ERROR listener \"http-9090\": trusted proxy: \"lan\" is no network",
                        "ERROR listener \"http-7070\": healthPath: is not canonical",
                        "WARNING listener \"http-7070\": runs without the byte guard: ambiguous requests may pass");
    }

    @Test
    void filter_names_given_by_hand_are_unique_on_a_route_others_get_numbers() {
        Filter audit = Filter.named("audit", (request, chain) -> chain.proceed(request));
        assertThat(texts(good().filter(audit)
                        .filter(audit)
                        .route(Route.builder("a").filter(audit).to("orders").build())
                        .route(Route.builder("b")
                                .filter(new Gadget("limit", 1))
                                .filter(new Gadget("limit", 2))
                                .to("orders")
                                .build())
                        .route(Route.builder("c")
                                .filter(new Gadget("tag", 1))
                                .filter(Filter.named("tag", (request, chain) -> chain.proceed(request)))
                                .filter(Filter.named("tag", (request, chain) -> chain.proceed(request)))
                                .to("orders")
                                .build())))
                .containsExactly(
                        "ERROR filter \"audit\": name is used twice (expected: a name of its own)",
                        "ERROR filter \"audit\" of route \"a\": is also the name of a gateway filter (expected: a name of"
                                + " its own)",
                        "ERROR filter \"tag\" of route \"c\": name is used twice (expected: a name of its own)");
    }

    @Test
    void parts_that_check_themselves_are_asked_once_and_named() {
        Gadget limit = new Gadget("limit", 1);
        limit.problems = List.of("permits: 0 (expected: >= 1)", "window is missing (expected: window(…))");
        assertThat(texts(good().route(
                                Route.builder("a").filter(limit).to("orders").build())
                        .route(Route.builder("b").filter(limit).to("orders").build())
                        .upstream(Upstream.builder("checked")
                                .endpoints("http://a")
                                .healthCheck(new BadCheck(Duration.ofSeconds(1), 1))
                                .build())
                        .errorHandler(new Broken())))
                .containsExactly(
                        "ERROR health check of upstream \"checked\": path is missing (expected: a path)",
                        "ERROR filter \"limit\" of route \"a\": permits: 0 (expected: >= 1)",
                        "ERROR filter \"limit\" of route \"a\": window is missing (expected: window(…))",
                        "ERROR error handler: cannot be checked: java.lang.IllegalStateException: oops");
    }

    @Test
    void health_checks_need_a_pace_and_something_to_check() {
        assertThat(texts(good().upstream(Upstream.builder("a")
                                .endpoints("http://a")
                                .healthCheck(new Pace(Duration.ZERO, 0))
                                .build())
                        .upstream(Upstream.builder("b")
                                .endpoints("http://b")
                                .healthCheck(new Pace(null, 1) {
                                    @Override
                                    public Duration interval() {
                                        throw new IllegalStateException("oops");
                                    }
                                })
                                .build())
                        .upstream(Upstream.local("c", (request, exchange) -> null).toBuilder()
                                .healthCheck(HealthCheck.http("/health"))
                                .build())
                        .upstream(Upstream.builder("d")
                                .endpoints("http://d")
                                .healthCheck(HealthCheck.grpc())
                                .build())
                        .upstream(Upstream.builder("e")
                                .endpoints("http://e")
                                .protocol(Protocol.HTTP_2)
                                .healthCheck(HealthCheck.grpc("shop.Orders"))
                                .build())
                        .upstream(Upstream.builder("f")
                                .endpoints("http://f")
                                .healthCheck(new Pace(Duration.ofSeconds(1), 1) {
                                    @Override
                                    public double jitter() {
                                        return 1;
                                    }
                                })
                                .build())))
                .containsExactly(
                        "ERROR upstream \"a\": health check: interval: PT0S (expected: > 0)",
                        "ERROR upstream \"a\": health check: unhealthyAfter: 0, healthyAfter: 2 (expected: >= 1)",
                        "ERROR upstream \"b\": health check: java.lang.IllegalStateException: oops",
                        "ERROR upstream \"c\": is the host's own code and has no endpoints (expected: without"
                                + " healthCheck)",
                        "ERROR upstream \"d\": health check: gRPC is spoken in HTTP/2 only"
                                + " (expected: protocol(Protocol.HTTP_2), or another check)",
                        "ERROR upstream \"f\": health check: jitter: 1.0 (expected: 0 to less than 1)");
    }

    @Test
    void the_hosts_own_code_takes_the_policies_that_mean_something_for_it() {
        assertThat(texts(good().upstream(Upstream.local("fine", (request, exchange) -> null).toBuilder()
                                .retry(RetryPolicy.idempotent())
                                .hedging(Hedging.after(Duration.ofMillis(5)))
                                .firstByteTimeout(Duration.ofSeconds(1))
                                .build())
                        .upstream(Upstream.localBlocking("odd", (request, exchange) -> null).toBuilder()
                                .loadBalancer(LoadBalancer.random())
                                .outlierDetection(OutlierDetection.standard())
                                .panicThreshold(0.2)
                                .slowStart(Duration.ofSeconds(1))
                                .priorities("priority")
                                .preferZone("zone", "a")
                                .subset("version", RequestKey.header("X-Version"))
                                .tls(UpstreamTls.verified().serverName("x"))
                                .protocol(Protocol.HTTP_2)
                                .connectTimeout(Duration.ofSeconds(1))
                                .poolTimeout(Duration.ofSeconds(2))
                                .keepAlive(Duration.ofSeconds(1))
                                .maxConnections(1)
                                .maxPending(0)
                                .build())))
                .containsExactly(
                        "ERROR upstream \"odd\": is the host's own code and has no endpoints (expected: without"
                                + " loadBalancer, outlierDetection, panicThreshold, slowStart, priorities, preferZone,"
                                + " subset)",
                        "ERROR upstream \"odd\": is the host's own code and has no connections (expected: without tls,"
                                + " protocol, connectTimeout, poolTimeout, keepAlive, maxConnections, maxPending; the"
                                + " filter ConcurrencyLimit bounds what is under way)");
    }

    @Test
    void a_sticky_cookie_has_one_upstream_and_a_balancer_that_is_checked_too() {
        StickyCookie cookie = LoadBalancer.stickyCookie("SRV", "0123456789abcdef");
        assertThat(texts(good().upstream(Upstream.builder("a")
                                .endpoints("http://a")
                                .loadBalancer(cookie)
                                .build())
                        .upstream(Upstream.builder("b")
                                .endpoints("http://b")
                                .loadBalancer(cookie.strict())
                                .build())
                        .upstream(Upstream.builder("c")
                                .endpoints("http://c")
                                .loadBalancer(cookie.path("/c").otherwise(new BadBalancer()))
                                .build())
                        .upstream(Upstream.builder("e")
                                .endpoints("http://e")
                                .loadBalancer(LoadBalancer.stickyCookie("__Host-E", "0123456789abcdef")
                                        .alwaysSecure()
                                        .path("/e"))
                                .build())))
                .containsExactlyInAnyOrder(
                        "WARNING upstream \"b\": its sticky cookie \"SRV\" is also that of upstream \"a\": each"
                                + " overwrites the other's (expected: a name of its own)",
                        "ERROR load balancer of upstream \"c\": seed is missing (expected: a seed)",
                        "ERROR load balancer of upstream \"e\": cookie \"__Host-E\" has the path /e, so no browser keeps it"
                                + " (expected: /, or a name that does not begin with __Host-)");
    }

    private static final class BadBalancer implements LoadBalancer, Checked {
        @Override
        public Picker prepare(Endpoints endpoints) {
            return (ticket, candidates, request) -> -1;
        }

        @Override
        public List<String> problems() {
            return List.of("seed is missing (expected: a seed)");
        }
    }

    @Test
    void one_name_of_state_has_one_set_of_options() {
        assertThat(texts(good().filter(new Gadget("a", 1).state(new StateSpec("rate limit", "x", 100)))
                        .route(Route.builder("b")
                                .filter(new Gadget("b", 1).state(new StateSpec("rate limit", "x", 50)))
                                .filter(new Gadget("c", 1).state(new StateSpec("rate limit", "x", 50)))
                                .filter(new Gadget("d", 1).state(new StateSpec("breaker", "x", 50)))
                                .to("orders")
                                .build())))
                .containsExactly(
                        "ERROR rate limit \"x\": filter \"a\" and filter \"b\" of route \"b\" want it with different"
                                + " options (expected: equal options, or names of their own)");
    }

    @Test
    void weak_tls_towards_upstreams_is_a_warning() {
        assertThat(texts(good().upstream(Upstream.builder("any")
                                .endpoints("https://a")
                                .tls(UpstreamTls.verified().insecureTrustAnything())
                                .build())
                        .upstream(Upstream.builder("address")
                                .endpoints("https://10.0.0.7")
                                .build())
                        .upstream(Upstream.builder("named")
                                .endpoints("https://10.0.0.7")
                                .tls(UpstreamTls.verified().serverName("orders.internal"))
                                .build())
                        .upstream(Upstream.builder("plain")
                                .endpoints("http://a")
                                .tls(UpstreamTls.verified().serverName("orders.internal"))
                                .build())))
                .containsExactly(
                        "WARNING upstream \"any\": believes any certificate: whoever is in between can read and change"
                                + " everything",
                        "WARNING upstream \"address\": the certificate of https://10.0.0.7 is verified against its IP"
                                + " address, which few certificates hold (expected: a host name, or tls(….serverName(…)))",
                        "WARNING upstream \"plain\": has TLS settings, but no endpoint is https");
    }

    @ParameterizedTest
    @EnumSource(
            value = CertificateBuilder.Algorithm.class,
            names = {"ecp256", "rsa2048", "ed25519"})
    void a_certificate_and_its_key_pass(CertificateBuilder.Algorithm algorithm) throws Exception {
        X509Bundle bundle = certificate(algorithm, NOW.plusSeconds(3600));
        assertThat(texts(secured(
                        file("cert.pem", bundle.getCertificatePathPEM()), file("key.pem", bundle.getPrivateKeyPEM()))))
                .isEmpty();
        Path chain = folder.resolve("cert.pem");
        assertThat(texts(good().upstream(Upstream.builder("mutual")
                        .endpoints("https://a")
                        .tls(UpstreamTls.verified().trust(chain).certificate(chain, folder.resolve("key.pem")))
                        .build())))
                .isEmpty();
    }

    @Test
    void a_key_of_another_certificate_is_found() throws Exception {
        X509Bundle one = certificate(CertificateBuilder.Algorithm.ecp256, NOW.plusSeconds(3600));
        X509Bundle other = certificate(CertificateBuilder.Algorithm.ecp256, NOW.plusSeconds(3600));
        X509Bundle rsa = certificate(CertificateBuilder.Algorithm.rsa2048, NOW.plusSeconds(3600));
        Path chain = file("cert.pem", one.getCertificatePathPEM());
        for (X509Bundle wrong : List.of(other, rsa)) {
            assertThat(texts(secured(chain, file("key.pem", wrong.getPrivateKeyPEM()))))
                    .singleElement()
                    .asString()
                    .contains("key.pem is not the key of certificate")
                    .endsWith("(expected: the pair that was issued together, our own certificate first in the chain)");
        }
    }

    @Test
    void dates_are_warnings() throws Exception {
        X509Bundle old = certificate(CertificateBuilder.Algorithm.ecp256, NOW.minusSeconds(60));
        Path chain = file("cert.pem", old.getCertificatePathPEM());
        Path key = file("key.pem", old.getPrivateKeyPEM());
        assertThat(texts(secured(chain, key)))
                .singleElement()
                .asString()
                .startsWith("WARNING")
                .contains(" expired at ");
        assertThat(check.check(secured(chain, key).toConfig(), NOW.minus(Duration.ofDays(800))))
                .singleElement()
                .asString()
                .contains(" is not valid before ");
    }

    @Test
    void every_fault_of_a_file_is_told_with_its_cure() throws Exception {
        X509Bundle bundle = certificate(CertificateBuilder.Algorithm.rsa2048, NOW.plusSeconds(3600));
        Path cert = file("cert.pem", bundle.getCertificatePathPEM());
        Path key = file("key.pem", bundle.getPrivateKeyPEM());
        assertThat(fault(folder.resolve("no.pem"), key)).endsWith("no.pem does not exist");
        assertThat(fault(cert, folder)).endsWith("is no PEM file (expected: a file of up to 1048576 bytes)");
        assertThat(fault(file("empty", ""), key))
                .endsWith("empty holds no certificate (expected: PEM with BEGIN CERTIFICATE)");
        assertThat(fault(file("cut", "-----BEGIN CERTIFICATE-----\nAAAA"), key))
                .endsWith("cut breaks off (expected: END CERTIFICATE)");
        assertThat(fault(file("half", "-----BEGIN CERT"), key)).contains("holds no certificate");
        assertThat(fault(file("junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), key))
                .endsWith("junk holds a certificate that cannot be read (expected: X.509 PEM)");
        assertThat(fault(file("bad64", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"), key))
                .endsWith("bad64 holds a CERTIFICATE that is not base64 (expected: PEM)");
        assertThat(fault(cert, file("pkcs1", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----")))
                .endsWith(
                        "pkcs1 holds no PRIVATE KEY but RSA PRIVATE KEY (expected: PKCS#8 PEM, as openssl pkcs8 -topk8"
                                + " -nocrypt writes it)");
        assertThat(fault(cert, cert)).contains("holds no PRIVATE KEY (expected: PKCS#8");
        assertThat(fault(cert, file("odd", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")))
                .contains("odd is neither RSA nor EC nor EdDSA");
        assertThat(texts(good().upstream(Upstream.builder("trusting")
                        .endpoints("https://a")
                        .tls(UpstreamTls.verified().trust(folder.resolve("no.pem")))
                        .build())))
                .singleElement()
                .asString()
                .startsWith("ERROR upstream \"trusting\": trust ")
                .endsWith("no.pem does not exist");
    }

    @Test
    void all_problems_come_in_one_go_in_the_order_of_the_configuration() {
        List<Problem> problems = problems(Gateway.builder()
                .listen(Listener.http(8080).trustedProxies("x"))
                .upstream(Upstream.builder("u").build())
                .route(Route.builder("r").build()));
        assertThat(problems)
                .extracting(Problem::subject)
                .containsExactly("listener \"http-8080\"", "upstream \"u\"", "route \"r\"");
    }

    private String fault(Path chain, Path key) {
        List<String> texts = texts(secured(chain, key));
        assertThat(texts).hasSize(1);
        return texts.get(0);
    }

    private static GatewayBuilder secured(Path chain, Path key) {
        return good().listen(Listener.https(8443, Tls.pem(chain, key)));
    }

    private static GatewayBuilder good() {
        return Gateway.builder()
                .listen(Listener.http(8080))
                .upstream(Upstream.builder("orders")
                        .endpoints("http://10.0.0.7:8081")
                        .build())
                .upstream(Upstream.builder("users")
                        .endpoints("https://users.internal")
                        .build())
                .route(Route.builder("orders").to("orders").build());
    }

    private List<Problem> problems(GatewayBuilder builder) {
        GatewayConfig config = builder.toConfig();
        return check.check(config, NOW);
    }

    private List<String> texts(GatewayBuilder builder) {
        return problems(builder).stream()
                .map(problem -> problem.severity() + " " + problem)
                .toList();
    }

    private Path file(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content, StandardCharsets.US_ASCII);
    }

    private static X509Bundle certificate(CertificateBuilder.Algorithm algorithm, Instant until) throws Exception {
        return new CertificateBuilder()
                .algorithm(algorithm)
                .subject("CN=localhost")
                .setIsCertificateAuthority(true)
                .notBefore(NOW.minus(Duration.ofDays(365)))
                .notAfter(until)
                .buildSelfSigned();
    }

    private static class Pace implements HealthCheck {
        private final Duration interval;
        private final int after;

        Pace(Duration interval, int after) {
            this.interval = interval;
            this.after = after;
        }

        @Override
        public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
            return CompletableFuture.completedFuture(true);
        }

        @Override
        public Duration interval() {
            return interval;
        }

        @Override
        public int unhealthyAfter() {
            return after;
        }
    }

    private static final class BadCheck extends Pace implements Checked {
        BadCheck(Duration interval, int after) {
            super(interval, after);
        }

        @Override
        public List<String> problems() {
            return List.of("path is missing (expected: a path)");
        }
    }

    private static final class Broken implements ErrorHandler, Checked {
        @Override
        public Response answer(GatewayException error, Request request) {
            return Response.of(500);
        }

        @Override
        public List<String> problems() {
            throw new IllegalStateException("oops");
        }
    }
}
