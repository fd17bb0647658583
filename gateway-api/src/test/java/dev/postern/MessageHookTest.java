package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.postern.MessageHook.Direction;
import dev.postern.MessageHook.Message;
import dev.postern.MessageHook.Verdict;
import dev.postern.testing.FakeExchange;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageHookTest {
    @Test
    void a_message_is_text_or_bytes_and_keeps_its_content_to_itself() {
        Message text = Message.text("grüße");
        assertThat(text.binary()).isFalse();
        assertThat(text.length()).isEqualTo(7);
        assertThat(text.text()).isEqualTo("grüße");
        assertThat(text).hasToString("text message of 7 bytes");

        Message bytes = Message.binary(new byte[] {1, 2});
        assertThat(bytes.binary()).isTrue();
        assertThat(bytes.content()).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2}));
        assertThat(bytes.content().isReadOnly()).isTrue();
        assertThat(bytes).hasToString("binary message of 2 bytes");

        assertThat(Message.utf8("a".getBytes(StandardCharsets.UTF_8)).text()).isEqualTo("a");
    }

    @Test
    void a_verdict_passes_drops_or_closes() {
        assertThat(Verdict.pass().passes()).isTrue();
        assertThat(Verdict.pass().closeCode()).isZero();
        assertThat(Verdict.pass()).hasToString("pass");
        assertThat(Verdict.drop().passes()).isFalse();
        assertThat(Verdict.drop().closeCode()).isZero();
        assertThat(Verdict.drop()).hasToString("drop");
        Verdict close = Verdict.close(4001, "enough");
        assertThat(close.passes()).isFalse();
        assertThat(close.closeCode()).isEqualTo(4001);
        assertThat(close.reason()).isEqualTo("enough");
        assertThat(close).hasToString("close 4001");
    }

    @ParameterizedTest
    @ValueSource(ints = {1000, 1001, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4999})
    void codes_that_a_gateway_may_say(int code) {
        assertThat(Verdict.close(code, "").closeCode()).isEqualTo(code);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 999, 1002, 1004, 1005, 1006, 1010, 1015, 2999, 5000})
    void codes_that_mean_something_else_are_refused(int code) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Verdict.close(code, ""))
                .withMessageStartingWith("code: " + code);
    }

    @Test
    void a_reason_fits_into_a_control_frame() {
        assertThat(Verdict.close(1008, "x".repeat(123)).reason()).hasSize(123);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Verdict.close(1008, "ü".repeat(62)))
                .withMessage("reason: 124 bytes (expected: at most 123)");
    }

    @Test
    void a_fake_exchange_shows_messages_to_its_hooks_as_the_gateway_would() {
        FakeExchange exchange = new FakeExchange();
        List<String> seen = new ArrayList<>();
        exchange.onMessage((direction, message) -> {
            seen.add("first " + message.text());
            return Verdict.pass();
        });
        exchange.onMessage((direction, message) -> {
            seen.add("second " + message.text());
            return message.text().equals("bad") ? Verdict.close(1008, "") : Verdict.pass();
        });

        assertThat(exchange.message(Direction.TO_UPSTREAM, Message.text("a")).passes())
                .isTrue();
        assertThat(exchange.message(Direction.TO_CLIENT, Message.text("b")).passes())
                .isTrue();
        assertThat(exchange.message(Direction.TO_CLIENT, Message.text("bad")).closeCode())
                .isEqualTo(1008);

        assertThat(seen).containsExactly("first a", "second a", "second b", "first b", "second bad");
    }
}
