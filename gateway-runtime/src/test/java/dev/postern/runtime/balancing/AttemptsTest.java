package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.Failure;
import dev.postern.Hedging;
import dev.postern.Request;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class AttemptsTest {
    private static final long MILLI = 1_000_000;
    private static final long FOREVER = Long.MAX_VALUE;

    private final ManualTime time = ManualTime.create();
    private final Cluster cluster = new Cluster("orders", time, 7);

    @ParameterizedTest
    @CsvSource({
        // method, failure, sent, body intact, again
        "GET,    CONNECT_FAILED,     false, true,  true",
        "POST,   CONNECT_FAILED,     false, true,  true",
        "POST,   CONNECT_TIMEOUT,    false, true,  true",
        "POST,   TLS_FAILED,         false, true,  true",
        "POST,   DNS_FAILED,         false, true,  true",
        "POST,   CONNECT_FAILED,     false, false, false",
        "GET,    RESET_BEFORE_HEAD,  true,  true,  true",
        "PUT,    RESET_BEFORE_HEAD,  true,  true,  true",
        "DELETE, RESET_BEFORE_HEAD,  true,  true,  true",
        "POST,   RESET_BEFORE_HEAD,  true,  true,  false",
        "PATCH,  RESET_BEFORE_HEAD,  true,  true,  false",
        "POST,   RESET_BEFORE_HEAD,  false, true,  true",
        "PUT,    RESET_BEFORE_HEAD,  true,  false, false",
        "GET,    FIRST_BYTE_TIMEOUT, true,  true,  true",
        "POST,   FIRST_BYTE_TIMEOUT, true,  true,  false",
        "POST,   FIRST_BYTE_TIMEOUT, false, true,  true",
    })
    void what_was_sent_decides(String method, Failure failure, boolean sent, boolean intact, boolean again) {
        Attempts attempts = attempts(
                policy -> policy.onConnectFailure().onReset().onTimeout(), request(method), "http://a", "http://b");
        Selection first = attempts.select();
        assertThat(attempts.afterFailure(first, failure, sent, intact, FOREVER) >= 0)
                .isEqualTo(again);
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void only_named_conditions_count_and_no_other_failure_ever(Failure failure) {
        Attempts none = attempts(policy -> policy.onStatus(503), request("GET"), "http://a");
        assertThat(none.afterFailure(none.select(), failure, false, true, FOREVER))
                .isEqualTo(-1);
        Attempts all = attempts(policy -> policy.onConnectFailure().onReset().onTimeout(), request("GET"), "http://a");
        boolean known = switch (failure) {
            case CONNECT_FAILED, CONNECT_TIMEOUT, DNS_FAILED, TLS_FAILED -> true;
            case RESET_BEFORE_HEAD, HANDLER_FAILED, FIRST_BYTE_TIMEOUT -> true;
            default -> false;
        };
        assertThat(all.afterFailure(all.select(), failure, true, true, FOREVER) >= 0)
                .isEqualTo(known);
    }

    @ParameterizedTest
    @CsvSource({
        // method, status, grpc-status, Retry-After in ms, again
        "GET,  502, -1, -1,   true",
        "GET,  503, -1, -1,   true",
        "GET,  504, -1, -1,   true",
        "GET,  500, -1, -1,   false",
        "GET,  200, -1, -1,   false",
        "GET,  200, 14, -1,   true",
        "GET,  200, 13, -1,   false",
        "POST, 503, -1, -1,   false",
        "GET,  503, -1, 0,    true",
        "GET,  503, -1, 1000, true",
        "GET,  503, -1, 1001, false",
    })
    void answers_are_judged_by_status_and_by_what_they_ask_for(
            String method, int status, int grpc, long retryAfter, boolean again) {
        Attempts attempts =
                attempts(policy -> policy.onGatewayErrors().onGrpcStatus(14), request(method), "http://a", "http://b");
        assertThat(attempts.judgesAnswers()).isTrue();
        long asked = retryAfter < 0 ? -1 : retryAfter * MILLI;
        long pause = attempts.afterAnswer(attempts.select(), status, grpc, asked, true, FOREVER);
        assertThat(pause >= 0).isEqualTo(again);
        if (again && asked >= 0) {
            assertThat(pause).isBetween(asked, asked + asked / 2);
        }
    }

    @Test
    void methods_and_keys_count_as_idempotent_only_when_the_policy_says_so() {
        Request post = request("POST");
        Request keyed = post.withHeader("Idempotency-Key", "\"7\"");
        assertThat(attempts(RetryPolicy.Builder::onReset, keyed, "http://a").repeatable())
                .isFalse();
        assertThat(attempts(policy -> policy.onReset().trustIdempotencyKey(), keyed, "http://a")
                        .repeatable())
                .isTrue();
        assertThat(attempts(policy -> policy.onReset().trustIdempotencyKey(), post, "http://a")
                        .repeatable())
                .isFalse();
        assertThat(attempts(policy -> policy.onReset().treatAsIdempotent("POST"), post, "http://a")
                        .repeatable())
                .isTrue();
        assertThat(attempts(RetryPolicy.Builder::onReset, request("REPORT"), "http://a")
                        .repeatable())
                .isFalse();
    }

    @Test
    void memory_is_asked_for_only_for_requests_that_may_be_made_again() {
        assertThat(attempts(RetryPolicy.Builder::onReset, request("PUT"), "http://a")
                        .replayBytes())
                .isEqualTo(64 * 1024);
        assertThat(attempts(RetryPolicy.Builder::onReset, request("POST"), "http://a")
                        .replayBytes())
                .isZero();
        assertThat(new Attempts(views(RetryPolicy.none(), "http://a"), request("PUT"), key -> null).replayBytes())
                .isZero();
    }

    @Test
    void the_number_of_retries_is_bounded_and_each_goes_where_none_was() {
        Attempts attempts = attempts(
                policy -> policy.onConnectFailure().maxRetries(3), request("GET"), "http://a", "http://b", "http://c");
        List<String> used = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Selection selection = attempts.select();
            used.add(selection.toString());
            long pause = attempts.afterFailure(selection, Failure.CONNECT_FAILED, false, true, FOREVER);
            selection.release();
            assertThat(pause).as("retry %d", i + 1).isGreaterThanOrEqualTo(i < 3 ? 0 : -1);
            assertThat(pause == -1).isEqualTo(i == 3);
        }
        assertThat(used.subList(0, 3)).doesNotHaveDuplicates();
    }

    @Test
    void after_a_connect_failure_another_endpoint_is_tried_at_once_and_the_same_after_a_pause() {
        Attempts two =
                attempts(policy -> policy.onConnectFailure().maxRetries(2), request("GET"), "http://a", "http://b");
        assertThat(two.afterFailure(two.select(), Failure.CONNECT_FAILED, false, true, FOREVER))
                .isZero();
        // Both have been tried now.
        assertThat(two.afterFailure(two.select(), Failure.CONNECT_FAILED, false, true, FOREVER))
                .isPositive();
    }

    @Test
    void the_pause_is_drawn_from_zero_to_a_bound_that_doubles() {
        long[] longest = new long[6];
        long[] shortest = {FOREVER, FOREVER, FOREVER, FOREVER, FOREVER, FOREVER};
        for (int round = 0; round < 2_000; round++) {
            Attempts attempts =
                    attempts(policy -> policy.onReset().maxRetries(6).withoutBudget(), request("GET"), "http://a");
            for (int retry = 0; retry < 6; retry++) {
                Selection selection = attempts.select();
                long pause = attempts.afterFailure(selection, Failure.RESET_BEFORE_HEAD, true, true, FOREVER);
                selection.release();
                longest[retry] = Math.max(longest[retry], pause);
                shortest[retry] = Math.min(shortest[retry], pause);
            }
        }
        long[] bounds = {25, 75, 175, 250, 250, 250};
        for (int retry = 0; retry < 6; retry++) {
            assertThat(longest[retry])
                    .as("retry %d", retry + 1)
                    .isBetween((long) (0.98 * bounds[retry] * MILLI), bounds[retry] * MILLI - 1);
            assertThat(shortest[retry]).isLessThan((long) (0.02 * bounds[retry] * MILLI));
        }
    }

    @Test
    void nothing_begins_after_the_deadline() {
        Attempts attempts = attempts(policy -> policy.onStatus(503), request("GET"), "http://a");
        Selection selection = attempts.select();
        assertThat(attempts.afterAnswer(selection, 503, -1, 100 * MILLI, true, 100 * MILLI))
                .isEqualTo(-1);
        assertThat(attempts.afterAnswer(selection, 503, -1, 100 * MILLI, true, 151 * MILLI))
                .isBetween(100 * MILLI, 150 * MILLI);
        Attempts late = attempts(RetryPolicy.Builder::onConnectFailure, request("GET"), "http://a", "http://b");
        assertThat(late.afterFailure(late.select(), Failure.CONNECT_FAILED, false, true, 0))
                .isEqualTo(-1);
    }

    @Test
    void the_budget_is_that_of_the_upstream_over_all_views_and_policies_and_what_is_not_used_returns() {
        UnaryOperator<RetryPolicy.Builder> policy = any -> any.onReset().budget(0.5, 0);
        Attempts a = attempts(policy, request("GET"), "http://a");
        Attempts b = attempts(policy, request("GET"), "http://b");
        // Two exchanges, one retry.
        assertThat(retried(a)).isTrue();
        assertThat(retried(b)).isFalse();
        // The client of a has left during the pause.
        a.end();
        assertThat(retried(b)).isTrue();
        // The retry of b has begun: it is spent.
        b.select().release();
        b.end();
        Attempts c = attempts(policy, request("GET"), "http://a");
        assertThat(retried(c)).isFalse();
        time.advance(Duration.ofSeconds(10));
        Attempts d = attempts(policy, request("GET"), "http://a");
        Attempts e = attempts(policy, request("GET"), "http://a");
        assertThat(retried(d)).isTrue();
        assertThat(retried(e)).isFalse();
    }

    @Test
    void a_retry_never_uses_an_endpoint_that_has_left_the_list() {
        Upstream config = upstream(
                RetryPolicy.builder().onReset().maxRetries(10).withoutBudget().build());
        ClusterView[] view = {cluster.view(config, List.of(Endpoint.of("http://a"), Endpoint.of("http://b")))};
        Attempts attempts = new Attempts(() -> view[0], request("GET"), key -> null);
        Selection first = attempts.select();
        view[0] = cluster.view(config, List.of(Endpoint.of("http://c")));
        assertThat(attempts.afterFailure(first, Failure.RESET_BEFORE_HEAD, true, true, FOREVER))
                .isNotNegative();
        assertThat(attempts.select()).hasToString("http://c");
    }

    @Test
    void a_hedge_goes_elsewhere_once_and_the_answer_that_wins_names_the_loser() {
        Supplier<ClusterView> views =
                hedging(Hedging.after(Duration.ofMillis(20)).share(1), "http://a", "http://b", "http://c");
        Attempts attempts = new Attempts(views, request("GET"), key -> null);
        Selection slow = attempts.select();
        assertThat(attempts.hedgeAfter()).isEqualTo(20 * MILLI);
        Selection hedge = attempts.selectHedge();
        assertThat(hedge.endpoint()).isNotSameAs(slow.endpoint());
        assertThat(attempts.selectHedge()).isNull();
        assertThat(attempts.hedgeAfter()).isEqualTo(-1);
        assertThat(attempts.won(hedge)).isSameAs(slow);
        assertThat(attempts.won(hedge)).isNull();
    }

    @Test
    void what_is_not_acceptable_waits_for_the_other_and_the_last_one_stands() {
        Supplier<ClusterView> views =
                hedging(Hedging.after(Duration.ofMillis(20)).share(1), "http://a", "http://b");
        Attempts attempts = new Attempts(views, request("GET"), key -> null);
        Selection one = attempts.select();
        Selection two = attempts.selectHedge();
        assertThat(attempts.judgesAnswers()).isTrue();
        assertThat(attempts.afterAnswer(two, 500, -1, -1, true, FOREVER)).isEqualTo(Attempts.OTHER_GOES_ON);
        assertThat(attempts.afterFailure(one, Failure.RESET_BEFORE_HEAD, true, true, FOREVER))
                .isEqualTo(-1);
        Attempts again = new Attempts(views, request("GET"), key -> null);
        Selection first = again.select();
        Selection second = again.selectHedge();
        assertThat(again.afterFailure(first, Failure.CONNECT_FAILED, false, true, FOREVER))
                .isEqualTo(Attempts.OTHER_GOES_ON);
        assertThat(again.afterAnswer(second, 200, -1, -1, true, FOREVER)).isEqualTo(-1);
        assertThat(again.won(second)).isNull();
    }

    @ParameterizedTest
    @CsvSource({"POST", "PUT", "DELETE", "PATCH"})
    void only_safe_requests_without_a_body_are_hedged(String method) {
        Supplier<ClusterView> views =
                hedging(Hedging.after(Duration.ofMillis(20)).share(1), "http://a", "http://b");
        Attempts attempts = new Attempts(views, request(method), key -> null);
        attempts.select();
        assertThat(attempts.hedgeAfter()).isEqualTo(-1);
        assertThat(attempts.selectHedge()).isNull();
        Attempts body = new Attempts(views, request("GET").withBody(dev.postern.Body.of("x")), key -> null);
        body.select();
        assertThat(body.hedgeAfter()).isEqualTo(-1);
    }

    @Test
    void hedges_are_kept_to_their_share_and_cost_nothing_when_there_is_nowhere_to_go() {
        Supplier<ClusterView> views =
                hedging(Hedging.after(Duration.ofMillis(20)).share(0.05), "http://a", "http://b");
        int hedges = 0;
        for (int i = 0; i < 1_000; i++) {
            Attempts attempts = new Attempts(views, request("GET"), key -> null);
            Selection one = attempts.select();
            Selection hedge = attempts.selectHedge();
            if (hedge != null) {
                hedges++;
                hedge.release();
            }
            one.release();
            attempts.end();
            time.advance(Duration.ofMillis(5));
        }
        assertThat(hedges).isEqualTo(50);
        Supplier<ClusterView> alone =
                hedging(Hedging.after(Duration.ofMillis(20)).share(1), "http://a");
        Attempts attempts = new Attempts(alone, request("GET"), key -> null);
        attempts.select();
        assertThat(attempts.selectHedge()).isNull();
        assertThat(alone.get().endpoints().get(0).inFlight()).isEqualTo(1);
    }

    @Test
    void a_percentile_is_known_after_five_seconds_and_a_hundred_answers() {
        Supplier<ClusterView> views = hedging(Hedging.afterPercentile(0.95), "http://a", "http://b");
        for (int i = 0; i < 210; i++) {
            Attempts attempts = new Attempts(views, request("GET"), key -> null);
            Selection selection = attempts.select();
            if (i < 200) {
                assertThat(attempts.hedgeAfter()).as("answer %s", i).isEqualTo(-1);
            }
            // 20 ms, and each tenth 40 ms.
            time.advance(Duration.ofMillis(i % 10 == 9 ? 40 : 20));
            selection.answered(200);
            selection.release();
            time.advance(Duration.ofMillis(3));
        }
        assertThat(new Attempts(views, request("GET"), key -> null).hedgeAfter())
                .isBetween(40 * MILLI, 43 * MILLI);
    }

    private Supplier<ClusterView> hedging(Hedging hedging, String... endpoints) {
        ClusterView view = cluster.view(
                Upstream.builder("orders").hedging(hedging).build(),
                java.util.Arrays.stream(endpoints).map(Endpoint::of).toList());
        return () -> view;
    }

    private static boolean retried(Attempts attempts) {
        Selection selection = attempts.select();
        long pause = attempts.afterFailure(selection, Failure.RESET_BEFORE_HEAD, true, true, FOREVER);
        selection.release();
        return pause >= 0;
    }

    private Attempts attempts(UnaryOperator<RetryPolicy.Builder> policy, Request request, String... endpoints) {
        return new Attempts(views(policy.apply(RetryPolicy.builder()).build(), endpoints), request, key -> null);
    }

    private Supplier<ClusterView> views(RetryPolicy policy, String... endpoints) {
        ClusterView view = cluster.view(
                upstream(policy),
                java.util.Arrays.stream(endpoints).map(Endpoint::of).toList());
        return () -> view;
    }

    private static Upstream upstream(RetryPolicy policy) {
        return Upstream.builder("orders").retry(policy).build();
    }

    private static Request request(String method) {
        return Request.of(method, "/");
    }
}
