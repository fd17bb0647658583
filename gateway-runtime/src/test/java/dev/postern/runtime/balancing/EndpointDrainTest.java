package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Upstream;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class EndpointDrainTest {
    private static final Request REQUEST = Request.get("/");
    private static final String[] THREE = {"http://a", "http://b", "http://c"};

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 0);

    @Test
    void a_drained_endpoint_gets_nothing_more_and_is_done_with_the_last_that_it_had() {
        ClusterView view = view(THREE);
        List<Selection> under = List.of(select(view), select(view), select(view), select(view));
        CompletableFuture<Void> drained = cluster.drain("http://A/");
        assertThat(picked(view, 30)[0]).isZero();
        assertThat(view.describe().get(0)).isEqualTo("http://a: drained, 2 in flight");
        assertThat(cluster.state(view).endpoints().get(0).usable()).isFalse();
        under.get(0).release();
        assertThat(drained).isNotDone();
        under.get(3).release();
        assertThat(drained).isCompleted();
        assertThat(cluster.drain("http://a")).isCompleted();
        cluster.endDrain();
        assertThat(picked(view, 30)).containsExactly(10, 10, 10);
        assertThat(cluster.drain("http://d")).isNull();
        assertThat(cluster.drain("no address")).isNull();
    }

    @Test
    void it_counts_as_if_it_were_not_there_so_that_no_panic_begins_and_nothing_else_leads_to_it() {
        ClusterView view = view(THREE);
        cluster.drain("http://a");
        cluster.drain("http://b");
        // One of three would be below the threshold of a half; one of one is not.
        assertThat(picked(view, 9)).containsExactly(0, 0, 9);
        view.endpoints().get(2).health(false);
        assertThat(picked(view, 9)).containsExactly(0, 0, 9);
        view.endpoints().get(2).connectFailed();
        assertThat(picked(view, 9)).containsExactly(0, 0, 9);
        cluster.drain("http://c");
        assertThat(view.select(REQUEST, null)).isNull();
        assertThat(view.peek(REQUEST)).isEqualTo(-1);
    }

    @Test
    void a_group_whose_endpoints_are_drained_hands_over() {
        Upstream config = Upstream.builder("orders").priorities("p").build();
        ClusterView view = cluster.view(
                config,
                List.of(
                        Endpoint.of("http://a").label("p", "0"),
                        Endpoint.of("http://b").label("p", "0"),
                        Endpoint.of("http://c").label("p", "1")));
        cluster.drain("http://a");
        assertThat(picked(view, 10)).containsExactly(0, 10, 0);
        cluster.drain("http://b");
        assertThat(picked(view, 10)).containsExactly(0, 0, 10);
    }

    @Test
    void a_drain_outlasts_lists_and_configurations_but_not_the_endpoints_own_leaving() {
        cluster.drain("http://a");
        ClusterView view = view(THREE);
        CompletableFuture<Void> drained = cluster.drain("http://a");
        assertThat(drained).isCompleted();
        view = view("http://a", "http://b");
        assertThat(picked(view, 10)).containsExactly(0, 10);
        view = view("http://b");
        view = view("http://a", "http://b");
        assertThat(picked(view, 10)).containsExactly(5, 5);
    }

    @Test
    void a_drained_upstream_gives_nothing_to_those_who_come_later_either() {
        ClusterView view = view("http://a", "http://b");
        Selection under = select(view);
        CompletableFuture<Void> drained = cluster.drain();
        assertThat(view.select(REQUEST, null)).isNull();
        view = view(THREE);
        assertThat(view.select(REQUEST, null)).isNull();
        assertThat(view.describe()).allMatch(line -> line.contains(": drained"));
        assertThat(drained).isNotDone();
        under.release();
        assertThat(drained).isCompleted();
        cluster.endDrain();
        assertThat(picked(view, 9)).containsExactly(3, 3, 3);
    }

    @Test
    void who_waits_is_told_when_the_drain_is_given_up_and_cannot_end_it() {
        ClusterView view = view(THREE);
        Selection under = select(view);
        CompletableFuture<Void> drained = cluster.drain("http://a");
        CompletableFuture<Void> another = cluster.drain("http://a");
        another.complete(null);
        assertThat(drained).isNotDone();
        cluster.endDrain();
        assertThat(drained).isCompleted();
        under.release();
        assertThat(under.endpoint().surplusReleases()).isZero();
    }

    @Test
    void an_endpoint_comes_back_cold() {
        Upstream config = Upstream.builder("orders")
                .endpoints(THREE)
                .slowStart(Duration.ofSeconds(10))
                .build();
        ClusterView view = cluster.view(config, config.endpoints());
        cluster.drain("http://a");
        time.advance(Duration.ofSeconds(60));
        cluster.endDrain();
        assertThat(picked(view, 300)[0]).isBetween(2, 40);
    }

    @Test
    void nothing_begins_after_the_drain_is_done_whatever_the_threads() throws Exception {
        for (int round = 0; round < 200; round++) {
            ClusterView view = view("http://a", "http://b");
            EndpointState first = view.endpoints().get(0);
            AtomicReference<CompletableFuture<Void>> drained = new AtomicReference<>();
            AtomicInteger late = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                threads.add(new Thread(() -> {
                    for (int n = 0; n < 40; n++) {
                        CompletableFuture<Void> known = drained.get();
                        boolean done = known != null && known.isDone();
                        Selection selection = select(view);
                        late.addAndGet(done && selection.endpoint() == first ? 1 : 0);
                        selection.release();
                    }
                }));
            }
            threads.forEach(Thread::start);
            drained.set(cluster.drain("http://a"));
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(late).hasValue(0);
            assertThat(drained.get()).isCompleted();
            assertThat(first.inFlight()).isZero();
            cluster.endDrain();
        }
    }

    private ClusterView view(String... uris) {
        return cluster.view(
                Upstream.builder("orders").build(),
                Arrays.stream(uris).map(Endpoint::of).toList());
    }

    private static Selection select(ClusterView view) {
        Selection selection = view.select(REQUEST, null);
        assertThat(selection).isNotNull();
        return selection;
    }

    private static int[] picked(ClusterView view, int times) {
        int[] counts = new int[view.endpoints().size()];
        for (int i = 0; i < times; i++) {
            Selection selection = select(view);
            counts[selection.index()]++;
            selection.release();
        }
        return counts;
    }
}
