package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.LoadBalancer;
import dev.postern.ManualDiscovery;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.balancing.Threads;
import dev.postern.runtime.health.LentServices;
import dev.postern.runtime.health.LogLines;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class RostersTest {
    private static final Request REQUEST = Request.get("/");

    private final LentServices services = new LentServices();
    private final List<String> told = new ArrayList<>();
    private final Rosters rosters = new Rosters(services, 0, new Rosters.Listener() {
        @Override
        public void changed(ClusterView view) {
            told.add(uris(view) + " x" + view.config().maxConnections());
        }

        @Override
        public void gone(String upstream) {
            told.add("gone " + upstream);
        }
    });
    private final LogLines log = new LogLines("dev.postern.discovery");

    @AfterEach
    void close_log() {
        log.close();
    }

    @Test
    void fixed_endpoints_are_there_at_once() {
        Roster roster = rosters.open(
                Upstream.builder("orders").endpoints("http://a", "http://b").build());
        assertThat(uris(roster.current())).isEqualTo("[http://a, http://b]");
        assertThat(roster.cluster().name()).isEqualTo("orders");
        roster.close();
        roster.close();
        assertThat(told).containsExactly("[http://a, http://b] x1024", "gone orders");
    }

    @Test
    void a_discovery_is_followed_until_the_roster_is_closed() {
        Feed feed = new Feed();
        Roster roster = rosters.open(config(feed));
        assertThat(roster.current().select(REQUEST, null)).isNull();
        feed.tell("http://a");
        feed.tell("http://a", "http://b");
        assertThat(uris(roster.current())).isEqualTo("[http://a, http://b]");
        roster.close();
        assertThat(feed.stopped).isEqualTo(1);
        feed.tell("http://c");
        assertThat(uris(roster.current())).isEqualTo("[http://a, http://b]");
        assertThat(told).containsExactly("[] x1024", "[http://a] x1024", "[http://a, http://b] x1024", "gone orders");
    }

    @Test
    void the_same_list_told_again_is_no_news() {
        Feed feed = new Feed();
        Roster roster = rosters.open(config(feed));
        feed.tell("http://a");
        ClusterView view = roster.current();
        feed.tell("http://a");
        assertThat(roster.current()).isSameAs(view);
    }

    @Test
    void bad_endpoints_are_left_out_and_named_once_and_an_empty_list_is_believed() {
        Feed feed = new Feed();
        Roster roster = rosters.open(config(feed));
        for (int i = 0; i < 3; i++) {
            feed.tell("http://a", "ftp://b", "http://a:80/");
            feed.consumer.accept(null);
        }
        assertThat(uris(roster.current())).isEqualTo("[http://a]");
        feed.tell("ftp://b", "b");
        feed.consumer.accept(java.util.Arrays.asList((Endpoint) null));
        assertThat(uris(roster.current())).as("nothing but bad ones").isEqualTo("[http://a]");
        feed.tell();
        assertThat(uris(roster.current())).isEqualTo("[]");
        assertThat(log.lines())
                .extracting(line -> line.replace("WARNING the discovery of upstream \"orders\" ", ""))
                .containsExactly(
                        "told a bad one, which is left out: endpoint \"ftp://b\" has a scheme that is not served (expected:"
                                + " http or https)",
                        "told no list at all; the one before stays in use",
                        "told a bad one, which is left out: endpoint \"b\" has no scheme (expected: http or https)",
                        "told nothing but bad endpoints; the list before stays in use",
                        "told a bad one, which is left out: null is no endpoint");
    }

    @Test
    void ever_new_garbage_does_not_fill_the_log() {
        Feed feed = new Feed();
        rosters.open(config(feed));
        for (int i = 0; i < 1_000; i++) {
            feed.tell("http://a", "ftp://" + i);
        }
        assertThat(log.lines()).hasSize(100);
    }

    @Test
    void an_equal_discovery_goes_on_over_a_swap_and_tells_both_configurations() {
        Feed feed = new Feed();
        Roster before = rosters.open(config(feed));
        feed.tell("http://a");
        Roster after = rosters.open(
                Upstream.builder("orders").discovery(feed).maxConnections(5).build());
        assertThat(feed.started).isEqualTo(1);
        assertThat(uris(after.current())).isEqualTo("[http://a]");
        assertThat(after.current().endpoints()).isEqualTo(before.current().endpoints());
        told.clear();
        feed.tell("http://b");
        assertThat(uris(before.current())).isEqualTo("[http://b]");
        assertThat(uris(after.current())).isEqualTo("[http://b]");
        before.close();
        assertThat(feed.stopped).isZero();
        after.close();
        assertThat(feed.stopped).isEqualTo(1);
        // Only the newest is told to health checks.
        assertThat(told).containsExactly("[http://b] x5", "gone orders");
    }

    @Test
    void another_discovery_begins_with_what_was_known_so_that_a_swap_is_no_gap() {
        Roster fixed =
                rosters.open(Upstream.builder("orders").endpoints("http://a").build());
        Feed feed = new Feed();
        Roster found = rosters.open(config(feed));
        fixed.close();
        assertThat(uris(found.current())).isEqualTo("[http://a]");
        feed.tell();
        assertThat(uris(found.current())).as("told empty: believed").isEqualTo("[]");
    }

    @Test
    void a_swap_that_is_given_up_leaves_the_one_before_in_force() {
        Roster before =
                rosters.open(Upstream.builder("orders").endpoints("http://a").build());
        Roster refused =
                rosters.open(Upstream.builder("orders").endpoints("http://b").build());
        refused.close();
        assertThat(told).containsExactly("[http://a] x1024", "[http://b] x1024", "[http://a] x1024");
        assertThat(uris(before.current())).isEqualTo("[http://a]");
    }

    @Test
    void a_discovery_that_cannot_begin_leaves_nothing_open() {
        Discovery broken = (lent, endpoints) -> {
            throw new IllegalStateException("no registry");
        };
        assertThatThrownBy(() -> rosters.open(config(broken))).hasMessage("no registry");
        assertThatThrownBy(() -> rosters.open(config((lent, endpoints) -> null)))
                .hasMessage("discovery of upstream \"orders\" returned no watch");
        LoadBalancer failing = endpoints -> {
            throw new IllegalStateException("no balance");
        };
        assertThatThrownBy(() -> rosters.open(Upstream.builder("orders")
                        .endpoints("http://a")
                        .loadBalancer(failing)
                        .build()))
                .hasMessage("no balance");
        assertThat(told).containsExactly("[] x1024", "gone orders", "[] x1024", "gone orders");
    }

    @Test
    void a_balancer_that_fails_on_a_new_list_keeps_the_one_before() {
        Feed feed = new Feed();
        LoadBalancer picky = endpoints -> {
            if (endpoints.size() > 1) {
                throw new IllegalStateException("too many");
            }
            return (ticket, candidates, request) -> 0;
        };
        Roster roster = rosters.open(
                Upstream.builder("orders").discovery(feed).loadBalancer(picky).build());
        feed.tell("http://a");
        feed.tell("http://a", "http://b");
        assertThat(uris(roster.current())).isEqualTo("[http://a]");
        assertThat(log.lines()).singleElement().asString().contains("failed on a new list of 2 endpoints");
    }

    @Test
    void a_watch_that_fails_to_stop_is_logged() {
        Discovery rude = (lent, endpoints) -> () -> {
            throw new IllegalStateException("no");
        };
        rosters.open(config(rude)).close();
        assertThat(log.lines()).containsExactly("WARNING the discovery of upstream \"orders\" failed to stop");
    }

    @Test
    void the_hosts_own_code_needs_no_list_and_leaves_none_behind() {
        Roster local = rosters.open(
                Upstream.local("orders", (request, exchange) -> CompletableFuture.completedFuture(Response.of(200))));
        assertThat(uris(local.current())).isEqualTo("[local:orders]");
        Roster found = rosters.open(config(new Feed()));
        assertThat(uris(found.current())).isEqualTo("[]");
    }

    @Test
    void a_discovery_may_wait_for_its_own_thread_to_tell_the_first_list() {
        Discovery waiting = (lent, endpoints) -> {
            Thread teller = new Thread(() -> endpoints.accept(List.of(Endpoint.of("http://a"))));
            teller.start();
            try {
                teller.join(10_000);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            assertThat(teller.isAlive()).as("dead lock").isFalse();
            return () -> {};
        };
        assertThat(uris(rosters.open(config(waiting)).current())).isEqualTo("[http://a]");
    }

    @RepeatedTest(5)
    void requests_that_begin_after_an_endpoint_was_removed_never_get_it() {
        ManualDiscovery manual = Discovery.manual("http://a", "http://b");
        Roster roster = rosters.open(config(manual));
        AtomicBoolean removed = new AtomicBoolean();
        AtomicInteger wrong = new AtomicInteger();
        AtomicInteger turn = new AtomicInteger();
        Threads.four(() -> {
            if (turn.getAndIncrement() == 0) {
                manual.set(List.of(Endpoint.of("http://b")));
                removed.set(true);
                return;
            }
            for (int i = 0; i < 20_000; i++) {
                boolean after = removed.get();
                Selection selection = roster.current().select(REQUEST, null);
                if (after && selection.endpoint().uri().equals("http://a")) {
                    wrong.incrementAndGet();
                }
                selection.release();
            }
        });
        assertThat(removed).isTrue();
        assertThat(wrong).hasValue(0);
    }

    private static Upstream config(Discovery discovery) {
        return Upstream.builder("orders").discovery(discovery).build();
    }

    private static String uris(ClusterView view) {
        return view.endpoints().stream().map(EndpointState::uri).toList().toString();
    }

    /** Tells what it is told to tell. */
    private static final class Feed implements Discovery {
        Consumer<List<Endpoint>> consumer;
        int started;
        int stopped;

        @Override
        public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
            consumer = endpoints;
            started++;
            return () -> stopped++;
        }

        void tell(String... uris) {
            List<Endpoint> endpoints = new ArrayList<>();
            for (String uri : uris) {
                endpoints.add(Endpoint.of(uri));
            }
            consumer.accept(endpoints);
        }
    }
}
