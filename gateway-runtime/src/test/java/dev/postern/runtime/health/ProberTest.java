package dev.postern.runtime.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProberTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final LentServices services = new LentServices();
    private final Cluster cluster = new Cluster("orders", services.time, 0);
    private final Prober prober = new Prober(any -> services);
    private final LogLines log = new LogLines("dev.postern.health");

    @AfterEach
    void no_timer_is_left() {
        prober.stop();
        assertThat(services.time.pending()).as("timers").isZero();
        log.close();
    }

    @Test
    void takes_an_endpoint_out_after_failures_in_a_row_and_back_in_after_successes_and_says_each_once() {
        Script script = new Script(SECOND);
        ClusterView view = view(script, "http://a", "http://b");
        prober.watch(view);
        script.ill.add("http://a");
        for (boolean expected : new boolean[] {true, true, false, false}) {
            untilAskedAgain(script);
            assertThat(view.endpoints()).extracting(EndpointState::well).containsExactly(expected, true);
        }
        step(10);
        script.ill.clear();
        for (boolean expected : new boolean[] {false, true, true}) {
            untilAskedAgain(script);
            assertThat(view.endpoints()).extracting(EndpointState::well).containsExactly(expected, true);
        }
        step(10);
        assertThat(log.lines())
                .containsExactly(
                        "WARNING endpoint http://a of upstream \"orders\" is unhealthy: 3 checks in a row failed, the last"
                                + " one: the check says no",
                        "INFO endpoint http://a of upstream \"orders\" is healthy again: 2 checks in a row passed");
    }

    @Test
    void an_endpoint_that_is_out_is_asked_at_its_own_pace_and_exactly_without_jitter() {
        List<Long> asked = new ArrayList<>();
        services.network = endpoint -> {
            asked.add(services.time.nanoTime());
            return CompletableFuture.completedFuture(Response.of(asked.size() <= 3 ? 500 : 200));
        };
        HealthCheck check = HealthCheck.http("/health")
                .interval(Duration.ofSeconds(10))
                .unhealthyInterval(Duration.ofSeconds(2))
                .jitter(0);
        prober.watch(view(check, "http://a"));
        services.time.advance(Duration.ofSeconds(50));
        long first = asked.get(0);
        assertThat(asked.stream().map(at -> (at - first) / SECOND.toNanos())).startsWith(0L, 10L, 20L, 22L, 24L, 34L);
    }

    @Test
    void failures_with_a_success_between_do_not_add_up() {
        Script script = new Script(SECOND);
        ClusterView view = view(script, "http://a");
        prober.watch(view);
        for (int i = 0; i < 20; i++) {
            script.next.put("http://a", i % 3 != 2);
            step(1);
            assertThat(view.endpoints().get(0).well()).isTrue();
        }
    }

    @Test
    void pauses_are_spread_by_a_tenth_and_endpoints_do_not_march_in_step() {
        Script script = new Script(Duration.ofSeconds(10));
        prober.watch(view(script, "http://a", "http://b"));
        services.time.advance(Duration.ofSeconds(1_000));
        for (String uri : List.of("http://a", "http://b")) {
            List<Long> at = script.asked.get(uri);
            assertThat(at.size()).as(uri).isBetween(91, 112);
            for (int i = 1; i < at.size(); i++) {
                assertThat(at.get(i) - at.get(i - 1)).isBetween(9_000_000_000L, 11_000_000_000L);
            }
            assertThat(new HashSet<>(at)).hasSameSizeAs(at);
        }
        assertThat(script.asked.get("http://a")).doesNotContainAnyElementsOf(script.asked.get("http://b"));
    }

    @Test
    void an_answer_that_does_not_come_counts_as_a_failure_and_is_not_heard_later() {
        Silent silent = new Silent();
        ClusterView view = view(silent, "http://a");
        prober.watch(view);
        services.time.advance(Duration.ofSeconds(60));
        assertThat(view.endpoints().get(0).well()).isFalse();
        assertThat(log.lines()).singleElement().asString().endsWith("no answer within PT5S");
        silent.open.forEach(answer -> answer.complete(true));
        assertThat(view.endpoints().get(0).well()).isFalse();
    }

    @Test
    void a_check_that_throws_fails_or_returns_nothing_has_failed_and_goes_on() {
        for (HealthCheck broken : List.<HealthCheck>of(
                (endpoint, lent) -> {
                    throw new IllegalStateException("thrown");
                },
                (endpoint, lent) -> CompletableFuture.failedFuture(new IllegalStateException("failed")),
                (endpoint, lent) -> CompletableFuture.supplyAsync(
                                () -> {
                                    throw new IllegalStateException("wrapped");
                                },
                                Runnable::run)
                        .thenApply(unused -> true),
                (endpoint, lent) -> CompletableFuture.completedFuture(null),
                (endpoint, lent) -> null)) {
            ClusterView view = view(broken, "http://a");
            prober.watch(view);
            services.time.advance(Duration.ofSeconds(30));
            assertThat(view.endpoints().get(0).well()).isFalse();
            prober.watch(view(null, "http://a"));
        }
        assertThat(log.lines())
                .extracting(line -> line.replaceAll(".*the last one: ", ""))
                .containsExactly(
                        "java.lang.IllegalStateException: thrown",
                        "java.lang.IllegalStateException: failed",
                        "java.lang.IllegalStateException: wrapped",
                        "the check says no",
                        "the check returned nothing");
    }

    @Test
    void an_equal_check_goes_on_over_a_swap_and_endpoints_come_and_go_live() {
        Script script = new Script(SECOND);
        ClusterView before = view(script, "http://a", "http://b");
        prober.watch(before);
        script.ill.addAll(List.of("http://a", "http://c"));
        step(2);
        prober.watch(view(new Script(SECOND, script), "http://a", "http://c"));
        step(2);
        // The failures from before the swap count: three in a row for a, two for c.
        assertThat(before.endpoints().get(0).well()).isFalse();
        int asked = script.asked.get("http://b").size();
        step(5);
        assertThat(script.asked.get("http://b")).hasSize(asked);
        assertThat(cluster.state(view(script, "http://a", "http://c")).endpoints())
                .extracting(endpoint -> endpoint.healthy())
                .containsExactly(false, false);
    }

    @Test
    void another_check_begins_anew_and_leaves_the_verdict_until_it_has_its_own() {
        Script script = new Script(SECOND);
        script.ill.add("http://a");
        ClusterView view = view(script, "http://a", "http://b");
        prober.watch(view);
        step(5);
        Script other = new Script(Duration.ofSeconds(2));
        prober.watch(view(other, "http://a", "http://b"));
        assertThat(view.endpoints().get(0).well()).isFalse();
        services.time.advance(Duration.ofSeconds(5));
        assertThat(view.endpoints().get(0).well()).isTrue();
    }

    @Test
    void without_a_check_everybody_is_well() {
        Script script = new Script(SECOND);
        script.ill.add("http://a");
        ClusterView view = view(script, "http://a", "http://b");
        prober.watch(view);
        step(5);
        prober.watch(view(null, "http://a", "http://b"));
        assertThat(view.endpoints().get(0).well()).isTrue();
        assertThat(services.time.pending()).isZero();
    }

    @Test
    void forgotten_upstreams_and_local_ones_are_not_asked() {
        Script script = new Script(SECOND);
        prober.watch(view(script, "http://a"));
        prober.forget("orders");
        prober.forget("never seen");
        assertThat(services.time.pending()).isZero();
        Upstream local =
                Upstream.local("orders", (request, exchange) -> CompletableFuture.completedFuture(Response.of(200)))
                        .toBuilder()
                        .healthCheck(script)
                        .build();
        prober.watch(cluster.view(local, List.of()));
        step(5);
        assertThat(script.asked).isEmpty();
    }

    @Test
    void after_the_end_nothing_is_begun_and_answers_under_way_change_nothing() {
        Silent silent = new Silent();
        ClusterView view = view(silent, "http://a");
        view.endpoints().get(0).health(false);
        prober.watch(view);
        services.time.advance(SECOND);
        assertThat(silent.open).hasSize(1);
        prober.stop();
        silent.open.get(0).complete(true);
        prober.watch(view);
        assertThat(services.time.pending()).isZero();
        assertThat(view.endpoints().get(0).well()).isFalse();
    }

    @Test
    void a_check_that_passes_ends_a_back_off() {
        Script script = new Script(SECOND);
        ClusterView view = view(script, "http://a", "http://b");
        prober.watch(view);
        for (int i = 0; i < 7; i++) {
            view.endpoints().get(0).connectFailed();
            services.time.advance(Duration.ofMillis(1_200));
            assertThat(view.endpoints().get(0).usable(services.time.nanoTime())).isTrue();
        }
    }

    @Test
    void a_check_by_http_takes_any_2xx_for_well() {
        ClusterView view = view(HealthCheck.http("/health"), "http://a", "http://b");
        prober.watch(view);
        services.network = endpoint ->
                CompletableFuture.completedFuture(Response.of(endpoint.uri().equals("http://a") ? 204 : 302));
        services.time.advance(Duration.ofSeconds(20));
        assertThat(view.endpoints()).extracting(EndpointState::well).containsExactly(true, false);
    }

    private void step(int intervals) {
        services.time.advance(SECOND.multipliedBy(intervals));
    }

    private void untilAskedAgain(Script script) {
        List<Long> none = List.of();
        int before = script.asked.getOrDefault("http://a", none).size();
        while (script.asked.getOrDefault("http://a", none).size() == before) {
            services.time.advance(Duration.ofMillis(50));
        }
    }

    private ClusterView view(HealthCheck check, String... uris) {
        Upstream.Builder config = Upstream.builder("orders").endpoints(uris);
        Upstream upstream = (check == null ? config : config.healthCheck(check)).build();
        return cluster.view(upstream, upstream.endpoints());
    }

    /** Answers at once, as told, and remembers when it was asked. Equal by its interval. */
    private static final class Script implements HealthCheck {
        private final Duration interval;
        final Set<String> ill;
        final Map<String, Boolean> next = new HashMap<>();
        final Map<String, List<Long>> asked;

        Script(Duration interval) {
            this.interval = interval;
            ill = new HashSet<>();
            asked = new HashMap<>();
        }

        Script(Duration interval, Script like) {
            this.interval = interval;
            ill = like.ill;
            asked = like.asked;
        }

        @Override
        public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
            asked.computeIfAbsent(endpoint.uri(), unused -> new ArrayList<>())
                    .add(services.time().nanoTime());
            return CompletableFuture.completedFuture(next.getOrDefault(endpoint.uri(), !ill.contains(endpoint.uri())));
        }

        @Override
        public Duration interval() {
            return interval;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Script that && that.interval.equals(interval);
        }

        @Override
        public int hashCode() {
            return interval.hashCode();
        }
    }

    /** Never answers by itself. */
    private static final class Silent implements HealthCheck {
        final List<CompletableFuture<Boolean>> open = new ArrayList<>();

        @Override
        public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
            CompletableFuture<Boolean> answer = new CompletableFuture<>();
            open.add(answer);
            return answer;
        }
    }
}
