package dev.postern.runtime.simulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import dev.postern.runtime.rig.Figures;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * For the long run: {@code -Dpostern.simulation.seeds=100000 -Dpostern.simulation.again=100
 * -Dpostern.simulation.brownouts=5}.
 */
class SimulationTest {
    private static final int SEEDS = Integer.getInteger("postern.simulation.seeds", 80);
    private static final long FIRST = Long.getLong("postern.simulation.first", 0);
    private static final int AGAIN = Integer.getInteger("postern.simulation.again", 18);
    private static final Logger HEALTH = Logger.getLogger("dev.postern.health");

    @BeforeAll
    static void quiet() {
        HEALTH.setLevel(Level.OFF);
    }

    @AfterAll
    static void loud() {
        HEALTH.setLevel(null);
    }

    @Test
    void no_seed_breaks_a_rule_under_any_of_the_policies() {
        List<Simulation> matrix = Matrix.simulations();
        long requests = 0;
        int part = Math.max(1, SEEDS / matrix.size());
        for (int i = 0; i < matrix.size(); i++) {
            // Seeds of their own, so that more policies are also more troubles.
            requests += matrix.get(i).check(FIRST + (long) i * part, part);
        }
        Figures.seen("simulated %d seeds, %d requests", part * matrix.size(), requests);
        assertThat(requests).isGreaterThan(1_000L * part * matrix.size());
    }

    @Test
    void the_same_seed_gives_the_same_trace_byte_for_byte() {
        List<Simulation> matrix = Matrix.simulations();
        for (int i = 0; i < AGAIN; i++) {
            Simulation simulation = matrix.get(i % matrix.size());
            Report first = simulation.run(i);
            Report again = simulation.run(i);
            assertThat(again.trace()).isEqualTo(first.trace());
            assertThat(again.fingerprint()).isEqualTo(first.fingerprint());
            assertThat(first.trace()).hasSizeGreaterThan(10_000);
        }
        assertThat(matrix.get(0).run(1).fingerprint())
                .isNotEqualTo(matrix.get(0).run(2).fingerprint());
    }

    @Test
    void a_brown_out_of_one_of_ten_hardly_shows_with_peak_ewma_and_hedging() {
        Upstream.Builder ten = Upstream.builder("orders");
        for (int i = 0; i < 10; i++) {
            ten.endpoints("http://10.0.0." + i + ":8080");
        }
        Upstream upstream = ten.loadBalancer(LoadBalancer.peakEwma())
                .hedging(Hedging.afterPercentile(0.95).share(0.04))
                .build();
        Simulation.Builder calm = Simulation.of(upstream).requestsPerSecond(200);
        for (long seed = 0; seed < Integer.getInteger("postern.simulation.brownouts", 1); seed++) {
            Duration healthy = calm.build().run(seed).latency(0.99);
            Report brown = Simulation.of(upstream)
                    .requestsPerSecond(200)
                    .behaves(
                            Duration.ofSeconds(10), "http://10.0.0.3:8080", Behaviour.answering(Duration.ofMillis(400)))
                    .build()
                    .run(seed);
            Figures.seen("brown-out: healthy p99 %s, %s, amplification %s", healthy, brown, brown.amplification());
            assertThat(brown.latency(0.99)).isLessThan(healthy.multipliedBy(3).dividedBy(2));
            assertThat(brown.amplification()).isLessThanOrEqualTo(1.05);
            assertThat(brown.violations()).isEmpty();
        }
    }

    @Test
    void a_whole_upstream_that_fails_is_asked_a_fifth_more_and_the_minimum() {
        Upstream upstream = Upstream.builder("orders")
                .endpoints("http://a", "http://b", "http://c")
                .retry(RetryPolicy.builder()
                        .onConnectFailure()
                        .onReset()
                        .onGatewayErrors()
                        .maxRetries(5)
                        .build())
                .build();
        Simulation.of(upstream)
                .behaviour(Behaviour.answering(Duration.ofMillis(20)).failing(1, 503))
                .requestsPerSecond(200)
                .property(Property.amplificationAtMost(1.2))
                .build()
                .check(0, 5);
    }

    @Test
    void a_check_that_only_connects_finds_who_is_gone_and_not_who_is_silent() {
        Upstream upstream = Upstream.builder("orders")
                .endpoints("http://a", "http://b", "http://c")
                .healthCheck(HealthCheck.tcp())
                .build();
        Report report = Simulation.of(upstream)
                .behaves(Duration.ofSeconds(5), "http://a", Behaviour.refusing())
                .behaves(Duration.ofSeconds(5), "http://b", Behaviour.silent())
                .build()
                .run(1);
        assertThat(report.standings().get(report.standings().size() - 1).healthy())
                .containsExactly("http://b", "http://c");
        assertThat(report.violations()).isEmpty();
    }

