package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.Handler;
import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.LoadBalancer;
import dev.postern.Managed;
import dev.postern.ManualDiscovery;
import dev.postern.Match;
import dev.postern.MessageHook;
import dev.postern.Plan;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.WebSocketRules;
import dev.postern.runtime.ConsulDiscovery;
import dev.postern.runtime.DnsDiscovery;
import dev.postern.runtime.KubernetesDiscovery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Java on the concept pages is code of this file, so it compiles. */
class ConceptPagesTest {
    private static final Path DOCS = Path.of("..", "docs", "concepts");
    private static final Path THIS = Path.of("src/test/java/dev/postern/runtime/snapshot/ConceptPagesTest.java");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "upstreams.md",
                "discovery.md",
                "config-as-a-value.md",
                "tls.md",
                "listeners.md",
                "streams.md",
                "grpc.md"
            })
    void code_on_the_page_compiles(String page) throws IOException {
        String compiled = words(Files.readString(THIS));
        List<String> blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(DOCS.resolve(page)))
                .results()
                .map((MatchResult block) -> words(block.group(1)))
                .toList();
        assertThat(blocks).isNotEmpty().allSatisfy(block -> assertThat(compiled).contains(block));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", "");
    }

    static Gateway calls() {
        Gateway gateway = Gateway.builder()
                .listen(Listener.http2Cleartext(8080))
                .upstream(Upstream.builder("greeter")
                        .endpoints("http://10.0.0.7:50051", "http://10.0.0.8:50051")
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(Route.builder("greeter")
                        .match(Match.prefix("/helloworld.Greeter"))
                        .to("greeter")
                        .build())
                .build();
        return gateway;
    }

    static Upstream balanced() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081")
                .loadBalancer(LoadBalancer.leastRequests())
                .healthCheck(HealthCheck.http("/health"))
                .build();
        return orders;
    }

    static Upstream local(Handler handler) {
        Upstream prices = Upstream.local("prices", handler).toBuilder()
                .firstByteTimeout(Duration.ofMillis(200))
                .retry(RetryPolicy.builder().onReset().onStatus(503).build())
                .hedging(Hedging.after(Duration.ofMillis(50)))
                .build();
        return prices;
    }

    static Upstream discovered() {
        ManualDiscovery members = Discovery.manual("http://10.0.0.7:8081");
        Upstream orders = Upstream.builder("orders").discovery(members).build();
        members.set(List.of(
                Endpoint.of("http://10.0.0.8:8081"),
                Endpoint.of("http://10.0.0.9:8081").weight(2)));
        return orders;
    }

    static List<Upstream> registered() {
        Upstream pods = Upstream.builder("orders")
                .discovery(KubernetesDiscovery.service("shop", "orders").port("http"))
                .build();
        Upstream instances = Upstream.builder("users")
                .discovery(ConsulDiscovery.service("http://127.0.0.1:8500", "users")
                        .tag("v2"))
                .build();
        Upstream hosts = Upstream.builder("stock")
                .discovery(DnsDiscovery.services("_http._tcp.stock.example.com"))
                .build();
        return List.of(pods, instances, hosts);
    }

    static Listener limited(Tls tls) {
        Listener edge = Listener.https(8443, tls)
                .limits(Limits.standard()
                        .maxConnections(20_000)
                        .maxConnectionsPerClient(200)
                        .maxNewConnectionsPerClient(50))
                .proxyProtocol("10.1.0.0/24")
                .trustedProxies("192.0.2.10")
                .healthPath("/ready");
        return edge;
    }

    static Listener secured() {
        Tls tls = Tls.pem(Path.of("www.pem"), Path.of("www.key"))
                .and(Path.of("api.pem"), Path.of("api.key"))
                .requireClientCertificate(Path.of("partners.pem"));
        Listener edge = Listener.https(8443, tls);
        return edge;
    }

    static void swap(Gateway gateway) {
        GatewayConfig next = gateway.config().toBuilder()
                .upstream(Upstream.builder("users")
                        .endpoints("http://10.0.0.9:8081")
                        .build())
                .route(Route.builder("users")
                        .match(Match.prefix("/users"))
                        .to("users")
                        .build())
                .toConfig();
        Plan plan = gateway.plan(next);
        if (plan.applicable()) {
            gateway.apply(next);
        }
    }

    static Route chat(Filter jwt) {
        Route chat = Route.builder("chat")
                .match(Match.path("/chat"))
                .filter(jwt)
                .to("chat")
                .idleTimeout(Duration.ofMinutes(5))
                .maxDuration(Duration.ofHours(8))
                .webSockets(
                        WebSocketRules.standard().origins("https://app.example").maxMessageBytes(64 * 1024))
                .build();
        return chat;
    }

    static Filter guarded() {
        Filter guarded = Filter.named("no-secrets", (request, chain) -> {
            chain.exchange()
                    .onMessage((direction, message) ->
                            !message.binary() && message.text().contains("secret")
                                    ? MessageHook.Verdict.close(1008, "not here")
                                    : MessageHook.Verdict.pass());
            return chain.proceed(request);
        });
        return guarded;
    }

    record Budget(String name, int permits) implements Filter, Managed {
        @Override
        public List<StateSpec> state() {
            return List.of(new StateSpec("budget", name, permits));
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            AtomicInteger left = services.state(state().get(0), () -> new AtomicInteger(permits));
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }
    }
}
