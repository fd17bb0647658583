package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import dev.postern.testing.ManualTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CircuitBreakerTest {
    private static final Request GET = Request.get("/orders");

    private final ManualTime time = ManualTime.create();
    private final FakeServices services = new FakeServices(time);
    private Function<Request, CompletionStage<Response>> upstream =
            request -> CompletableFuture.completedFuture(Response.text(200, "ok"));

    private CircuitBreaker started(CircuitBreaker breaker) {
        assertThat(breaker.problems()).isEmpty();
        breaker.start(services).toCompletableFuture().join();
        return breaker;
    }

    private CircuitBreaker.Builder tight() {
        return CircuitBreaker.builder("orders").minimumCalls(2).trials(1);
    }

    private String state(CircuitBreaker breaker) {
        return shown(breaker).summary();
    }

    private Breakers shown(CircuitBreaker breaker) {
        return services.state(breaker.state().get(0), () -> {
            throw new AssertionError("not started");
        });
    }

    private static Body oneShot() {
        return Body.from(subscriber -> {}, 3);
    }

    private FakeExchange exchange() {
        return new FakeExchange(time);
    }

    private CompletableFuture<Response> call(CircuitBreaker breaker, FakeExchange exchange, Request request) {
        return breaker.apply(
                        request,
                        FakeChain.answering(asked -> upstream.apply(asked)).within(exchange))
                .toCompletableFuture();
    }

    /** A whole exchange with a response of this status. */
    private int status(CircuitBreaker breaker) {
        FakeExchange exchange = exchange();
        Response response = call(breaker, exchange, GET).join();
        response.body().discard();
        exchange.end(response.status());
        return response.status();
    }

    private void answers(int status) {
        upstream = request -> CompletableFuture.completedFuture(Response.of(status));
    }

    private void fails(Failure failure) {
        upstream = request -> CompletableFuture.failedFuture(new GatewayException(failure, "rigged"));
    }

    private void exchangeThatFails(CircuitBreaker breaker, Failure failure) {
        fails(failure);
        FakeExchange exchange = exchange();
        assertThatThrownBy(() -> call(breaker, exchange, GET).join()).hasRootCauseInstanceOf(GatewayException.class);
        exchange.end(failure);
    }

    @Test
    void is_a_filter_of_a_route() {
        // @start region="smallest"
        Route orders = Route.builder("orders")
                .match(Match.prefix("/orders"))
                .filter(CircuitBreaker.named("orders"))
                .to("orders")
                .build();
        // @end region="smallest"
        assertThat(orders.filters()).containsExactly(CircuitBreaker.named("orders"));
        assertThat(orders.filters().get(0).name()).isEqualTo("circuit-breaker:orders");
    }

    @Test
    void a_service_that_fails_is_left_alone_and_tried_again() {
        CircuitBreaker breaker = started(CircuitBreaker.named("orders"));
        answers(503);
        for (int i = 0; i < 20; i++) {
            assertThat(status(breaker)).isEqualTo(503);
        }
        assertThat(state(breaker)).isEqualTo("open for another PT5S");
        time.advance(Duration.ofMillis(100));

        FakeExchange exchange = exchange();
        FakeChain chain = FakeChain.answering(Response.of(200)).within(exchange);
        Response refused = chain.run(breaker, GET);
        assertThat(chain.proceeded()).isEmpty();
        assertThat(refused.status()).isEqualTo(503);
        // 4.9 s, rounded up: never too early.
        assertThat(refused.header("Retry-After")).isEqualTo("5");
        assertThat(((BufferedBody) refused.body()).text()).contains("\"code\":\"circuit_open\"");
        assertThat(exchange.waitingForEnd()).as("nothing is held").isZero();

        time.advance(Duration.ofMillis(4900));
        answers(200);
        for (int i = 0; i < 3; i++) {
            assertThat(status(breaker)).isEqualTo(200);
        }
        assertThat(state(breaker)).startsWith("closed, 0 of 0 calls failed");
    }

    @ParameterizedTest
    @CsvSource({
        "200, closed",
        "404, closed",
        "429, closed",
        "499, closed",
        "500, open",
        "502, open",
        "503, open",
        "504, open",
    })
    void responses_of_500_and_above_are_failures(int status, String expected) {
        CircuitBreaker breaker = started(tight().build());
        answers(status);
        status(breaker);
        status(breaker);
        assertThat(state(breaker)).startsWith(expected);
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void failures_are_judged_by_whose_doing_they_are(Failure failure) {
        CircuitBreaker breaker = started(tight().build());
        exchangeThatFails(breaker, failure);
        exchangeThatFails(breaker, failure);
        boolean upstreams = failure.party() == Failure.Party.UPSTREAM;
        assertThat(state(breaker)).as("%s", failure).startsWith(upstreams ? "open" : "closed, 0 of 0 calls");
    }

    @ParameterizedTest
    @EnumSource(Failure.class)
    void an_exchange_that_is_cut_before_the_head_is_judged_in_the_same_way(Failure failure) {
        CircuitBreaker breaker = started(tight().build());
        upstream = request -> new CompletableFuture<>();
        for (int i = 0; i < 2; i++) {
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET);
            exchange.end(failure);
        }
        boolean upstreams = failure.party() == Failure.Party.UPSTREAM;
        assertThat(state(breaker)).as("%s", failure).startsWith(upstreams ? "open" : "closed, 0 of 0 calls");
    }

    @Test
    void clients_that_leave_never_keep_a_trial() {
        CircuitBreaker breaker = started(tight().build());
        answers(500);
        status(breaker);
        status(breaker);
        time.advance(Duration.ofSeconds(5));
        upstream = request -> new CompletableFuture<>();
        for (int i = 0; i < 100; i++) {
            FakeExchange exchange = exchange();
            assertThat(call(breaker, exchange, GET)).isNotDone();
            exchange.end(Failure.CLIENT_GONE);
        }
        answers(200);
        assertThat(status(breaker)).isEqualTo(200);
        assertThat(state(breaker)).startsWith("closed");
    }

    @Test
    void who_leaves_after_waiting_for_long_tells_that_it_is_slow() {
        CircuitBreaker breaker =
                started(tight().slowCalls(Duration.ofSeconds(2), 100).build());
        upstream = request -> new CompletableFuture<>();
        for (long millis : new long[] {1999, 2000, 2001}) {
            assertThat(state(breaker)).startsWith("closed");
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET);
            time.advance(Duration.ofMillis(millis));
            exchange.end(Failure.CLIENT_GONE);
        }
        assertThat(state(breaker)).startsWith("open");
    }

    @Test
    void a_body_that_breaks_off_is_a_failure() {
        CircuitBreaker breaker = started(tight().build());
        for (int i = 0; i < 2; i++) {
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET).join();
            assertThat(state(breaker)).startsWith("closed, " + i + " of " + i);
            exchange.end(Failure.RESPONSE_BODY_BROKEN);
        }
        assertThat(state(breaker)).startsWith("open");
    }

    @Test
    void deadlines_that_clients_name_do_not_open_it_unless_they_were_long() {
        CircuitBreaker breaker =
                started(tight().slowCalls(Duration.ofSeconds(2), 100).build());
        upstream = request -> new CompletableFuture<>();
        for (int i = 0; i < 100; i++) {
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET);
            time.advance(Duration.ofMillis(1));
            exchange.end(Failure.CALL_DEADLINE);
        }
        assertThat(state(breaker)).startsWith("closed");
        for (int i = 0; i < 2; i++) {
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET);
            time.advance(Duration.ofSeconds(3));
            exchange.end(Failure.CALL_DEADLINE);
        }
        assertThat(state(breaker)).startsWith("open");
    }

    @Test
    void a_client_that_leaves_in_the_middle_of_a_body_does_not_make_it_a_failure() {
        CircuitBreaker breaker = started(tight().build());
        for (int i = 0; i < 2; i++) {
            FakeExchange exchange = exchange();
            call(breaker, exchange, GET).join();
            exchange.end(Failure.CLIENT_GONE);
        }
        assertThat(state(breaker)).startsWith("closed, 0 of 2 calls failed");
    }

    @Test
    void trials_and_streams_are_judged_by_their_heads() {
        CircuitBreaker breaker = started(tight().build());
        answers(500);
        status(breaker);
        status(breaker);
        time.advance(Duration.ofSeconds(5));
        answers(200);
        // A reader that takes hours must not keep everybody else out.
        call(breaker, exchange(), GET).join();
        assertThat(state(breaker)).startsWith("closed, 0 of 0");

        upstream = request -> CompletableFuture.completedFuture(
                Response.of(200).withHeader("Content-Type", "text/event-stream; charset=utf-8"));
        call(breaker, exchange(), GET).join();
        upstream = request -> CompletableFuture.completedFuture(Response.of(101));
        call(breaker, exchange(), GET).join();
        answers(200);
        call(breaker, exchange().kind(Exchange.Kind.GRPC), GET).join();
        assertThat(state(breaker)).startsWith("closed, 0 of 3 calls failed");
    }

    @Test
    void what_throws_behind_it_gives_the_permit_back() {
        CircuitBreaker breaker = started(tight().build());
        upstream = request -> {
            throw new IllegalStateException("a filter behind");
        };
        for (int i = 0; i < 3; i++) {
            FakeExchange exchange = exchange();
            assertThatThrownBy(() -> call(breaker, exchange, GET)).hasMessage("a filter behind");
            exchange.end(500);
        }
        assertThat(state(breaker)).startsWith("closed, 0 of 0");
    }

    @Test
    void the_same_exchange_may_come_twice_and_each_time_is_judged_by_itself() {
        CircuitBreaker breaker =
                started(CircuitBreaker.builder("orders").minimumCalls(10).build());
        FakeExchange exchange = exchange();
        answers(503);
        call(breaker, exchange, GET).join().body().discard();
        answers(200);
        call(breaker, exchange, GET).join();
        exchange.end(200);
        assertThat(state(breaker)).startsWith("closed, 1 of 2 calls failed");
    }

    @Test
    void the_host_says_which_responses_are_failures() {
        CircuitBreaker breaker = started(
                tight().failWhen("429", response -> response.status() == 429).build());
        answers(500);
        status(breaker);
        status(breaker);
        assertThat(state(breaker)).startsWith("closed");
        answers(429);
        status(breaker);
        status(breaker);
        assertThat(state(breaker)).startsWith("open");

        CircuitBreaker broken = started(CircuitBreaker.builder("broken")
                .failWhen("broken", response -> {
                    throw new IllegalStateException("oops");
                })
                .build());
        FakeExchange exchange = exchange();
        assertThatThrownBy(() -> call(broken, exchange, GET).join()).hasRootCauseMessage("oops");
        exchange.end(500);
        assertThat(state(broken)).startsWith("closed, 0 of 0");
    }

    // ---- instead

    @Test
    void a_fixed_answer_for_calls_that_are_refused() {
        CircuitBreaker breaker = started(
                // @start region="fixed"
                CircuitBreaker.builder("recommendations")
                        .minimumCalls(2)
                        .fallback(Response.json(200, "[]"))
                        .build()
                // @end region="fixed"
                );
        answers(500);
        assertThat(status(breaker)).isEqualTo(500);
        assertThat(status(breaker)).isEqualTo(500);
        for (int i = 0; i < 3; i++) {
            Response instead = call(breaker, exchange(), GET).join();
            assertThat(((BufferedBody) instead.body()).text()).isEqualTo("[]");
        }
    }

    @Test
    void another_upstream_also_for_calls_that_failed() {
        CircuitBreaker breaker = started(
                // @start region="elsewhere"
                CircuitBreaker.builder("search")
                        .slowCalls(Duration.ofMillis(800), 50)
                        .minimumCalls(2)
                        .fallbackTo("search-standby")
                        .fallbackForFailures()
                        .build()
                // @end region="elsewhere"
                );
        Response standby = Response.text(200, "standby");
        fails(Failure.CONNECT_FAILED);
        for (int i = 0; i < 3; i++) {
            FakeExchange exchange =
                    exchange().upstream("search-standby", request -> CompletableFuture.completedFuture(standby));
            assertThat(call(breaker, exchange, GET).join()).isSameAs(standby);
            exchange.end(200);
        }
        assertThat(state(breaker)).startsWith("open");

        // What cannot be sent twice is not.
        time.advance(Duration.ofSeconds(5));
        Request upload = Request.of("POST", "/orders").withBody(oneShot());
        FakeExchange exchange = exchange();
        assertThatThrownBy(() -> call(breaker, exchange, upload).join()).hasRootCauseInstanceOf(GatewayException.class);
    }

    @Test
    void the_hosts_own_code_and_a_response_that_is_not_passed_on_is_discarded() {
        CircuitBreaker breaker = started(CircuitBreaker.builder("orders")
                .fallback(
                        "cached",
                        (request, exchange) -> CompletableFuture.completedFuture(Response.text(200, "cached")))
                .fallbackForFailures()
                .build());
        answers(500);
        FakeExchange exchange = exchange();
        assertThat(((BufferedBody) call(breaker, exchange, GET).join().body()).text())
                .isEqualTo("cached");
        answers(200);
        assertThat(status(breaker)).isEqualTo(200);
        // A failure that is not the upstream's stays what it is.
        exchangeThatFails(breaker, Failure.FILTER_FAILED);
    }

    // ---- forced, shared, configured

    @Test
    void the_host_may_force_it() {
        // @start region="switch"
        BreakerSwitch maintenance = BreakerSwitch.automatic();
        CircuitBreaker breaker =
                CircuitBreaker.builder("orders").control(maintenance).build();
        // …
        maintenance.forceOpen();
        // @end region="switch"
        started(breaker);
        Response refused = call(breaker, exchange(), GET).join();
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).as("nobody knows when").isNull();
        assertThat(state(breaker)).isEqualTo("forced open");

        maintenance.forceClosed();
        answers(500);
        for (int i = 0; i < 50; i++) {
            assertThat(status(breaker)).isEqualTo(500);
        }
        assertThat(state(breaker)).isEqualTo("forced closed");
        maintenance.release();
        assertThat(status(breaker)).isEqualTo(500);
        assertThat(state(breaker)).startsWith("closed, 1 of 1");
        assertThat(maintenance).hasToString("BreakerSwitch[AUTOMATIC]");
    }

    @Test
    void one_for_each_route_or_upstream() {
        Route a = Route.builder("a").to("shared").build();
        Route b = Route.builder("b").to("shared").build();
        Route handler = Route.builder("c").answer(Response.of(200)).build();

        CircuitBreaker perRoute = started(tight().perRoute().build());
        open(perRoute, a);
        assertThat(state(perRoute)).isEqualTo("a: open for another PT5S; 0 closed");
        answers(200);
        assertThat(call(perRoute, exchange().route(b), GET).join().status()).isEqualTo(200);
        assertThat(state(perRoute)).isEqualTo("a: open for another PT5S; 1 closed");

        // @start region="upstreams"
        CircuitBreaker each = CircuitBreaker.builder("upstreams").perUpstream().build();
        // @end region="upstreams"
        assertThat(each).hasToString("circuit breaker \"upstreams\" for each upstream");
        CircuitBreaker perUpstream = started(
                CircuitBreaker.builder("tight").minimumCalls(2).perUpstream().build());
        open(perUpstream, a);
        assertThat(call(perUpstream, exchange().route(b), GET).join().status()).isEqualTo(503);
        answers(200);
        assertThat(call(perUpstream, exchange().route(handler), GET).join().status())
                .isEqualTo(200);
        assertThat(state(perUpstream)).isEqualTo("shared: open for another PT5S; 1 closed");
        assertThat(shown(perUpstream).gauges())
                .containsEntry("open", 1.0)
                .containsEntry("closed", 1.0)
                .containsEntry("half_open", 0.0);
        assertThat(shown(perUpstream).counters())
                .containsEntry("failed", 2L)
                .containsEntry("refused", 1L)
                .containsEntry("opened", 1L);
    }

    private void open(CircuitBreaker breaker, Route route) {
        answers(500);
        for (int i = 0; i < 2; i++) {
            FakeExchange exchange = exchange().route(route);
            call(breaker, exchange, GET).join();
            exchange.end(500);
        }
    }

    @Test
    void those_of_one_name_are_one_and_keep_their_state() {
        CircuitBreaker first = started(tight().build());
        CircuitBreaker second = started(tight().fallback(Response.of(204)).build());
        answers(500);
        status(first);
        status(second);
        assertThat(status(first)).isEqualTo(503);
        assertThat(status(second)).isEqualTo(204);
        first.stop();
        assertThatThrownBy(() -> call(first, exchange(), GET)).hasMessageContaining("is not started");
        assertThat(started(tight().perRoute().build()).state()).isNotEqualTo(first.state());
    }

    @Test
    void an_object_belongs_to_one_gateway() {
        CircuitBreaker breaker = started(tight().build());
        assertThat(breaker.start(new FakeServices(time)).toCompletableFuture()).isCompletedExceptionally();
    }

    @Test
    void problems_are_told_with_the_cure() {
        assertThat(CircuitBreaker.named(" ").problems())
                .containsExactly("name is missing (expected: CircuitBreaker.builder(\"…\"))");
        CircuitBreaker wrong =
                CircuitBreaker.builder("a").lastCalls(10).fallbackForFailures().build();
        assertThat(wrong.problems())
                .containsExactly(
                        "minimumCalls 20 is more than the window holds, so it could never open (expected: at most"
                                + " lastCalls, 10)",
                        "fallbackForFailures has nothing to answer with (expected: fallback(…) too)");
        assertThat(wrong.state()).isEmpty();
        assertThat(wrong.start(services).toCompletableFuture()).isCompletedExceptionally();
        assertThat(CircuitBreaker.builder("a")
                        .fallback(Response.of(200).withBody(oneShot()))
                        .build()
                        .problems())
                .singleElement()
                .asString()
                .startsWith("the body of the fallback can be read only once");
    }

    @Test
    void values_out_of_range_are_refused_at_once() {
        CircuitBreaker.Builder builder = CircuitBreaker.builder("a");
        assertThatThrownBy(() -> builder.lastCalls(0)).hasMessage("lastCalls: 0 (expected: 1 to 10000)");
        assertThatThrownBy(() -> builder.last(Duration.ofMillis(99)))
                .hasMessage("last: PT0.099S (expected: PT0.1S to PT1H)");
        assertThatThrownBy(() -> builder.minimumCalls(0)).hasMessageStartingWith("minimumCalls: 0");
        assertThatThrownBy(() -> builder.failurePercent(101)).hasMessage("failurePercent: 101 (expected: 1 to 100)");
        assertThatThrownBy(() -> builder.slowCalls(Duration.ZERO, 50)).hasMessageStartingWith("slowCalls: PT0S");
        assertThatThrownBy(() -> builder.slowCalls(Duration.ofSeconds(1), 0))
                .hasMessage("slowCalls percent: 0 (expected: 1 to 100)");
        assertThatThrownBy(() -> builder.openFor(Duration.ofHours(2))).hasMessageStartingWith("openFor: PT2H");
        assertThatThrownBy(() -> builder.trials(1001)).hasMessage("trials: 1001 (expected: 1 to 1000)");
    }

    @Test
    void equal_when_every_option_is() {
        BreakerSwitch control = BreakerSwitch.automatic();
        Function<CircuitBreaker.Builder, CircuitBreaker> all = builder -> builder.last(Duration.ofSeconds(20))
                .minimumCalls(5)
                .failurePercent(20)
                .slowCalls(Duration.ofSeconds(1), 30)
                .openFor(Duration.ofSeconds(9))
                .trials(2)
                .failWhen("x", response -> false)
                .fallback("y", (request, exchange) -> new CompletableFuture<>())
                .fallbackForFailures()
                .control(control)
                .build();
        CircuitBreaker one = all.apply(CircuitBreaker.builder("a"));
        assertThat(all.apply(CircuitBreaker.builder("a"))).isEqualTo(one).hasSameHashCodeAs(one);
        assertThat(all.apply(CircuitBreaker.builder("b"))).isNotEqualTo(one);
        assertThat(all.apply(CircuitBreaker.builder("a").perRoute())).isNotEqualTo(one);
        assertThat(CircuitBreaker.builder("a").fallback(Response.text(200, "x")).build())
                .isEqualTo(CircuitBreaker.builder("a")
                        .fallback(Response.text(200, "x"))
                        .build())
                .isNotEqualTo(CircuitBreaker.builder("a")
                        .fallback(Response.text(200, "y"))
                        .build())
                .isNotEqualTo(CircuitBreaker.builder("a").fallbackTo("x").build());
    }

    @Test
    void keeps_the_contract_of_filters() {
        FilterContract.check(
                CircuitBreaker.named("plain"),
                CircuitBreaker.builder("fixed")
                        .fallback(Response.json(200, "[]"))
                        .fallbackForFailures()
                        .build(),
                CircuitBreaker.builder("tight")
                        .minimumCalls(1)
                        .failurePercent(1)
                        .openFor(Duration.ofMillis(1))
                        .perRoute()
                        .build());
    }

    private static Upstream broken() {
        return
        // region endpoints
        Upstream.builder("orders")
                .endpoints("http://10.0.0.7:8081", "http://10.0.0.8:8081")
                .endpointBreaker(CircuitBreaker.builder("orders").forEndpoints())
                .build()
        // endregion
        ;
    }

    @Test
    void a_breaker_for_endpoints_tells_its_rules() {
        assertThat(String.valueOf(broken().endpointBreaker()))
                .startsWith("circuit breaker \"orders\" for each endpoint, ")
                .contains("minimumCalls=20", "failurePercent=50", "openFor=PT5S", "trials=5");
        assertThat(broken()).isEqualTo(broken());
    }
}
