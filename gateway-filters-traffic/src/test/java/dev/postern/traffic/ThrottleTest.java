package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The formula by its table, and the filter. */
class ThrottleTest {
    private static final Request GET = Request.get("/orders");
    private static final long SECOND = 1_000_000_000;

    private final List<String> logged = new ArrayList<>();
    private long now = 3;

    private Throttler throttler(double multiplier, int minimum, int most) {
        return new Throttler(
                new ThrottleRules(multiplier, Duration.ofSeconds(30), minimum, most),
                now,
                change -> logged.add(change.toString()));
    }

    private void calls(Throttler throttler, Priority priority, int requests, int accepts) {
        for (int i = 0; i < requests; i++) {
            throttler.ended(priority, i < accepts, now);
        }
    }

    @ParameterizedTest
    @CsvSource({
        // K, requests, accepts → (requests − K · accepts) / (requests + 1)
        "2, 0, 0, 0",
        "2, 1, 0, 0.5",
        "2, 1, 1, 0",
        "2, 9, 0, 0.9",
        "2, 99, 49, 0.01",
        "2, 100, 50, 0",
        "2, 100, 51, 0",
        "2, 100, 100, 0",
        "2, 99, 25, 0.49",
        "2, 99, 0, 0.99",
        "2, 999, 0, 0.99",
        "1.1, 99, 90, 0",
        "1.1, 99, 80, 0.11",
        "3, 99, 20, 0.39",
    })
    void the_rejected_share_is_that_of_the_formula(double multiplier, int requests, int accepts, double share) {
        Throttler throttler = throttler(multiplier, 1, 99);
        calls(throttler, Priority.NORMAL, requests, accepts);
        assertThat(throttler.share(Priority.NORMAL, now)).isCloseTo(share, offset(1e-9));
    }

    @ParameterizedTest
    @CsvSource({
        // requests of each priority, accepts of all → shares; p · 999 of 999 are to be rejected
        "333, 333, 333, 400, 0, 0, 0.597",
        "333, 333, 333, 300, 0, 0.397, 0.8",
        "333, 333, 333, 100, 0.797, 0.8, 0.8",
        "333, 333, 333, 0, 0.8, 0.8, 0.8",
        "999, 0, 0, 400, 0.199, 0, 0",
        "0, 999, 0, 400, 0, 0.199, 0",
        "0, 0, 999, 400, 0, 0, 0.199",
        "900, 90, 9, 400, 0.132891, 0.8, 0.8",
    })
    void the_least_important_are_rejected_first(
            int critical, int normal, int sheddable, int accepts, double c, double n, double s) {
        Throttler throttler = throttler(2, 20, 80);
        int left = accepts;
        int[] requests = {critical, normal, sheddable};
        for (Priority priority : Priority.values()) {
            int taken = Math.min(left, requests[priority.ordinal()]);
            calls(throttler, priority, requests[priority.ordinal()], taken);
            left -= taken;
        }
        assertThat(throttler.share(Priority.CRITICAL, now)).isCloseTo(c, offset(1e-6));
        assertThat(throttler.share(Priority.NORMAL, now)).isCloseTo(n, offset(1e-6));
        assertThat(throttler.share(Priority.SHEDDABLE, now)).isCloseTo(s, offset(1e-6));
    }

    @Test
    void below_the_minimum_nothing_is_rejected_and_never_more_than_the_bound() {
        Throttler throttler = throttler(2, 20, 80);
        calls(throttler, Priority.NORMAL, 19, 0);
        assertThat(throttler.admits(Priority.NORMAL, 0, now)).isTrue();
        calls(throttler, Priority.NORMAL, 1, 0);
        assertThat(throttler.admits(Priority.NORMAL, 0.7999, now)).isFalse();
        assertThat(throttler.admits(Priority.NORMAL, 0.8, now)).isTrue();
        assertThat(throttler.summary(now)).isEqualTo("rejects 80 % of normal");
        assertThat(throttler.rejected(Priority.NORMAL)).isEqualTo(1);
        assertThat(throttler.failed()).isEqualTo(20);
    }

    @Test
    void what_was_rejected_counts_as_wanted_and_all_is_forgotten_after_the_span() {
        Throttler throttler = throttler(2, 1, 99);
        calls(throttler, Priority.NORMAL, 9, 0);
        assertThat(throttler.admits(Priority.NORMAL, 0.89, now)).isFalse();
        assertThat(throttler.share(Priority.NORMAL, now)).isCloseTo(10 / 11.0, offset(1e-9));
        now += 30 * SECOND - 1;
        assertThat(throttler.share(Priority.NORMAL, now)).isPositive();
        assertThat(throttler.isIdle(now)).isFalse();
        now++;
        assertThat(throttler.share(Priority.NORMAL, now)).isZero();
        assertThat(throttler.isIdle(now)).isTrue();
        assertThat(throttler.summary(now)).isEqualTo("passes all");
        assertThat(logged).hasSize(1);
        assertThat(throttler.admits(Priority.NORMAL, 0, now)).isTrue();
        assertThat(logged)
                .containsExactly(
                        "Change[begun=true, refused=0, lasted=PT0S]", "Change[begun=false, refused=1, lasted=PT0S]");
    }

