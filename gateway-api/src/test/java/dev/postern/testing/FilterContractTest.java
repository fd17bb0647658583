package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.postern.Body;
import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Managed;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FilterContractTest {
    static Stream<Arguments> broken() {
        return Stream.of(
                arguments(new BrokenFilters.Nameless(), "has no name: name() is \" \""),
                arguments(new BrokenFilters.RenamesItself(), "changes its name: name() was filter-0"),
                arguments(new BrokenFilters.UnlikeItself(), "breaks equals"),
                arguments(new BrokenFilters.EqualByItsLog(), "changes its hashCode: before"),
                arguments(
                        new BrokenFilters.WithProblems(), "has problems: problems() is [key is missing (expected: …)]"),
                arguments(
                        new BrokenFilters.NeverStarts(),
                        "does not start: start(services) gives java.lang.IllegalState"),
                arguments(new BrokenFilters.AsksForMoreThanItLists(), "asks for state that it does not list"),
                arguments(new BrokenFilters.ThrowsWhenItStops(), "throws: stop() threw"),
                broken("throws: apply(GET without a header) threw java.lang.NullPointer", BrokenFilters::needsAHeader),
                broken("returns no stage: apply(GET /contract", BrokenFilters::returnsNull),
                broken("proceeds without a request", BrokenFilters::proceedsWithNull),
                broken("completes without a response: GET /contract", BrokenFilters::completesWithNull),
                broken("never completes: GET /contract", BrokenFilters::neverCompletes),
                broken("never completes: GET /contract when the chain fails", BrokenFilters::losesFailures),
                broken("blocks: apply(GET /contract with its body in memory) waits in", BrokenFilters::sleeps),
                broken("does not come back: apply(GET /contract answered late)", BrokenFilters::joinsTheAnswer),
                broken("fails with something else than a GatewayException", BrokenFilters::failsWithAnything),
                broken("fails with something else than a GatewayException", BrokenFilters::throwsInOffload),
                broken("hides the failure of the chain: GET /contract", BrokenFilters::hidesTheCause),
                broken("holds a response that it does not pass on", BrokenFilters::forgetsTheResponseItReplaces),
                broken("replaces a request body and holds on to it", BrokenFilters::forgetsTheRequestBodyItReplaces),
                broken("passes on a body that it has used up", BrokenFilters::readsWhatItPassesOn),
                broken("passes on a body that it has used up", BrokenFilters::discardsWhatItPassesOn),
                broken("proceeds again with a body that was read", BrokenFilters::retriesWhatCannotBeRead),
                broken("proceeds again without discarding", BrokenFilters::retriesOverAnOpenResponse),
                broken("proceeds again before the chain has answered: GET /contract", BrokenFilters::hedges),
                broken("gives a body to an answer without one", BrokenFilters::fillsA204),
                broken("replaces the tunnel of an upgrade", BrokenFilters::wrapsATunnel),
                broken("leaves timers behind: GET /contract: 8 after 8", BrokenFilters::leavesATimer),
                broken("throws: onEnd of GET /contract", BrokenFilters::throwsAtTheEnd),
                arguments(new BrokenFilters.RemembersTheRequest(), "mixes exchanges: GET /contract, interleaved"),
                arguments(new BrokenFilters.LosesPermits(), "does not give back what an exchange holds: GET /contract"),
                wrapping("loses the trailers of a body that it wraps", BrokenFilters.LosesTrailers::new),
                wrapping("announces a wrong length", BrokenFilters.Longer::new),
                wrapping("asks for a whole body at once", BrokenFilters.Greedy::new),
                wrapping("onNext comes more often than was asked for", BrokenFilters.Pushy::new),
                wrapping("a buffer was changed after it had been handed out", BrokenFilters.Recycling::new),
                wrapping("replayable() is true, but a second reader gets", BrokenFilters.SaysReplayable::new),
                wrapping("buffer(42) of 43 bytes gives", BrokenFilters.KeepsNoLimit::new),
                wrapping("makes a body that cannot be read", BrokenFilters.ForgetsTheEnd::new));
    }

    private static Arguments broken(String message, Filter filter) {
        return arguments(Filter.named("broken", filter), message);
    }

    private static Arguments wrapping(String message, UnaryOperator<Body> wrapping) {
        return broken(message, (request, chain) -> BrokenFilters.wrapsResponses(request, chain, wrapping));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("broken")
    void finds_what_is_wrong_with_a_filter(Filter filter, String message) {
        Throwable found = catchThrowable(() -> FilterContract.check(filter));

        assertThat(found).isInstanceOf(AssertionError.class).hasMessageContaining(message);
    }

    @Test
    void finds_what_is_wrong_with_the_request_bodies_that_a_filter_wraps() {
        Filter filter = Filter.named(
                "wraps", (request, chain) -> BrokenFilters.wrapsRequests(request, chain, BrokenFilters.Longer::new));

        Throwable found = catchThrowable(() -> FilterContract.check(filter));

        assertThat(found)
                .hasMessageStartingWith("filter wraps breaks its contract:")
                .hasMessageContaining("announces a wrong length: POST /contract")
                .hasMessageContaining("the request body says 43 and has 46 bytes (expected: that or -1)");
    }

    static Stream<Filter> sound() {
        return Stream.of(
                Filter.named("through", (request, chain) -> chain.proceed(request)),
                Filter.named("refuses", (request, chain) -> chain.answer(Response.problem(403, "no", null))),
                Filter.onRequest("adds a header", request -> request.withHeader("X-A", "b")),
                Filter.onResponse("removes a header", response -> response.withoutHeader("Content-Type")),
                Filter.named(
                        "wraps",
                        (request, chain) -> BrokenFilters.wrapsResponses(request, chain, BrokenFilters.Wrapped::new)),
                Filter.named("buffers", FilterContractTest::buffers),
                Filter.named("retries", FilterContractTest::retries),
                Filter.named("waits", FilterContractTest::waits),
                Filter.named("offloads", FilterContractTest::offloads),
                Filter.named("answers on another thread", FilterContractTest::answersElsewhere),
                Filter.named("falls back", FilterContractTest::fallsBack),
                new Bulkhead(2),
                new Keys());
    }

    @ParameterizedTest
    @MethodSource("sound")
    void finds_nothing_wrong_with_a_sound_filter(Filter filter) {
        assertThatCode(() -> FilterContract.check(filter)).doesNotThrowAnyException();
    }

    private static CompletionStage<Response> buffers(Request request, Filter.Chain chain) {
        return request.body().buffer(1 << 20).thenCompose(content -> chain.proceed(request.withBody(content)));
    }

    private static CompletionStage<Response> retries(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenCompose(response -> {
            if (response.status() != 503 || !request.body().replayable()) {
                return chain.answer(response);
            }
            response.body().discard();
            return chain.exchange().delay(Duration.ofMillis(100)).thenCompose(waited -> chain.proceed(request));
        });
    }

    private static CompletionStage<Response> waits(Request request, Filter.Chain chain) {
        return chain.exchange().delay(Duration.ofSeconds(2)).thenCompose(done -> chain.proceed(request));
    }

    private static CompletionStage<Response> offloads(Request request, Filter.Chain chain) {
        return chain.exchange()
                .offload(() -> new CountDownLatch(1).await(5, TimeUnit.MILLISECONDS))
                .thenCompose(done -> chain.proceed(request));
    }

    private static CompletionStage<Response> answersElsewhere(Request request, Filter.Chain chain) {
        return CompletableFuture.supplyAsync(() -> request.withHeader("X-A", "b"))
                .thenCompose(chain::proceed);
    }

    private static CompletionStage<Response> fallsBack(Request request, Filter.Chain chain) {
        return chain.proceed(request).exceptionally(failure -> Response.text(200, "as it was yesterday"));
    }

    /** Lets so many exchanges in at once. */
    private static final class Bulkhead implements Filter {
        private final int permits;
        private final AtomicInteger taken = new AtomicInteger();

        Bulkhead(int permits) {
            this.permits = permits;
        }

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            if (taken.incrementAndGet() > permits) {
                taken.decrementAndGet();
                return chain.answer(Response.problem(503, "busy", null));
            }
            chain.exchange().onEnd(this::release);
            return chain.proceed(request);
        }

        private void release(Outcome outcome) {
            taken.decrementAndGet();
        }
    }

    /** Owns state and a timer. */
    private static final class Keys implements Filter, Managed {
        private static final StateSpec SPEC = new StateSpec("keys", "all", 1);

        private boolean started;

        @Override
        public List<StateSpec> state() {
            return List.of(SPEC);
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            started = services.state(SPEC, () -> true);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return started ? chain.proceed(request) : chain.answer(Response.of(503));
        }

        @Override
        public void stop() {
            started = false;
        }
    }

    @Test
    void a_filter_that_lets_certain_requests_through_is_checked_with_one() {
        Filter guard = Filter.named("guard", (request, chain) -> {
            String key = request.header("X-Api-Key");
            if (key == null) {
                return chain.answer(Response.problem(401, "no_key", null));
            }
            if (!key.equals("k1")) {
                return chain.answer(Response.problem(403, "bad_key", null));
            }
            return chain.proceed(request.withoutHeader("X-Api-Key"));
        });
        // @start region="contract"
        FilterContract.of(guard)
                .request(Request.get("/orders").withHeader("X-Api-Key", "k1"))
                .exchange(exchange -> exchange.pathVariable("tenant", "acme"))
                .verify();
        // @end
        FilterContract.check(guard);
    }

    @Test
    void a_fault_behind_a_guard_is_found_only_with_a_request_that_passes_it() {
        Filter faulty = Filter.named(
                "faulty",
                (request, chain) -> request.header("X-Api-Key") == null
                        ? chain.answer(Response.of(401))
                        : BrokenFilters.forgetsTheResponseItReplaces(request, chain));

        assertThatCode(() -> FilterContract.check(faulty)).doesNotThrowAnyException();
        assertThat(catchThrowable(() -> FilterContract.of(faulty)
                        .request(Request.get("/").withHeader("X-Api-Key", "k1"))
                        .verify()))
                .hasMessageContaining("holds a response");
    }

    @Test
    void every_violation_of_every_filter_is_in_one_error() {
        Filter first = Filter.named("first", BrokenFilters::forgetsTheResponseItReplaces);
        Filter second = Filter.named("second", BrokenFilters::leavesATimer);

        Throwable found = catchThrowable(() -> FilterContract.check(first, new Keys(), second));

        assertThat(found)
                .isExactlyInstanceOf(AssertionError.class)
                .hasMessageContaining("filter first breaks its contract:\n  holds a response")
                .hasMessageContaining("times more)")
                .hasMessageContaining("filter second breaks its contract:\n  leaves timers behind")
                .hasMessageNotContaining("Keys");
    }

    @Test
    void a_managed_filter_is_started_with_the_services_of_the_test() {
        FakeServices services = new FakeServices()
                .answering((endpoint, request) -> CompletableFuture.completedFuture(Response.text(200, "k1")));
        record Fetching() implements Filter, Managed {
            @Override
            public CompletionStage<Void> start(Services lent) {
                return lent.send(Endpoint.of("http://keys"), Request.get("/keys"), CallLimits.DEFAULT)
                        .thenAccept(response -> response.body().discard());
            }

            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return chain.proceed(request);
            }
        }

        assertThat(catchThrowable(() -> FilterContract.check(new Fetching())))
                .hasMessageContaining("does not start")
                .hasMessageContaining(GatewayException.class.getName());
        FilterContract.of(new Fetching()).services(services).verify();
        assertThat(services.sent()).hasToString("[GET /keys]");
    }

    @Test
    void a_filter_that_the_test_has_started_is_not_started_again() {
        BrokenFilters.NeverStarts filter = new BrokenFilters.NeverStarts();

        assertThatCode(() -> FilterContract.of(filter).alreadyStarted().verify())
                .doesNotThrowAnyException();
    }

    @Test
    void a_request_with_a_body_that_can_be_read_once_is_refused() {
        Request request = Request.of("POST", "/").withBody(FakeBody.of("once"));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> FilterContract.of(new Keys()).request(request))
                .withMessage("request: its body can be read only once (expected: Body.of(…))");
    }
}
