package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.runtime.pipeline.CallerLoop;
import dev.postern.testing.BodyContract;
import dev.postern.testing.FakeBody;
import dev.postern.testing.ManualTime;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

class ReplayBodyTest {
    private final CallerLoop loop = new CallerLoop(ManualTime.create());

    @Test
    void keeps_the_contract_of_a_body() {
        BodyContract.check(() -> new ReplayBody(FakeBody.of("ab", "cd", "ef"), loop, 1024, bytes -> true, bytes -> {}));
        BodyContract.check(() -> {
            ReplayBody closed = new ReplayBody(FakeBody.of("ab", "cd"), loop, 1024, bytes -> true, bytes -> {});
            closed.close();
            return closed;
        });
    }

    @Test
    void a_second_reader_gets_what_the_first_had_and_the_rest() {
        FakeBody source = FakeBody.of("ab", "cd", "ef");
        ReplayBody body = new ReplayBody(source, loop, 1024, bytes -> true, bytes -> {});
        Reader first = read(body);
        first.request(2);
        assertThat(first.text).hasToString("abcd");
        first.cancel();
        assertThat(source.released()).isFalse();
        assertThat(body.replayable()).isTrue();
        Reader second = read(body);
        second.request(1);
        assertThat(second.text).hasToString("ab");
        second.request(Long.MAX_VALUE);
        assertThat(second.text).hasToString("abcdef");
        assertThat(second.end).isEqualTo("complete");
        Reader third = read(body);
        third.request(9);
        assertThat(third.text).hasToString("abcdef");
        assertThat(source.released()).isTrue();
        assertThat(first.end).isNull();
    }

    @Test
    void past_its_limit_it_streams_through_and_keeps_nothing() {
        FakeBody source = FakeBody.of("abcd", "efgh", "ijkl");
        ReplayBody body = new ReplayBody(source, loop, 8, bytes -> true, bytes -> {});
        Reader reader = read(body);
        reader.request(2);
        assertThat(body.keptBytes()).isEqualTo(8);
        assertThat(body.replayable()).isTrue();
        reader.request(1);
        assertThat(body.replayable()).isFalse();
        assertThat(body.keptBytes()).isZero();
        reader.request(1);
        assertThat(reader.text).hasToString("abcdefghijkl");
        assertThat(reader.end).isEqualTo("complete");
        assertThat(read(body).end).startsWith("java.lang.IllegalStateException");
    }

    @Test
    void nothing_is_kept_once_there_is_no_other_attempt() {
        FakeBody source = FakeBody.of("ab", "cd", "ef");
        ReplayBody body = new ReplayBody(source, loop, 1024, bytes -> true, bytes -> {});
        Reader reader = read(body);
        reader.request(1);
        body.close();
        assertThat(body.keptBytes()).isZero();
        reader.request(1);
        assertThat(reader.text).hasToString("abcd");
        assertThat(body.keptBytes()).isZero();
        reader.cancel();
        assertThat(source.state()).isEqualTo(FakeBody.State.GIVEN_UP);
    }

    @Test
    void closed_between_two_readers_it_lets_the_source_go() {
        FakeBody source = FakeBody.of("ab", "cd");
        ReplayBody body = new ReplayBody(source, loop, 1024, bytes -> true, bytes -> {});
        Reader reader = read(body);
        reader.request(1);
        reader.cancel();
        body.close();
        assertThat(source.state()).isEqualTo(FakeBody.State.GIVEN_UP);
        body.discard();
        FakeBody untouched = FakeBody.of("ab");
        new ReplayBody(untouched, loop, 1024, bytes -> true, bytes -> {}).close();
        assertThat(untouched.state()).isEqualTo(FakeBody.State.UNTOUCHED);
    }

    @Test
    void a_source_that_breaks_breaks_for_every_reader_after_what_it_gave() {
        ReplayBody body = new ReplayBody(
                FakeBody.of("ab").breakingWith(new IllegalArgumentException("broken")),
                loop,
                1024,
                bytes -> true,
                bytes -> {});
        for (int i = 0; i < 2; i++) {
            Reader reader = read(body);
            reader.request(5);
            assertThat(reader.text).hasToString("ab");
            assertThat(reader.end).isEqualTo("java.lang.IllegalArgumentException: broken");
        }
    }

    @Test
    void two_readers_at_once_are_refused() {
        ReplayBody body = new ReplayBody(FakeBody.of("ab"), loop, 1024, bytes -> true, bytes -> {});
        Reader first = read(body);
        assertThat(read(body).end).startsWith("java.lang.IllegalStateException");
        first.request(3);
        assertThat(first.end).isEqualTo("complete");
    }

    private static Reader read(ReplayBody body) {
        Reader reader = new Reader();
        body.chunks().subscribe(reader);
        return reader;
    }

    private static final class Reader implements Flow.Subscriber<ByteBuffer> {
        private final StringBuilder text = new StringBuilder();
        private Flow.Subscription subscription;
        private String end;

        void request(long n) {
            subscription.request(n);
        }

        void cancel() {
            subscription.cancel();
        }

        @Override
        public void onSubscribe(Flow.Subscription mine) {
            subscription = mine;
        }

        @Override
        public void onNext(ByteBuffer chunk) {
            text.append(StandardCharsets.UTF_8.decode(chunk));
        }

        @Override
        public void onError(Throwable broken) {
            end = broken.toString();
        }

        @Override
        public void onComplete() {
            end = "complete";
        }
    }
}
