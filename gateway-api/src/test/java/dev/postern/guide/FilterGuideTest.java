package dev.postern.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Managed;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.StateSpec;
import dev.postern.testing.FakeBody;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.FakeServices;
import dev.postern.testing.FilterContract;
import dev.postern.testing.ManualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** The code on docs/concepts/filters.md, and what it does. */
class FilterGuideTest {
    /** Lets requests through that name a tenant; the rest get 400. */
    record RequireTenant(String header) implements Filter {
        static final Exchange.Key<String> TENANT = Exchange.Key.named("tenant");

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            String tenant = request.header(header);
            if (tenant == null) {
                return chain.answer(Response.problem(400, "tenant_missing", null));
            }
            chain.exchange().set(TENANT, tenant);
            return chain.proceed(request.withoutHeader(header));
        }
    }

    /** Admits so many exchanges at once; the rest get 503. */
    static final class Bulkhead implements Filter {
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
            chain.exchange().onEnd(outcome -> taken.decrementAndGet());
            return chain.proceed(request);
        }
    }

    /** Looks callers up where looking up takes time. */
    record Lookup(Directory directory) implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            String user = request.header("X-User");
            if (user == null) {
                return chain.answer(Response.problem(401, "user_missing", null));
            }
            return chain.exchange().offload(() -> directory.scopesOf(user)).thenCompose(scopes -> {
                chain.exchange().authenticate(new Principal(user, "directory", scopes, Map.of()));
                return chain.proceed(request.withoutHeader("X-User"));
            });
        }
    }

    interface Directory {
        Set<String> scopesOf(String user) throws Exception;
    }

    /** Tries again, once and a little later, what was refused for lack of room. */
    record OnceMore(Duration pause) implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request).thenCompose(response -> {
                if (response.status() != 503 || !request.body().replayable()) {
                    return chain.answer(response);
                }
                response.body().discard();
                return chain.exchange().delay(pause).thenCompose(waited -> chain.proceed(request));
            });
        }
    }

    /** Answers with what is known already when the upstream cannot be reached. */
    record Fallback(String text) implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            return chain.proceed(request).exceptionallyCompose(failure -> {
                Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                boolean unreachable = cause instanceof GatewayException known
                        && known.failure().party() == Failure.Party.UPSTREAM;
                return unreachable ? chain.answer(Response.text(200, text)) : CompletableFuture.failedStage(failure);
            });
        }
    }

    /** Counts exchanges under a name that outlives changes of the configuration. */
    static final class Counted implements Filter, Managed {
        private final StateSpec spec;
        private LongAdder count = new LongAdder();

        Counted(String name) {
            spec = new StateSpec("exchange count", name, 1);
        }

        @Override
        public List<StateSpec> state() {
            return List.of(spec);
        }

        @Override
        public CompletionStage<Void> start(Services services) {
            count = services.state(spec, LongAdder::new);
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            count.increment();
            return chain.proceed(request);
        }
    }

    /** Accepts upgrades from one's own pages only. */
    record SameOrigin(String origin) implements Filter {
        @Override
        public CompletionStage<Response> apply(Request request, Chain chain) {
            boolean upgrade = chain.exchange().kind() == Exchange.Kind.WEBSOCKET;
            if (upgrade && !origin.equals(request.header("Origin"))) {
                return chain.answer(Response.problem(403, "foreign_origin", null));
            }
            return chain.proceed(request);
        }
    }

    @Test
    void a_request_is_changed_on_the_way_in_and_a_response_on_the_way_back() {
        Filter stamp = Filter.onRequest("stamp", request -> request.withHeader("X-Edge", "eu-1"));
        Filter plain = Filter.onResponse("plain", response -> response.withoutHeader("Server"));
        FakeChain chain = FakeChain.answering(Response.of(200).withHeader("Server", "x"));

        assertThat(chain.run(plain, Request.get("/")).headers().isEmpty()).isTrue();
        chain.run(stamp, Request.get("/"));

        assertThat(chain.proceeded().get(1).header("X-Edge")).isEqualTo("eu-1");
        FilterContract.check(stamp, plain);
    }

    @Test
    void a_request_without_a_tenant_goes_no_further() {
        FakeChain chain = FakeChain.answering(Response.of(200));

        Response response = chain.run(new RequireTenant("X-Tenant"), Request.get("/orders"));

        assertThat(response.status()).isEqualTo(400);
        assertThat(chain.proceeded()).isEmpty();
    }

    @Test
    void the_tenant_is_known_to_later_filters_and_not_sent_upstream() {
        FakeChain chain = FakeChain.answering(Response.of(200));

        chain.run(new RequireTenant("X-Tenant"), Request.get("/orders").withHeader("X-Tenant", "acme"));

        assertThat(chain.exchange().get(RequireTenant.TENANT)).isEqualTo("acme");
        assertThat(chain.proceeded().get(0).header("X-Tenant")).isNull();
    }

    @Test
    void a_permit_is_given_back_when_the_exchange_has_ended() {
        Bulkhead bulkhead = new Bulkhead(1);
        FakeChain first = FakeChain.answering(Response.of(200));
        FakeChain second = FakeChain.answering(Response.of(200));

        assertThat(first.run(bulkhead, Request.get("/")).status()).isEqualTo(200);
        assertThat(second.run(bulkhead, Request.get("/")).status()).isEqualTo(503);
        first.fakeExchange().end(Failure.CLIENT_GONE);

        assertThat(second.run(bulkhead, Request.get("/")).status()).isEqualTo(200);
    }

    @Test
    void a_second_attempt_comes_after_the_pause() {
        ManualTime time = ManualTime.create();
        FakeBody refused = FakeBody.of("no room");
        FakeChain chain = FakeChain.answering(request ->
                        CompletableFuture.completedFuture(Response.of(503).withBody(refused)))
                .within(new FakeExchange(time));

        CompletionStage<Response> response = new OnceMore(Duration.ofMillis(50)).apply(Request.get("/"), chain);
        assertThat(refused.released()).isTrue();
        assertThat(chain.proceeded()).hasSize(1);
        time.advance(Duration.ofMillis(50));

        assertThat(response).isCompleted();
        assertThat(chain.proceeded()).hasSize(2);
    }

    @Test
    void only_the_failure_of_an_upstream_is_answered_by_the_fallback() {
        Fallback fallback = new Fallback("yesterday's");

        assertThat(FakeChain.answering(request -> failed(Failure.CONNECT_FAILED))
                        .run(fallback, Request.get("/"))
                        .status())
                .isEqualTo(200);
        assertThatThrownBy(() -> FakeChain.answering(request -> failed(Failure.FILTER_FAILED))
                        .run(fallback, Request.get("/")))
                .isInstanceOf(GatewayException.class);
    }

    private static CompletionStage<Response> failed(Failure failure) {
        return CompletableFuture.failedFuture(new GatewayException(failure, "rigged", new IOException("refused")));
    }

    @Test
    void a_count_goes_on_with_the_next_configuration() {
        FakeServices services = new FakeServices();
        Counted before = new Counted("orders");
        Counted after = new Counted("orders");
        before.start(services);
        FakeChain.answering(Response.of(200)).run(before, Request.get("/"));

        after.start(services);

        assertThat(after.count.sum()).isEqualTo(1);
    }

    @Test
    void an_upgrade_from_a_foreign_page_is_refused() {
        SameOrigin filter = new SameOrigin("https://example.com");
        FakeChain chain =
                FakeChain.answering(Response.of(101)).within(new FakeExchange().kind(Exchange.Kind.WEBSOCKET));

        assertThat(chain.run(filter, Request.get("/chat").withHeader("Origin", "https://evil.example"))
                        .status())
                .isEqualTo(403);
        assertThat(chain.run(filter, Request.get("/chat").withHeader("Origin", "https://example.com"))
                        .status())
                .isEqualTo(101);
    }

    @Test
    void every_filter_of_the_page_keeps_its_contract() {
        FilterContract.check(
                new Bulkhead(1),
                new OnceMore(Duration.ofMillis(50)),
                new Fallback("yesterday's"),
                new Counted("orders"),
                new SameOrigin("https://example.com"));
        FilterContract.of(new RequireTenant("X-Tenant"))
                .request(Request.get("/orders").withHeader("X-Tenant", "acme"))
                .request(Request.of("POST", "/orders")
                        .withHeader("X-Tenant", "acme")
                        .withBody(Body.of("{}")))
                .verify();
        FilterContract.of(new Lookup(user -> Set.of("read")))
                .request(Request.get("/orders").withHeader("X-User", "alice"))
                .verify();
    }

    /** Reads what it signs; see docs/concepts/bodies.md. */
    static CompletionStage<Response> signed(Request request, Filter.Chain chain) {
        return request.body()
                .buffer(64 * 1024)
                .thenCompose(body -> chain.proceed(request.withBody(body).withHeader("X-Digest", digest(body))));
    }

    private static String digest(BufferedBody body) {
        return Integer.toHexString(body.hashCode());
    }

    @Test
    void a_body_that_is_too_large_to_sign_is_refused_as_such() {
        Filter signing = Filter.named("signing", FilterGuideTest::signed);
        FakeBody large = FakeBody.of("x".repeat(64 * 1024), "y").ofRequest();

        assertThatThrownBy(() -> FakeChain.answering(Response.of(200))
                        .run(signing, Request.of("POST", "/").withBody(large)))
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        refused -> assertThat(refused.failure()).isEqualTo(Failure.REQUEST_BODY_TOO_LARGE));
        FilterContract.check(signing);
    }
}
