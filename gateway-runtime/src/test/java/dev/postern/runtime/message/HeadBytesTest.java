package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeadBytesTest {
    private static String built(HeadBytes head, String content) {
        ByteBuf bytes = head.build(ByteBufAllocator.DEFAULT, Unpooled.copiedBuffer(content, StandardCharsets.US_ASCII));
        String text = bytes.toString(StandardCharsets.ISO_8859_1);
        bytes.release();
        return text;
    }

    private static FullHttpResponse response(int status, String content) {
        return new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(status),
                Unpooled.copiedBuffer(content, StandardCharsets.US_ASCII));
    }

    @Test
    void a_request_is_head_and_content() {
        HeadBytes head = HeadBytes.ofRequest("POST", "/a?b=c", "example.com:8080");
        head.add(AsciiString.of("Content-Length"), "3");
        head.pass("X-Name", "M\u00fcller");
        assertThat(built(head, "abc"))
                .isEqualTo("POST /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 3\r\n"
                        + "X-Name: M\u00fcller\r\n\r\nabc");
    }

    @Test
    void a_head_longer_than_usual_finds_room_and_leaves_none_behind() {
        HeadBytes head = HeadBytes.ofRequest("GET", "/" + "a".repeat(9_000), "h");
        head.pass("X", "b".repeat(30_000));
        assertThat(built(head, "")).hasSize(5 + 9_000 + 11 + 9 + 3 + 30_000 + 2 + 2);
        assertThat(built(HeadBytes.ofRequest("GET", "/", "h"), "")).isEqualTo("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\r\nX: b", "a\nb", "a\rb", "a\u0000", "a\u007f", "a\u010d\u010a"})
    void what_could_end_a_line_does_not_go_out(String hostile) {
        HeadBytes head = HeadBytes.ofRequest("GET", "/", "h");
        assertThatThrownBy(() -> head.add("X", hostile)).hasMessageContaining("of a request's head");
        assertThatThrownBy(() -> HeadBytes.ofRequest("GET", "/" + hostile, "h"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> HeadBytes.ofRequest("GET", "/", hostile)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> HeadBytes.ofRequest(hostile, "/", "h")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_whole_response_is_head_and_content() {
        FullHttpResponse response = response(404, "abc");
        response.headers().set("Content-Length", "3").add("X", "1").add(AsciiString.of("X"), AsciiString.of("2"));
        HeadBytes head = HeadBytes.ofWhole(response);
        assertThat(head).isNotNull();
        assertThat(built(head, "abc"))
                .isEqualTo("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nX: 1\r\nX: 2\r\n\r\nabc");
        response.release();
    }

    @Test
    void a_response_of_another_kind_is_the_encoders() {
        FullHttpResponse unsized = response(200, "abc");
        assertThat(HeadBytes.ofWhole(unsized)).isNull();
        unsized.release();
        for (int status : new int[] {100, 103, 204, 205, 304}) {
            FullHttpResponse response = response(status, "abc");
            response.headers().set("Content-Length", "3");
            assertThat(HeadBytes.ofWhole(response)).isNull();
            response.release();
        }
        FullHttpResponse chunked = response(200, "abc");
        chunked.headers().set("Content-Length", "3").set("Transfer-Encoding", "chunked");
        assertThat(HeadBytes.ofWhole(chunked)).isNull();
        chunked.release();
        FullHttpResponse trailed = response(200, "abc");
        trailed.headers().set("Content-Length", "3");
        trailed.trailingHeaders().set("X", "1");
        assertThat(HeadBytes.ofWhole(trailed)).isNull();
        trailed.release();
    }
}
