package dev.postern.runtime.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.runtime.message.PlainHead;
import io.netty.buffer.ByteBuf;
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
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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

    // ---- short calls

    /** Remembers what it is told, and writes what Vert.x would. */
    private final class Call implements ShortCall {
        final List<String> told = new ArrayList<>();
        LongBody body;
        boolean gone;

        @Override
        public void answered(PlainHead head, Buffer content) {
            told.add(head.status() + " " + content);
        }

        @Override
        public void answers(PlainHead head, LongBody content) {
            told.add(head.status() + " begins");
            content.handler(piece -> told.add(piece.toString()));
            content.endHandler(v -> told.add("end"));
            content.exceptionHandler(broken -> told.add(broken.getClass().getSimpleName()));
            body = content;
        }

        @Override
        public void handOver() {
            if (!gone) {
                told.add("handed over");
                channel.writeOutbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/"));
            }
        }

        @Override
        public void broke(Throwable cause) {
            told.add(cause.getClass().getSimpleName());
            if (gone && channel.isOpen()) {
                // As Vert.x does with what waits when a connection is closed.
                channel.writeOutbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/"));
            }
        }
    }

    private Call call() {
        Call call = new Call();
        guard.expect("GET");
        assertThat(guard.send(Unpooled.copiedBuffer("request", StandardCharsets.US_ASCII), call)
                        .isSuccess())
                .isTrue();
        return call;
    }

    private void comes(String bytes) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes.replace("~", "\r\n"), StandardCharsets.ISO_8859_1));
    }

    private String sent() {
        StringBuilder text = new StringBuilder();
        for (ByteBuf next = channel.readOutbound(); next != null; next = channel.readOutbound()) {
            text.append(next.toString(StandardCharsets.US_ASCII));
            next.release();
        }
        return text.toString();
    }

    @Test
    void a_short_answer_is_the_calls_and_the_decoder_hears_nothing() {
        for (int i = 0; i < 3; i++) {
            Call call = call();
            comes("HTTP/1.1 200 OK~Content-");
            comes("Length: 3~~abc");
            assertThat(call.told).containsExactly("200 abc");
        }
        assertThat(sent()).isEqualTo("requestrequestrequest");
        Object decoded = channel.readInbound();
        assertThat(decoded).isNull();
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK~Transfer-Encoding: chunked~~3~abc~0~~",
                "HTTP/1.1 200 OK~X: a~ b~Content-Length: 3~~abc",
                "HTTP/1.0 200 OK~Content-Length: 3~~abc",
                "HTTP/1.1 199 What~~HTTP/1.1 200 OK~Content-Length: 3~~abc",
            })
    void any_other_answer_is_the_decoders_and_the_request_goes_out_once(String answer) {
        Call call = call();
        for (String piece : answer.split("\\|")) {
            comes(piece);
        }
        assertThat(call.told).containsExactly("handed over");
        assertThat(sent()).isEqualTo("request");
        StringBuilder text = new StringBuilder();
        for (Object next = channel.readInbound(); next != null; next = channel.readInbound()) {
            if (next instanceof HttpContent content) {
                text.append(content.content().toString(StandardCharsets.ISO_8859_1));
            }
            ReferenceCountUtil.release(next);
        }
        assertThat(text).hasToString("abc");
        assertThat(guard.isSpoiled()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_longer_answer_is_the_calls_piece_by_piece_as_it_is_asked_for() {
        for (int i = 0; i < 2; i++) {
            Call call = call();
            comes("HTTP/1.1 200 OK~Content-Length: 9~~abc");
            assertThat(call.told).containsExactly("200 begins");
            // Nobody wants it yet: no more is read.
            assertThat(channel.config().isAutoRead()).isFalse();
            call.body.resume();
            assertThat(channel.config().isAutoRead()).isTrue();
            comes("de");
            call.body.pause();
            assertThat(channel.config().isAutoRead()).isFalse();
            comes("f");
            call.body.fetch(1);
            assertThat(channel.config().isAutoRead()).isFalse();
            comes("ghi");
            assertThat(call.told).containsExactly("200 begins", "abc", "de", "f");
            call.body.fetch(1);
            assertThat(call.told).containsExactly("200 begins", "abc", "de", "f", "ghi", "end");
            assertThat(channel.config().isAutoRead()).isTrue();
        }
        assertThat(guard.isSpoiled()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void an_answer_of_one_read_that_is_too_long_to_be_copied_comes_whole() {
        Call call = call();
        comes("HTTP/1.1 200 OK~Content-Length: 20000~~" + "a".repeat(20_000));
        call.body.resume();
        assertThat(call.told).containsExactly("200 begins", "a".repeat(20_000), "end");
        channel.finishAndReleaseAll();
    }

    @Test
    void behind_the_last_byte_the_socket_is_read_though_nobody_has_taken_the_answer_yet() {
        Call call = call();
        comes("HTTP/1.1 200 OK~Content-Length: 3~~a");
        assertThat(channel.config().isAutoRead()).isFalse();
        comes("bc");
        assertThat(channel.config().isAutoRead()).isTrue();
        comes("HTTP/1.1 200 OK~Content-Length: 4~~evil");
        assertThat(guard.isSpoiled()).isTrue();
        assertThat(surplus).hasValue(1);
        call.body.pause();
        assertThat(channel.config().isAutoRead()).isTrue();
        call.body.resume();
        assertThat(call.told).containsExactly("200 begins", "a", "bc", "end");
        channel.finishAndReleaseAll();
    }

    @Test
    void a_surplus_behind_a_longer_answer_is_not_part_of_it() {
        Call call = call();
        comes("HTTP/1.1 200 OK~Content-Length: 3~~a");
        call.body.resume();
        comes("bcHTTP/1.1 200 OK~Content-Length: 4~~evil");
        assertThat(call.told).containsExactly("200 begins", "a", "bc", "end");
        assertThat(guard.isSpoiled()).isTrue();
        assertThat(surplus).hasValue(1);
        channel.finishAndReleaseAll();
    }

    @Test
    void what_has_come_of_an_answer_that_breaks_off_is_not_lost_and_what_nobody_wants_is_let_go() {
        Call call = call();
        comes("HTTP/1.1 200 OK~Content-Length: 9~~abc");
        call.body.exceptionHandler(broken -> {
            call.body.resume();
            call.told.add("broken");
        });
        channel.close();
        assertThat(call.told).containsExactly("200 begins", "abc", "broken");
        EmbeddedChannel other = new EmbeddedChannel(new HttpClientCodec());
        ResponseGuard its = ResponseGuard.install(other, surplus::incrementAndGet);
        assertThat(its).isNotNull();
        Call given = new Call();
        its.expect("GET");
        assertThat(its.send(Unpooled.EMPTY_BUFFER, given).isSuccess()).isTrue();
        ByteBuf bytes = Unpooled.copiedBuffer(
                "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + "a".repeat(600), StandardCharsets.US_ASCII);
        other.writeInbound(bytes);
        assertThat(bytes.refCnt()).isEqualTo(1);
        given.body.letGo();
        assertThat(bytes.refCnt()).isZero();
        given.body.resume();
        other.writeInbound(Unpooled.copiedBuffer("b".repeat(300), StandardCharsets.US_ASCII));
        assertThat(given.told).containsExactly("200 begins");
        channel.finishAndReleaseAll();
        other.finishAndReleaseAll();
    }

    @Test
    void a_small_piece_does_not_keep_the_large_buffer_it_came_in() {
        Call call = call();
        ByteBuf large = Unpooled.buffer(64 * 1024)
                .writeBytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc".getBytes(StandardCharsets.US_ASCII));
        channel.writeInbound(large);
        assertThat(large.refCnt()).isZero();
        call.body.resume();
        assertThat(call.told).containsExactly("200 begins", "abc");
        channel.finishAndReleaseAll();
    }

    @Test
    void an_answer_to_who_has_gone_ends_the_connection() {
        Call call = call();
        call.gone = true;
        comes("HTTP/1.0 200 OK~Content-Length: 3~~a");
        assertThat(call.told).containsExactly("HttpClosedException");
        assertThat(channel.isOpen()).isFalse();
        assertThat(sent()).isEqualTo("request");
        Object decoded = channel.readInbound();
        assertThat(decoded).isNull();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_call_hears_of_the_end_of_its_connection_and_of_a_head_that_is_refused() {
        Call call = call();
        assertThatThrownBy(() -> comes("HTTP/1.1 200 OK~X Y: 1~~")).isInstanceOf(CorruptedFrameException.class);
        assertThat(call.told).containsExactly("CorruptedFrameException");
        EmbeddedChannel other = new EmbeddedChannel(new HttpClientCodec());
        ResponseGuard its = ResponseGuard.install(other, surplus::incrementAndGet);
        assertThat(its).isNotNull();
        Call second = new Call();
        its.expect("GET");
        assertThat(its.send(Unpooled.EMPTY_BUFFER, second).isSuccess()).isTrue();
        other.close();
        assertThat(second.told).containsExactly("HttpClosedException");
        channel.finishAndReleaseAll();
        other.finishAndReleaseAll();
    }
}
