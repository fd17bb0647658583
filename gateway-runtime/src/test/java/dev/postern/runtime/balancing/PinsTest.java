package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.Headers;
import dev.postern.LoadBalancer;
import dev.postern.OutlierDetection;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.RetryPolicy;
import dev.postern.StickyCookie;
import dev.postern.Upstream;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which endpoint a sticky cookie means, and when another one is picked. */
class PinsTest {
    private static final StickyCookie COOKIE = LoadBalancer.stickyCookie("SRV", "0123456789abcdef");
    private static final Request REQUEST = Request.get("/");

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 3);

    private ClusterView view(UnaryOperator<Upstream.Builder> settings, Endpoint... endpoints) {
        Upstream.Builder builder = Upstream.builder("orders").loadBalancer(COOKIE);
        Arrays.stream(endpoints).forEach(builder::endpoint);
        Upstream config = settings.apply(builder).build();
        return cluster.view(config, config.endpoints());
    }

    private ClusterView four(UnaryOperator<Upstream.Builder> settings) {
        return view(
                settings,
                Endpoint.of("http://a"),
                Endpoint.of("http://b"),
                Endpoint.of("http://c:80"),
                Endpoint.of("http://d"));
    }

    private static String pin(String endpoint) {
        return COOKIE.value("orders", endpoint);
    }

    private static Keys keys(String endpoint) {
        return new Keys(null, null, pin(endpoint));
    }

    private static int picked(ClusterView view, Keys keys) {
        int expected = view.peek(REQUEST, keys);
        Selection selection = view.select(REQUEST, null, keys);
        int index = selection == null ? -1 : selection.index();
        assertThat(index).as("explained").isEqualTo(expected);
        if (selection != null) {
            selection.release();
        }
        return index;
    }

    @Test
    void a_cookie_names_its_endpoint_whoever_s_turn_it_is() {
        ClusterView view = four(upstream -> upstream);
        for (int i = 0; i < 10; i++) {
            assertThat(picked(view, keys("http://c"))).isEqualTo(2);
            assertThat(picked(view, Keys.NONE)).isBetween(0, 3);
        }
        assertThat(view.describe(keys("http://c")).get(2)).endsWith("in flight, named by the cookie");
        assertThat(view.describe(keys("http://c")).get(1)).endsWith("in flight");
    }

    @Test
    void first_picks_are_as_even_as_those_of_the_balancer_behind() {
        ClusterView view = four(upstream -> upstream);
        int[] counts = new int[4];
        for (int i = 0; i < 4000; i++) {
            counts[picked(view, i % 2 == 0 ? Keys.NONE : new Keys(null, null, "forged"))]++;
        }
        assertThat(counts).containsOnly(1000);
    }

    @Test
    void who_comes_with_a_cookie_takes_no_turn_from_who_does_not() {
        ClusterView view = four(upstream -> upstream);
        int[] counts = new int[4];
        for (int i = 0; i < 400; i++) {
            assertThat(picked(view, keys("http://c"))).isEqualTo(2);
            counts[picked(view, Keys.NONE)]++;
        }
        assertThat(counts).containsOnly(100);
        // Those that are moved do: the balancer picks for them.
        view.endpoints().get(2).drain();
        int[] moved = new int[4];
        for (int i = 0; i < 300; i++) {
            moved[picked(view, keys("http://c"))]++;
        }
        assertThat(moved)
                .doesNotContain(300)
                .satisfies(each -> assertThat(each[2]).isZero());
    }

    @Test
    void a_refusal_of_a_strict_client_names_the_endpoint_of_its_cookie() {
        ClusterView view = four(upstream -> upstream.loadBalancer(COOKIE.strict()));
        view.endpoints().get(1).health(false);
        assertThat(view.select(REQUEST, null, keys("http://b"))).isNull();
        assertThat(view.nobody(keys("http://b")))
                .hasMessageContaining("\"orders\"")
                .hasMessageContaining("the endpoint of the client's cookie, http://b, may not be used (strict)");
        assertThat(view.nobody(keys("http://b")).reason()).isEqualTo("no_endpoint");
        // Nobody's cookie, and an upstream that is drained as a whole.
        assertThat(view.nobody(new Keys(null, null, "forged")))
                .hasMessage("upstream \"orders\" has no endpoint that may be used");
        cluster.drain();
        assertThat(view.nobody(keys("http://b"))).hasMessage("upstream \"orders\" has no endpoint that may be used");
    }

    @Test
    void what_is_none_of_ours_counts_as_no_cookie() {
        ClusterView view = four(upstream -> upstream.loadBalancer(COOKIE.strict()));
        for (String value :
                List.of("", "http://a", "0", pin("http://gone"), pin("http://a") + "x", "x".repeat(60_000))) {
            assertThat(picked(view, new Keys(null, null, value))).as(value).isNotNegative();
        }
        // The same endpoint of another upstream, or by another secret.
        assertThat(view.pinOf(0)).isNotEqualTo(COOKIE.value("users", "http://a"));
    }

    @Test
    void priorities_zones_and_slow_start_do_not_move_a_session() {
        ClusterView view = view(
                upstream ->
                        upstream.priorities("priority").preferZone("zone", "a").slowStart(Duration.ofSeconds(30)),
                Endpoint.of("http://a").label("zone", "a"),
                Endpoint.of("http://b").label("zone", "b"),
                Endpoint.of("http://c").label("priority", "1"));
        view.endpoints().get(1).back();
        for (int i = 0; i < 10; i++) {
            assertThat(picked(view, Keys.NONE)).isZero();
            assertThat(picked(view, keys("http://b"))).isEqualTo(1);
            assertThat(picked(view, keys("http://c"))).isEqualTo(2);
        }
    }

    @Test
    void a_subset_and_a_weight_of_none_hold_for_sessions_too() {
        ClusterView view = view(
                upstream -> upstream.subset("version", RequestKey.header("X-Version")),
                Endpoint.of("http://a").label("version", "1"),
                Endpoint.of("http://b").label("version", "2"),
                Endpoint.of("http://c").label("version", "2").weight(0));
        assertThat(picked(view, keys("http://b"))).isEqualTo(1);
        assertThat(picked(view, new Keys(null, "2", pin("http://b")))).isEqualTo(1);
        assertThat(picked(view, new Keys(null, "1", pin("http://b")))).isZero();
        assertThat(picked(view, new Keys(null, "2", pin("http://c")))).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "unhealthy, false",
        "unhealthy, true",
        "refusing, false",
        "refusing, true",
        "draining, false",
        "draining, true"
    })
    void while_its_endpoint_may_not_be_used_another_is_picked_or_none(String why, boolean strict) {
        StickyCookie cookie = strict ? COOKIE.strict() : COOKIE;
        ClusterView view = four(upstream -> upstream.loadBalancer(cookie));
        EndpointState state = view.endpoints().get(1);
        switch (why) {
            case "unhealthy" -> state.health(false);
            case "draining" -> state.drain();
            default -> {
                Selection refused = view.select(REQUEST, null, keys("http://b"));
                refused.connectFailed();
                refused.release();
            }
        }
        int index = picked(view, keys("http://b"));
        if (strict) {
            assertThat(index).isEqualTo(-1);
        } else {
            assertThat(index).isNotEqualTo(1).isNotNegative();
        }
        // The others' sessions stay.
        assertThat(picked(view, keys("http://d"))).isEqualTo(3);
        switch (why) {
            case "unhealthy" -> state.health(true);
            case "draining" -> state.endDrain();
            default -> time.advance(Duration.ofMinutes(2));
        }
        Selection back = view.select(REQUEST, null, keys("http://b"));
        assertThat(back.index()).isEqualTo(1);
        back.succeeded();
        back.release();
        assertThat(picked(view, keys("http://b"))).isEqualTo(1);
    }

    @Test
    void with_all_out_a_session_stays_where_it_is() {
        ClusterView view = four(upstream -> upstream.loadBalancer(COOKIE.strict()));
        view.endpoints().forEach(endpoint -> endpoint.health(false));
        for (int i = 0; i < 8; i++) {
            assertThat(picked(view, keys("http://b"))).isEqualTo(1);
        }
    }

    @Test
    void a_retry_goes_elsewhere_and_its_answer_names_whom_it_came_from() {
        Attempts attempts = attempts(COOKIE, REQUEST.withHeader("Cookie", "SRV=" + pin("http://b")));
        Selection first = attempts.select();
        assertThat(first.index()).isEqualTo(1);
        assertThat(attempts.newPin(first)).isNull();
        assertThat(attempts.afterFailure(first, dev.postern.Failure.CONNECT_FAILED, false, true, Long.MAX_VALUE))
                .isZero();
        first.release();
        Selection second = attempts.select();
        assertThat(second.index()).isNotEqualTo(1);
        assertThat(attempts.newPin(second)).isEqualTo(pin(second.endpoint().uri()));
        second.release();
    }

    @Test
    void a_strict_retry_stays_and_there_is_no_hedge() {
        Attempts attempts = attempts(COOKIE.strict(), REQUEST.withHeader("Cookie", "SRV=" + pin("http://b")));
        Selection first = attempts.select();
        assertThat(attempts.selectHedge()).isNull();
        assertThat(attempts.afterFailure(first, dev.postern.Failure.RESET_BEFORE_HEAD, true, true, Long.MAX_VALUE))
                .isNotNegative();
        first.release();
        Selection second = attempts.select();
        assertThat(second.index()).isEqualTo(1);
        second.release();
    }

    private Attempts attempts(StickyCookie cookie, Request request) {
        ClusterView view = four(upstream -> upstream.loadBalancer(cookie)
                .hedging(dev.postern.Hedging.after(Duration.ofMillis(1)).share(1))
                .outlierDetection(OutlierDetection.builder().build())
                .retry(RetryPolicy.builder().onConnectFailure().onReset().build()));
        return new Attempts(() -> view, request, key -> key.of(request, null));
    }

    @Test
    void without_a_cookie_that_says_it_the_answer_does() {
        Attempts attempts = attempts(COOKIE, REQUEST);
        Selection selection = attempts.select();
        assertThat(attempts.newPin(selection))
                .isEqualTo(pin(selection.endpoint().uri()));
        selection.release();
        Attempts other = attempts(COOKIE, REQUEST.withHeader("Cookie", "SRV=forged"));
        Selection again = other.select();
        assertThat(other.newPin(again)).isEqualTo(pin(again.endpoint().uri()));
        again.release();
    }

    @Test
    void a_list_that_changes_moves_the_sessions_of_those_that_leave_only() {
        List<Endpoint> many = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            many.add(Endpoint.of("http://10.0.0." + i));
        }
        ClusterView before = view(upstream -> upstream, many.toArray(Endpoint[]::new));
        many.remove(40);
        many.add(0, Endpoint.of("http://10.0.1.1"));
        ClusterView after = view(upstream -> upstream, many.toArray(Endpoint[]::new));
        for (int i = 0; i < 100; i++) {
            String uri = before.endpoints().get(i).uri();
            String now = after.endpoints().get(picked(after, keys(uri))).uri();
            if (i != 40) {
                assertThat(now).isEqualTo(uri);
            } else {
                assertThat(now).isNotEqualTo(uri);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "SRV=x | x | ",
                "a=b; SRV=x; c=d | x | a=b; c=d",
                "SRV=x; c=d | x | c=d",
                "a=b;SRV=x | x | a=b",
                "a=b; SRV = x ; c | x | a=b; c",
                "SRV= | \"\" | ",
                "SRV=x; SRV=y | | ",
                "SRV=x; a=b; SRV=x | | a=b",
                "SRV | | SRV",
                "XSRV=x; SRVX=y; srv=z; a=SRV=x | | XSRV=x; SRVX=y; srv=z; a=SRV=x",
                ";;SRV=x;; | x | ",
                "a=\"q; SRV=x | x | a=\"q",
            })
    void one_cookie_is_read_and_taken_out_of_many(String line, String value, String rest) {
        Request request = REQUEST.withHeader("Cookie", line).withHeader("X-Other", "SRV=x");
        assertThat(PinCookie.presented(request.headers(), "SRV")).isEqualTo(value);
        assertThat(PinCookie.without(request, "SRV").header("Cookie")).isEqualTo(rest);
        assertThat(PinCookie.without(request, "SRV").header("X-Other")).isEqualTo("SRV=x");
    }

    @Test
    void lines_count_together_and_what_has_no_such_cookie_is_left_as_it_is() {
        Headers two = Headers.builder()
                .add("Cookie", "SRV=x")
                .add("cookie", "a=b; SRV=y")
                .add("COOKIE", "c=d")
                .build();
        Request request = REQUEST.withHeaders(two);
        assertThat(PinCookie.presented(two, "SRV")).isNull();
        assertThat(PinCookie.without(request, "SRV").headers().all("Cookie")).containsExactly("a=b", "c=d");
        assertThat(PinCookie.without(request, "OTHER")).isSameAs(request);
        assertThat(PinCookie.without(REQUEST, "SRV")).isSameAs(REQUEST);
    }
}
