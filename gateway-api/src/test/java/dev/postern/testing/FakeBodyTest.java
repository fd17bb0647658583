package dev.postern.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.BufferedBody;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class FakeBodyTest {
    private static final BodyContract.Steps HERE = (what, step) -> step.run();

    static final List<Supplier<FakeBody>> BODIES = List.of(
            FakeBody::of,
            () -> FakeBody.of("one"),
            () -> FakeBody.of("one", "", "three").withoutLength(),
            () -> FakeBody.of("one", "two").trailers(Headers.of("X", "1")),
            () -> FakeBody.of(new byte[] {1, 2, 3, 4, 5}, 3),
            () -> FakeBody.of(new byte[] {1}, 3));

    @ParameterizedTest
    @FieldSource("BODIES")
    void it_is_a_body_like_any_other(Supplier<FakeBody> body) {
        BodyContract.check(body);
    }

    @Test
    void it_tells_what_was_done_with_it() {
        FakeBody body = FakeBody.of("one", "two");
        Probe reader = new Probe(100);
        assertThat(body.state()).isEqualTo(FakeBody.State.UNTOUCHED);
        assertThat(body.released()).isFalse();

        body.chunks().subscribe(reader);
        reader.awaitOne(HERE);
        assertThat(body).hasToString("FakeBody[READING]");
        assertThat(body.released()).isFalse();
        assertThat(body.mostAsked()).isEqualTo(1);
        reader.awaitEnd(HERE, Long.MAX_VALUE);

        assertThat(body.state()).isEqualTo(FakeBody.State.READ);
        assertThat(body.released()).isTrue();
        assertThat(body.mostAsked()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void cancelling_and_discarding_give_it_up() {
        FakeBody cancelled = FakeBody.of("one");
        FakeBody discarded = FakeBody.of("one");
        Probe reader = new Probe(100);
        cancelled.chunks().subscribe(reader);

        reader.cancel(HERE);
        discarded.discard();

        assertThat(cancelled.state()).isEqualTo(FakeBody.State.GIVEN_UP);
        assertThat(discarded.state()).isEqualTo(FakeBody.State.GIVEN_UP);
        assertThat(Settled.of(discarded.trailers(), 0).failure()).hasMessage("the body was given up before its end");
    }

    @Test
    void discarding_what_was_read_changes_nothing() {
        FakeBody body = FakeBody.of("one").trailers(Headers.of("X", "1"));
        assertThat(read(body, 3).value()).hasToString("BufferedBody[3 bytes]");

        body.discard();

        assertThat(body.state()).isEqualTo(FakeBody.State.READ);
        assertThat(body.trailers()).isCompletedWithValue(Headers.of("X", "1"));
    }

    @Test
    void a_break_comes_after_the_content() {
        IllegalStateException reset = new IllegalStateException("reset");
        FakeBody body = FakeBody.of("one").breakingWith(reset);
        Probe reader = new Probe(100);
        body.chunks().subscribe(reader);

        reader.awaitEnd(HERE, Long.MAX_VALUE);

        assertThat(reader).hasToString("3 bytes and java.lang.IllegalStateException: reset");
        assertThat(body.state()).isEqualTo(FakeBody.State.BROKEN);
        assertThat(body.released()).isTrue();
        assertThat(Settled.of(body.trailers(), 0).failure()).isSameAs(reset);
    }

    @Test
    void too_much_is_the_failure_of_the_message_it_belongs_to() {
        FakeBody response = FakeBody.of("one", "two");

        assertThat(limit(read(response, 5))).isEqualTo(Failure.RESPONSE_BODY_TOO_LARGE);
        assertThat(limit(read(FakeBody.of("one").ofRequest(), 2))).isEqualTo(Failure.REQUEST_BODY_TOO_LARGE);
        assertThat(response.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void a_tunnel_can_only_be_discarded() {
        FakeBody tunnel = FakeBody.tunnel();

        assertThat(read(tunnel, 5).failure()).hasMessage("the body of an upgrade cannot be read");
        assertThat(tunnel.released()).isFalse();
        tunnel.discard();
        assertThat(tunnel.released()).isTrue();
        assertThatNullPointerException().isThrownBy(() -> tunnel.chunks().subscribe(null));
    }

    private static Settled<BufferedBody> read(FakeBody body, int limit) {
        CompletionStage<BufferedBody> stage = body.buffer(limit);
        return Settled.of(stage, 0);
    }

    private static Failure limit(Settled<?> settled) {
        return settled.failure() instanceof GatewayException known ? known.failure() : null;
    }
}
