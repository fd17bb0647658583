package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ConcurrencyLimitTest {
    private static final Request GET = Request.get("/orders");

    private final ManualTime time = ManualTime.create();
    private final FakeServices services = new FakeServices(time);
    private final List<String> reached = new ArrayList<>();
    private Function<Request, CompletionStage<Response>> upstream =
            request -> CompletableFuture.completedFuture(Response.text(200, "ok"));

    private ConcurrencyLimit started(ConcurrencyLimit limit) {
        assertThat(limit.problems()).isEmpty();
        limit.start(services).toCompletableFuture().join();
        return limit;
    }

    private static ConcurrencyLimit.Builder limit(int exchanges) {
        return ConcurrencyLimit.builder("orders").atMost(exchanges);
    }

    private Bulkheads shown(ConcurrencyLimit limit) {
        return services.state(limit.state().get(0), () -> {
            throw new AssertionError("not started");
        });
    }

    private String state(ConcurrencyLimit limit) {
        return shown(limit).summary();
    }

    private FakeExchange exchange() {
        return new FakeExchange(time);
    }

    private CompletableFuture<Response> call(ConcurrencyLimit limit, FakeExchange exchange) {
        return call(limit, exchange, GET);
    }

    private CompletableFuture<Response> call(ConcurrencyLimit limit, FakeExchange exchange, Request request) {
        return limit.apply(
                        request,
                        FakeChain.answering(asked -> {
                                    reached.add(asked.path());
                                    return upstream.apply(asked);
                                })
                                .within(exchange))
                .toCompletableFuture();
    }

    @Test
    void is_a_filter_of_a_route() {
        // @start region="smallest"
        Route orders = Route.builder("orders")
                .match(Match.prefix("/orders"))
                .filter(ConcurrencyLimit.builder("orders").atMost(100).build())
                .to("orders")
                .build();
        // @end region="smallest"
        assertThat(orders.filters())
                .containsExactly(ConcurrencyLimit.builder("orders").atMost(100).build());
        assertThat(orders.filters().get(0).name()).isEqualTo("concurrency-limit:orders");
        assertThat(orders.filters().get(0)).hasToString("concurrency limit \"orders\": 100 at once");
    }

    @Test
    void a_place_is_held_until_the_exchange_ends_and_who_finds_none_gets_503() {
        ConcurrencyLimit limit = started(limit(2).build());
        FakeExchange first = exchange();
        FakeExchange second = exchange();
        assertThat(call(limit, first).join().status()).isEqualTo(200);
        assertThat(call(limit, second).join().status()).isEqualTo(200);
        assertThat(state(limit)).isEqualTo("2 of 2 under way, 0 waiting");

        Response refused = call(limit, exchange()).join();
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isIn("1", "2", "3");
        assertThat(((BufferedBody) refused.body()).text()).contains("\"code\":\"concurrency_limited\"");
        assertThat(reached).hasSize(2);

        first.end(200);
        assertThat(call(limit, exchange()).join().status()).isEqualTo(200);
        assertThat(shown(limit).counters())
                .containsEntry("admitted", 3L)
                .containsEntry("queued", 0L)
                .containsEntry("refused_normal", 1L)
                .containsEntry("refused_critical", 0L);
        assertThat(shown(limit).gauges())
                .containsEntry("limit", 2.0)
                .containsEntry("in_flight", 2.0)
                .containsEntry("waiting", 0.0);
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void a_place_comes_back_however_the_exchange_ends(Failure failure) {
        ConcurrencyLimit limit = started(limit(1).build());
        upstream = request -> new CompletableFuture<>();
        for (int i = 0; i < 5; i++) {
            FakeExchange exchange = exchange();
            assertThat(call(limit, exchange)).isNotDone();
            exchange.end(failure);
        }
        assertThat(reached).hasSize(5);
        assertThat(state(limit)).isEqualTo("0 of 1 under way, 0 waiting");
    }

    @Test
    void a_place_comes_back_when_what_is_behind_throws() {
        ConcurrencyLimit limit = started(limit(1).build());
        upstream = request -> {
            throw new IllegalStateException("a filter behind");
        };
        for (int i = 0; i < 3; i++) {
            FakeExchange exchange = exchange();
            assertThatThrownBy(() -> call(limit, exchange)).hasMessage("a filter behind");
            exchange.end(500);
        }
        assertThat(state(limit)).isEqualTo("0 of 1 under way, 0 waiting");
    }

    @Test
    void some_wait_for_a_place_and_get_it_in_order() {
        ConcurrencyLimit limit = started(
                // @start region="queue"
                ConcurrencyLimit.builder("reports")
                        .atMost(2)
                        .queue(10, Duration.ofMillis(200))
                        .build()
                // @end region="queue"
                );
        FakeExchange first = exchange();
        FakeExchange second = exchange();
        call(limit, first);
        call(limit, second);
        CompletableFuture<Response> third = call(limit, exchange(), Request.get("/third"));
        CompletableFuture<Response> fourth = call(limit, exchange(), Request.get("/fourth"));
        assertThat(third).isNotDone();
        assertThat(state(limit)).isEqualTo("2 of 2 under way, 2 waiting");
        first.end(200);
        assertThat(third.join().status()).isEqualTo(200);
        assertThat(fourth).isNotDone();
        second.end(Failure.CLIENT_GONE);
        assertThat(fourth.join().status()).isEqualTo(200);
        assertThat(reached).containsExactly("/orders", "/orders", "/third", "/fourth");
    }

    @Test
    void who_has_waited_for_long_enough_is_refused() {
        ConcurrencyLimit limit =
                started(limit(1).queue(10, Duration.ofMillis(200)).build());
        call(limit, exchange());
        CompletableFuture<Response> waits = call(limit, exchange());
        time.advance(Duration.ofMillis(199));
        CompletableFuture<Response> later = call(limit, exchange());
        assertThat(waits).isNotDone();
        time.advance(Duration.ofMillis(1));
        assertThat(waits.join().status()).isEqualTo(503);
        assertThat(later).isNotDone();
        assertThat(state(limit)).isEqualTo("1 of 1 under way, 1 waiting");
    }

    @Test
    void nobody_waits_for_more_than_half_of_the_deadline() {
        ConcurrencyLimit limit =
                started(limit(1).queue(10, Duration.ofSeconds(20)).build());
        call(limit, exchange());
        CompletableFuture<Response> waits = call(limit, exchange().deadline(Duration.ofSeconds(8)));
        time.advance(Duration.ofMillis(3999));
        assertThat(waits).isNotDone();
        time.advance(Duration.ofMillis(1));
        assertThat(waits.join().status()).isEqualTo(503);
    }

    @Test
    void who_leaves_while_waiting_takes_no_place_and_is_not_sent_on() {
        ConcurrencyLimit limit =
                started(limit(1).queue(10, Duration.ofSeconds(1)).build());
        FakeExchange first = exchange();
        call(limit, first);
        FakeExchange gone = exchange();
        CompletableFuture<Response> left = call(limit, gone);
        gone.end(Failure.CLIENT_GONE);
        assertThat(left)
                .failsWithin(Duration.ZERO)
                .withThrowableOfType(java.util.concurrent.ExecutionException.class)
                .withCauseInstanceOf(GatewayException.class);
        assertThat(state(limit)).isEqualTo("1 of 1 under way, 0 waiting");
        first.end(200);
        assertThat(reached).hasSize(1);
        assertThat(state(limit)).isEqualTo("0 of 1 under way, 0 waiting");
    }

    @Test
    void an_exchange_that_comes_again_keeps_the_place_it_has() {
        ConcurrencyLimit limit = started(limit(1).build());
        // Another object of the same name, such as one on the route behind one for all routes.
        ConcurrencyLimit same = started(limit(1).priority(Priority.CRITICAL).build());
        FakeExchange exchange = exchange();
        assertThat(call(limit, exchange).join().status()).isEqualTo(200);
        assertThat(call(limit, exchange).join().status()).isEqualTo(200);
        assertThat(call(same, exchange).join().status()).isEqualTo(200);
        assertThat(state(limit)).isEqualTo("1 of 1 under way, 0 waiting");
        exchange.end(200);
        assertThat(state(limit)).isEqualTo("0 of 1 under way, 0 waiting");
    }

    @Test
    void an_exchange_that_comes_again_while_it_waits_does_not_slip_past() {
        ConcurrencyLimit limit =
                started(limit(1).queue(10, Duration.ofSeconds(1)).build());
        FakeExchange first = exchange();
        call(limit, first);
        FakeExchange twice = exchange();
        CompletableFuture<Response> one = call(limit, twice);
        CompletableFuture<Response> two = call(limit, twice);
        assertThat(state(limit)).isEqualTo("1 of 1 under way, 1 waiting");
        assertThat(reached).hasSize(1);
        first.end(200);
        assertThat(one.join().status()).isEqualTo(200);
        assertThat(two.join().status()).isEqualTo(200);
        assertThat(state(limit)).isEqualTo("1 of 1 under way, 0 waiting");
    }

    @Test
    void an_exchange_that_was_refused_may_try_again() {
        ConcurrencyLimit limit = started(limit(1).build());
        FakeExchange first = exchange();
        call(limit, first);
        FakeExchange again = exchange();
        assertThat(call(limit, again).join().status()).isEqualTo(503);
        first.end(200);
        assertThat(call(limit, again).join().status()).isEqualTo(200);
        again.end(200);
        assertThat(state(limit)).isEqualTo("0 of 1 under way, 0 waiting");
    }

    @Test
    void routes_share_a_limit_and_matter_more_or_less() {
        // @start region="priorities"
        ConcurrencyLimit.Builder orders = ConcurrencyLimit.builder("orders")
                .atMost(100)
                .queue(20, Duration.ofMillis(100))
                .reserveForCritical(10);
        ConcurrencyLimit checkout = orders.priority(Priority.CRITICAL).build();
        ConcurrencyLimit browsing = orders.priority(Priority.NORMAL).build();
        ConcurrencyLimit exports = orders.priority(Priority.SHEDDABLE).build();
        // @end region="priorities"
        List.of(checkout, browsing, exports).forEach(this::started);
        assertThat(checkout).isNotEqualTo(browsing);
        assertThat(checkout.state()).isEqualTo(exports.state());
        assertThat(checkout)
                .hasToString("concurrency limit \"orders\": 100 at once, 20 more wait up to PT0.1S,"
                        + " 10 % kept for critical ones");
        upstream = request -> new CompletableFuture<>();
        for (int i = 0; i < 90; i++) {
            call(browsing, exchange());
        }
        List<CompletableFuture<Response>> waiting = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            waiting.add(call(exports, exchange()));
        }
        assertThat(state(browsing)).isEqualTo("90 of 100 under way, 20 waiting");
        assertThat(call(exports, exchange()).join().status()).isEqualTo(503);
        for (int i = 0; i < 10; i++) {
            call(checkout, exchange());
        }
        assertThat(state(browsing)).isEqualTo("100 of 100 under way, 20 waiting");
        // One that matters more takes the place in line of the one that came last.
        assertThat(call(browsing, exchange())).isNotDone();
        assertThat(waiting.get(19).join().status()).isEqualTo(503);
        assertThat(waiting.get(18)).isNotDone();
        assertThat(shown(checkout).counters())
                .containsEntry("refused_sheddable", 2L)
                .containsEntry("refused_normal", 0L)
                .containsEntry("refused_critical", 0L);
    }

    @Test
    void requests_of_one_route_may_matter_differently() {
        ConcurrencyLimit limit = started(
                // @start region="requests"
                ConcurrencyLimit.builder("api")
                        .atMost(50)
                        .queue(10, Duration.ofMillis(100))
                        .priority(
                                "writes first",
                                (request, exchange) ->
                                        request.method().equals("GET") ? Priority.NORMAL : Priority.CRITICAL)
                        .build()
                // @end region="requests"
                );
        List<FakeExchange> held = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            held.add(exchange());
            call(limit, held.get(i));
        }
        CompletableFuture<Response> read = call(limit, exchange());
        CompletableFuture<Response> write = call(limit, exchange(), Request.of("POST", "/orders"));
        held.get(0).end(200);
        assertThat(write).isCompleted();
        assertThat(read).isNotDone();

        ConcurrencyLimit broken = started(ConcurrencyLimit.builder("broken")
                .atMost(1)
                .priority("none", (request, exchange) -> null)
                .build());
        assertThatThrownBy(() -> call(broken, exchange())).hasMessage("priority none returned null");
        assertThat(shown(broken).summary()).isEqualTo("nothing under way");
    }

    @Test
    void one_for_each_route_or_upstream() {
        Route a = Route.builder("a").to("shared").build();
        Route b = Route.builder("b").to("shared").build();
        ConcurrencyLimit perRoute = started(limit(1).perRoute().build());
        assertThat(call(perRoute, exchange().route(a)).join().status()).isEqualTo(200);
        assertThat(call(perRoute, exchange().route(b)).join().status()).isEqualTo(200);
        assertThat(call(perRoute, exchange().route(b)).join().status()).isEqualTo(503);
        assertThat(state(perRoute)).isEqualTo("a: 1 of 1 under way, 0 waiting; b: 1 of 1 under way, 0 waiting");

        ConcurrencyLimit perUpstream = started(
                // @start region="upstreams"
                ConcurrencyLimit.builder("upstreams").atMost(1).perUpstream().build()
                // @end region="upstreams"
                );
        assertThat(perUpstream).hasToString("concurrency limit \"upstreams\": 1 at once for each upstream");
        assertThat(call(perUpstream, exchange().route(a)).join().status()).isEqualTo(200);
        assertThat(call(perUpstream, exchange().route(b)).join().status()).isEqualTo(503);
        assertThat(shown(perUpstream).gauges()).containsEntry("in_flight", 1.0);
    }

    @Test
    void those_of_one_name_are_one_and_keep_their_places() {
        ConcurrencyLimit first = started(limit(1).build());
        FakeExchange held = exchange();
        call(first, held);
        ConcurrencyLimit second = started(limit(1).priority(Priority.SHEDDABLE).build());
        assertThat(call(second, exchange()).join().status()).isEqualTo(503);
        first.stop();
        assertThatThrownBy(() -> call(first, exchange())).hasMessageContaining("is not started");
        held.end(200);
        assertThat(call(second, exchange()).join().status()).isEqualTo(200);
        assertThat(limit(2).build().state()).isNotEqualTo(first.state());
    }

    @Test
    void an_object_belongs_to_one_gateway() {
        ConcurrencyLimit limit = started(limit(1).build());
        assertThat(limit.start(new FakeServices(time)).toCompletableFuture()).isCompletedExceptionally();
    }

    @Test
    void problems_are_told_with_the_cure() {
        ConcurrencyLimit wrong = ConcurrencyLimit.builder(" ").build();
        assertThat(wrong.problems())
                .containsExactly(
                        "name is missing (expected: ConcurrencyLimit.builder(\"…\"))",
                        "no limit is set (expected: atMost(exchanges) or adaptive(AdaptiveLimit.gradient()))");
        assertThat(wrong.state()).isEmpty();
        assertThat(wrong.start(services).toCompletableFuture()).isCompletedExceptionally();
    }

    @Test
    void values_out_of_range_are_refused_at_once() {
        ConcurrencyLimit.Builder builder = ConcurrencyLimit.builder("a");
        assertThatThrownBy(() -> builder.atMost(0)).hasMessage("atMost: 0 (expected: 1 to 100000)");
        assertThatThrownBy(() -> builder.queue(0, Duration.ofSeconds(1))).hasMessage("queue: 0 (expected: 1 to 10000)");
        assertThatThrownBy(() -> builder.queue(1, Duration.ZERO))
                .hasMessage("queue: PT0S (expected: PT0.001S to PT1M)");
        assertThatThrownBy(() -> builder.queue(1, Duration.ofMinutes(2))).hasMessageStartingWith("queue: PT2M");
        assertThatThrownBy(() -> builder.reserveForCritical(91))
                .hasMessage("reserveForCritical: 91 (expected: 0 to 90)");
    }

    @Test
    void equal_when_every_option_is() {
        Function<ConcurrencyLimit.Builder, ConcurrencyLimit> all = builder -> builder.atMost(10)
                .queue(5, Duration.ofSeconds(1))
                .reserveForCritical(20)
                .priority("p", (request, exchange) -> Priority.NORMAL)
                .build();
        ConcurrencyLimit one = all.apply(ConcurrencyLimit.builder("a"));
        assertThat(all.apply(ConcurrencyLimit.builder("a"))).isEqualTo(one).hasSameHashCodeAs(one);
        assertThat(all.apply(ConcurrencyLimit.builder("b"))).isNotEqualTo(one);
        assertThat(all.apply(ConcurrencyLimit.builder("a").perRoute())).isNotEqualTo(one);
    }

    @Test
    void keeps_the_contract_of_filters() {
        FilterContract.check(
                limit(1).build(),
                limit(100).queue(10, Duration.ofMillis(10)).build(),
                limit(1).queue(1, Duration.ofSeconds(1))
                        .reserveForCritical(50)
                        .priority("by path", (request, exchange) -> Priority.SHEDDABLE)
                        .perRoute()
                        .build());
    }
}
