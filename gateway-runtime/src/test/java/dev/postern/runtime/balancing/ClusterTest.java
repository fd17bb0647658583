package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class ClusterTest {
    private static final Request REQUEST = Request.get("/");

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 0);

    @Test
    void picks_in_turn_counts_and_gives_back_once() {
        ClusterView view = view("http://a", "http://b");
        Selection first = view.select(REQUEST, null);
        Selection second = view.select(REQUEST, null);
        assertThat(List.of(first, second)).extracting(Selection::index).containsExactly(0, 1);
        assertThat(first).hasToString("http://a");
        assertThat(view.endpoints()).extracting(EndpointState::inFlight).containsExactly(1, 1);
        first.release();
        first.release();
        assertThat(view.endpoints()).extracting(EndpointState::inFlight).containsExactly(0, 1);
        assertThat(first.endpoint().surplusReleases()).isEqualTo(1);
    }

    @Test
    void explaining_takes_no_ticket_and_changes_no_count() {
        ClusterView view = view("http://a", "http://b", "http://c");
        refuse(view, 1);
        time.advance(Duration.ofSeconds(2));
        UpstreamState before = cluster.state(view);
        List<String> lines = view.describe();
        for (int next : new int[] {2, 0, 1}) {
            for (int i = 0; i < 10; i++) {
                assertThat(view.peek(REQUEST)).isEqualTo(next);
            }
            assertThat(cluster.state(view)).isEqualTo(before);
            assertThat(view.describe()).isEqualTo(lines);
            Selection selection = view.select(REQUEST, null);
            assertThat(selection.index()).isEqualTo(next);
            selection.release();
        }
    }

    @Test
    void weight_zero_gets_nothing_whatever_the_balancer_and_its_neighbour_no_more_than_its_share() {
        List<Endpoint> endpoints =
                List.of(Endpoint.of("http://a").weight(0), Endpoint.of("http://b"), Endpoint.of("http://c"));
        for (LoadBalancer balancer : List.of(
                LoadBalancer.roundRobin(),
                LoadBalancer.weighted(),
                LoadBalancer.random(),
                LoadBalancer.leastRequests())) {
            ClusterView view = cluster.view(upstream(balancer), endpoints);
            int[] counts = new int[3];
            for (int i = 0; i < 2_000; i++) {
                Selection selection = view.select(REQUEST, null);
                counts[selection.index()]++;
                selection.release();
            }
            assertThat(counts[0]).as("%s", balancer).isZero();
            assertThat(counts[1]).as("%s", balancer).isBetween(900, 1_100);
        }
    }

    @Test
    void nothing_is_picked_from_an_empty_list_or_weights_of_zero() {
        assertThat(view().select(REQUEST, null)).isNull();
        assertThat(view().peek(REQUEST)).isEqualTo(-1);
        ClusterView idle = cluster.view(
                upstream(LoadBalancer.roundRobin()),
                List.of(Endpoint.of("http://a").weight(0)));
        assertThat(idle.select(REQUEST, new Tried())).isNull();
        assertThat(idle.describe()).containsExactly("http://a: weight 0");
    }

    @Test
    void a_retry_goes_elsewhere_if_there_is_an_elsewhere() {
        ClusterView view = view("http://a", "http://b");
        Tried tried = new Tried();
        tried.add(view.endpoints().get(0));
        for (int i = 0; i < 10; i++) {
            assertThat(view.select(REQUEST, tried).index()).isEqualTo(1);
        }
        tried.add(view.endpoints().get(1));
        tried.add(view.endpoints().get(1));
        assertThat(tried.size()).isEqualTo(2);
        assertThat(view.select(REQUEST, tried)).isNotNull();
        view.endpoints().get(0).health(false);
        // Half are well, so the checks are believed: better the tried one than the ill one.
        assertThat(view.select(REQUEST, tried).index()).isEqualTo(1);
        tried.add(view("http://c", "http://d").endpoints().get(0));
        assertThat(tried.size()).isEqualTo(3);
    }

    @Test
    void an_endpoint_that_refuses_is_avoided_then_probed_by_one_request_then_used() {
        ClusterView view = view("http://a", "http://b");
        refuse(view, 0);
        assertThat(view.describe().get(0)).matches("http://a: avoided for PT[01]\\.\\d+S after 1 refused connection");
        for (int i = 0; i < 20; i++) {
            assertThat(pickAndRelease(view)).isEqualTo(1);
        }
        time.advance(Duration.ofMillis(1_100));
        assertThat(view.describe().get(0)).isEqualTo("http://a: next request is a probe after 1 refused connection");

        List<Selection> open = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            open.add(view.select(REQUEST, null));
        }
        assertThat(open).extracting(Selection::index).containsOnlyOnce(0);
        assertThat(view.describe().get(0)).isEqualTo("http://a: being probed after 1 refused connection");
        Selection probe = open.stream().filter(s -> s.index() == 0).findFirst().orElseThrow();

        probe.connectFailed();
        probe.release();
        assertThat(view.describe().get(0)).matches("http://a: avoided for PT[12]\\.\\d+S after 2 refused connections");
        time.advance(Duration.ofMillis(2_200));
        Selection second = pickUntil(view, 0);
        second.succeeded();
        second.release();
        assertThat(view.describe().get(0)).isEqualTo("http://a: usable, 0 in flight");
    }

    @Test
    void a_probe_whose_client_leaves_lets_the_next_request_probe() {
        ClusterView view = view("http://a", "http://b");
        refuse(view, 0);
        time.advance(Duration.ofSeconds(2));
        pickUntil(view, 0).release();
        assertThat(view.describe().get(0)).contains("next request is a probe");
        assertThat(pickUntil(view, 0)).isNotNull();
    }

    @Test
    void a_herd_of_refusals_is_one_piece_of_news() {
        ClusterView view = view("http://a", "http://b");
        List<Selection> herd = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            herd.add(pickUntil(view, 0));
        }
        herd.forEach(Selection::connectFailed);
        herd.forEach(Selection::release);
        assertThat(view.describe().get(0)).contains("after 1 refused connection");
    }

    @Test
    void what_an_endpoint_that_shuts_down_still_answers_does_not_bring_it_back() {
        ClusterView view = view("http://a", "http://b");
        Selection before = pickUntil(view, 0);
        refuse(view, 0);
        before.succeeded();
        before.release();
        assertThat(view.describe().get(0)).contains("avoided for");
    }

    @Test
    void when_all_are_avoided_requests_still_try_and_do_not_lengthen_the_back_off() {
        ClusterView view = view("http://a");
        refuse(view, 0);
        for (int i = 0; i < 50; i++) {
            refuse(view, 0);
        }
        assertThat(view.describe().get(0)).contains("after 1 refused connection");
        assertThat(cluster.state(view).endpoints().get(0).backOff()).isLessThanOrEqualTo(Duration.ofMillis(1_100));
        Selection last = view.select(REQUEST, null);
        last.succeeded();
        assertThat(view.describe().get(0)).isEqualTo("http://a: usable, 1 in flight");
    }

    @Test
    void the_first_to_come_back_after_an_outage_does_not_carry_the_load_alone() {
        ClusterView view = view("http://a", "http://b", "http://c");
        for (int i = 0; i < 5; i++) {
            for (int endpoint = 0; endpoint < 3; endpoint++) {
                view.endpoints().get(endpoint).connectFailed();
            }
            time.advance(Duration.ofSeconds(70));
        }
        for (EndpointState endpoint : view.endpoints()) {
            endpoint.connectFailed();
        }
        Selection first = view.select(REQUEST, null);
        first.succeeded();
        first.release();
        List<Integer> picked = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            Selection selection = view.select(REQUEST, null);
            picked.add(selection.index());
            selection.succeeded();
            selection.release();
        }
        assertThat(picked).contains(0, 1, 2);
    }

    @Test
    void unhealthy_endpoints_get_nothing_until_fewer_than_half_are_left() {
        ClusterView view = view("http://a", "http://b", "http://c", "http://d");
        view.endpoints().get(0).health(false);
        view.endpoints().get(1).health(false);
        assertThat(spread(view, 400)).startsWith(0, 0);
        assertThat(view.describe().get(0)).isEqualTo("http://a: unhealthy, 0 in flight");
        view.endpoints().get(2).health(false);
        assertThat(spread(view, 400)).containsExactly(100, 100, 100, 100);
        assertThat(view.describe().get(0)).isEqualTo("http://a: unhealthy, but used: too few are healthy, 0 in flight");
        view.endpoints().get(2).health(true);
        view.endpoints().get(1).health(true);
        assertThat(spread(view, 400)[0]).isZero();
    }

    @Test
    void a_refused_connect_outweighs_a_bad_check() {
        ClusterView view = view("http://a", "http://b");
        view.endpoints().get(0).health(false);
        refuse(view, 1);
        assertThat(spread(view, 10)).containsExactly(10, 0);
    }

    @Test
    void a_check_that_gets_through_ends_the_wait_but_a_probe_decides() {
        ClusterView view = view("http://a", "http://b");
        refuse(view, 0);
        view.endpoints().get(0).reached();
        assertThat(view.describe().get(0)).contains("next request is a probe");
        Selection probe = pickUntil(view, 0);
        view.endpoints().get(0).reached();
        assertThat(view.describe().get(0)).contains("being probed");
        probe.succeeded();
        assertThat(view.describe().get(0)).contains("usable");
    }

    @Test
    void connects_outside_of_exchanges_count_too() {
        ClusterView view = view("http://a", "http://b");
        EndpointState endpoint = view.endpoints().get(0);
        endpoint.connectFailed();
        assertThat(endpoint.usable(time.nanoTime())).isFalse();
        endpoint.succeeded();
        assertThat(endpoint.usable(time.nanoTime())).isTrue();
    }

    @Test
    void marks_and_counts_survive_new_views_but_not_a_time_off_the_list() {
        ClusterView first = view("http://a", "http://b");
        refuse(first, 0);
        Selection busy = pickUntil(first, 1);
        ClusterView second = view("http://a:80/", "http://b", "http://c");
        assertThat(second.endpoints().get(0)).isSameAs(first.endpoints().get(0));
        assertThat(second.describe()).element(0).asString().contains("avoided for");
        assertThat(second.describe()).element(1).isEqualTo("http://b: usable, 1 in flight");

        view("http://c");
        ClusterView back = view("http://a", "http://b");
        assertThat(back.endpoints().get(0)).isSameAs(first.endpoints().get(0));
        assertThat(back.describe()).containsExactly("http://a: usable, 0 in flight", "http://b: usable, 1 in flight");
        busy.release();
    }

    @Test
    void two_texts_for_one_address_are_one_endpoint() {
        assertThat(view("http://a", "http://A:80/", "http://b").endpoints())
                .extracting(EndpointState::uri)
                .containsExactly("http://a", "http://b");
    }

    @Test
    void an_upstream_of_the_hosts_own_code_has_one_endpoint_without_an_address() {
        Upstream local =
                Upstream.local("orders", (request, exchange) -> CompletableFuture.completedFuture(Response.of(200)));
        ClusterView view = cluster.view(local, List.of());
        Selection selection = view.select(REQUEST, null);
        assertThat(selection.endpoint().uri()).isEqualTo("local:orders");
        assertThat(selection.endpoint().local()).isTrue();
        assertThatThrownBy(() -> selection.endpoint().port()).hasMessage("local:orders has no address");
    }

    @Test
    void the_state_counts_what_is_off_the_list_and_still_finishing() {
        ClusterView first = view("http://a", "https://b");
        Selection onA = first.select(REQUEST, null);
        assertThat(onA.endpoint().tryEnqueue(1)).isTrue();
        assertThat(onA.endpoint().tryAcquireConnection(1)).isTrue();
        ClusterView second = view("https://b");
        assertThat(cluster.state(second))
                .isEqualTo(new UpstreamState(
                        "orders",
                        1,
                        1,
                        List.of(new UpstreamState.EndpointState("https://b", true, true, Duration.ZERO, 0, 0, null))));
        assertThat(second.endpoints().get(0).secure()).isTrue();
        assertThat(second.endpoints().get(0).port()).isEqualTo(443);
        assertThat(second.endpoints().get(0).host()).isEqualTo("b");
        assertThat(second.endpoints().get(0).literal()).isNull();
        onA.release();
        assertThat(cluster.state(second).inFlight()).isZero();
    }

    @Test
    void a_balancer_that_breaks_its_contract_is_named() {
        LoadBalancer wild = endpoints -> (ticket, candidates, request) -> 7;
        LoadBalancer broken = endpoints -> (ticket, candidates, request) -> {
            throw new IllegalStateException("oops");
        };
        LoadBalancer refusing = endpoints -> (ticket, candidates, request) -> -1;
        LoadBalancer stubborn = endpoints -> (ticket, candidates, request) -> 0;
        List<Endpoint> endpoints = List.of(Endpoint.of("http://a"), Endpoint.of("http://b"));
        assertThatThrownBy(() -> cluster.view(upstream(wild), endpoints).select(REQUEST, null))
                .isInstanceOfSatisfying(
                        GatewayException.class, e -> assertThat(e.failure()).isEqualTo(Failure.INTERNAL))
                .hasMessageContaining("of upstream \"orders\" picked 7 (expected: -1 to 1)");
        assertThatThrownBy(() -> cluster.view(upstream(broken), endpoints).select(REQUEST, null))
                .hasMessageContaining("of upstream \"orders\" failed")
                .hasRootCauseMessage("oops");
        assertThat(cluster.view(upstream(refusing), endpoints).select(REQUEST, null))
                .isNull();
        ClusterView insisting = cluster.view(upstream(stubborn), endpoints);
        insisting.endpoints().get(0).connectFailed();
        assertThat(insisting.select(REQUEST, null).index()).isZero();
    }

    @Test
    void refuses_the_configuration_of_another_upstream() {
        assertThatThrownBy(() -> cluster.view(Upstream.builder("users").build(), List.of()))
                .hasMessage("config: upstream \"users\" (expected: upstream \"orders\")");
    }

    @Test
    void the_ticket_wraps_without_a_bump() {
        Cluster late = new Cluster("orders", time, Long.MAX_VALUE - 50);
        ClusterView view = late.view(upstream(LoadBalancer.roundRobin()), endpoints("http://a", "http://b"));
        assertThat(spread(view, 102)).containsExactly(51, 51);
    }

    @Test
    void endpoints_that_nobody_holds_are_forgotten() {
        for (int i = 0; i < 100_000; i++) {
            view("http://10." + (i >> 16 & 255) + '.' + (i >> 8 & 255) + '.' + (i & 255));
        }
        ClusterView last = view("http://a");
        for (int i = 0; i < 50 && cluster.remembered() > 1; i++) {
            System.gc();
            Thread.onSpinWait();
        }
        assertThat(cluster.remembered()).isLessThan(100);
        assertThat(last.select(REQUEST, null)).isNotNull();
    }

    @RepeatedTest(5)
    void four_threads_share_the_turns_exactly() {
        ClusterView view = view("http://a", "http://b", "http://c", "http://d");
        AtomicIntegerArray counts = new AtomicIntegerArray(4);
        Threads.four(() -> {
            for (int i = 0; i < 10_000; i++) {
                Selection selection = view.select(REQUEST, null);
                counts.incrementAndGet(selection.index());
                selection.release();
            }
        });
        assertThat(counts).hasToString("[10000, 10000, 10000, 10000]");
        assertThat(view.endpoints()).extracting(EndpointState::inFlight).containsOnly(0);
        assertThat(view.endpoints()).extracting(EndpointState::surplusReleases).containsOnly(0L);
    }

    @RepeatedTest(20)
    void of_four_threads_one_probes() {
        ClusterView view = view("http://a", "http://b");
        refuse(view, 0);
        time.advance(Duration.ofSeconds(2));
        AtomicInteger probes = new AtomicInteger();
        Threads.four(() -> {
            for (int i = 0; i < 500; i++) {
                // Not released, so that the probe stays under way.
                if (view.select(REQUEST, null).index() == 0) {
                    probes.incrementAndGet();
                }
            }
        });
        assertThat(probes).hasValue(1);
    }

    @RepeatedTest(5)
    void limits_of_connections_and_of_the_queue_are_never_passed() {
        EndpointState endpoint = view("http://a").endpoints().get(0);
        AtomicInteger most = new AtomicInteger();
        AtomicLong taken = new AtomicLong();
        Threads.four(() -> {
            for (int i = 0; i < 20_000; i++) {
                if (endpoint.tryAcquireConnection(3)) {
                    most.accumulateAndGet(endpoint.connections(), Math::max);
                    taken.incrementAndGet();
                    endpoint.releaseConnection();
                }
                if (endpoint.tryEnqueue(2)) {
                    most.accumulateAndGet(endpoint.pending(), Math::max);
                    endpoint.dequeue();
                }
            }
        });
        assertThat(most.get()).isBetween(1, 3);
        assertThat(taken.get()).isPositive();
        assertThat(endpoint.connections()).isZero();
        assertThat(endpoint.pending()).isZero();
        assertThat(endpoint.tryEnqueue(0)).isFalse();
        assertThat(endpoint.surplusReleases()).isZero();
        endpoint.releaseConnection();
        endpoint.dequeue();
        assertThat(endpoint.surplusReleases()).isEqualTo(2);
        assertThat(endpoint.connections()).isZero();
    }

    private ClusterView view(String... uris) {
        return cluster.view(upstream(LoadBalancer.roundRobin()), endpoints(uris));
    }

    private static Upstream upstream(LoadBalancer balancer) {
        return Upstream.builder("orders").loadBalancer(balancer).build();
    }

    private static List<Endpoint> endpoints(String... uris) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (String uri : uris) {
            endpoints.add(Endpoint.of(uri));
        }
        return endpoints;
    }

    private static int pickAndRelease(ClusterView view) {
        Selection selection = view.select(REQUEST, null);
        selection.release();
        return selection.index();
    }

    private static Selection pickUntil(ClusterView view, int index) {
        for (int i = 0; i < 100; i++) {
            Selection selection = view.select(REQUEST, null);
            if (selection.index() == index) {
                return selection;
            }
            selection.release();
        }
        throw new AssertionError("never picked " + index + ": " + view.describe());
    }

    private static void refuse(ClusterView view, int index) {
        Selection selection = pickUntil(view, index);
        selection.connectFailed();
        selection.release();
    }

    private static int[] spread(ClusterView view, int picks) {
        int[] counts = new int[view.endpoints().size()];
        for (int i = 0; i < picks; i++) {
            counts[pickAndRelease(view)]++;
        }
        return counts;
    }
}
