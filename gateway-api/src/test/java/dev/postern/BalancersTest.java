package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BalancersTest {
    private static final Request REQUEST = Request.get("/");
    private static final int PICKS = 60_000;

    static List<LoadBalancer> all() {
        return List.of(
                LoadBalancer.roundRobin(),
                LoadBalancer.weighted(),
                LoadBalancer.random(),
                LoadBalancer.leastRequests(),
                LoadBalancer.weightedLeastRequests(),
                LoadBalancer.peakEwma(),
                LoadBalancer.ringHash(RequestKey.header("x")),
                LoadBalancer.maglev(RequestKey.header("x")));
    }

    @Test
    void round_robin_takes_each_in_turn_and_goes_on_where_tickets_wrap() {
        LoadBalancer.Picker picker = LoadBalancer.roundRobin().prepare(endpoints(1, 1, 1));
        List<Integer> picked = new ArrayList<>();
        for (long ticket = -4; ticket <= 4; ticket++) {
            picked.add(picker.pick(ticket, without(), REQUEST));
        }
        assertThat(picked).containsExactly(2, 0, 1, 2, 0, 1, 2, 0, 1);
        for (long ticket : new long[] {Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThat(picker.pick(ticket, without(), REQUEST)).isBetween(0, 2);
        }
    }

    @Test
    void weighted_follows_the_weights_exactly_and_spreads_them() {
        LoadBalancer.Picker picker = LoadBalancer.weighted().prepare(endpoints(5, 1, 1));
        List<Integer> picked = new ArrayList<>();
        for (int ticket = 0; ticket < 7; ticket++) {
            picked.add(picker.pick(ticket, without(), REQUEST));
        }
        // The smooth order of nginx: not five times the first in a row.
        assertThat(picked).containsExactly(0, 0, 1, 0, 2, 0, 0);
        assertThat(counts(LoadBalancer.weighted(), 0, 7_000, endpoints(5, 1, 1), without()))
                .containsExactly(5_000, 1_000, 1_000);
        // Across the wrap from the largest ticket to the smallest nothing is lost but the place in the schedule.
        assertThat(counts(LoadBalancer.weighted(), Long.MAX_VALUE - 3_500, 7_000, endpoints(5, 1, 1), without())[0])
                .isBetween(4_990, 5_010);
    }

    @Test
    void weighted_never_takes_weight_zero_and_keeps_small_weights_beside_huge_ones() {
        assertThat(counts(LoadBalancer.weighted(), 0, 300, endpoints(0, 2, 1), without()))
                .containsExactly(0, 200, 100);
        assertThat(LoadBalancer.weighted().prepare(endpoints(0, 0)).pick(7, without(), REQUEST))
                .isEqualTo(-1);
        int[] counts = counts(LoadBalancer.weighted(), 0, 40_000, endpoints(10_000, 10_000, 10_000, 1), without());
        assertThat(counts[3]).as("%s", Arrays.toString(counts)).isPositive().isLessThan(20);
    }

    @Test
    void random_gives_equal_shares() {
        for (int count : counts(LoadBalancer.random(), 0, PICKS, endpoints(1, 1, 1, 1, 1), without())) {
            assertThat(count).isCloseTo(PICKS / 5, within(PICKS / 100));
        }
    }

    @Test
    void least_requests_takes_the_less_busy_of_two() {
        LoadBalancer.Picker picker = LoadBalancer.leastRequests().prepare(endpoints(1, 1));
        int[] load = {3, 2};
        for (int ticket = 0; ticket < 1_000; ticket++) {
            assertThat(picker.pick(ticket, candidates(Set.of(), load), REQUEST)).isEqualTo(1);
        }
    }

    @Test
    void least_requests_never_takes_the_busiest_of_many() {
        int[] load = {1, 1, 9, 1, 1};
        LoadBalancer.Picker picker = LoadBalancer.leastRequests().prepare(endpoints(1, 1, 1, 1, 1));
        int[] counts = new int[5];
        for (int ticket = 0; ticket < PICKS; ticket++) {
            counts[picker.pick(ticket, candidates(Set.of(), load), REQUEST)]++;
        }
        assertThat(counts[2]).as("%s", Arrays.toString(counts)).isZero();
    }

    @Test
    void weighted_least_requests_follows_the_weights_at_rest_and_the_load_per_weight() {
        int[] counts = counts(LoadBalancer.weightedLeastRequests(), 0, PICKS, endpoints(3, 1, 0), without());
        assertThat(counts[2]).isZero();
        assertThat(counts[0]).as("%s", Arrays.toString(counts)).isCloseTo(PICKS * 3 / 4, within(PICKS / 100));
        // Three times the weight may carry three times the load: 6 of weight 3 and 2 of weight 1 are equally busy.
        int[] even = counts(
                LoadBalancer.weightedLeastRequests(), 0, PICKS, endpoints(3, 1), candidates(Set.of(), new int[] {6, 2
                }));
        assertThat(even[0]).as("%s", Arrays.toString(even)).isCloseTo(PICKS * 3 / 4, within(PICKS / 100));
        int[] busy = counts(
                LoadBalancer.weightedLeastRequests(), 0, PICKS, endpoints(3, 1), candidates(Set.of(), new int[] {7, 2
                }));
        // Only when both draws are the busy one.
        assertThat(busy[0]).as("%s", Arrays.toString(busy)).isCloseTo(PICKS * 9 / 16, within(PICKS / 50));
    }

    @Test
    void peak_ewma_weighs_latency_by_load_and_lets_one_request_find_out_about_a_stranger() {
        double[] latency = {20e6, 400e6, 20e6};
        int[] load = {1, 0, 30};
        LoadBalancer.Picker picker = LoadBalancer.peakEwma().prepare(endpoints(1, 1, 1));
        int[] counts = new int[3];
        for (int ticket = 0; ticket < PICKS; ticket++) {
            counts[picker.pick(ticket, measured(latency, load), REQUEST)]++;
        }
        // 40 ms, 400 ms and 620 ms: the worst of three is never taken, the second only against the worst.
        assertThat(counts[2]).isZero();
        assertThat(counts[1]).as("%s", Arrays.toString(counts)).isCloseTo(PICKS / 3, within(PICKS / 50));
        LoadBalancer.Picker pair = LoadBalancer.peakEwma().prepare(endpoints(1, 1));
        for (int ticket = 0; ticket < 100; ticket++) {
            assertThat(pair.pick(ticket, measured(new double[] {20e6, 0}, new int[] {0, 0}), REQUEST))
                    .isEqualTo(1);
            assertThat(pair.pick(ticket, measured(new double[] {20e6, 0}, new int[] {9, 1}), REQUEST))
                    .isZero();
        }
        assertThat(LoadBalancer.peakEwma().measures()).containsExactly(LoadBalancer.Measure.LATENCY);
    }

    private static LoadBalancer.Candidates measured(double[] latency, int[] load) {
        return new LoadBalancer.Candidates() {
            @Override
            public boolean allows(int index) {
                return true;
            }

            @Override
            public int inFlight(int index) {
                return load[index];
            }

            @Override
            public double latencyNanos(int index) {
                return latency[index];
            }
        };
    }

    @ParameterizedTest
    @MethodSource("all")
    void an_endpoint_that_is_out_gets_nothing_and_the_others_share_its_part(LoadBalancer balancer) {
        int[] counts = counts(balancer, 0, PICKS, endpoints(1, 1, 1, 1), without(1));
        assertThat(counts[1]).isZero();
        for (int other : new int[] {0, 2, 3}) {
            assertThat(counts[other])
                    .as("%s of %s", other, Arrays.toString(counts))
                    .isCloseTo(PICKS / 3, within(PICKS / 50));
        }
    }

    @Test
    void weights_hold_among_those_that_are_left() {
        int[] counts = counts(LoadBalancer.weighted(), 0, PICKS, endpoints(4, 2, 1), without(0));
        assertThat(counts[0]).isZero();
        assertThat(counts[1]).as("%s", Arrays.toString(counts)).isCloseTo(PICKS * 2 / 3, within(PICKS / 50));
    }

    @ParameterizedTest
    @MethodSource("all")
    void the_last_endpoint_left_is_always_found(LoadBalancer balancer) {
        int size = 50;
        int[] weights = new int[size];
        Arrays.fill(weights, 1);
        Set<Integer> out = new java.util.HashSet<>();
        for (int i = 0; i < size; i++) {
            if (i != 37) {
                out.add(i);
            }
        }
        LoadBalancer.Picker picker = balancer.prepare(endpoints(weights));
        for (long ticket = -100; ticket < 100; ticket++) {
            assertThat(picker.pick(ticket, candidates(out, new int[size]), REQUEST))
                    .as("ticket %s", ticket)
                    .isEqualTo(37);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void a_pick_is_a_function_of_its_ticket(LoadBalancer balancer) {
        for (long ticket = -50; ticket < 50; ticket++) {
            int first = balancer.prepare(endpoints(3, 2, 1)).pick(ticket, without(1), REQUEST);
            int again = balancer.prepare(endpoints(3, 2, 1)).pick(ticket, without(1), REQUEST);
            assertThat(again).as("ticket %s", ticket).isEqualTo(first);
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void one_endpoint_is_enough(LoadBalancer balancer) {
        assertThat(balancer.prepare(endpoints(1)).pick(-9, without(), REQUEST)).isZero();
        assertThat(balancer.toString()).matches("[a-z ]+");
    }

    private static int[] counts(
            LoadBalancer balancer,
            long from,
            int picks,
            LoadBalancer.Endpoints endpoints,
            LoadBalancer.Candidates all) {
        LoadBalancer.Picker picker = balancer.prepare(endpoints);
        int[] counts = new int[endpoints.size()];
        for (int i = 0; i < picks; i++) {
            counts[picker.pick(from + i, all, REQUEST)]++;
        }
        return counts;
    }

    private static LoadBalancer.Endpoints endpoints(int... weights) {
        return new LoadBalancer.Endpoints() {
            @Override
            public int size() {
                return weights.length;
            }

            @Override
            public Endpoint get(int index) {
                return Endpoint.of("http://10.0.0." + index).weight(weights[index]);
            }
        };
    }

    private static LoadBalancer.Candidates without(Integer... out) {
        return candidates(Set.of(out), new int[100]);
    }

    private static LoadBalancer.Candidates candidates(Set<Integer> out, int[] load) {
        return new LoadBalancer.Candidates() {
            @Override
            public boolean allows(int index) {
                return !out.contains(index);
            }

            @Override
            public int inFlight(int index) {
                return load[index];
            }
        };
    }
}
