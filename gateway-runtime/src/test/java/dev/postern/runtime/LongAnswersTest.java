package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.RetryPolicy;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.RawOrigin.Script;
import dev.postern.runtime.rig.Running;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Answers of a declared length that do not come in one read go to the client in the buffers they were read in: whoever reads
 * them, and whatever ends them, no byte and no buffer is lost (the rig looks for leaks).
 */
class LongAnswersTest {
    private static final String TEXT = "0123456789".repeat(30_000);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** The text in pieces of this size, each in a segment of its own; {@code most} of it, then the end of the connection. */
    private static Script inPieces(int piece, int most) {
        return (request, in, out, socket) -> {
            socket.setTcpNoDelay(true);
            String head = "HTTP/1.1 200 OK\r\nContent-Length: " + TEXT.length() + "\r\n\r\n";
            byte[] all = (head + TEXT).getBytes(StandardCharsets.US_ASCII);
            int end = Math.min(all.length, most);
            for (int at = 0; at < end; at += piece) {
                out.write(all, at, Math.min(piece, end - at));
                out.flush();
            }
            return end == all.length;
        };
    }

    /** Without the texts in the message. */
    private static void assertWhole(String text) {
        assertThat(text.equals(TEXT)).as("%d characters", text.length()).isTrue();
    }

    private enum Reader {
        NOBODY(response -> CompletableFuture.completedFuture(response)),
        WHOLE(response -> response.body().buffer(1 << 20).thenApply(response::withBody)),
        CHUNKS(response -> CompletableFuture.completedFuture(response.withBody(
                Body.from(response.body().chunks(), response.body().length())))),
        ONE_BY_ONE(response -> {
            OneByOne reader = new OneByOne();
            response.body().chunks().subscribe(reader);
            return reader.text.thenApply(text -> response.withBody(Body.of(text)));
        }),
        DISCARDED(response -> {
            response.body().discard();
            return CompletableFuture.completedFuture(response.withBody(Body.of(TEXT)));
        });

        final Function<Response, CompletionStage<Response>> way;

        Reader(Function<Response, CompletionStage<Response>> way) {
            this.way = way;
        }
    }

    private static final class OneByOne implements Flow.Subscriber<ByteBuffer> {
        final CompletableFuture<String> text = new CompletableFuture<>();
        private final StringBuilder read = new StringBuilder();
        private Flow.Subscription subscription;

        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
            mine.request(1);
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            read.append(StandardCharsets.US_ASCII.decode(chunk));
            subscription.request(1);
        }

