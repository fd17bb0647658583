package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainHeadTest {
    private static @Nullable String read(byte[] bytes) {
        PlainHead head = PlainHead.mine();
        System.arraycopy(bytes, 0, head.bytes(), 0, bytes.length);
        if (!head.read(bytes.length)) {
            return null;
        }
        List<String> lines = new ArrayList<>();
        for (Map.Entry<String, String> line : head) {
            lines.add(line.getKey() + '=' + line.getValue());
        }
        return head.status() + " " + lines;
    }

    private static @Nullable String read(String text) {
        return read(bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.replace("~", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static @Nullable String decoded(byte[] bytes) {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpResponseDecoder());
        try {
            channel.writeInbound(Unpooled.wrappedBuffer(bytes.clone()));
            Object first = channel.readInbound();
            if (!(first instanceof HttpResponse head) || head.decoderResult().isFailure()) {
                return null;
            }
            List<String> lines = new ArrayList<>();
            head.headers().forEach(line -> lines.add(line.getKey() + '=' + line.getValue()));
            ReferenceCountUtil.release(first);
            return head.status().code() + " " + lines;
        } finally {
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void a_usual_head_is_read() {
        assertThat(read("HTTP/1.1 200 OK~Server: a~Content-Length:3~X-Empty:~X:  a b \t~~"))
                .isEqualTo("200 [Server=a, Content-Length=3, X-Empty=, X=a b]");
        assertThat(read("HTTP/1.1 404~Content-Length: 0~~")).isEqualTo("404 [Content-Length=0]");
        assertThat(read("HTTP/1.1 599 ~~")).isEqualTo("599 []");
        assertThat(read("HTTP/1.1 200 OK~" + "A: b~".repeat(100) + "~")).hasSize(4 + 2 + 100 * 3 + 99 * 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.0 200 OK~~",
                "HTTP/1.1  200 OK~~",
                "HTTP/1.1 20 OK~~",
                "HTTP/1.1 2000 OK~~",
                "HTTP/1.1 200 OK~A: b~ folded~~",
                "HTTP/1.1 200 OK~ A: b~~",
                "HTTP/1.1 200 OK~A : b~~",
                "HTTP/1.1 200 OK~: b~~",
                "HTTP/1.1 200 OK~A b~~",
                "HTTP/1.1 200 OK~A~~",
                "HTTP/1.1 200 OK~A: \u00e4~~",
                "HTTP/1.1 200 OK~\u00e4: a~~",
                "HTTP/1.1 200 OK~A: \u0000~~",
                "HTTP/1.1 200 OK~A: \u007f~~",
                "HTTP/1.1 200 OK~A: a\rb~~",
                "HTTP/1.1 200 OK~A: a\nB: b~~",
                "HTTP/1.1 200 O\nK~~",
                "HTTP/1.1 100 Continue~~HTTP/1.1 200 OK~~",
                "HTTP/1.1 200 OK~A: b~",
                "HTTP/1.1 200 OK~A: b",
                "HTTP/1.1 200 OK",
                "HTTP/1.1 200 OK~~a",
                "HTTP/1.1 200 OK~~~",
                "",
            })
    void any_other_is_the_decoders(String text) {
        assertThat(read(text)).isNull();
    }

    @Test
    void what_is_read_is_what_the_decoder_reads() {
        byte[] plain =
                bytes("HTTP/1.1 200 OK~Server: nginx/1.22.1~Content-Type: text/plain~ETag: \"abc\"~Vary: a, b~~");
        Random random = new Random(4711);
        int read = 0;
        for (int i = 0; i < 200_000; i++) {
            byte[] bytes = plain.clone();
            for (int n = random.nextInt(3); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] =
                        (byte) "\r\n \t:;,\"aZ09\u0000\u00ff-/".charAt(random.nextInt(16));
            }
            String mine = read(bytes);
            if (mine != null) {
                read++;
                assertThat(mine)
                        .as(new String(bytes, StandardCharsets.ISO_8859_1))
                        .isEqualTo(decoded(bytes));
            }
        }
        assertThat(read).isGreaterThan(20_000);
    }
}
