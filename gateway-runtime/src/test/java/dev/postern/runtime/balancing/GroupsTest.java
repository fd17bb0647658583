package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.postern.Endpoint;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Upstream;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Priorities, zones, subsets, and what a pick costs those that fail. */
class GroupsTest {
    private static final Request REQUEST = Request.get("/");
    private static final int PICKS = 20_000;

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 11);

    @ParameterizedTest
    @CsvSource({
        // healthy of 7 first, healthy of 3 second, percent to the first
        "7, 3, 100",
        "5, 3, 100",
        "4, 3, 80",
        "3, 3, 60",
        "2, 3, 40",
        "1, 3, 20",
        "0, 3, 0",
        // Not enough together: 1.4 × 2/7 = 0.4 and 1.4 × 1/3 = 0.467. Three of ten are fewer than half: panic.
        "2, 1, 100",
        "0, 0, 100",
    })
    void a_group_hands_over_what_it_has_not_got_to_spare(int first, int second, int percent) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            endpoints.add(Endpoint.of("http://10.0.0." + i).label("priority", i < 7 ? "0" : "1"));
        }
        ClusterView view = view(upstream -> upstream.priorities("priority"), endpoints);
        for (int i = 0; i < 10; i++) {
            view.endpoints().get(i).health(i < 7 ? i < first : i - 7 < second);
        }
        int[] counts = counts(view, Keys.NONE);
        int got = sum(counts, 0, 7);
        assertThat(got).isCloseTo(PICKS * percent / 100, within(PICKS / 100));
        boolean panic = percent == 100 && first < 5;
        for (int i = first; i < 7 && !panic; i++) {
            assertThat(counts[i]).as("unhealthy %s", i).isZero();
        }
    }

    @Test
    void without_panic_groups_that_are_not_enough_share_in_proportion() {
        List<Endpoint> endpoints = List.of(
                Endpoint.of("http://a"),
                Endpoint.of("http://b"),
                Endpoint.of("http://c").label("priority", "1"),
                Endpoint.of("http://d").label("priority", "1"),
                Endpoint.of("http://e").label("priority", "1"),
                Endpoint.of("http://f").label("priority", "1"));
        ClusterView view = view(upstream -> upstream.priorities("priority").panicThreshold(0), endpoints);
        for (int i : new int[] {1, 3, 4, 5}) {
            view.endpoints().get(i).health(false);
        }
        // 0.7 and 0.35, of 1.05: enough.
        assertThat(counts(view, Keys.NONE)[0]).isCloseTo(PICKS * 7 / 10, within(PICKS / 100));
        view.endpoints().get(0).health(false);
        int[] counts = counts(view, Keys.NONE);
        assertThat(counts[2]).isEqualTo(PICKS);
    }

    @Test
    void the_order_is_that_of_the_numbers_and_what_is_no_number_comes_last() {
        List<Endpoint> endpoints = List.of(
                Endpoint.of("http://last").label("priority", "soon"),
                Endpoint.of("http://ten").label("priority", "10"),
                Endpoint.of("http://nine").label("priority", "9"),
                Endpoint.of("http://first"));
        ClusterView view = view(upstream -> upstream.priorities("priority"), endpoints);
        for (int expected : new int[] {3, 2, 1, 0}) {
            assertThat(view.peek(REQUEST)).isEqualTo(expected);
            view.endpoints().get(expected).health(false);
        }
    }

    @Test
    void a_group_that_refuses_is_passed_over_before_any_check_has_noticed_and_comes_back() {
        List<Endpoint> endpoints =
                List.of(Endpoint.of("http://a"), Endpoint.of("http://b").label("priority", "1"));
        ClusterView view = view(upstream -> upstream.priorities("priority"), endpoints);
        view.endpoints().get(0).connectFailed();
        assertThat(view.peek(REQUEST)).isEqualTo(1);
        // A retry goes on to the next group rather than back to what it has tried.
        time.advance(Duration.ofSeconds(2));
        Tried tried = new Tried();
        tried.add(view.endpoints().get(0));
        Selection retry = view.select(REQUEST, tried);
        assertThat(retry.index()).isEqualTo(1);
        retry.release();
        assertThat(view.peek(REQUEST)).isZero();
    }

    @Test
    void the_own_zone_comes_first_within_a_priority_and_spills_over() {
        List<Endpoint> endpoints = List.of(
                Endpoint.of("http://far").label("zone", "b"),
                Endpoint.of("http://near1").label("zone", "a"),
                Endpoint.of("http://near2").label("zone", "a"),
                Endpoint.of("http://nowhere"),
                Endpoint.of("http://spare").label("zone", "a").label("priority", "1"));
        ClusterView view = view(upstream -> upstream.priorities("priority").preferZone("zone", "a"), endpoints);
        int[] counts = counts(view, Keys.NONE);
        assertThat(counts[1] + counts[2]).isEqualTo(PICKS);
        assertThat(view.describe())
                .containsExactly(
                        "http://far: priority 0, other zones (0 % of the requests), usable, 0 in flight",
                        "http://near1: priority 0, zone a (100 % of the requests), usable, 0 in flight",
                        "http://near2: priority 0, zone a (100 % of the requests), usable, 0 in flight",
                        "http://nowhere: priority 0, other zones (0 % of the requests), usable, 0 in flight",
                        "http://spare: priority 1, zone a (0 % of the requests), usable, 0 in flight");
        view.endpoints().get(1).health(false);
        int[] spilt = counts(view, Keys.NONE);
        assertThat(spilt[2]).isCloseTo(PICKS * 7 / 10, within(PICKS / 100));
        assertThat(spilt[0] + spilt[3]).isCloseTo(PICKS * 3 / 10, within(PICKS / 100));
        assertThat(spilt[4]).isZero();
    }

    @Test
    void a_subset_gets_the_requests_that_name_it_and_nobody_those_that_name_none() {
        List<Endpoint> endpoints = List.of(
                Endpoint.of("http://a").label("version", "1"),
                Endpoint.of("http://b").label("version", "2"),
                Endpoint.of("http://c").label("version", "2"),
                Endpoint.of("http://d"),
                Endpoint.of("http://e").label("version", "2").weight(0));
        ClusterView view = view(upstream -> upstream.subset("version", RequestKey.header("X-Version")), endpoints);
        int[] two = counts(view, new Keys(null, "2", null));
        assertThat(two[1]).isEqualTo(PICKS / 2);
        assertThat(two[2]).isEqualTo(PICKS / 2);
        assertThat(sum(counts(view, Keys.NONE), 0, 4)).isEqualTo(PICKS);
        assertThat(view.select(REQUEST, null, new Keys(null, "3", null))).isNull();
        assertThat(view.peek(REQUEST, new Keys(null, "3", null))).isEqualTo(-1);
        assertThat(view.describe(new Keys(null, "1", null)))
                .contains("http://a: usable, 0 in flight", "http://b: not in subset version=1");
        // Which subset is decided by the key, found out once.
        Keys keys = Keys.of(view.config(), key -> key.equals(RequestKey.header("X-Version")) ? "1" : null);
        assertThat(keys).isEqualTo(new Keys(null, "1", null));
        assertThat(view.peek(REQUEST, keys)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void who_fails_at_once_is_not_run_over(boolean ewma) {
        LoadBalancer balancer = ewma ? LoadBalancer.peakEwma() : LoadBalancer.leastRequests();
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            endpoints.add(Endpoint.of("http://10.0.0." + i));
        }
        ClusterView view = view(upstream -> upstream.loadBalancer(balancer), endpoints);
        int[] counts = new int[10];
        // 1,000 requests a second; who is well takes 20 ms, the first answers 503 at once.
        for (int i = 0; i < 20_000; i++) {
            Selection selection = view.select(REQUEST, null);
            counts[selection.index()]++;
            if (selection.index() == 0) {
                selection.answered(503);
                selection.release();
            } else {
                time.schedule(Duration.ofMillis(20), () -> {
                    selection.answered(200);
                    selection.release();
                });
            }
            time.advance(Duration.ofMillis(1));
        }
        assertThat(counts[0]).as("of 20,000, its fair share is 2,000").isLessThan(400);
        time.advance(Duration.ofMillis(20));
        assertThat(view.endpoints()).allMatch(endpoint -> endpoint.inFlight() == 0);
    }

    @Test
    void a_brown_out_is_left_after_its_first_slow_answer_and_forgiven() {
        ClusterView view = view(
                upstream -> upstream.loadBalancer(LoadBalancer.peakEwma()),
                List.of(Endpoint.of("http://a"), Endpoint.of("http://b"), Endpoint.of("http://c")));
        int[] before = ewma(view, 20);
        assertThat(before[0]).isBetween(200, 500);
        int[] slow = ewma(view, 400);
        assertThat(slow[0]).isLessThan(100);
        // Well again: it comes down while nothing is observed, and is tried again.
        ewma(view, 20);
        ewma(view, 20);
        ewma(view, 20);
        assertThat(ewma(view, 20)[0]).isBetween(200, 500);
    }

    @Test
    void all_in_flight_is_counted_for_those_who_ask_and_given_back() {
        ClusterView view = view(
                upstream -> upstream.loadBalancer(LoadBalancer.boundedHash(RequestKey.header("x"), 1.25)),
                List.of(Endpoint.of("http://a"), Endpoint.of("http://b")));
        List<Selection> held = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            held.add(view.select(REQUEST, null, new Keys("hot", null, null)));
        }
        assertThat(view.endpoints()).allMatch(endpoint -> endpoint.inFlight() <= 63);
        held.forEach(Selection::release);
        held.forEach(Selection::release);
        assertThat(view.pace().allInFlight()).hasValue(0);
    }

    private int[] ewma(ClusterView view, int firstMillis) {
        int[] counts = new int[3];
        for (int i = 0; i < 1_000; i++) {
            Selection selection = view.select(REQUEST, null);
            counts[selection.index()]++;
            time.schedule(Duration.ofMillis(selection.index() == 0 ? firstMillis : 20), () -> {
                selection.answered(200);
                selection.release();
            });
            time.advance(Duration.ofMillis(10));
        }
        return counts;
    }

    private ClusterView view(UnaryOperator<Upstream.Builder> policies, List<Endpoint> endpoints) {
        Upstream upstream = policies.apply(Upstream.builder("orders")).build();
        return cluster.view(upstream, endpoints);
    }

    private static int[] counts(ClusterView view, Keys keys) {
        int[] counts = new int[view.endpoints().size()];
        for (int i = 0; i < PICKS; i++) {
            @Nullable Selection selection = view.select(REQUEST, null, keys);
            assertThat(selection).isNotNull();
            counts[selection.index()]++;
            selection.release();
        }
        return counts;
    }

    private static int sum(int[] counts, int from, int to) {
        int sum = 0;
        for (int i = from; i < to; i++) {
            sum += counts[i];
        }
        return sum;
    }
}
