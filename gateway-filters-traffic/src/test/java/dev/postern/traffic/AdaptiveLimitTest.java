package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
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
import org.junit.jupiter.params.provider.ValueSource;

/** What the algorithms say, when the finder measures, and which calls of a filter it hears of. */
class AdaptiveLimitTest {
    private static final long MS = 1_000_000;

    private long now = 5;

    private LimitFinder finder(AdaptiveLimit rules) {
        return new LimitFinder(rules, new SplittableRandom(1), now);
    }

    @ParameterizedTest
    @CsvSource({
        // limit, without load, now → next: a fifth of the way to limit · g + √(limit · g), g = 1.25 · without / now
        "100, 100, 125, 102.0",
        "100, 100, 100, 107.24",
        "100, 100, 250, 91.41",
        "100, 100, 251, 91.41",
        "100, 100, 9999, 91.41",
        "100, 100, 62.5, 122.83",
        "100, 100, 10, 122.83",
        "25, 100, 156.25, 24.89",
        "1, 100, 125, 1.2",
    })
    void the_gradient_scales_by_how_much_longer_calls_take(double limit, double unloaded, double time, double next) {
        assertThat(LimitAlgorithm.GRADIENT.next(limit, unloaded, time))
                .isCloseTo(next, org.assertj.core.data.Offset.offset(0.01));
    }

    @ParameterizedTest
    @CsvSource({
        // limit, without load, now → next. Up to 99 the step is 1: queue 1, 2, 3, 6, 7
        "20, 100, 100, 26",
        "20, 100, 105, 26",
        "20, 100, 110, 21",
        "20, 95, 112, 20",
        "20, 71, 100, 20",
        "20, 65, 100, 19",
        "20, 100, 50, 26",
        // From 100 on it is 2: queue 2, 5, 6, 12, 13
        "100, 98.5, 100, 112",
        "100, 95.5, 100, 102",
        "100, 94.5, 100, 100",
        "100, 88.5, 100, 100",
        "100, 87.5, 100, 98",
        "9, 100, 10000, 8",
    })
    void vegas_keeps_the_queue_short(double limit, double unloaded, double time, double next) {
        assertThat(LimitAlgorithm.VEGAS.next(limit, unloaded, time)).isEqualTo(next);
    }

    /** A span of calls that all take so long, with so many under way. */
    private void span(LimitFinder finder, long nanos, int inFlight) {
        now += LimitFinder.SPAN_NANOS;
        finder.admitted(inFlight, now);
        for (int i = 0; i < LimitFinder.SPAN_CALLS; i++) {
            finder.add(nanos, false, inFlight, now);
        }
    }

    @Test
    void a_span_is_a_tenth_of_a_second_and_ten_calls_and_its_median_counts() {
        LimitFinder finder = finder(AdaptiveLimit.gradient());
        assertThat(finder.limit()).isEqualTo(20);
        finder.admitted(20, now);
        for (int i = 0; i < 50; i++) {
            assertThat(finder.add(100 * MS, false, 20, now + LimitFinder.SPAN_NANOS - 1))
                    .isFalse();
        }
        assertThat(finder.add(100 * MS, false, 20, now + LimitFinder.SPAN_NANOS))
                .isTrue();
        assertThat(finder.unloadedNanos()).isEqualTo(100 * MS);
        assertThat(finder.limit()).isEqualTo(22);
        // Fewer than ten calls say nothing, however long it takes; a few slow ones say nothing about the others.
        now += 100 * LimitFinder.SPAN_NANOS;
        for (int i = 0; i < 9; i++) {
            assertThat(finder.add(i < 4 ? 9000 * MS : 100 * MS, false, 20, now)).isFalse();
        }
        int before = finder.limit();
        assertThat(finder.add(100 * MS, false, 20, now)).isTrue();
        assertThat(finder.limit()).isGreaterThan(before);
    }

