package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Endpoint;
import dev.postern.EndpointBreaker;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Picks under breakers of endpoints: who is asked, what is told, and that each permit has one ending. */
class EndpointGateTest {
    private static final Request REQUEST = Request.get("/");

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 0);
    private final Fuses fuses = new Fuses();

    /** A breaker whose gates do what the test says. */
    private static final class Fuses implements EndpointBreaker {
        private final Map<String, Fuse> gates = new TreeMap<>();

        @Override
        public Gate gate(String upstream, String endpoint, long nowNanos, Consumer<State> told) {
            Fuse fuse = new Fuse(told);
            gates.put(endpoint, fuse);
            return fuse;
        }

        Fuse of(String endpoint) {
            Fuse fuse = gates.get(endpoint);
            assertThat(fuse).isNotNull();
            return fuse;
        }
    }

    private static final class Fuse implements EndpointBreaker.Gate {
        private final Consumer<EndpointBreaker.State> told;
        private final List<String> endings = new ArrayList<>();
        private boolean admits = true;
        private boolean gives = true;
        /** The last permit goes to another thread between the look and the grasp. */
        private boolean taken;

        private long permits;
        private boolean throwsAsked;
        private boolean throwsTaken;
        private boolean throwsTold;

        Fuse(Consumer<EndpointBreaker.State> told) {
            this.told = told;
        }

        @Override
        public boolean admits(long nowNanos) {
            fail(throwsAsked);
            return admits;
        }

        @Override
        public long tryAcquire(long nowNanos) {
            fail(throwsTaken);
            if (taken) {
                admits = false;
            }
            return gives && admits ? ++permits : REFUSED;
        }

        @Override
        public void end(long permit, EndpointBreaker.Ending ending, long tookNanos, long nowNanos) {
            fail(throwsTold);
            endings.add(permit + " " + ending + " " + Duration.ofNanos(tookNanos));
        }

        private static void fail(boolean now) {
            if (now) {
                throw new IllegalStateException("fuse box on fire");
            }
        }

        @Override
        public String summary(long nowNanos) {
            fail(throwsAsked);
            return admits ? "whole" : "blown";
        }
    }

    private ClusterView view(String... uris) {
        return view(LoadBalancer.roundRobin(), uris);
    }

    private ClusterView view(LoadBalancer balancer, String... uris) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (String uri : uris) {
            endpoints.add(Endpoint.of(uri));
        }
        Upstream upstream = Upstream.builder("orders")
                .loadBalancer(balancer)
                .endpointBreaker(fuses)
                .slowStart(Duration.ofSeconds(10))
                .build();
        return cluster.view(upstream, endpoints);
    }

    private Selection select(ClusterView view) {
        Selection selection = view.select(REQUEST, null);
        assertThat(selection).isNotNull();
        return selection;
    }

    @Test
    void each_permit_has_the_first_ending_that_is_told_and_no_other() {
        ClusterView view = view("http://a");
        Selection answered = select(view);
        time.advance(Duration.ofMillis(5));
        answered.answered(200);
        answered.release();
        Selection failing = select(view);
        failing.answered(500);
        failing.release();
        Selection silent = select(view);
        silent.connectFailed();
        silent.unanswered(Failure.CONNECT_FAILED);
        silent.release();
        Selection slower = select(view);
        slower.outpaced();
        slower.release();
        Selection left = select(view);
        left.abandoned();
        left.release();
        Selection undecided = select(view);
        undecided.release();
        undecided.release();
        assertThat(fuses.of("http://a").endings)
                .containsExactly(
                        "1 SUCCESS PT0.005S",
                        "2 FAILURE PT0S",
                        "3 FAILURE PT0S",
                        "4 ABANDONED PT0S",
                        "5 ABANDONED PT0S",
                        "6 IGNORED PT0S");
    }

    // Review of #5: clients that sent slowly could open breakers for all.
    @Test
    void how_long_a_client_takes_for_its_body_does_not_count() {
        ClusterView view = view("http://a");
        Selection whole = select(view);
        time.advance(Duration.ofMillis(3));
        whole.uploads();
        time.advance(Duration.ofSeconds(20));
        whole.uploaded();
        time.advance(Duration.ofMillis(4));
        whole.answered(200);
        whole.release();
        Selection early = select(view);
        time.advance(Duration.ofMillis(1));
        early.uploads();
        time.advance(Duration.ofSeconds(20));
        early.uploads();
        early.answered(200);
        early.uploaded();
        early.release();
        assertThat(fuses.of("http://a").endings).containsExactly("1 SUCCESS PT0.007S", "2 SUCCESS PT0.001S");
    }

    @Test
    void a_breaker_that_throws_is_named_and_leaves_nothing_counted() {
        ClusterView view = view("http://a");
        Fuse fuse = fuses.of("http://a");
        Selection under = select(view);
        fuse.throwsTold = true;
        under.answered(200);
        under.release();
        assertThat(fuse.endings).isEmpty();
        fuse.throwsTaken = true;
        assertThatThrownBy(() -> select(view))
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        broken -> assertThat(broken.failure()).isEqualTo(Failure.INTERNAL))
                .hasMessageStartingWith("endpoint breaker ")
                .hasMessageEndingWith(" of http://a of upstream \"orders\" failed")
                .hasRootCauseMessage("fuse box on fire");
        fuse.throwsAsked = true;
        assertThatThrownBy(() -> select(view)).isInstanceOf(GatewayException.class);
        assertThat(view.nobody().failure()).isEqualTo(Failure.INTERNAL);
        assertThat(cluster.state(view).endpoints().get(0))
                .returns(false, UpstreamState.EndpointState::usable)
                .returns(
                        "failed: java.lang.IllegalStateException: fuse box on fire",
                        UpstreamState.EndpointState::breaker);
        assertThat(view.endpoints()).extracting(EndpointState::inFlight).containsExactly(0);
        assertThat(view.endpoints()).extracting(EndpointState::surplusReleases).containsExactly(0L);
    }

    @Test
    void a_breaker_that_was_taken_out_and_is_put_back_begins_anew() {
        view("http://a");
        Fuse before = fuses.of("http://a");
        cluster.view(Upstream.builder("orders").build(), List.of(Endpoint.of("http://a")));
        view("http://a");
        assertThat(fuses.of("http://a")).isNotSameAs(before);
    }

    @Test
    void who_is_not_admitted_is_not_picked_and_explained() {
        ClusterView view = view("http://a", "http://b");
        fuses.of("http://a").admits = false;
        for (int i = 0; i < 10; i++) {
            Selection selection = select(view);
            assertThat(selection).hasToString("http://b");
            selection.release();
        }
        assertThat(view.peek(REQUEST)).isEqualTo(1);
        assertThat(view.describe())
                .containsExactly(
                        "http://a: usable, 0 in flight, breaker blown", "http://b: usable, 0 in flight, breaker whole");
        assertThat(cluster.state(view).endpoints().get(0).usable()).isFalse();
        fuses.of("http://b").admits = false;
        assertThat(view.select(REQUEST, null)).isNull();
        assertThat(view.nobody().reason()).isEqualTo("circuit_open");
        fuses.of("http://a").admits = true;
        fuses.of("http://b").admits = true;
        cluster.drain();
        assertThat(view.nobody().reason()).isEqualTo("no_endpoint");
        assertThat(fuses.of("http://a").permits).isZero();
    }

    @Test
    void a_strict_client_is_told_of_the_breaker_of_its_own_endpoint_only() {
        StickyCookie cookie =
                LoadBalancer.stickyCookie("SRV", "0123456789abcdef").strict();
        ClusterView view = view(cookie, "http://a", "http://b");
        Keys keys = new Keys(null, null, cookie.value("orders", "http://a"));
        fuses.of("http://b").admits = false;
        view.endpoints().get(0).drain();
        assertThat(view.select(REQUEST, null, keys)).isNull();
        assertThat(view.nobody(keys).reason()).isEqualTo("no_endpoint");
        view.endpoints().get(0).endDrain();
        fuses.of("http://b").admits = true;
        fuses.of("http://a").admits = false;
        assertThat(view.select(REQUEST, null, keys)).isNull();
        assertThat(view.nobody(keys).reason()).isEqualTo("circuit_open");
        assertThat(view.nobody(keys)).hasMessageContaining("cookie, http://a, may not be used (strict): its circuit");
    }

    @Test
    void a_permit_that_somebody_else_got_leaves_nothing_counted() {
        ClusterView view = view("http://a", "http://b");
        for (int i = 0; i < 4; i++) {
            fuses.of("http://a").admits = true;
            fuses.of("http://a").taken = true;
            Selection selection = select(view);
            assertThat(selection).hasToString("http://b");
            selection.release();
        }
        // Says that it admits and never does: after some rounds it is believed no longer.
        fuses.of("http://b").gives = false;
        assertThat(view.select(REQUEST, null)).isNull();
        assertThat(view.endpoints()).extracting(EndpointState::inFlight).containsExactly(0, 0);
        assertThat(view.endpoints()).extracting(EndpointState::surplusReleases).containsExactly(0L, 0L);
    }

    @Test
    void what_is_known_outlasts_a_new_list_but_not_an_endpoint_that_leaves_it() {
        view("http://a", "http://b");
        Fuse a = fuses.of("http://a");
        Fuse b = fuses.of("http://b");
        view("http://a");
        assertThat(fuses.of("http://a")).isSameAs(a);
        view("http://a", "http://b");
        assertThat(fuses.of("http://a")).isSameAs(a);
        assertThat(fuses.of("http://b")).isNotSameAs(b);
    }

    @Test
    void openings_are_counted_and_who_is_closed_again_starts_slowly() {
        ClusterView view = view("http://a", "http://b");
        Fuse a = fuses.of("http://a");
        a.told.accept(EndpointBreaker.State.OPEN);
        a.told.accept(EndpointBreaker.State.HALF_OPEN);
        a.told.accept(EndpointBreaker.State.CLOSED);
        assertThat(cluster.state(view).policies().breakersOpened()).isEqualTo(1);
        assertThat(view.endpoints().get(0).warmth(time.nanoTime(), 1_000)).isEqualTo(0.1);
        assertThat(view.endpoints().get(1).warmth(time.nanoTime(), 1_000)).isEqualTo(1);
    }
}
