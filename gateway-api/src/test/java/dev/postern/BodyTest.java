package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.testing.BodyContract;
import dev.postern.testing.FakeBody;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BodyTest {
    static Stream<Supplier<Body>> bodies() {
        return Stream.of(
                Body::empty,
                () -> Body.of(""),
                () -> Body.of("text"),
                () -> Body.of(new byte[] {0, -1, 127}),
                () -> Body.from(FakeBody.of("one", "two", "three").chunks(), 11),
                () -> Body.from(FakeBody.of("one", "two", "three").chunks(), -1),
                () -> Body.from(FakeBody.of().chunks(), -1),
                () -> Body.from(Body.of("text").chunks(), 4),
                BodyTest::fromAnotherThread);
    }

    private static Body fromAnotherThread() {
        SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>();
        return Body.from(
                subscriber -> {
                    publisher.subscribe(subscriber);
                    publisher.submit(ByteBuffer.wrap(new byte[] {'a', 'b'}).asReadOnlyBuffer());
                    publisher.close();
                },
                2);
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void every_body_keeps_the_rules_of_reactive_streams(Supplier<Body> body) {
        BodyContract.check(body);
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void a_missing_subscriber_is_refused_and_spends_nothing(Supplier<Body> bodies) {
        Body body = bodies.get();
        long length = body.buffer(100).toCompletableFuture().join().length();
        Body another = bodies.get();

        assertThatNullPointerException().isThrownBy(() -> another.chunks().subscribe(null));
        assertThat(another.buffer(100).toCompletableFuture().join().length()).isEqualTo(length);
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void a_limit_below_nothing_is_refused(Supplier<Body> body) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> body.get().buffer(-1))
                .withMessage("maxBytes: -1 (expected: >= 0)");
    }

    @Test
    void a_body_in_memory_is_read_as_often_as_wanted() {
        BufferedBody body = Body.of("caf\u00e9");

        assertThat(body.length()).isEqualTo(5);
        assertThat(body.replayable()).isTrue();
        assertThat(body.text()).isEqualTo("caf\u00e9");
        assertThat(body.buffer(5).toCompletableFuture().join()).isSameAs(body);
        assertThat(body.trailers().toCompletableFuture().join()).isEqualTo(Headers.EMPTY);
        body.discard();
        assertThat(body.text()).isEqualTo("caf\u00e9");
        assertThat(body).hasToString("BufferedBody[5 bytes]");
    }

    @Test
    void what_it_hands_out_cannot_change_it() {
        BufferedBody body = Body.of("text");

        body.toByteArray()[0] = 'X';
        ByteBuffer view = body.bytes();
        view.get();

        assertThatExceptionOfType(ReadOnlyBufferException.class).isThrownBy(() -> view.put(0, (byte) 'X'));
        assertThat(body.bytes().remaining()).isEqualTo(4);
        assertThat(body.text()).isEqualTo("text");
    }

    @Test
    void malformed_utf_8_is_read_with_replacement_characters() {
        assertThat(Body.of(new byte[] {'a', (byte) 0xff}).text()).isEqualTo("a\ufffd");
    }

    // A route that answers with a fixed text must equal itself when it is configured again.
    @Test
    void bodies_in_memory_are_equal_when_their_bytes_are() {
        assertThat(Body.of("a"))
                .isEqualTo(Body.of(new byte[] {'a'}))
                .hasSameHashCodeAs(Body.of("a"))
                .isNotEqualTo(Body.of("b"))
                .isNotEqualTo("a");
        assertThat(Body.of("")).isSameAs(Body.empty());
    }

    @Test
    void too_much_for_the_limit_is_a_failure_of_its_own_and_gives_the_rest_back() {
        FakeBody source = FakeBody.of("one", "two", "three");

        CompletionStage<BufferedBody> read = Body.from(source.chunks(), -1).buffer(5);

        assertThat(failure(read)).isInstanceOf(GatewayException.class).hasMessage("body of more than 5 bytes");
        assertThat(source.state()).isEqualTo(FakeBody.State.GIVEN_UP);
        assertThat(failure(Body.of("123456").buffer(5))).hasMessage("body of 6 bytes (limit: 5)");
    }

    @Test
    void a_body_that_breaks_breaks_its_reader() {
        IllegalStateException cause = new IllegalStateException("reset");
        FakeBody source = FakeBody.of("one").breakingWith(cause);

        assertThat(failure(Body.from(source.chunks(), -1).buffer(100))).isSameAs(cause);
    }

    @Test
    void the_stage_of_a_reader_cannot_be_completed_from_outside() {
        CompletionStage<BufferedBody> read =
                Body.from(FakeBody.of("a").chunks(), 1).buffer(1);

        read.toCompletableFuture().obtrudeValue(Body.of("forged"));

        assertThat(read.toCompletableFuture().join().text()).isEqualTo("a");
    }

    @Test
    void discarding_cancels_the_publisher() {
        FakeBody source = FakeBody.of("one");

        Body.from(source.chunks(), 3).discard();

        assertThat(source.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void discarding_after_reading_has_begun_leaves_the_reader_alone() {
        FakeBody source = FakeBody.of("one");
        Body body = Body.from(source.chunks(), 3);
        body.chunks().subscribe(new Idle());

        body.discard();

        assertThat(source.state()).isEqualTo(FakeBody.State.READING);
    }

    @Test
    void a_publisher_that_subscribes_twice_is_read_once() {
        FakeBody second = FakeBody.of("two");
        Body body = Body.from(
                subscriber -> {
                    FakeBody.of("one").chunks().subscribe(subscriber);
                    second.chunks().subscribe(subscriber);
                },
                -1);

        assertThat(body.buffer(100).toCompletableFuture().join().text()).isEqualTo("one");
        assertThat(second.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void a_length_is_known_or_minus_one() {
        assertThat(Body.from(FakeBody.of("a").chunks(), -1).length()).isEqualTo(-1);
        assertThat(Body.from(FakeBody.of("a").chunks(), 1).length()).isEqualTo(1);
        assertThat(Body.from(FakeBody.of("a").chunks(), 1).replayable()).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Body.from(FakeBody.of().chunks(), -2))
                .withMessage("length: -2 (expected: >= 0, or -1 for unknown)");
        assertThatNullPointerException().isThrownBy(() -> Body.from(null, 0));
    }

    private static Throwable failure(CompletionStage<?> stage) {
        try {
            return new AssertionError(
                    "completed with " + stage.toCompletableFuture().join());
        } catch (CompletionException failed) {
            return failed.getCause();
        }
    }

    /** Never asks for anything. */
    private static final class Idle implements Flow.Subscriber<ByteBuffer> {
        @Override
        public void onSubscribe(Flow.Subscription subscription) {}

        @Override
        public void onNext(ByteBuffer chunk) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onComplete() {}
    }
}
