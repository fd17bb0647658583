package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.OutlierDetection;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import dev.postern.runtime.simulation.Behaviour;
import dev.postern.runtime.simulation.Property;
import dev.postern.runtime.simulation.Simulation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Java on the pages about resilience is code of this file, so it compiles. */
class ResiliencePagesTest {
    private static final Path DOCS = Path.of("..", "docs", "resilience");
    private static final Path THIS = Path.of("src/test/java/dev/postern/runtime/ResiliencePagesTest.java");

    static List<Path> pages() throws IOException {
        try (Stream<Path> pages = Files.list(DOCS)) {
            return pages.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void code_on_the_page_compiles(Path page) throws IOException {
        String compiled = words(Files.readString(THIS));
        List<String> blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(page))
                .results()
                .map(block -> words(block.group(1)))
                .toList();
        assertThat(blocks).isNotEmpty().allSatisfy(block -> assertThat(compiled).contains(block));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", "");
    }

    static Upstream retried() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081")
                .retry(RetryPolicy.builder()
                        .onConnectFailure()
                        .onReset()
                        .onGatewayErrors()
                        .maxRetries(2)
                        .perTryTimeout(Duration.ofMillis(500))
                        .build())
                .build();
        return orders;
    }

    static Upstream judged() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081", "http://10.0.0.9:8081")
                .outlierDetection(OutlierDetection.standard())
                .slowStart(Duration.ofSeconds(30))
                .build();
        return orders;
    }

    static Upstream balanced() {
        Upstream orders = Upstream.builder("orders")
                .endpoint(Endpoint.of("http://10.0.0.7:8081").label("zone", "a"))
                .endpoint(Endpoint.of("http://10.0.0.8:8081").label("zone", "b"))
                .endpoint(Endpoint.of("http://10.9.0.7:8081").label("priority", "1"))
                .loadBalancer(LoadBalancer.peakEwma())
                .priorities("priority")
                .preferZone("zone", "a")
                .build();
        return orders;
    }

    static Upstream sticky(String secret) {
        Upstream shop = Upstream.builder("shop")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081")
                .loadBalancer(LoadBalancer.stickyCookie("SRV", secret).otherwise(LoadBalancer.leastRequests()))
                .build();
        return shop;
    }

    static Upstream hedged() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081")
                .loadBalancer(LoadBalancer.peakEwma())
                .hedging(Hedging.afterPercentile(0.95))
                .build();
        return orders;
    }

    static void simulated(Upstream orders) {
        Simulation simulation = Simulation.of(orders)
                .requestsPerSecond(100)
                .behaves(Duration.ofSeconds(10), "http://10.0.0.8:8081", Behaviour.answering(Duration.ofMillis(400)))
                .leaves(Duration.ofSeconds(30), "http://10.0.0.7:8081")
                .chaos(3)
                .property(Property.amplificationAtMost(1.2))
                .property(Property.recoversWithin(Duration.ofSeconds(20), 0.99))
                .build();
        simulation.check(0, 1_000);
    }

    static Upstream production() {
        Upstream orders = Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081", "http://10.0.0.9:8081")
                .loadBalancer(LoadBalancer.peakEwma())
                .retry(RetryPolicy.builder()
                        .onConnectFailure()
                        .onReset()
                        .onGatewayErrors()
                        .build())
                .outlierDetection(
                        OutlierDetection.builder().maxEjectedShare(0.34).build())
                .healthCheck(HealthCheck.http("/health"))
                .slowStart(Duration.ofSeconds(30))
                .firstByteTimeout(Duration.ofSeconds(5))
                .build();
        return orders;
    }

    static void rehearsed(Upstream orders) {
        Simulation.of(orders)
                .chaos(5)
                .property(Property.servedAtLeast(0.9))
                .build()
                .check(0, 100);
    }

    @Test
    void what_is_recommended_holds_what_its_page_says() {
        Logger log = Logger.getLogger("dev.postern.health");
        log.setLevel(Level.OFF);
        rehearsed(production());
        log.setLevel(null);
    }
}