    /** Ten minutes of 1,000 requests a second to a service that accepts so many; how many it was sent in the last minute. */
    private double sentASecond(Throttler throttler, int accepts, int seconds, SplittableRandom random) {
        int sent = 0;
        for (int second = 0; second < seconds; second++) {
            int accepted = 0;
            for (int i = 0; i < 1000; i++) {
                now += SECOND / 1000;
                if (throttler.admits(Priority.NORMAL, random.nextDouble(), now)) {
                    throttler.ended(Priority.NORMAL, accepted++ < accepts, now);
                    sent += second >= seconds - 60 ? 1 : 0;
                }
            }
        }
        return sent / 60.0;
    }

    @Test
    void a_service_is_offered_twice_what_it_accepts_and_all_again_when_it_is_well() {
        Throttler throttler = throttler(2, 20, 80);
        SplittableRandom random = new SplittableRandom(5);
        assertThat(sentASecond(throttler, 1000, 120, random)).isEqualTo(1000);
        assertThat(sentASecond(throttler, 300, 600, random)).isBetween(570.0, 640.0);
        assertThat(sentASecond(throttler, 0, 600, random)).isBetween(190.0, 210.0);
        assertThat(sentASecond(throttler, 1000, 240, random)).isEqualTo(1000);
    }

    // ---- the filter

    private final ManualTime time = ManualTime.create();
    private final FakeServices services = new FakeServices(time);
    private Function<Request, CompletionStage<Response>> upstream =
            request -> CompletableFuture.completedFuture(Response.text(200, "ok"));

    private Throttle started(Throttle throttle) {
        assertThat(throttle.problems()).isEmpty();
        throttle.start(services).toCompletableFuture().join();
        return throttle;
    }

    private Throttlers shown(Throttle throttle) {
        return services.state(throttle.state().get(0), () -> {
            throw new AssertionError("not started");
        });
    }

    private CompletableFuture<Response> call(Throttle throttle, FakeExchange exchange) {
        return throttle.apply(
                        GET, FakeChain.answering(asked -> upstream.apply(asked)).within(exchange))
                .toCompletableFuture();
    }

    private FakeExchange exchange() {
        return new FakeExchange(time);
    }

    private void answers(int status) {
        upstream = request -> CompletableFuture.completedFuture(Response.of(status));
    }

    @Test
    void is_a_filter_of_a_route() {
        // @start region="smallest"
        Route orders = Route.builder("orders")
                .match(Match.prefix("/orders"))
                .filter(Throttle.named("orders"))
                .to("orders")
                .build();
        // @end region="smallest"
        assertThat(orders.filters()).containsExactly(Throttle.named("orders"));
        assertThat(orders.filters().get(0).name()).isEqualTo("throttle:orders");
        assertThat(orders.filters().get(0)).hasToString("throttle \"orders\" for each upstream");
    }

    @Test
    void a_service_that_fails_is_called_less_and_callers_are_told_at_once() {
        Throttle throttle = started(Throttle.named("orders"));
        Route orders = Route.builder("orders").to("orders").build();
        answers(503);
        int rejected = 0;
        for (int i = 0; i < 1000; i++) {
            FakeExchange exchange = exchange().route(orders);
            Response response = call(throttle, exchange).join();
            if (response.body() instanceof BufferedBody body && body.text().contains("\"code\":\"throttled\"")) {
                rejected++;
                assertThat(response.status()).isEqualTo(503);
                assertThat(response.header("Retry-After")).isIn("1", "2", "3");
                assertThat(exchange.waitingForEnd()).as("nothing is held").isZero();
            }
            exchange.end(503);
        }
        assertThat(rejected).isBetween(740, 820);
        assertThat(shown(throttle).summary()).isEqualTo("orders: rejects 80 % of normal; 0 pass all");
        assertThat(shown(throttle).gauges()).containsEntry("share_normal", 0.8).containsEntry("share_critical", 0.0);
        assertThat(shown(throttle).counters())
                .containsEntry("rejected_normal", (long) rejected)
                .containsEntry("failed", 1000L - rejected)
                .containsEntry("accepted", 0L);
        time.advance(Duration.ofSeconds(30));
        assertThat(shown(throttle).summary()).isEqualTo("1 pass all");
    }

