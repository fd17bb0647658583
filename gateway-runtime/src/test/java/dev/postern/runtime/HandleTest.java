package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.ClientInfo;
import dev.postern.Explanation;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.testing.ManualTime;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The whole gateway without a socket. */
class HandleTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static Response now(CompletionStage<Response> stage) {
        CompletableFuture<Response> future = stage.toCompletableFuture();
        assertThat(future).isDone();
        return future.join();
    }

    private static String text(Response response) throws Exception {
        return response.body()
                .buffer(1 << 20)
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS)
                .text();
    }

    private Gateway inVirtualTime(ManualTime time) {
        Gateway gateway = Gateway.builder()
                .runtime(rig.runtime())
                .time(time)
                .filter(Filter.onResponse("stamp", response -> response.withHeader("X-Stamp", "1")))
                .upstream(Upstream.local(
                        "orders",
                        (request, exchange) -> CompletableFuture.completedFuture(
                                Response.text(200, exchange.pathVariables().get("id")))))
                .upstream(Upstream.local(
                        "slow",
                        (request, exchange) ->
                                exchange.delay(Duration.ofSeconds(5)).thenApply(v -> Response.text(200, "slow"))))
                .route(Route.builder("order")
                        .match(Match.path("/orders/{id}").method("GET"))
                        .filter(Filter.named(
                                "auth",
                                (request, chain) -> request.headers().contains("Authorization")
                                        ? chain.proceed(request)
                                        : chain.answer(Response.text(401, "no"))))
                        .to("orders")
                        .build())
                .route(Route.builder("slow")
                        .match(Match.prefix("/slow"))
                        .timeout(Duration.ofSeconds(10))
                        .to("slow")
                        .build())
                .route(Route.builder("never")
                        .match(Match.prefix("/never"))
                        .timeout(Duration.ofSeconds(10))
                        .handler((request, exchange) -> new CompletableFuture<>())
                        .build())
                .build();
        gateway.start();
        return gateway;
    }

    @Test
    void ten_thousand_requests_take_no_socket_and_hardly_any_time() throws Exception {
        ManualTime time = ManualTime.create();
        try (Gateway gateway = inVirtualTime(time)) {
            long sockets = sockets();
            long start = System.nanoTime();
            for (int i = 0; i < 10_000; i++) {
                Response response = now(gateway.handle(
                        Request.of("GET", "/orders/" + i).withHeader("Authorization", "x"), ClientInfo.local()));
                assertThat(response.status()).isEqualTo(200);
                assertThat(response.header("X-Stamp")).isEqualTo("1");
                assertThat(text(response)).isEqualTo("" + i);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
            assertThat(sockets()).isLessThanOrEqualTo(sockets);
            assertThat(Leases.of(gateway)).isEqualTo("exchanges=0 attempts=0 kept=0");
            assertThat(time.pending()).as("timers left").isZero();
            assertThat(now(gateway.handle(Request.of("GET", "/orders/1"), ClientInfo.local()))
                            .status())
                    .isEqualTo(401);
        }
    }

    @Test
    void each_of_many_routes_goes_to_its_own_of_many_upstreams() throws Exception {
        ManualTime time = ManualTime.create();
        GatewayBuilder builder = Gateway.builder().runtime(rig.runtime()).time(time);
        // More than the snapshot keeps close at hand, and twice each.
        for (int i = 0; i < 600; i++) {
            String name = "upstream-" + i % 300;
            if (i < 300) {
                builder.upstream(Upstream.local(
                        name, (request, exchange) -> CompletableFuture.completedFuture(Response.text(200, name))));
            }
            builder.route(Route.builder("route-" + i)
                    .match(Match.prefix("/" + i))
                    .timeout(Duration.ofSeconds(1 + i / 300))
                    .to(name)
                    .build());
        }
        try (Gateway gateway = builder.build()) {
            gateway.start();
            for (int i = 0; i < 600; i++) {
                Response response = now(gateway.handle(Request.get("/" + i), ClientInfo.local()));
                assertThat(text(response)).isEqualTo("upstream-" + i % 300);
            }
        }
    }

    private static long sockets() throws Exception {
        Path descriptors = Path.of("/proc/self/fd");
        if (!Files.exists(descriptors)) {
            return 0;
        }
        try (Stream<Path> all = Files.list(descriptors)) {
            return all.filter(HandleTest::isSocket).count();
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (java.io.IOException closed) {
            return false;
        }
    }

    @Test
    void time_goes_by_only_when_it_is_told_to() throws Exception {
        ManualTime time = ManualTime.create();
        try (Gateway gateway = inVirtualTime(time)) {
            CompletableFuture<Response> slow = gateway.handle(Request.of("GET", "/slow"), ClientInfo.local())
                    .toCompletableFuture();
            time.advance(Duration.ofMillis(4999));
            assertThat(slow).isNotDone();
            time.advance(Duration.ofMillis(1));
            assertThat(text(now(slow))).isEqualTo("slow");

            CompletableFuture<Response> never = gateway.handle(Request.of("GET", "/never"), ClientInfo.local())
                    .toCompletableFuture();
            time.advance(Duration.ofMillis(9999));
            assertThat(never).isNotDone();
            time.advance(Duration.ofMillis(1));
            assertThat(now(never).status()).isEqualTo(504);
            assertThat(Leases.of(gateway)).isEqualTo("exchanges=0 attempts=0 kept=0");
            assertThat(time.pending()).isZero();
        }
    }

    @Test
    void a_body_of_the_hosts_ends_with_its_exchange_for_whoever_reads_it() throws Exception {
        ManualTime time = ManualTime.create();
        AtomicInteger cancelled = new AtomicInteger();
        Body endless = Body.from(
                subscriber -> subscriber.onSubscribe(new Flow.Subscription() {
                    @Override
                    public void request(long n) {}

                    @Override
                    public void cancel() {
                        cancelled.incrementAndGet();
                    }
                }),
                -1);
        Gateway gateway = Gateway.builder()
                .runtime(rig.runtime())
                .time(time)
                .route(Route.builder("endless")
                        .timeout(Duration.ofSeconds(10))
                        .handler((request, exchange) -> CompletableFuture.completedFuture(
                                Response.of(200).withBody(endless)))
                        .build())
                .build();
        try (gateway) {
            gateway.start();
            Request request = Request.of("GET", "/");
            CompletableFuture<BufferedBody> whole = now(gateway.handle(request, ClientInfo.local()))
                    .body()
                    .buffer(1000)
                    .toCompletableFuture();
            time.advance(Duration.ofMillis(9999));
            assertThat(whole).isNotDone();
            time.advance(Duration.ofMillis(1));
            assertThat(whole).isCompletedExceptionally();
            assertThat(cancelled).hasValue(1);
            assertThat(Leases.of(gateway)).isEqualTo("exchanges=0 attempts=0 kept=0");
            assertThat(time.pending()).isZero();
        }
    }

    @Test
    void explain_says_what_handle_does() throws Exception {
        try (Gateway gateway = inVirtualTime(ManualTime.create())) {
            Random random = new Random(7);
            String[] parts = {"/orders", "/nowhere", "/1", "/2", "/..", "/%2f", "//", "/a%20b", ""};
            String[] methods = {"GET", "POST", "TRACE"};
            for (int i = 0; i < 2000; i++) {
                String target = "/";
                for (int n = random.nextInt(4); n > 0; n--) {
                    target += parts[random.nextInt(parts.length)].replaceFirst("^/", "") + (n > 1 ? "/" : "");
                }
                Request request = Request.of(methods[random.nextInt(3)], target).withHeader("Authorization", "x");
                Explanation explained = gateway.explain(request, ClientInfo.local());
                Response response = now(gateway.handle(request, ClientInfo.local()));
                boolean taken = "order".equals(explained.route());
                assertThat(response.status() == 200)
                        .as("%s %s: %s / %s", request, target, explained, response)
                        .isEqualTo(taken);
                response.body().discard();
            }
            assertThat(Leases.of(gateway)).isEqualTo("exchanges=0 attempts=0 kept=0");
        }
    }

    @Test
    void bodies_go_to_an_origin_and_come_back() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.proxy(origin);
        SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>();
        Request streaming = Request.of("POST", "/stream").withBody(Body.from(publisher, -1));
        CompletionStage<Response> answer = running.gateway().handle(streaming, ClientInfo.local());
        await().until(publisher::hasSubscribers);
        for (int i = 0; i < 100; i++) {
            publisher.submit(ByteBuffer.wrap("0123456789".getBytes(StandardCharsets.UTF_8)));
        }
        publisher.close();
        assertThat(text(answer.toCompletableFuture().get(5, TimeUnit.SECONDS))).isEqualTo("0123456789".repeat(100));
        Response whole = running.gateway()
                .handle(Request.of("POST", "/whole").withBody(Body.of("whole")), ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        assertThat(text(whole)).isEqualTo("whole");
        assertThat(running.outcome(2).responseBytes()).isEqualTo(5);
    }

    @Test
    void a_large_response_is_read_as_fast_as_the_caller_asks() throws Exception {
        int size = 8 << 20;
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            out.write(new byte[size]);
            return true;
        });
        Running running = rig.proxy(origin);
        Response response = running.gateway()
                .handle(Request.of("GET", "/"), ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        CompletableFuture<Long> all = new CompletableFuture<>();
        response.body().chunks().subscribe(new Flow.Subscriber<>() {
            private Flow.Subscription subscription;
            private long received;

            @Override
            public void onSubscribe(Flow.Subscription mine) {
                subscription = mine;
                mine.request(1);
            }

            @Override
            public void onNext(ByteBuffer chunk) {
                received += chunk.remaining();
                subscription.request(1);
            }

            @Override
            public void onError(Throwable failure) {
                all.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                all.complete(received);
            }
        });
        assertThat(all.get(10, TimeUnit.SECONDS)).isEqualTo(size);
        assertThat(running.outcome().responseBytes()).isEqualTo(size);
    }

    @Test
    void a_response_that_is_not_wanted_lets_the_origin_go() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            out.write(new byte[1_000_000]);
            return in.read() >= 0;
        });
        Running running = rig.proxy(origin);
        for (int i = 0; i < 2; i++) {
            Response response = running.gateway()
                    .handle(Request.of("GET", "/"), ClientInfo.local())
                    .toCompletableFuture()
                    .get(5, TimeUnit.SECONDS);
            if (i == 0) {
                response.body().discard();
            } else {
                assertThat(response.body().buffer(1000).toCompletableFuture()).failsWithin(Duration.ofSeconds(5));
            }
            await().until(() -> origin.open() == 0);
        }
        running.outcome(2);
    }

    @Test
    void a_body_that_is_cut_tells_its_reader_why() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".getBytes(StandardCharsets.UTF_8));
            out.flush();
            return in.read() >= 0;
        });
        Running running = rig.proxy(origin, route -> route.timeout(Duration.ofMillis(300)), upstream -> upstream);
        Response response = running.gateway()
                .handle(Request.of("GET", "/"), ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        running.outcome();
        CompletableFuture<Throwable> seen = new CompletableFuture<>();
        response.body().chunks().subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription mine) {
                mine.request(1);
            }

            @Override
            public void onNext(ByteBuffer chunk) {
                // Some may have come.
            }

            @Override
            public void onError(Throwable failure) {
                seen.complete(failure);
            }

            @Override
            public void onComplete() {
                seen.complete(null);
            }
        });
        assertThat(seen.get(5, TimeUnit.SECONDS)).isInstanceOf(GatewayException.class);
    }

    @Test
    void what_the_wire_would_refuse_is_refused_here_too() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(origin);
        for (Request bad : new Request[] {
            Request.of("TRACE", "/"),
            Request.of("GET", "/a").withHeader("Content-Length", "x"),
            Request.of("GET", "/a").withHeader("X_Y", "1"),
        }) {
            Response answer = running.gateway()
                    .handle(bad, ClientInfo.local())
                    .toCompletableFuture()
                    .get(5, TimeUnit.SECONDS);
            assertThat(answer.status()).as("%s", bad).isBetween(400, 499);
            answer.body().discard();
        }
        assertThat(origin.connections()).isZero();
    }

    @Test
    void a_body_without_a_length_is_held_to_the_limit_of_the_route() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.proxy(origin, route -> route.maxRequestBytes(10), upstream -> upstream);
        Response answer = running.gateway()
                .handle(
                        Request.of("POST", "/")
                                .withBody(Body.from(Body.of("x".repeat(20)).chunks(), -1)),
                        ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        assertThat(answer.status()).isEqualTo(413);
        answer.body().discard();
        assertThat(origin.received()).isEmpty();
    }

    @Test
    void after_the_end_nothing_is_handled() {
        Running running = rig.start(gateway -> gateway.route(
                Route.builder("a").match(Match.any()).answer(Response.of(204)).build()));
        running.gateway().stop(Duration.ZERO);
        Throwable refused = null;
        try {
            running.gateway()
                    .handle(Request.of("GET", "/"), ClientInfo.local())
                    .toCompletableFuture()
                    .join();
        } catch (IllegalStateException | CompletionException expected) {
            refused = expected;
        }
        assertThat(refused).isNotNull();
    }
}