        @Override
        public void onError(Throwable failure) {
            text.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            text.complete(read.toString());
        }
    }

    private Running reading(RawOrigin origin, Reader reader, Listener listener) {
        return rig.start(gateway -> gateway.listen(listener.host("127.0.0.1"))
                .upstream(Upstream.builder("texts").endpoints(origin.url()).build())
                .filter(Filter.named(
                        "reader", (request, chain) -> chain.proceed(request).thenCompose(reader.way)))
                .route(Route.builder("all").match(Match.prefix("/")).to("texts").build()));
    }

    @ParameterizedTest
    @EnumSource
    void whoever_reads_it_gets_all_of_it(Reader reader) throws Exception {
        RawOrigin origin = rig.origin(inPieces(7_001, Integer.MAX_VALUE));
        Running running = reading(origin, reader, Listener.http(0));
        for (int i = 0; i < 10; i++) {
            assertWhole(running.client().get("/").read().text());
        }
        Response inside = running.gateway()
                .handle(Request.of("GET", "/"), ClientInfo.local())
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        assertWhole(inside.body()
                .buffer(1 << 20)
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS)
                .text());
        if (reader != Reader.DISCARDED) {
            assertThat(origin.connections()).isLessThanOrEqualTo(2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_client_of_http2_gets_all_of_it(Reader reader) throws Exception {
        RawOrigin origin = rig.origin(inPieces(7_001, Integer.MAX_VALUE));
        RawHttp2 client = reading(origin, reader, Listener.http2Cleartext(0)).http2();
        for (int i = 0; i < 3; i++) {
            assertWhole(client.get("/").text());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1_000, 40_000, 200_000})
    void one_that_breaks_off_is_cut_for_the_client_behind_what_came(int most) throws Exception {
        RawOrigin origin = rig.origin(inPieces(5_000, most));
        Running running = rig.proxy(origin);
        for (int i = 0; i < 5; i++) {
            Answer answer = running.client().get("/").read();
            assertThat(answer.complete()).isFalse();
            assertThat(TEXT.startsWith(answer.text())).isTrue();
            assertThat(answer.text()).hasSizeGreaterThan(most - 200);
            assertThat(running.outcome(i + 1).failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
        }
    }

    @Test
    void a_client_that_leaves_lets_everything_go() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            byte[] all = "a".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + 100L * all.length + "\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < 100; i++) {
                out.write(all);
            }
            return true;
        });
        Running running = rig.proxy(origin);
        for (int i = 0; i < 8; i++) {
            try (RawClient client = running.client().get("/")) {
                assertThat(client.readByte()).isEqualTo('H');
                if (i % 2 == 0) {
                    client.socket().setSoLinger(true, 0);
                } else {
                    client.skip(2 << 20);
                }
            }
            assertThat(running.outcome(i + 1).failure()).isEqualTo(Failure.CLIENT_GONE);
        }
    }

    /** As many letters as the last part of the path says, in one write; 503 for {@code /busy}. */
    private static Script ofLength() {
        return (request, in, out, socket) -> {
            String path = request.line().split(" ")[1];
            int length = Integer.parseInt(path.substring(path.lastIndexOf('/') + 1));
            String status = path.startsWith("/busy") ? "503 Service Unavailable" : "200 OK";
            out.write(("HTTP/1.1 " + status + "\r\nContent-Length: " + length + "\r\n\r\n" + "a".repeat(length))
                    .getBytes(StandardCharsets.US_ASCII));
            return true;
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {20_000, 50_000, 300_000})
    void one_that_is_tried_again_is_let_go(int length) throws Exception {
        RawOrigin busy = rig.origin(ofLength());
        RawOrigin good = rig.origin((request, in, out, socket) ->
                (request.line().contains("busy") ? RawOrigin.ok("good") : ofLength()).answer(request, in, out, socket));
        Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints(busy.url(), good.url())
                        .retry(RetryPolicy.builder().onStatus(503).build())
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofSeconds(10))
                        .to("orders")
                        .build()));
        for (int i = 0; i < 10; i++) {
            // One from each, so that what follows comes in one read.
            assertThat(running.client().get("/good/120000").read().text()).hasSize(120_000);
            assertThat(running.client().get("/good/120000").read().text()).hasSize(120_000);
            assertThat(running.client().get("/busy/" + length).read().text()).isEqualTo("good");
        }
        assertThat(busy.received()).extracting(RawOrigin.Received::line).anyMatch(line -> line.contains("busy"));
    }

    @ParameterizedTest
    @ValueSource(ints = {20_000, 50_000, 300_000})
    void one_that_nobody_wants_is_let_go(int length) throws Exception {
        RawOrigin origin = rig.origin(ofLength());
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named(
                        "page",
                        (request, chain) -> chain.proceed(request).thenApply(response -> {
                            if (response.status() == 200) {
                                return response;
                            }
                            response.body().discard();
                            return response.withBody(Body.of("page"));
                        }))),
                upstream -> upstream);
        for (int i = 0; i < 10; i++) {
            assertThat(running.client().get("/good/120000").read().text()).hasSize(120_000);
            assertThat(running.client().get("/busy/" + length).read().text()).isEqualTo("page");
        }
    }

    @Test
    void one_may_be_the_body_of_the_next_request() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) ->
                (request.line().startsWith("POST") ? RawOrigin.echo() : ofLength()).answer(request, in, out, socket));
        String large = "b".repeat(50_000);
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named(
                        "two",
                        (request, chain) -> chain.exchange()
                                .call("orders", Request.get("/good/" + request.header("Length")))
                                .response()
                                .thenCompose(first -> chain.proceed(request.withMethod("POST")
                                        .withHeader("X-Large", large)
                                        .withBody(first.body()))))),
                upstream -> upstream);
        for (String length : List.of("10000", "17000", "300000")) {
            for (int i = 0; i < 3; i++) {
                Answer answer = running.client()
                        .request("GET", "/", "", "Length: " + length)
                        .read();
                assertThat(answer.text().replace("a", "")).isEmpty();
                assertThat(answer.text()).hasSize(Integer.parseInt(length));
            }
        }
    }

    @Test
    void a_surplus_behind_it_costs_the_connection_and_nothing_else() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes("HTTP/1.1 200 OK\r\nContent-Length: " + TEXT.length() + "\r\n\r\n"
                + TEXT + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
        Running running = rig.proxy(origin);
        for (int i = 0; i < 3; i++) {
            assertWhole(running.client().get("/").read().text());
        }
        assertThat(origin.connections()).isEqualTo(3);
    }

    @Test
    void a_surplus_that_comes_before_anybody_reads_is_not_the_next_answer() throws Exception {
        CompletableFuture<Void> surplus = new CompletableFuture<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            ofLength().answer(request, in, out, socket);
            if (request.line().contains("50000")) {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".getBytes(StandardCharsets.US_ASCII));
                out.flush();
                surplus.complete(null);
            }
            return true;
        });
        Running running = rig.proxy(
                origin,
                route -> route.filter(Filter.named(
                        "patient",
                        (request, chain) -> chain.proceed(request)
                                .thenCompose(response -> request.path().contains("50000")
                                        ? surplus.thenCompose(
                                                        v -> chain.exchange().delay(Duration.ofMillis(50)))
                                                .thenApply(v -> response)
                                        : CompletableFuture.completedFuture(response)))),
                upstream -> upstream.maxConnections(1));
        assertThat(running.client().get("/good/120000").read().text()).hasSize(120_000);
        RawClient first = running.client().get("/good/50000");
        RawClient second = running.client().get("/good/60000");
        assertThat(first.read().text()).hasSize(50_000);
        assertThat(second.read().text()).hasSize(60_000);
    }
}