    @Test
    void a_limit_that_is_not_used_stays_as_it_is() {
        LimitFinder finder = finder(AdaptiveLimit.gradient());
        span(finder, 100 * MS, 9);
        assertThat(finder.limit()).isEqualTo(20);
        span(finder, 900 * MS, 9);
        assertThat(finder.limit()).isEqualTo(20);
        span(finder, 100 * MS, 10);
        assertThat(finder.limit()).isEqualTo(22);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gradient", "vegas"})
    void never_leaves_its_bounds(String which) {
        AdaptiveLimit rules = (which.equals("vegas") ? AdaptiveLimit.vegas() : AdaptiveLimit.gradient()).between(7, 40);
        LimitFinder finder = finder(rules);
        SplittableRandom random = new SplittableRandom(3);
        boolean low = false;
        boolean high = false;
        for (int i = 0; i < 20_000; i++) {
            // Phases of fast and of slow calls, so that both bounds are met.
            long nanos = (long) (100 * MS * ((i / 50) % 2 == 0 ? 1 : 10) * (0.8 + 0.4 * random.nextDouble()));
            span(finder, nanos, 40);
            assertThat(finder.limit()).isBetween(7, 40);
            assertThat(finder.limitForOthers()).isBetween(7, 40);
            low |= finder.limit() == 7;
            high |= finder.limit() == 40;
        }
        assertThat(low && high).as("both bounds were met").isTrue();
    }

    @Test
    void measures_after_ten_seconds_and_then_about_each_minute() {
        LimitFinder finder = finder(AdaptiveLimit.gradient());
        long start = now;
        span(finder, 100 * MS, 20);
        now = start + LimitFinder.FIRST_MEASURE_NANOS - 1;
        finder.admitted(20, now);
        assertThat(finder.isMeasuring()).isFalse();
        now++;
        finder.admitted(20, now);
        assertThat(finder.isMeasuring()).isTrue();
        assertThat(finder.limitForOthers()).isEqualTo(5);
        assertThat(finder.limit()).as("of critical calls").isEqualTo(22);

        // Calls that were begun under load do not count: not while many are under way, nor later.
        for (int i = 0; i < 100; i++) {
            assertThat(finder.add(300 * MS, false, 6, now + 1)).isFalse();
        }
        now += 100 * MS;
        assertThat(finder.add(300 * MS, false, 5, now)).as("now few are left").isFalse();
        for (int i = 0; i < 100; i++) {
            assertThat(finder.add(80 * MS, false, 5, now + 80 * MS - 1)).isFalse();
        }
        for (int i = 1; i < LimitFinder.MEASURED_CALLS; i++) {
            assertThat(finder.add(80 * MS, false, 5, now + 80 * MS)).isFalse();
        }
        assertThat(finder.add(80 * MS, false, 5, now + 80 * MS)).isTrue();
        assertThat(finder.isMeasuring()).isFalse();
        assertThat(finder.unloadedNanos()).isEqualTo(80 * MS);

        long ended = now + 80 * MS;
        now = ended + 51_000 * MS - 1;
        finder.admitted(20, now);
        assertThat(finder.isMeasuring()).as("a minute less 15 %").isFalse();
        now = ended + 69_000 * MS;
        finder.admitted(20, now);
        assertThat(finder.isMeasuring()).as("a minute and 15 %").isTrue();
    }

    @Test
    void gives_up_measuring_when_calls_hang() {
        LimitFinder finder = finder(AdaptiveLimit.gradient());
        span(finder, 50 * MS, 20);
        now += LimitFinder.FIRST_MEASURE_NANOS;
        finder.admitted(20, now);
        assertThat(finder.gaveUp(now + 999 * MS)).isFalse();
        assertThat(finder.isMeasuring()).isTrue();
        assertThat(finder.gaveUp(now + 1000 * MS)).isTrue();
        assertThat(finder.isMeasuring()).isFalse();
        assertThat(finder.unloadedNanos()).as("what was known stays").isEqualTo(50 * MS);
    }

    @Test
    void clearly_shorter_times_are_believed_at_once_and_longer_ones_only_when_measured() {
        LimitFinder finder = finder(AdaptiveLimit.vegas());
        span(finder, 100 * MS, 20);
        span(finder, 75 * MS, 20);
        assertThat(finder.unloadedNanos()).isEqualTo(100 * MS);
        span(finder, 74 * MS, 20);
        assertThat(finder.unloadedNanos()).isEqualTo(74 * MS);
        span(finder, 500 * MS, 20);
        assertThat(finder.unloadedNanos()).isEqualTo(74 * MS);
    }

    @Test
    void calls_that_were_left_count_when_they_had_taken_long_already() {
        LimitFinder finder = finder(AdaptiveLimit.gradient());
        for (boolean known : new boolean[] {false, true}) {
            now += LimitFinder.SPAN_NANOS;
            for (int i = 0; i < 2 * LimitFinder.SPAN_CALLS; i++) {
                assertThat(finder.add(100 * MS, true, 20, now)).isFalse();
            }
            if (!known) {
                span(finder, 100 * MS, 20);
            }
        }
        assertThat(finder.limit()).isEqualTo(22);
        finder.admitted(22, now);
        for (int i = 0; i < LimitFinder.SPAN_CALLS; i++) {
            finder.add(2000 * MS, true, 20, now);
        }
        assertThat(finder.limit()).isEqualTo(20);
    }

    // ---- the filter

    private final ManualTime time = ManualTime.create();
    private final FakeServices services = new FakeServices(time);
    private Function<Request, CompletionStage<Response>> upstream =
            request -> CompletableFuture.completedFuture(Response.text(200, "ok"));

    private ConcurrencyLimit started(ConcurrencyLimit limit) {
        limit.start(services).toCompletableFuture().join();
        return limit;
    }

    private Bulkheads shown(ConcurrencyLimit limit) {
        return services.state(limit.state().get(0), () -> {
            throw new AssertionError("not started");
        });
    }

    private CompletableFuture<Response> call(ConcurrencyLimit limit, FakeExchange exchange) {
        return limit.apply(
                        Request.get("/"),
                        FakeChain.answering(asked -> upstream.apply(asked)).within(exchange))
                .toCompletableFuture();
    }

    private static ConcurrencyLimit adaptive() {
        // @start region="adaptive"
        ConcurrencyLimit orders = ConcurrencyLimit.builder("orders")
                .adaptive(AdaptiveLimit.gradient().between(5, 300))
                .queue(20, Duration.ofMillis(50))
                .build();
        // @end region="adaptive"
        return orders;
    }

    /** Waves of as many calls as there are places, each of which takes so long. */
    private void waves(ConcurrencyLimit limit, int count, Duration each) {
        for (int i = 0; i < count; i++) {
            int places = shown(limit).gauges().get("limit").intValue();
            places = places == 0 ? 20 : places;
            List<CompletableFuture<Response>> answers = new ArrayList<>();
            upstream = request -> {
                CompletableFuture<Response> answer = new CompletableFuture<>();
                answers.add(answer);
                return answer;
            };
            List<FakeExchange> exchanges = new ArrayList<>();
            for (int n = 0; n < places; n++) {
                FakeExchange exchange = new FakeExchange(time);
                call(limit, exchange);
                exchanges.add(exchange);
            }
            time.advance(each);
            answers.forEach(answer -> answer.complete(Response.of(200)));
            exchanges.forEach(exchange -> exchange.end(200));
        }
    }

    @Test
    void grows_while_calls_are_quick_and_shrinks_while_they_are_slow() {
        ConcurrencyLimit limit = started(adaptive());
        assertThat(limit)
                .hasToString("concurrency limit \"orders\": adaptive (gradient, 5 to 300), 20 more wait up to PT0.05S");
        waves(limit, 20, Duration.ofMillis(100));
        assertThat(shown(limit).gauges().get("limit")).isGreaterThan(50);
        assertThat(shown(limit).gauges()).containsEntry("unloaded_seconds", 0.1);
        waves(limit, 30, Duration.ofSeconds(1));
        assertThat(shown(limit).gauges().get("limit")).isLessThan(20);
        assertThat(shown(limit).summary()).contains("0 of ").contains("calls take PT0.1S without load");
    }

    @ParameterizedTest
    @CsvSource({
        "200, true",
        "404, true",
        "499, true",
        "500, false",
        "503, false",
    })
    void failures_say_nothing_about_time(int status, boolean counts) {
        ConcurrencyLimit limit = started(adaptive());
        upstream = request -> CompletableFuture.completedFuture(Response.of(status));
        ends(limit, exchange -> exchange.end(status));
        assertThat(shown(limit).gauges().get("unloaded_seconds") > 0).isEqualTo(counts);
    }

    @ParameterizedTest
    @CsvSource({
        "FIRST_BYTE_TIMEOUT, true",
        "DEADLINE_EXCEEDED, true",
        "CLIENT_GONE, false",
        "CONNECT_FAILED, false",
        "CONNECT_TIMEOUT, false",
        "FILTER_FAILED, false",
        "REQUEST_BODY_TIMEOUT, false",
    })
    void time_outs_say_that_it_took_long(Failure failure, boolean counts) {
        for (boolean before : new boolean[] {false, true}) {
            ConcurrencyLimit limit = started(ConcurrencyLimit.builder("cut" + before)
                    .adaptive(AdaptiveLimit.vegas())
                    .build());
            upstream = request -> before
                    ? new CompletableFuture<>()
                    : CompletableFuture.failedFuture(new GatewayException(failure, "rigged"));
            ends(limit, exchange -> exchange.end(failure));
            assertThat(shown(limit).gauges().get("unloaded_seconds") > 0).isEqualTo(counts);
        }
    }

    private void ends(ConcurrencyLimit limit, java.util.function.Consumer<FakeExchange> how) {
        time.advance(Duration.ofMillis(1));
        List<FakeExchange> exchanges = new ArrayList<>();
        Function<Request, CompletionStage<Response>> result = upstream;
        List<CompletableFuture<Response>> answers = new ArrayList<>();
        upstream = request -> {
            CompletableFuture<Response> answer = new CompletableFuture<>();
            answers.add(answer);
            return answer;
        };
        for (int i = 0; i < LimitFinder.SPAN_CALLS; i++) {
            exchanges.add(new FakeExchange(time));
            call(limit, exchanges.get(i));
        }
        time.advance(Duration.ofMillis(200));
        answers.forEach(answer -> result.apply(Request.get("/")).whenComplete((response, failed) -> {
            if (failed != null) {
                answer.completeExceptionally(failed);
            } else {
                answer.complete(response);
            }
        }));
        exchanges.forEach(how);
    }

    @Test
    void values_and_bounds() {
        assertThat(AdaptiveLimit.gradient())
                .isEqualTo(AdaptiveLimit.gradient().between(5, 200))
                .hasSameHashCodeAs(AdaptiveLimit.gradient())
                .isNotEqualTo(AdaptiveLimit.vegas())
                .isNotEqualTo(AdaptiveLimit.gradient().between(5, 201))
                .hasToString("gradient, 5 to 200");
        assertThat(AdaptiveLimit.vegas().between(1, 3).begin()).isEqualTo(3);
        assertThat(AdaptiveLimit.vegas().between(50, 60).begin()).isEqualTo(50);
        assertThatThrownBy(() -> AdaptiveLimit.vegas().between(0, 3))
                .hasMessage("between: 0, 3 (expected: 1 <= min <= max <= 100000)");
        assertThatThrownBy(() -> AdaptiveLimit.vegas().between(4, 3)).hasMessageStartingWith("between: 4, 3");
        assertThatThrownBy(() -> AdaptiveLimit.vegas().between(4, 100_001)).hasMessageStartingWith("between: 4");
        ConcurrencyLimit.Builder builder = ConcurrencyLimit.builder("a").atMost(7);
        assertThat(builder.build().state())
                .isNotEqualTo(builder.adaptive(AdaptiveLimit.vegas()).build().state());
        assertThat(builder.build()).hasToString("concurrency limit \"a\": adaptive (vegas, 5 to 200)");
        assertThat(builder.atMost(9).build()).hasToString("concurrency limit \"a\": 9 at once");
    }

    @Test
    void keeps_the_contract_of_filters() {
        FilterContract.check(
                adaptive(),
                ConcurrencyLimit.builder("vegas")
                        .adaptive(AdaptiveLimit.vegas().between(1, 2))
                        .perUpstream()
                        .build());
    }
}
