package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseGuardTest {
    private final AtomicInteger surplus = new AtomicInteger();
    private final EmbeddedChannel channel = new EmbeddedChannel(new HttpClientCodec());
    private final ResponseGuard guard = ResponseGuard.install(channel, surplus::incrementAndGet);

    /** What the decoder makes of these bytes, in pieces of this size. */
    private String decoded(String bytes, int piece) {
        ask();
        byte[] all = bytes.replace("~", "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        for (int at = 0; at < all.length; at += piece) {
            channel.writeInbound(Unpooled.copiedBuffer(all, at, Math.min(piece, all.length - at)));
        }
        StringBuilder text = new StringBuilder();
        for (Object next = channel.readInbound(); next != null; next = channel.readInbound()) {
            if (next instanceof HttpResponse response) {
                text.append(response.status().code())
                        .append(response.decoderResult().isFailure() ? '!' : ' ');
            }
            if (next instanceof HttpContent content) {
                text.append(content.content().toString(StandardCharsets.ISO_8859_1));
            }
            ReferenceCountUtil.release(next);
        }
        return text.toString();
    }

    private void ask() {
        guard.expect("GET");
        channel.writeOutbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/"));
        channel.releaseOutbound();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 11, 1000})
    void interim_responses_of_no_use_are_gone_however_they_come(int piece) {
        String bytes =
                "HTTP/1.1 102 Processing~X: 1~~HTTP/1.1 100 Continue~~HTTP/1.1 199 What~~HTTP/1.1 103 Early~Link: a~~"
                        + "HTTP/1.1 150 Hm~~HTTP/1.1 200 OK~Content-Length: 3~~abc";
        assertThat(decoded(bytes, piece)).isEqualTo("100 103 200 abc");
        assertThat(guard.isSpoiled()).isFalse();
        assertThat(decoded("HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc~0~~", piece))
                .isEqualTo("200 abc");
        assertThat(surplus).hasValue(0);
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 1000})
    void what_comes_behind_a_response_is_seen_and_goes_no_further(int piece) {
        assertThat(decoded("HTTP/1.1 200 OK~Content-Length: 3~~abcHTTP/1.1 200 OK~X: ", piece))
                .isEqualTo("200 abc");
        assertThat(guard.isSpoiled()).isTrue();
        assertThat(surplus).hasValue(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void an_interim_response_does_not_wait_for_the_next_one() {
        ask();
        channel.writeInbound(Unpooled.copiedBuffer("HTTP/1.1 100 Continue\r\n\r\n", StandardCharsets.US_ASCII));
        HttpResponse response = channel.readInbound();
        assertThat(response.status().code()).isEqualTo(100);
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 1000})
    void a_head_that_is_refused_never_reaches_the_decoder(int piece) {
        assertThatThrownBy(() -> decoded("HTTP/1.1 200 OK~X Y: 1~Content-Length: 3~~abc", piece))
                .isInstanceOf(CorruptedFrameException.class);
        Object decoded = channel.readInbound();
        assertThat(decoded).isNull();
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_head_without_end_is_refused() {
        assertThatThrownBy(() -> decoded("HTTP/1.1 200 OK~X: " + "a".repeat(100_000), 1000))
                .isInstanceOf(CorruptedFrameException.class);
        channel.finishAndReleaseAll();
    }

    @Test
    void a_chunk_may_be_longer_than_any_head_and_come_with_what_is_behind_it() {
        String chunk = "a".repeat(90_000);
        String bytes = "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~15f90~" + chunk + "~3~abc~0~~";
        assertThat(decoded(bytes, 200_000)).isEqualTo("200 " + chunk + "abc");
        channel.finishAndReleaseAll();
    }

    @Test
    void half_a_head_at_the_end_is_let_go() {
        assertThat(decoded("HTTP/1.1 200 OK~Content-Le", 4)).isEmpty();
        channel.finishAndReleaseAll();
    }
}