    @Test
    void those_of_one_name_share_what_they_know_and_spare_what_matters() {
        // @start region="priorities"
        Throttle.Builder orders = Throttle.builder("orders").multiplier(1.5).last(Duration.ofSeconds(10));
        Throttle checkout = orders.priority(Priority.CRITICAL).build();
        Throttle exports = orders.priority(Priority.SHEDDABLE).build();
        // @end region="priorities"
        started(checkout);
        started(exports);
        assertThat(checkout).isNotEqualTo(exports);
        int[] accepted = {0};
        // It can do 60 of 100, and takes who comes first.
        upstream = request -> CompletableFuture.completedFuture(Response.of(accepted[0]++ < 60 ? 200 : 503));
        for (int i = 0; i < 5000; i++) {
            accepted[0] = i % 100 == 0 ? 0 : accepted[0];
            FakeExchange exchange = exchange();
            call(i % 2 == 0 ? checkout : exports, exchange).join();
            exchange.end(200);
        }
        assertThat(shown(checkout).counters()).containsEntry("rejected_critical", 0L);
        assertThat(shown(checkout).counters().get("rejected_sheddable")).isBetween(300L, 600L);
        checkout.stop();
        assertThatThrownBy(() -> call(checkout, exchange())).hasMessageContaining("is not started");
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void failures_are_judged_by_whose_doing_they_are(Failure failure) {
        Throttle throttle = started(Throttle.named("orders"));
        for (boolean before : new boolean[] {true, false}) {
            upstream = request -> before
                    ? new CompletableFuture<>()
                    : CompletableFuture.failedFuture(new GatewayException(failure, "rigged"));
            FakeExchange exchange = exchange();
            call(throttle, exchange);
            exchange.end(failure);
        }
        assertThat(shown(throttle).counters())
                .containsEntry("failed", failure.party() == Failure.Party.UPSTREAM ? 2L : 0L)
                .containsEntry("accepted", 0L);
    }

    @Test
    void a_call_is_judged_once_by_its_head() {
        Throttle throttle = started(Throttle.builder("orders")
                .perRoute()
                .failWhen("429", response -> response.status() == 429)
                .build());
        for (int status : new int[] {200, 404, 500, 429}) {
            answers(status);
            FakeExchange exchange = exchange();
            call(throttle, exchange).join();
            exchange.end(Failure.RESPONSE_BODY_BROKEN);
        }
        assertThat(shown(throttle).counters()).containsEntry("accepted", 3L).containsEntry("failed", 1L);
        assertThat(throttle).hasToString("throttle \"orders\" for each route");

        Throttle broken = started(Throttle.builder("broken")
                .failWhen("broken", response -> {
                    throw new IllegalStateException("oops");
                })
                .build());
        FakeExchange exchange = exchange();
        assertThatThrownBy(() -> call(broken, exchange).join()).hasRootCauseMessage("oops");
        exchange.end(500);
        assertThat(shown(broken).counters()).containsEntry("accepted", 0L).containsEntry("failed", 0L);
    }

    @Test
    void options_are_checked_and_make_it_equal() {
        assertThat(Throttle.named(" ").problems())
                .containsExactly("name is missing (expected: Throttle.builder(\"…\"))");
        assertThat(Throttle.named(" ").state()).isEmpty();
        assertThat(Throttle.named(" ").start(services).toCompletableFuture()).isCompletedExceptionally();
        Throttle.Builder builder = Throttle.builder("a");
        assertThatThrownBy(() -> builder.multiplier(1)).hasMessage("multiplier: 1.0 (expected: 1.1 to 10)");
        assertThatThrownBy(() -> builder.multiplier(Double.NaN)).hasMessageStartingWith("multiplier: NaN");
        assertThatThrownBy(() -> builder.last(Duration.ZERO)).hasMessage("last: PT0S (expected: PT1S to PT1H)");
        assertThatThrownBy(() -> builder.last(Duration.ofHours(2))).hasMessageStartingWith("last: PT2H");
        assertThatThrownBy(() -> builder.minimumCalls(0)).hasMessageStartingWith("minimumCalls: 0");
        assertThatThrownBy(() -> builder.atMostPercent(100)).hasMessage("atMostPercent: 100 (expected: 1 to 99)");
        assertThat(builder.minimumCalls(5).atMostPercent(90).build())
                .isEqualTo(
                        Throttle.builder("a").minimumCalls(5).atMostPercent(90).build())
                .hasSameHashCodeAs(
                        Throttle.builder("a").minimumCalls(5).atMostPercent(90).build())
                .isNotEqualTo(Throttle.named("a"));
        Throttle started = started(Throttle.named("a"));
        assertThat(started.start(new FakeServices(time)).toCompletableFuture()).isCompletedExceptionally();
    }

    @Test
    void keeps_the_contract_of_filters() {
        FilterContract.check(
                Throttle.named("plain"),
                Throttle.builder("tight")
                        .minimumCalls(1)
                        .atMostPercent(99)
                        .perRoute()
                        .priority("p", (request, exchange) -> Priority.SHEDDABLE)
                        .build());
    }
}
