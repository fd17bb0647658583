package dev.postern.runtime.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.OutlierDetection;
import dev.postern.Request;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.balancing.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables of what Envoy's outlier detection does, at and beside each boundary; time is moved by hand. */
class OutlierDetectorTest {
    private static final Request REQUEST = Request.get("/");

    private final LentServices services = new LentServices();
    private final Cluster cluster = new Cluster("orders", services.time, 0);
    private final Outliers outliers = new Outliers(services);
    private final LogLines log = new LogLines("dev.postern.health");

    @AfterEach
    void no_timer_is_left() {
        outliers.stop();
        assertThat(services.time.pending()).as("timers").isZero();
        log.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // answers of one endpoint | ejected
                "500 500 500 500                     | false",
                "500 500 500 500 500                 | true",
                "500 500 500 500 200 500 500 500 500 | false",
                "500 500 500 500 499 500             | false",
                "599 501 502 503 504                 | true",
                "200 500 500 500 500 500 200         | true",
                "504 R 503 T C                       | true",
                "R R R R                             | false",
                "R R R R R                           | true",
                "C C C C 200 C                       | false",
            })
    void five_failures_in_a_row_eject_whatever_kind_they_are(String answers, boolean ejected) {
        ClusterView view = watch(OutlierDetection.standard(), 10);
        feed(view.endpoints().get(3), answers);
        assertThat(ejected(view)).isEqualTo(ejected ? List.of(3) : List.of());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "502 503                 | false",
                "502 503 504             | true",
                "502 503 500 504         | false",
                "502 503 200 504         | false",
                "500 501 505 599 500 500 | false",
                "R T C                   | true",
            })
    void gateway_failures_have_a_row_of_their_own(String answers, boolean ejected) {
        ClusterView view = watch(rules(rule -> rule.withoutConsecutive5xx().consecutiveGatewayFailures(3)), 10);
        feed(view.endpoints().get(0), answers);
        assertThat(!ejected(view).isEmpty()).isEqualTo(ejected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "R T             | false",
                "R T C           | true",
                "R T 500 C       | false",
                "500 500 R R 500 | false",
                "500 500 R R 500 500 500 | true",
            })
    void failures_without_an_answer_may_be_counted_apart(String answers, boolean ejected) {
        ClusterView view = watch(rules(rule -> rule.consecutiveLocalFailures(3)), 10);
        feed(view.endpoints().get(0), answers);
        assertThat(!ejected(view).isEmpty()).isEqualTo(ejected);
    }

    @ParameterizedTest
    @CsvSource({
        // endpoints, share, how many of them may be out
        "1, 0.1, 1",
        "3, 0.1, 1",
        "10, 0.1, 1",
        "11, 0.1, 2",
        "20, 0.1, 2",
        "21, 0.1, 3",
        "10, 0, 0",
        "10, 0.5, 5",
        "10, 1, 10",
        "3, 0.34, 2",
    })
    void no_more_than_the_share_is_ejected_but_one_always(int endpoints, double share, int most) {
        ClusterView view = watch(rules(rule -> rule.maxEjectedShare(share)), endpoints);
        for (EndpointState endpoint : view.endpoints()) {
            feed(endpoint, "500 500 500 500 500");
        }
        assertThat(ejected(view)).hasSize(most);
        // Whoever was spared has a fresh row: five more are needed.
        EndpointState last = view.endpoints().get(endpoints - 1);
        feed(last, "500 500 500 500");
        assertThat(ejected(view)).hasSize(most);
    }

    @ParameterizedTest
    @CsvSource({
        // ejected for the nth time, after so many seconds still out, after so many back (looks are every 10 s)
        "1, 30",
        "2, 60",
        "3, 90",
        "10, 300",
        "12, 300",
    })
    void an_ejection_lasts_base_times_count_up_to_the_maximum_and_ends_at_a_look(int times, int seconds) {
        // Without a calm look between two ejections: the interval is as long as everything else.
        ClusterView view = watch(rules(rule -> rule.interval(Duration.ofSeconds(10))), 10);
        EndpointState bad = view.endpoints().get(0);
        for (int i = 1; i < times; i++) {
            feed(bad, "500 500 500 500 500");
            step(Math.min(300, 30 * i));
            assertThat(bad.ejection()).as("after ejection %d", i).isNull();
        }
        feed(bad, "500 500 500 500 500");
        step(seconds - 1);
        assertThat(bad.ejection()).isNotNull();
        step(1);
        assertThat(bad.ejection()).isNull();
    }

    @Test
    void it_returns_at_the_first_look_at_which_its_time_is_over_not_before() {
        ClusterView view = watch(OutlierDetection.standard(), 10);
        step(3);
        feed(view.endpoints().get(0), "500 500 500 500 500");
        assertThat(view.describe().get(0)).startsWith("http://e0: ejected for PT30S after 5 answers of 5xx in a row");
        step(30);
        assertThat(ejected(view)).containsExactly(0);
        step(6);
        assertThat(ejected(view)).containsExactly(0);
        step(1);
        assertThat(ejected(view)).isEmpty();
        assertThat(log.lines())
                .containsExactly(
                        "WARNING endpoint http://e0 of upstream \"orders\" is ejected for PT30S: 5 answers of 5xx in a row"
                                + " (1 of 10 ejected)",
                        "INFO endpoint http://e0 of upstream \"orders\" is in use again: its time is over");
    }

    @Test
    void each_calm_look_forgives_one_ejection() {
        ClusterView view = watch(OutlierDetection.standard(), 10);
        EndpointState bad = view.endpoints().get(0);
        feed(bad, "500 500 500 500 500");
        step(30);
        feed(bad, "500 500 500 500 500");
        step(60);
        assertThat(bad.ejection()).isNull();
        // Two so far; one calm look leaves one, so the next lasts for two.
        step(10);
        feed(bad, "500 500 500 500 500");
        step(59);
        assertThat(bad.ejection()).isNotNull();
        step(1);
        assertThat(bad.ejection()).isNull();
        step(30);
        feed(bad, "500 500 500 500 500");
        step(30);
        assertThat(bad.ejection()).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        // good of 100 at the one, good of 100 at the others, endpoints, ejected
        "90, 100, 10, true",
        "99, 100, 10, true",
        "100, 100, 10, false",
        "0, 0, 10, false",
        "50, 100, 4, false",
        // Of five, one lies exactly two standard deviations below the mean: 1.9 are less.
        "50, 100, 5, true",
    })
    void a_success_rate_far_below_the_mean_ejects(int one, int others, int endpoints, boolean ejected) {
        ClusterView view = watch(rules(OutlierDetection.Builder::withoutConsecutive5xx), endpoints);
        feed(view.endpoints().get(0), one, 100);
        view.endpoints().stream().skip(1).forEach(endpoint -> feed(endpoint, others, 100));
        step(9);
        assertThat(ejected(view)).isEmpty();
        step(1);
        assertThat(ejected(view)).isEqualTo(ejected ? List.of(0) : List.of());
    }

    @Test
    void the_threshold_of_the_success_rate_is_the_mean_less_the_factor_times_the_deviation() {
        // Rates 1, 1, 1, 1, 0.5: mean 0.9, deviation 0.2. The outlier lies 2 deviations below.
        for (double factor : new double[] {1.99, 2.01}) {
            Cluster own = new Cluster("orders", services.time, 0);
            Outliers detection = new Outliers(services);
            ClusterView view = own.view(
                    upstream(rules(rule -> rule.withoutConsecutive5xx().successRate(factor, 5, 100))), endpoints(5));
            detection.watch(view);
            feed(view.endpoints().get(4), 50, 100);
            view.endpoints().stream().limit(4).forEach(endpoint -> feed(endpoint, 100, 100));
            step(10);
            assertThat(ejected(view)).as("factor %s", factor).isEqualTo(factor < 2 ? List.of(4) : List.of());
            detection.stop();
        }
    }

    @Test
    void endpoints_with_too_few_answers_are_neither_judged_nor_counted() {
        ClusterView view = watch(rules(OutlierDetection.Builder::withoutConsecutive5xx), 6);
        feed(view.endpoints().get(0), 0, 99);
        view.endpoints().stream().skip(1).forEach(endpoint -> feed(endpoint, 100, 100));
        step(10);
        assertThat(ejected(view)).isEmpty();
        // Now it has enough, but one of the others has not: four are left to compare with, five in all.
        feed(view.endpoints().get(0), 0, 100);
        feed(view.endpoints().get(1), 99, 99);
        view.endpoints().stream().skip(2).forEach(endpoint -> feed(endpoint, 100, 100));
        step(10);
        assertThat(ejected(view)).containsExactly(0);
    }

    @ParameterizedTest
    @CsvSource({
        // failed, of, ejected: 0.85 of 60 are 51
        "51, 60, true",
        "50, 60, false",
        "43, 50, true",
        "42, 50, false",
        "49, 49, false",
        "50, 50, true",
    })
    void a_share_of_failures_ejects_from_its_limit_on(int failed, int volume, boolean ejected) {
        ClusterView view = watch(
                rules(rule -> rule.withoutConsecutive5xx().withoutSuccessRate().failureShare(0.85, 5, 50)), 5);
        feed(view.endpoints().get(2), volume - failed, volume);
        IntStream.of(0, 1, 3, 4).forEach(i -> feed(view.endpoints().get(i), 50, 50));
        step(10);
        assertThat(!ejected(view).isEmpty()).isEqualTo(ejected);
    }

    @Test
    void statistics_of_attempts_without_an_answer_are_kept_apart_on_demand() {
        ClusterView view =
                watch(rules(rule -> rule.consecutiveLocalFailures(1000).withoutConsecutive5xx()), 10);
        for (EndpointState endpoint : view.endpoints()) {
            feed(endpoint, 100, 100);
        }
        for (int i = 0; i < 30; i++) {
            feed(view.endpoints().get(7), "R");
        }
        step(10);
        assertThat(ejected(view)).containsExactly(7);
        assertThat(log.lines().get(0)).contains("success rate of its attempts");
    }

    @Test
    void a_check_that_passes_ends_an_ejection_unless_it_was_told_not_to() {
        ClusterView view = watch(OutlierDetection.standard(), 10);
        EndpointState bad = view.endpoints().get(0);
        feed(bad, "500 500 500 500 500");
        bad.reached();
        assertThat(bad.ejection()).isNull();
        feed(bad, "500 500 500 500");
        assertThat(bad.ejection()).isNull();
        outliers.watch(cluster.view(upstream(rules(OutlierDetection.Builder::despiteChecks)), endpoints(10)));
        feed(bad, "500");
        assertThat(bad.ejection()).isNotNull();
        bad.reached();
        assertThat(bad.ejection()).isNotNull();
    }

    @Test
    void ejections_survive_new_lists_and_new_rules_and_end_with_the_detection() {
        ClusterView view = watch(OutlierDetection.standard(), 10);
        EndpointState bad = view.endpoints().get(0);
        feed(bad, "500 500 500 500 500");
        ClusterView longer = cluster.view(upstream(rules(rule -> rule.consecutive5xx(2))), endpoints(12));
        outliers.watch(longer);
        assertThat(ejected(longer)).containsExactly(0);
        feed(longer.endpoints().get(11), "500 500");
        assertThat(ejected(longer)).containsExactly(0, 11);
        // Off the list it is forgotten, and its place among the ejected is free.
        List<Endpoint> without = endpoints(12).subList(1, 12);
        ClusterView shorter = cluster.view(upstream(rules(rule -> rule.consecutive5xx(2))), without);
        outliers.watch(shorter);
        assertThat(bad.ejection()).isNull();
        assertThat(ejected(shorter)).containsExactly(10);
        ClusterView off = cluster.view(Upstream.builder("orders").build(), without);
        outliers.watch(off);
        assertThat(ejected(off)).isEmpty();
        assertThat(services.time.pending()).isZero();
        feed(off.endpoints().get(0), "500 500 500 500 500");
        assertThat(ejected(off)).isEmpty();
        outliers.watch(view);
        outliers.forget("orders");
        assertThat(services.time.pending()).isZero();
        outliers.forget("users");
    }

    @Test
    void an_ejected_endpoint_gets_nothing_until_so_many_are_out_that_it_is_not_believed() {
        ClusterView view = watch(rules(rule -> rule.maxEjectedShare(1)), 4);
        List<Integer> out = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            feed(view.endpoints().get(i), "500 500 500 500 500");
            out.add(i);
            int[] picks = picks(view, 400);
            boolean panic = 4 - out.size() < 2;
            for (int e = 0; e < 4; e++) {
                assertThat(picks[e] > 0)
                        .as("%d out, endpoint %d", out.size(), e)
                        .isEqualTo(panic || !out.contains(e));
            }
            assertThat(view.describe().get(0)).contains(panic ? ", but used: too few are healthy" : "ejected for");
        }
    }

    @Test
    void the_threshold_of_the_panic_is_a_setting() {
        Upstream never = upstream(rules(rule -> rule.maxEjectedShare(1))).toBuilder()
                .panicThreshold(0)
                .build();
        ClusterView view = cluster.view(never, endpoints(4));
        outliers.watch(view);
        for (int i = 0; i < 3; i++) {
            feed(view.endpoints().get(i), "500 500 500 500 500");
        }
        assertThat(picks(view, 100)).containsExactly(0, 0, 0, 100);
        feed(view.endpoints().get(3), "500 500 500 500 500");
        // Nobody is left: to answer 503 would help nobody.
        assertThat(Arrays.stream(picks(view, 100)).filter(count -> count > 0).count())
                .isEqualTo(4);
    }

    @Test
    void an_endpoint_that_returns_warms_up_to_its_full_share() {
        Upstream warming = upstream(OutlierDetection.standard()).toBuilder()
                .slowStart(Duration.ofSeconds(10))
                .build();
        ClusterView view = cluster.view(warming, endpoints(4));
        outliers.watch(view);
        // At the start all are equally cold: nobody is held back.
        assertThat(picks(view, 4000)[0]).isBetween(900, 1100);
        feed(view.endpoints().get(0), "500 500 500 500 500");
        step(30);
        int[][] expected = {{0, 1}, {10, 1}, {30, 3}, {50, 5}, {90, 9}, {100, 10}, {1000, 10}};
        int at = 0;
        for (int[] point : expected) {
            services.time.advance(Duration.ofMillis(100L * (point[0] - at)));
            at = point[0];
            double share = picks(view, 8000)[0] / 2000.0;
            assertThat(share).as("after %d of 100", point[0]).isBetween(0.8 * point[1] / 10, 1.2 * point[1] / 10);
        }
        // So does one that is new on the list.
        ClusterView more = cluster.view(warming, endpoints(5));
        outliers.watch(more);
        assertThat(picks(more, 8000)[4] / 1600.0).isBetween(0.05, 0.15);
        // One that is cold is better than none.
        for (int i = 0; i < 4; i++) {
            more.endpoints().get(i).health(false);
        }
        assertThat(more.select(REQUEST, null)).isNotNull();
    }

    @Test
    void four_threads_eject_exactly_the_share_and_each_streak_once() {
        ClusterView view = watch(rules(rule -> rule.maxEjectedShare(0.5).consecutive5xx(100)), 20);
        AtomicInteger turn = new AtomicInteger();
        Threads.four(() -> {
            for (int i = 0; i < 5_000; i++) {
                feed(view.endpoints().get(turn.getAndIncrement() % 20), "500");
            }
        });
        assertThat(ejected(view)).hasSize(10);
        assertThat(log.lines().stream()
                        .filter(line -> line.contains("is ejected"))
                        .count())
                .isEqualTo(10);
        assertThat(log.lines()).anySatisfy(line -> assertThat(line).endsWith("(10 of 20 ejected)"));
    }

    @Test
    void the_jitter_is_added_by_chance_and_has_its_bound() {
        ClusterView view = watch(rules(rule -> rule.maxEjectedShare(1).ejectionJitter(Duration.ofSeconds(10))), 30);
        long now = services.time.nanoTime();
        for (EndpointState endpoint : view.endpoints()) {
            feed(endpoint, "500 500 500 500 500");
        }
        List<Long> pauses = view.endpoints().stream()
                .map(endpoint -> (endpoint.ejection().until() - now) / 1_000_000)
                .toList();
        assertThat(pauses).allMatch(pause -> pause >= 30_000 && pause < 40_000);
        assertThat(pauses.stream().distinct().count()).isGreaterThan(25);
    }

    private ClusterView watch(OutlierDetection rules, int endpoints) {
        ClusterView view = cluster.view(upstream(rules), endpoints(endpoints));
        outliers.watch(view);
        return view;
    }

    private static Upstream upstream(OutlierDetection rules) {
        return Upstream.builder("orders").outlierDetection(rules).build();
    }

    private static OutlierDetection rules(UnaryOperator<OutlierDetection.Builder> settings) {
        return settings.apply(OutlierDetection.builder()).build();
    }

    private static List<Endpoint> endpoints(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> Endpoint.of("http://e" + i))
                .toList();
    }

    private void step(int seconds) {
        services.time.advance(Duration.ofSeconds(seconds));
    }

    private static List<Integer> ejected(ClusterView view) {
        return IntStream.range(0, view.endpoints().size())
                .filter(i -> view.endpoints().get(i).ejection() != null)
                .boxed()
                .toList();
    }

    private static int[] picks(ClusterView view, int count) {
        int[] picks = new int[view.endpoints().size()];
        for (int i = 0; i < count; i++) {
            Selection selection = view.select(REQUEST, null);
            picks[selection.index()]++;
            selection.release();
        }
        return picks;
    }

    private static void feed(EndpointState endpoint, int good, int all) {
        for (int i = 0; i < all; i++) {
            answer(endpoint, i < good ? "200" : "500");
        }
    }

    private static void feed(EndpointState endpoint, String answers) {
        for (String answer : answers.strip().split(" ")) {
            answer(endpoint, answer);
        }
    }

    /** C: connect refused, R: reset, T: time-out. */
    private static void answer(EndpointState endpoint, String answer) {
        switch (answer) {
            case "C" -> endpoint.unanswered(Failure.CONNECT_FAILED);
            case "R" -> endpoint.unanswered(Failure.RESET_BEFORE_HEAD);
            case "T" -> endpoint.unanswered(Failure.FIRST_BYTE_TIMEOUT);
            default -> endpoint.answered(Integer.parseInt(answer));
        }
    }
}
