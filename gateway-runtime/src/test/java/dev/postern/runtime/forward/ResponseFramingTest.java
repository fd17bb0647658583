package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.runtime.forward.ResponseFraming.Step;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseFramingTest {
    /** Where the response ends; -1 when it waits for more, -2 when it is refused. */
    private static int end(String bytes, boolean head) {
        ResponseFraming framing = new ResponseFraming();
        framing.expect(head);
        byte[] input = bytes.getBytes(StandardCharsets.ISO_8859_1);
        int at = 0;
        while (at < input.length && !framing.isIdle()) {
            long opaque = framing.opaque();
            if (opaque > 0) {
                int count = (int) Math.min(opaque, input.length - at);
                framing.skip(count);
                at += count;
            } else if (framing.next(input[at++]) == Step.REFUSED) {
                assertThat(framing.reason()).isNotEmpty();
                return -2;
            }
        }
        return framing.isIdle() ? at : -1;
    }

    private static String bytes(String text) {
        return text.replace("~", "\r\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK~Content-Length: 3~~abc",
                "HTTP/1.1 200~content-length:3~~abc",
                "HTTP/1.1  200 OK~Content-Length: 0~~",
                "HTTP/1.0 200 OK~Content-Length: 003 ~~abc",
                "HTTP/1.1 200 OK~Transfer-Encoding: ChunKed~~3;a=\"b\"~abc~0~X: 1~~",
                "HTTP/1.1 204 No~Transfer-Encoding: chunked~~",
                "HTTP/1.1 304 Not~Content-Length: 5~~",
                "HTTP/1.1 100 Continue~~HTTP/1.1 103 Hints~Link: a~~HTTP/1.1 200 OK~Content-Length: 1~~a",
                "HTTP/1.1 200 OK~X : folded~ and on~Content-Length: 1~~a",
            })
    void ends_behind_the_last_byte(String text) {
        String bytes = bytes(text);
        assertThat(end(bytes, false)).isEqualTo(bytes.length());
        assertThat(end(bytes + "HTTP/1.1 200 OK", false)).isEqualTo(bytes.length());
        assertThat(end(bytes.substring(0, bytes.length() - 1), false)).isEqualTo(-1);
    }

    @Test
    void an_answer_to_HEAD_ends_behind_its_head() {
        String bytes = bytes("HTTP/1.1 200 OK~Content-Length: 3~~");
        assertThat(end(bytes + "abc", true)).isEqualTo(bytes.length());
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {"HTTP/1.1 200 OK~~abc", "HTTP/1.1 101 Switch~Upgrade: websocket~~abc"})
    void without_a_length_or_behind_an_upgrade_it_never_ends(String text) {
        assertThat(end(bytes(text), false)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK~Content-Length: 3~Transfer-Encoding: chunked~~",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~Content-Length: 3~~",
                "HTTP/1.1 200 OK~Content-Length: 3~Content-Length: 3~~",
                "HTTP/1.1 200 OK~Content-Length: +3~~",
                "HTTP/1.1 200 OK~Content-Length: ~~",
                "HTTP/1.1 200 OK~Content-Length: 9999999999999999999~~",
                "HTTP/1.1 200 OK~Content-Length : 3~~",
                "HTTP/1.1 200 OK~Transfer-Encoding : chunked~~",
                "HTTP/1.1 200 OK~Transfer-Encoding:~ chunked~~",
                "HTTP/1.1 200 OK~Transfer-Encoding: gzip, chunked~~",
                "HTTP/1.1 200 OK~Transfer-Encoding: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~~",
                "HTTP/1.0 200 OK~Transfer-Encoding: chunked~~",
                "HTTP/1.1 103 Hints~Content-Length: 3~~",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3 7~",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~100000003~",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abcX",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc\rX",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3;\n",
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3\rX",
                "HTTP/1.1 200 OK~X~~",
                "HTTP/1.1 200 OK~: 1~~",
                "HTTP/1.1 200 OK~X Y: 1~~",
                "HTTP/1.1 200 OK~X: a\rb~~",
                "HTTP/1.1 200 OK~X: a\nb~~",
                "HTTP/1.1 200 OK\n",
                "HTTP/1.1 200 O\rK~",
                "HTTP/1.1 20 OK~",
                "HTTP/1.1 2000 OK~",
                "HTTP/1.1 099 OK~",
                "HTTP/1.1 200OK~",
                "HTTP/1.2 200 OK~",
                "HTTP/1.11 200 OK~",
                "ICY 200 OK~",
                " HTTP/1.1 200 OK~",
                "~HTTP/1.1 200 OK~",
            })
    void what_could_be_framed_differently_is_refused(String text) {
        assertThat(end(bytes(text), false)).isEqualTo(-2);
    }

    @Test
    void lines_without_end_are_refused() {
        assertThat(end("HTTP/1.1 200 " + "O".repeat(5000), false)).isEqualTo(-2);
        String chunked = bytes("HTTP/1.1 200 OK~Transfer-Encoding: chunked~~");
        assertThat(end(chunked + "3;" + "a".repeat(5000), false)).isEqualTo(-2);
        assertThat(end(chunked + bytes("0~X: ") + "a".repeat(70_000), false)).isEqualTo(-2);
        assertThat(end(chunked + bytes("0~") + "X: 1\r\n".repeat(20_000), false))
                .isEqualTo(-2);
    }
}
