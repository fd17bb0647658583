package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.ErrorHandler;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.Figures;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.KernelQueues;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever a filter does: the client gets one answer, the log names the filter and the route, and nothing is left. */
class FilterDisciplineTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** Ways to get it wrong. */
    enum Wrong implements Filter {
        THROWS {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                throw new IllegalStateException("thrown by the filter");
            }
        },
        THROWS_AN_ERROR {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                throw new StackOverflowError("thrown by the filter");
            }
        },
        RETURNS_NULL {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return null;
            }
        },
        COMPLETES_WITH_NULL {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return CompletableFuture.completedFuture(null);
            }
        },
        COMPLETES_WITH_NULL_LATER {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return chain.proceed(request).thenApply(response -> {
                    response.body().discard();
                    return null;
                });
            }
        },
        FAILS {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return CompletableFuture.failedFuture(new IllegalArgumentException("failed by the filter"));
            }
        },
        THROWS_AFTER_PROCEEDING {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                chain.proceed(request);
                throw new IllegalStateException("thrown by the filter");
            }
        },
        THROWS_ON_THE_WAY_BACK {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return chain.proceed(request).thenApply(response -> {
                    throw new IllegalStateException("thrown by the filter");
                });
            }
        },
        PROCEEDS_TWICE_AT_ONCE {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                chain.proceed(request);
                return chain.proceed(request);
            }
        },
        WAITS_ON_THE_LOOP {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return CompletableFuture.completedFuture(
                        chain.proceed(request).toCompletableFuture().join());
            }
        },
        NEVER_COMPLETES {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return new CompletableFuture<>();
            }
        },
        NEVER_COMPLETES_ON_THE_WAY_BACK {
            @Override
            public CompletionStage<Response> apply(Request request, Chain chain) {
                return chain.proceed(request).thenCompose(response -> new CompletableFuture<>());
            }
        }
    }

    private Running with(RawOrigin origin, Filter filter) {
        return rig.proxy(
                origin,
                route -> route.filter(Filter.named("culprit", filter)).timeout(Duration.ofMillis(500)),
                upstream -> upstream);
    }

    private RawOrigin origin() throws Exception {
        return rig.origin(RawOrigin.echo());
    }

    @ParameterizedTest
    @EnumSource(Wrong.class)
    void a_filter_that_breaks_the_rules_is_answered_once_and_named(Wrong wrong) throws Exception {
        List<Outcome> ends = new ArrayList<>();
        Running running = with(origin(), (request, chain) -> {
            chain.exchange().onEnd(ends::add);
            return wrong.apply(request, chain);
        });
        RawClient client = running.client().request("POST", "/", "body");
        Answer answer = client.read();
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text())
                .contains(wrong.name().startsWith("NEVER") ? "filter_timeout" : "filter_failed")
                .doesNotContain("culprit")
                .doesNotContain("thrown by");
        assertThat(running.outcome().failure()).isEqualTo(Failure.FILTER_FAILED);
        running.checkNothingHeld();
        assertThat(ends).hasSize(1);
        assertThat(rig.warnings())
                .as("log")
                .anySatisfy(
                        line -> assertThat(line).contains("filter \"culprit\"").contains("\"all\""));
        // One answer only, and the connection goes on unless the body was left unread.
        if (answer.header("Connection") == null) {
            assertThat(client.request("POST", "/", "body").read().status()).isEqualTo(500);
        } else {
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    @Test
    void a_stage_that_completes_twice_counts_once() throws Exception {
        Running running = with(origin(), (request, chain) -> {
            request.body().discard();
            return new Twice(Response.text(200, "first"), Response.text(201, "second"));
        });
        RawClient client = running.client().get("/");
        assertThat(client.read().text()).isEqualTo("first");
        assertThat(client.get("/").read().text()).isEqualTo("first");
        assertThat(rig.warnings())
                .anySatisfy(line -> assertThat(line)
                        .contains("filter \"culprit\"")
                        .contains("\"all\"")
                        .contains("completed twice"));
    }

    /** Calls back with one value and then with another, which no proper stage does. */
    private static final class Twice extends CompletableFuture<Response> {
        private final Response first;
        private final Response second;

        Twice(Response first, Response second) {
            this.first = first;
            this.second = second;
        }

        @Override
        public CompletableFuture<Response> whenComplete(BiConsumer<? super Response, ? super Throwable> action) {
            action.accept(first, null);
            action.accept(second, null);
            return this;
        }
    }

    @Test
    void a_stage_completed_elsewhere_comes_back_to_the_loop() throws Exception {
        AtomicReference<Thread> before = new AtomicReference<>();
        AtomicReference<Thread> after = new AtomicReference<>();
        Filter outer = (request, chain) -> {
            before.set(Thread.currentThread());
            return chain.proceed(request).whenComplete((response, failure) -> after.set(Thread.currentThread()));
        };
        Running running = rig.proxy(
                origin(),
                route -> route.filter(Filter.named("outer", outer))
                        .filter(Filter.named(
                                "foreign",
                                (request, chain) -> CompletableFuture.supplyAsync(() -> request)
                                        .thenCompose(chain::proceed)
                                        .thenApplyAsync(response -> response.withHeader("X-Foreign", "1")))),
                upstream -> upstream);
        RawClient client = running.client();
        for (int i = 0; i < 20; i++) {
            Answer answer = client.request("POST", "/", "body" + i).read();
            assertThat(answer.text()).isEqualTo("body" + i);
            assertThat(answer.header("X-Foreign")).isEqualTo("1");
            assertThat(after.get()).isSameAs(before.get());
        }
    }

    @Test
    void proceeding_again_after_the_answer_works_with_a_body_that_can_be_sent_again() throws Exception {
        RawOrigin origin = origin();
        Running running = with(
                origin,
                (request, chain) -> request.body()
                        .buffer(100)
                        .thenCompose(
                                body -> chain.proceed(request.withBody(body)).thenCompose(response -> {
                                    response.body().discard();
                                    return chain.proceed(request.withBody(body));
                                })));
        RawClient client = running.client();
        assertThat(client.request("POST", "/", "body").read().text()).isEqualTo("body");
        assertThat(client.request("POST", "/", "body").read().text()).isEqualTo("body");
        assertThat(origin.received()).hasSize(4);
        assertThat(running.outcome().attempts()).isEqualTo(2);
    }

    @Test
    void proceeding_again_with_a_stream_is_refused() throws Exception {
        RawOrigin origin = origin();
        Running running = with(
                origin,
                (request, chain) -> chain.proceed(request).thenCompose(response -> {
                    response.body().discard();
                    return chain.proceed(request);
                }));
        Answer answer = running.client().request("POST", "/", "body").read();
        assertThat(answer.status()).isEqualTo(500);
        assertThat(origin.received()).hasSize(1);
    }

    @Test
    void proceeding_after_the_end_does_nothing() throws Exception {
        RawOrigin origin = origin();
        CompletableFuture<Throwable> late = new CompletableFuture<>();
        Running running = with(origin, (request, chain) -> {
            chain.exchange()
                    .onEnd(outcome -> chain.exchange()
                            .executor()
                            .execute(() -> chain.proceed(request)
                                    .whenComplete((response, failure) -> late.complete(failure))));
            return chain.answer(Response.of(204));
        });
        assertThat(running.client().get("/").read().status()).isEqualTo(204);
        assertThat(late.get(5, TimeUnit.SECONDS)).isInstanceOf(GatewayException.class);
        assertThat(origin.received()).isEmpty();
    }

    @Test
    void an_answer_that_comes_after_the_deadline_is_thrown_away() throws Exception {
        CountDownLatch late = new CountDownLatch(1);
        AtomicInteger discarded = new AtomicInteger();
        Running running = with(
                origin(),
                (request, chain) -> CompletableFuture.supplyAsync(() -> {
                    try {
                        late.await(5, TimeUnit.SECONDS);
                    } catch (InterruptedException stop) {
                        throw new IllegalStateException(stop);
                    }
                    return Response.of(200).withBody(new Counted(discarded));
                }));
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(500);
        running.outcome();
        late.countDown();
        await().untilAsserted(() -> assertThat(discarded).hasValue(1));
    }

    private record Counted(AtomicInteger discarded) implements Body {
        @Override
        public long length() {
            return -1;
        }

        @Override
        public boolean replayable() {
            return false;
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return Body.empty().chunks();
        }

        @Override
        public CompletionStage<dev.postern.BufferedBody> buffer(int maxBytes) {
            return Body.empty().buffer(maxBytes);
        }

        @Override
        public void discard() {
            discarded.incrementAndGet();
        }
    }

    @Test
    void nobody_else_can_complete_a_stage_of_ours() throws Exception {
        List<Throwable> refused = new ArrayList<>();
        Running running = with(origin(), (request, chain) -> {
            CompletableFuture<Response> stage = chain.proceed(request).toCompletableFuture();
            for (Runnable attempt : List.<Runnable>of(
                    () -> stage.complete(Response.of(418)),
                    () -> stage.completeExceptionally(new IllegalStateException()),
                    () -> stage.cancel(true),
                    () -> stage.obtrudeValue(Response.of(418)))) {
                try {
                    attempt.run();
                } catch (UnsupportedOperationException expected) {
                    refused.add(expected);
                }
            }
            return stage;
        });
        assertThat(running.client().request("POST", "/", "body").read().text()).isEqualTo("body");
        assertThat(refused).hasSize(4);
    }

    /** Longer: {@code -Dpostern.block.millis=3000}. */
    @Test
    void a_filter_that_blocks_its_loop_is_named_while_it_does_and_others_go_on() throws Exception {
        long blockNanos = TimeUnit.MILLISECONDS.toNanos(Long.getLong("postern.block.millis", 1200));
        CountDownLatch release = new CountDownLatch(1);
        AtomicLong since = new AtomicLong();
        Running running = rig.proxy(
                origin(),
                route -> route.filter(Filter.named("blocker", (request, chain) -> {
                    if (request.path().equals("/block")) {
                        since.set(System.nanoTime());
                        long end = since.get() + TimeUnit.SECONDS.toNanos(10);
                        while (release.getCount() > 0 && System.nanoTime() < end) {
                            LockSupport.parkNanos(1_000_000);
                        }
                    }
                    return chain.proceed(request);
                })),
                upstream -> upstream);
        // Clients on both loops, warmed up; one of them is on the other loop.
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            RawClient client = running.client();
            client.get("/").read();
            clients.add(client);
        }
        RawClient blocked = running.client().get("/block");
        await().pollInterval(Duration.ofMillis(5))
                .untilAsserted(() -> assertThat(rig.warnings())
                        .anySatisfy(line -> assertThat(line)
                                .contains("filter \"blocker\"")
                                .contains("\"all\"")
                                .contains("blocks its event loop")
                                .contains("LockSupport.parkNanos")));
        long named = System.nanoTime() - since.get();
        assertThat(named)
                .as("nanoseconds until it was named")
                .isLessThan(Math.min(blockNanos, TimeUnit.SECONDS.toNanos(1)));
        for (RawClient client : clients) {
            client.get("/");
        }
        await().until(() -> clients.stream().anyMatch(FilterDisciplineTest::hasAnswer));
        long answered = System.nanoTime() - since.get();
        assertThat(blocked.available()).isZero();
        await().until(() -> System.nanoTime() - since.get() >= blockNanos);
        release.countDown();
        assertThat(blocked.read().status()).isEqualTo(200);
        long returned = System.nanoTime() - since.get();
        Figures.seen(
                "blocked for %d ms: named after %d ms, others answered after %d ms",
                returned / 1_000_000, named / 1_000_000, answered / 1_000_000);
        for (RawClient client : clients) {
            assertThat(client.read().status()).isEqualTo(200);
        }
        // Exactly one answer: what comes next on that connection answers what is asked next.
        assertThat(blocked.request("POST", "/", "next").read().text()).isEqualTo("next");
        assertThat(blocked.available()).isZero();
        assertThat(rig.warnings().stream().filter(line -> line.contains("blocks its event loop")))
                .hasSize(1);
    }

    private static boolean hasAnswer(RawClient client) {
        try {
            return client.available() > 0;
        } catch (java.io.IOException closed) {
            return false;
        }
    }

    // ---- ends

    @Test
    void callbacks_of_the_end_run_in_reverse_and_one_that_throws_stops_none() throws Exception {
        List<String> order = new ArrayList<>();
        Running running = with(origin(), (request, chain) -> {
            chain.exchange().onEnd(outcome -> order.add("first"));
            chain.exchange().onEnd(outcome -> {
                throw new IllegalStateException("callback");
            });
            chain.exchange().onEnd(outcome -> {
                throw new StackOverflowError("callback");
            });
            chain.exchange().onEnd(outcome -> {
                order.add("last");
                chain.exchange().onEnd(again -> order.add("late " + again.status()));
            });
            return chain.proceed(request);
        });
        RawClient client = running.client();
        assertThat(client.request("POST", "/", "x").read().status()).isEqualTo(200);
        running.outcome();
        running.checkNothingHeld();
        assertThat(order).containsExactly("last", "late 200", "first");
        assertThat(client.request("POST", "/", "x").read().status()).isEqualTo(200);
    }

    @Test
    void a_delay_comes_on_the_loop_and_in_time() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Running running = with(origin(), (request, chain) -> {
            Thread loop = Thread.currentThread();
            long start = System.nanoTime();
            return chain.exchange().delay(Duration.ofMillis(50)).thenCompose(v -> {
                thread.set(Thread.currentThread() == loop ? loop : null);
                return chain.proceed(request.withHeader("X-Waited", "" + (System.nanoTime() - start) / 1_000_000));
            });
        });
        assertThat(running.client().get("/").read().status()).isEqualTo(200);
        assertThat(thread.get()).isNotNull();
    }

    @Test
    void offloaded_work_may_block_and_fail_and_comes_back_to_the_loop() throws Exception {
        Running running = with(origin(), (request, chain) -> {
            Thread loop = Thread.currentThread();
            return chain.exchange()
                    .offload(() -> {
                        if (request.path().equals("/fails")) {
                            throw new java.io.IOException("no disk");
                        }
                        LockSupport.parkNanos(20_000_000);
                        return Thread.currentThread() != loop;
                    })
                    .thenCompose(elsewhere ->
                            chain.answer(Response.text(200, elsewhere + " " + (Thread.currentThread() == loop))));
        });
        RawClient client = running.client();
        assertThat(client.get("/").read().text()).isEqualTo("true true");
        assertThat(client.get("/fails").read().status()).isEqualTo(500);
    }

    @Test
    void more_work_than_the_pool_takes_is_a_503() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch busy = new CountDownLatch(1);
        Running running = rig.prepare(
                gateway -> gateway.route(Route.builder("work")
                        .match(Match.any())
                        .blockingHandler((request, exchange) -> {
                            busy.countDown();
                            release.await(10, TimeUnit.SECONDS);
                            return Response.of(204);
                        })
                        .build()),
                rig.runtime().offload(1, 1));
        running.gateway().start();
        RawClient first = running.client().get("/");
        busy.await(5, TimeUnit.SECONDS);
        RawClient second = running.client().get("/");
        await().until(() -> running.client().get("/").read().status() == 503);
        release.countDown();
        assertThat(first.read().status()).isEqualTo(204);
        assertThat(second.read().status()).isEqualTo(204);
    }

    @Test
    void a_call_brings_another_upstreams_answer_and_can_be_cancelled() throws Exception {
        RawOrigin side = rig.origin(RawOrigin.ok("side"));
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        CompletableFuture<Throwable> cancelled = new CompletableFuture<>();
        RawOrigin main = origin();
        Running running = rig.start(gateway -> gateway.upstream(
                        Upstream.builder("orders").endpoints(main.url()).build())
                .upstream(Upstream.builder("side").endpoints(side.url()).build())
                .upstream(Upstream.builder("silent").endpoints(silent.url()).build())
                .upstream(Upstream.local(
                        "local", (request, exchange) -> CompletableFuture.completedFuture(Response.text(200, "local"))))
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(Filter.named("caller", (request, chain) -> {
                            var call = chain.exchange().call("silent", Request.of("GET", "/never"));
                            call.response().whenComplete((response, failure) -> cancelled.complete(failure));
                            chain.exchange().delay(Duration.ofMillis(100)).thenRun(call::cancel);
                            var unknown = chain.exchange().call("nobody", Request.of("GET", "/"));
                            return chain.exchange()
                                    .call("side", Request.of("GET", "/asked"))
                                    .response()
                                    .thenCompose(response -> response.body().buffer(100))
                                    .thenCombine(
                                            chain.exchange()
                                                    .call("local", Request.of("GET", "/"))
                                                    .response()
                                                    .thenCompose(response ->
                                                            response.body().buffer(100)),
                                            (a, b) -> a.text() + b.text())
                                    .thenCombine(
                                            unknown.response().handle((r, failure) -> String.valueOf(failure)),
                                            (text, failure) -> text + failure.contains("nobody"))
                                    .thenCombine(cancelled.handle((f, x) -> ""), (text, end) -> text + end)
                                    .thenCompose(text -> chain.proceed(request.withHeader("X-Text", text)));
                        }))
                        .to("orders")
                        .build()));
        assertThat(running.client().get("/").read().status()).isEqualTo(200);
        assertThat(main.received().get(0).header("X-Text")).isEqualTo("sidelocaltrue");
        assertThat(side.received().get(0).line()).isEqualTo("GET /asked HTTP/1.1");
        await().until(() -> silent.open() == 0);
        assertThat(running.outcome().attempts()).isEqualTo(1);
    }

    @Test
    void a_call_to_code_of_the_host_that_is_cancelled_elsewhere_ends_on_its_loop() throws Exception {
        CompletableFuture<String> endedOn = new CompletableFuture<>();
        AtomicReference<String> loop = new AtomicReference<>();
        Running running = rig.start(gateway -> gateway.upstream(
                        Upstream.local("never", (request, exchange) -> new CompletableFuture<>()))
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(Filter.named("caller", (request, chain) -> {
                            loop.set(Thread.currentThread().getName());
                            var call = chain.exchange().call("never", Request.of("GET", "/"));
                            call.response()
                                    .whenComplete((response, failure) -> endedOn.complete(
                                            Thread.currentThread().getName()));
                            new Thread(call::cancel, "elsewhere").start();
                            return endedOn.thenCompose(name -> chain.proceed(request));
                        }))
                        .answer(Response.of(204))
                        .build()));
        assertThat(running.client().get("/").read().status()).isEqualTo(204);
        assertThat(endedOn.get(1, TimeUnit.SECONDS)).isEqualTo(loop.get());
    }

    // ---- error handlers

    @Test
    void an_error_handler_that_breaks_is_replaced_by_the_standard_answer() throws Exception {
        ErrorHandler throwing = (failure, request) -> {
            throw new IllegalStateException("handler");
        };
        ErrorHandler error = (failure, request) -> {
            throw new StackOverflowError("handler");
        };
        ErrorHandler none = (failure, request) -> null;
        for (ErrorHandler handler : List.of(throwing, none, error)) {
            Running running = rig.start(gateway -> gateway.errorHandler(handler)
                    .route(Route.builder("only")
                            .match(Match.path("/only"))
                            .answer(Response.of(204))
                            .build()));
            Answer answer = running.client().get("/other").read();
            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
            running.checkNothingHeld();
        }
    }

    @Test
    void an_error_handler_of_the_host_answers_and_keeps_the_id() throws Exception {
        Running running = rig.start(gateway -> gateway.errorHandler(
                        (failure, request) -> Response.text(failure.failure().status(), "sorry: " + failure.reason()))
                .route(Route.builder("only")
                        .match(Match.path("/only").method("GET"))
                        .answer(Response.of(204))
                        .build()));
        RawClient client = running.client();
        Answer answer = client.get("/other").read();
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.text()).isEqualTo("sorry: no_route");
        assertThat(answer.header("X-Request-Id")).matches("[0-9a-f]{32}");
        answer = client.request("POST", "/only", "").read();
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.header("Allow")).contains("GET");
    }

    // ---- handlers and bodies of the host

    @Test
    void a_handler_that_breaks_is_a_500() throws Exception {
        List<UnaryOperator<Route.Builder>> broken = List.of(
                route -> route.handler((request, exchange) -> {
                    throw new IllegalStateException("secret");
                }),
                route -> route.handler((request, exchange) -> null),
                route -> route.handler((request, exchange) -> CompletableFuture.completedFuture(null)),
                route -> route.handler((request, exchange) -> CompletableFuture.failedFuture(new Error("secret"))),
                route -> route.blockingHandler((request, exchange) -> null),
                route -> route.blockingHandler((request, exchange) -> {
                    throw new Exception("secret");
                }));
        for (UnaryOperator<Route.Builder> handler : broken) {
            Running running = rig.start(gateway -> gateway.route(
                    handler.apply(Route.builder("own").match(Match.any())).build()));
            Answer answer = running.client().get("/").read();
            assertThat(answer.status()).isEqualTo(500);
            assertThat(answer.text()).contains("handler_failed").doesNotContain("secret");
        }
    }

    @Test
    void a_response_body_of_the_wrong_length_is_visibly_cut() throws Exception {
        for (int declared : new int[] {2, 10}) {
            Running running = rig.start(gateway -> gateway.route(Route.builder("own")
                    .match(Match.any())
                    .handler((request, exchange) -> CompletableFuture.completedFuture(
                            Response.of(200).withBody(Body.from(Body.of("abcde").chunks(), declared))))
                    .build()));
            Answer answer = running.client().get("/").read();
            assertThat(answer.status() == 200 && answer.complete())
                    .as("%s", answer)
                    .isFalse();
            assertThat(running.outcome().failure()).isNotNull();
        }
    }

    @Test
    void a_response_body_that_fails_at_once_is_an_answer_and_later_a_cut() throws Exception {
        for (int before : new int[] {0, 1}) {
            Running running = rig.start(gateway -> gateway.route(Route.builder("own")
                    .match(Match.any())
                    .handler((request, exchange) -> CompletableFuture.completedFuture(
                            Response.of(200).withBody(Body.from(subscriber -> failing(subscriber, before), -1))))
                    .build()));
            Answer answer = running.client().get("/").read();
            assertThat(answer.status() == 200 && answer.complete())
                    .as("%s", answer)
                    .isFalse();
            assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
        }
    }

    private static void failing(Flow.Subscriber<? super ByteBuffer> subscriber, int before) {
        subscriber.onSubscribe(new Flow.Subscription() {
            private int sent;

            @Override
            public void request(long n) {
                if (sent++ < before) {
                    subscriber.onNext(ByteBuffer.wrap(new byte[10]));
                } else if (sent == before + 1) {
                    subscriber.onError(new java.io.IOException("broken"));
                }
            }

            @Override
            public void cancel() {
                // It has failed already.
            }
        });
    }

    @Test
    void a_request_body_made_by_a_filter_that_fails_is_not_blamed_on_the_origin() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = with(
                origin,
                (request, chain) -> chain.proceed(
                        request.withHeader("X-Script-Reads-Body", "1").withBody(Body.from(s -> failing(s, 1), -1))));
        Answer answer = running.client().request("POST", "/", "").read();
        assertThat(answer.status()).isGreaterThanOrEqualTo(400);
        assertThat(running.outcome().failure().party()).isNotEqualTo(Failure.Party.UPSTREAM);
    }

    @Test
    void a_predicate_that_throws_fails_its_own_request_only() throws Exception {
        Running running = rig.start(gateway -> gateway.route(Route.builder("picky")
                .match(Match.any().when(request -> {
                    if (request.path().equals("/boom")) {
                        throw new IllegalStateException("predicate");
                    }
                    if (request.path().equals("/error")) {
                        throw new StackOverflowError("predicate");
                    }
                    return true;
                }))
                .answer(Response.of(204))
                .build()));
        RawClient client = running.client();
        assertThat(client.get("/boom").read().status()).isGreaterThanOrEqualTo(400);
        assertThat(running.client().get("/error").read().status()).isEqualTo(500);
        assertThat(running.client().get("/fine").read().status()).isEqualTo(204);
    }

    @Test
    void a_predicate_that_ends_in_an_error_fails_its_own_request_only() throws Exception {
        Running running = rig.start(gateway -> gateway.route(Route.builder("picky")
                .match(Match.any().when(request -> {
                    if (request.path().equals("/boom")) {
                        throw new NoClassDefFoundError("predicate");
                    }
                    return true;
                }))
                .answer(Response.of(204))
                .build()));
        assertThat(running.client().get("/boom").read().status()).isEqualTo(500);
        assertThat(running.client().get("/fine").read().status()).isEqualTo(204);
    }

    /** As one that has seen enough of it. */
    private static Flow.Subscriber<ByteBuffer> givingUp(CompletableFuture<Void> gaveUp) {
        return new Flow.Subscriber<>() {
            private Flow.Subscription subscription;

            @Override
            public void onSubscribe(Flow.Subscription mine) {
                subscription = mine;
                mine.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ByteBuffer chunk) {
                subscription.cancel();
                gaveUp.complete(null);
            }

            @Override
            public void onError(Throwable failure) {
                gaveUp.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                gaveUp.complete(null);
            }
        };
    }

    @Test
    void a_body_that_was_given_up_ends_its_connection_although_the_rest_has_come() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CompletableFuture<Response> answer = new CompletableFuture<>();
        Running running = rig.start(gateway -> gateway.route(Route.builder("all")
                .match(Match.any())
                .filter(Filter.named("reads a little", (request, chain) -> {
                    CompletableFuture<Void> gaveUp = new CompletableFuture<>();
                    gaveUp.thenRun(reading::countDown);
                    request.body().chunks().subscribe(givingUp(gaveUp));
                    return answer;
                }))
                .answer(Response.of(204))
                .build()));
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        assertThat(reading.await(10, TimeUnit.SECONDS)).isTrue();
        client.send("3\r\ndef\r\n0\r\n\r\n");
        // Seen to have been read: nothing waits for the gateway any more.
        await().until(() -> KernelQueues.bytes(client.socket().getLocalPort()) == 0);
        answer.complete(Response.text(200, "enough"));
        assertThat(client.read().header("Connection")).isEqualTo("close");
        assertThat(client.isAtEnd()).isTrue();
    }
}