    @Test
    void what_breaks_is_made_small_and_told() {
        Upstream upstream = Upstream.builder("orders")
                .endpoints("http://a", "http://b", "http://c")
                .build();
        Simulation simulation = Simulation.of(upstream)
                .requestsPerSecond(100)
                .duration(Duration.ofSeconds(10))
                .behaves(Duration.ofSeconds(1), "http://b", Behaviour.answering(Duration.ofMillis(50)))
                .behaves(
                        Duration.ofSeconds(2),
                        "http://a",
                        Behaviour.answering(Duration.ofMillis(20)).failing(1, 500))
                .leaves(Duration.ofSeconds(9), "http://c")
                .property(Property.servedAtLeast(0.9))
                .build();
        assertThatThrownBy(() -> simulation.check(5, 3))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("seed 5 breaks:\n  served at least 0.9: only 0.")
                .hasMessageContaining("with:\n  at PT2S http://a answers in PT0.02S, fails 1.0 with 500\nseed 5:")
                .hasMessageContaining("FIRST http://a");
    }

    @Test
    void properties_say_what_is_wrong() {
        Upstream upstream = Upstream.builder("orders")
                .endpoints("http://a", "http://b")
                .loadBalancer(LoadBalancer.strictHash(dev.postern.RequestKey.named("one", (request, exchange) -> "k")))
                .build();
        Simulation simulation = Simulation.of(upstream)
                .requestsPerSecond(50)
                .duration(Duration.ofSeconds(30))
                .behaves(Duration.ofSeconds(1), "http://a", Behaviour.refusing())
                .build();
        Report report = simulation.run(1);
        assertThat(Property.servedAtLeast(1).complaint(report)).startsWith("only 0.");
        assertThat(Property.recoversWithin(Duration.ofSeconds(5), 1).complaint(report))
                .endsWith("were served from PT6S on");
        assertThat(Property.amplificationAtMost(0).complaint(report)).contains(" attempts for ");
        assertThat(Property.noEndpointAbove(0.1).complaint(report)).contains(" among 2 from PT");
        assertThat(Property.named("mine", run -> run.seed() + "!").complaint(report))
                .isEqualTo("1!");
        assertThat(report.happenings()).hasToString("[at PT1S http://a refuses connections]");
        assertThat(report.duration()).isEqualTo(Duration.ofSeconds(30));
        assertThat(report.exchanges()).hasSizeBetween(1_300, 1_700);
        assertThat(report.attempts().get(0).kind()).isEqualTo(Report.Kind.FIRST);
        assertThat(report.attempts().get(0).exchange()).isZero();
        assertThat(report.attempts().get(0).ended())
                .isGreaterThan(report.attempts().get(0).begun());
        assertThat(report.attempts()).anyMatch(attempt -> attempt.failure() != null);
        assertThat(report.attempts()).anyMatch(attempt -> attempt.status() == 200);
    }

    @Test
    void what_makes_no_sense_is_refused() {
        Upstream none = Upstream.builder("orders").build();
        Upstream some = Upstream.builder("orders").endpoints("http://a").build();
        Simulation.Builder builder = Simulation.of(some);
        List.<Runnable>of(
                        () -> Simulation.of(none),
                        () -> Simulation.of(
                                Upstream.builder("orders").endpoints("a b").build()),
                        () -> builder.requestsPerSecond(0),
                        () -> builder.duration(Duration.ZERO),
                        () -> builder.deadline(Duration.ofSeconds(-1)),
                        () -> builder.leaving(1.1),
                        () -> builder.writes(-0.1),
                        () -> builder.chaos(-1),
                        () -> builder.leaves(Duration.ofSeconds(-1), "http://a"),
                        () -> new Happening(Duration.ZERO, "http://a", Happening.Kind.JOINS, null),
                        () -> Behaviour.answering(Duration.ZERO),
                        () -> Behaviour.refusing().spread(4),
                        () -> Behaviour.refusing().failing(2, 500),
                        () -> Behaviour.refusing().failing(1, 200))
                .forEach(wrong -> assertThatThrownBy(wrong::run)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("(expected"));
        assertThat(Behaviour.silent()).isEqualTo(Behaviour.silent()).hasSameHashCodeAs(Behaviour.silent());
        assertThat(Behaviour.silent()).isNotEqualTo(Behaviour.unreachable()).hasToString("says nothing");
        assertThat(Behaviour.unreachable()).hasToString("is unreachable");
        assertThat(Behaviour.answering(Duration.ofMillis(5)).spread(0).failing(0.5, 0))
                .hasToString("answers in PT0.005S, fails 0.5 with a reset");
    }
}
