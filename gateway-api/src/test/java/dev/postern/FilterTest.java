package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.postern.spi.Wrapper;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeServices;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class FilterTest {
    private static final Filter THROUGH = (request, chain) -> chain.proceed(request);

    private static final class Stamp implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request.withHeader("X-Stamp", "1"));
        }
    }

    @Test
    void a_class_is_called_by_its_name_and_code_without_one_is_called_filter() {
        assertThat(new Stamp().name()).isEqualTo("Stamp");
        assertThat(THROUGH.name()).isEqualTo("filter");
        Filter anonymous = new Filter() {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return chain.proceed(request);
            }
        };
        assertThat(anonymous.name()).isEqualTo("filter");
        assertThat(Filter.named("mine", THROUGH).name()).isEqualTo("mine");
        assertThat(Filter.named("mine", THROUGH)).hasToString("mine");
    }

    @Test
    void named_filters_are_equal_when_name_and_filter_are() {
        assertThat(Filter.named("a", THROUGH))
                .isEqualTo(Filter.named("a", THROUGH))
                .hasSameHashCodeAs(Filter.named("a", THROUGH))
                .isNotEqualTo(Filter.named("b", THROUGH))
                .isNotEqualTo(Filter.named("a", (request, chain) -> chain.proceed(request)));
    }

    @Test
    void a_request_is_rewritten_on_the_way_in_and_a_response_on_the_way_back() {
        FakeChain chain = FakeChain.answering(Response.of(200));
        Filter in = Filter.onRequest("in", request -> request.withHeader("X-In", "1"));
        Filter out = Filter.onResponse("out", response -> response.withStatus(201));

        assertThat(chain.run(in, Request.get("/")).status()).isEqualTo(200);
        assertThat(chain.run(out, Request.get("/")).status()).isEqualTo(201);
        assertThat(chain.proceeded())
                .extracting(request -> request.header("X-In"))
                .containsExactly("1", null);
        assertThat(in.name()).isEqualTo("in");
        assertThat(out.name()).isEqualTo("out");
    }

    @Test
    void answering_goes_no_further() {
        FakeChain chain = FakeChain.answering(Response.of(200));

        Response response = chain.run((request, rest) -> rest.answer(Response.of(403)), Request.get("/"));

        assertThat(response.status()).isEqualTo(403);
        assertThat(chain.proceeded()).isEmpty();
    }

    /** Tells what is done with it. */
    private static final class Owner implements Filter, Managed, Checked {
        private final List<String> told = new ArrayList<>();

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request);
        }

        @Override
        public List<StateSpec> state() {
            return List.of(new StateSpec("keys", "all", 1));
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            told.add("start");
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void stop() {
            told.add("stop");
        }

        @Override
        public List<String> problems() {
            return List.of("key is missing (expected: …)");
        }
    }

    @Test
    void a_name_does_not_hide_what_a_filter_owns_and_checks() {
        Owner owner = new Owner();
        Filter named = Filter.named("keys", owner);

        assertThat(((Wrapper) named).wrapped()).isSameAs(owner);
        assertThat(((Managed) named).state()).isEqualTo(owner.state());
        assertThat(((Managed) named).start(new FakeServices())).isCompleted();
        ((Managed) named).stop();
        assertThat(((Checked) named).problems()).isEqualTo(owner.problems());
        assertThat(owner.told).containsExactly("start", "stop");
    }

    @Test
    void a_named_filter_that_owns_nothing_starts_and_stops_at_once() {
        Filter named = Filter.named("through", THROUGH);

        assertThat(((Managed) named).state()).isEmpty();
        assertThat(((Managed) named).start(new FakeServices())).isCompleted();
        assertThat(((Checked) named).problems()).isEmpty();
        assertThatCode(() -> ((Managed) named).stop()).doesNotThrowAnyException();
    }

    @Test
    void what_a_managed_part_leaves_out_does_nothing() {
        Managed managed = new Managed() {};

        assertThat(managed.state()).isEmpty();
        assertThat(managed.start(new FakeServices())).isCompleted();
        assertThatCode(managed::stop).doesNotThrowAnyException();
    }

    @Test
    void an_observer_hears_only_what_it_wants_to() {
        ExchangeObserver deaf = new ExchangeObserver() {};
        ExchangeObserver.Attempt attempt = new ExchangeObserver.Attempt("u", "http://a", 1, 0, 0, 0, null);
        Exchange exchange = FakeChain.answering(Response.of(200)).exchange();

        assertThatCode(() -> {
                    deaf.started(Request.get("/"), exchange);
                    deaf.attemptStarted(attempt, exchange);
                    deaf.attemptEnded(attempt, exchange);
                    deaf.ended(Request.get("/"), exchange, null);
                })
                .doesNotThrowAnyException();
    }
}
