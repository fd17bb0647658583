package dev.postern.guide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Filter;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.BodyContract;
import dev.postern.testing.FakeBody;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FilterContract;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** The code on docs/concepts/bodies.md, and what it does. */
class BodyGuideTest {
    /** Masks card numbers in JSON answers of up to 256 KiB. */
    static CompletionStage<Response> masked(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenCompose(response -> {
            if (!"application/json".equals(response.header("Content-Type"))) {
                return chain.answer(response);
            }
            return response.body()
                    .buffer(256 * 1024)
                    .thenApply(body -> response.withBody(Body.of(body.text().replaceAll("\\d{12}(\\d{4})", "…$1"))));
        });
    }

    /** Keeps what is inside from callers: its body is dropped, not read. */
    static CompletionStage<Response> plain(Request request, Filter.Chain chain) {
        return chain.proceed(request).thenApply(response -> {
            if (response.status() < 500) {
                return response;
            }
            response.body().discard();
            return Response.problem(response.status(), "upstream_failed", null);
        });
    }

    /** Counts the bytes that pass. */
    record CountedBody(Body inner, LongAdder bytes) implements Body {
        @Override
        public long length() {
            return inner.length();
        }

        @Override
        public boolean replayable() {
            return inner.replayable();
        }

        @Override
        public Flow.Publisher<ByteBuffer> chunks() {
            return subscriber -> inner.chunks().subscribe(new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    subscriber.onSubscribe(subscription);
                }

                @Override
                public void onNext(ByteBuffer chunk) {
                    bytes.add(chunk.remaining());
                    subscriber.onNext(chunk);
                }

                @Override
                public void onError(Throwable failure) {
                    subscriber.onError(failure);
                }

                @Override
                public void onComplete() {
                    subscriber.onComplete();
                }
            });
        }

        @Override
        public CompletionStage<BufferedBody> buffer(int maxBytes) {
            return inner.buffer(maxBytes).whenComplete((body, failure) -> bytes.add(body == null ? 0 : body.length()));
        }

        @Override
        public CompletionStage<Headers> trailers() {
            return inner.trailers();
        }

        @Override
        public void discard() {
            inner.discard();
        }
    }

    /** An event stream from a publisher of the host's own. */
    static Response ticks(Flow.Publisher<ByteBuffer> events) {
        return Response.of(200).withHeader("Content-Type", "text/event-stream").withBody(Body.from(events, -1));
    }

    private final LongAdder bytes = new LongAdder();
    private final Filter counting = Filter.named(
            "counting",
            (request, chain) -> chain.proceed(request)
                    .thenApply(response ->
                            response.status() == 101 || response.body().length() == 0
                                    ? response
                                    : response.withBody(new CountedBody(response.body(), bytes))));

    @Test
    void card_numbers_do_not_get_out() {
        FakeChain chain = FakeChain.answering(Response.json(200, "{\"card\":\"4111111111111111\"}"));

        Response response = chain.run(BodyGuideTest::masked, Request.get("/"));

        assertThat(((BufferedBody) response.body()).text()).isEqualTo("{\"card\":\"…1111\"}");
    }

    @Test
    void the_body_of_an_error_page_is_dropped() {
        FakeBody page = FakeBody.of("at com.example.Orders.find(Orders.java:17)");
        FakeChain chain = FakeChain.answering(Response.of(500).withBody(page));

        Response response = chain.run(BodyGuideTest::plain, Request.get("/"));

        assertThat(response.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(page.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void a_body_that_counts_is_a_body_like_any_other() {
        BodyContract.check(() -> new CountedBody(FakeBody.of("one", "two"), bytes));
    }

    @Test
    void every_byte_is_counted_once() {
        FakeChain chain = FakeChain.answering(
                request -> CompletableFuture.completedFuture(Response.of(200).withBody(FakeBody.of("one", "two"))));

        Response response = chain.run(counting, Request.get("/"));
        response.body().buffer(100);

        assertThat(bytes.sum()).isEqualTo(6);
    }

    @Test
    void every_filter_of_the_page_keeps_its_contract() {
        FilterContract.check(
                Filter.named("masked", BodyGuideTest::masked), Filter.named("plain", BodyGuideTest::plain), counting);
    }

    @Test
    void an_event_stream_has_no_length() {
        Response response = ticks(FakeBody.of("data: 1\n\n").chunks());

        assertThat(response.body().length()).isEqualTo(-1);
        assertThat(response.body().buffer(100).toCompletableFuture().join().text())
                .isEqualTo("data: 1\n\n");
    }
}
