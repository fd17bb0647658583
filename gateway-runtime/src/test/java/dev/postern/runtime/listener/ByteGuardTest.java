package dev.postern.runtime.listener;

import static dev.postern.runtime.listener.FramingCases.chunked;
import static dev.postern.runtime.listener.FramingCases.get;
import static dev.postern.runtime.listener.FramingCases.post;
import static io.netty.buffer.Unpooled.copiedBuffer;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteGuardTest {

    private static final String HEAD = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    private static final String BAD = "GET /b HTTP/1.1\r\nHost : a\r\n\r\n";

    static Stream<FramingCases.Bad> refused() {
        return FramingCases.refused().stream();
    }

    static Stream<FramingCases.Good> accepted() {
        return FramingCases.accepted().stream();
    }

    // ---- what passes

    @Test
    void the_decoder_sees_a_head_only_when_it_is_complete() {
        try (GuardRig rig = new GuardRig()) {
            for (int at = 0; at < HEAD.length() - 1; at++) {
                rig.receive(HEAD.substring(at, at + 1));
                assertThat(rig.decoded).isEmpty();
            }
            rig.receive(HEAD.substring(HEAD.length() - 1));

            assertThat(rig.decoded.toString()).isEqualTo(HEAD);
            assertThat(rig.seen).containsExactly("GET /a", "end");
        }
    }

    @Test
    void body_bytes_pass_as_they_come() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(post("Content-Length: 6", "ab"));
            assertThat(rig.seen).containsExactly("POST /", "body ab");
            rig.receive("cd");
            assertThat(rig.seen).containsExactly("POST /", "body abcd");
            rig.receive("ef");
            assertThat(rig.seen).containsExactly("POST /", "body abcdef", "end");
        }
    }

    @ParameterizedTest
    @MethodSource("accepted")
    void what_is_valid_passes_byte_for_byte_wherever_the_network_cuts_it(FramingCases.Good good) {
        List<String> whole;
        try (GuardRig rig = new GuardRig().answeringAtOnce()) {
            rig.receive(good.bytes());
            whole = List.copyOf(rig.seen);
            assertThat(rig.reasons()).isEmpty();
            assertThat(whole.stream().filter("end"::equals)).hasSize(good.requests());
            assertThat(good.bytes()).startsWith(rig.decoded);
            assertThat(rig.guard.requestsFramed()).isEqualTo(good.requests());
        }
        for (int cut = 1; cut < good.bytes().length(); cut++) {
            try (GuardRig rig = new GuardRig().answeringAtOnce()) {
                rig.receive(good.bytes().substring(0, cut)).receive(good.bytes().substring(cut));
                assertThat(rig.seen).as("cut at %d", cut).isEqualTo(whole);
                assertThat(rig.reasons()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void what_is_refused_is_refused_alike_wherever_the_network_cuts_it(FramingCases.Bad bad) {
        Refusal whole;
        String answer;
        try (GuardRig rig = new GuardRig()) {
            rig.receive(bad.bytes());
            assertThat(rig.refusals).hasSize(1);
            whole = rig.refusals.get(0);
            answer = rig.sent();
            assertThat(whole.reason()).isEqualTo(bad.reason());
            assertThat(answer)
                    .startsWith("HTTP/1.1 " + bad.reason().status() + " ")
                    .contains(bad.reason().code());
            assertThat(rig.seen).doesNotContain("end");
        }
        // Long ones at their interesting end only: cutting each of 16,000 bytes shows nothing new.
        for (int cut = Math.max(1, bad.bytes().length() - 150);
                cut < bad.bytes().length();
                cut++) {
            try (GuardRig rig = new GuardRig()) {
                rig.receive(bad.bytes().substring(0, cut)).receive(bad.bytes().substring(cut));
                assertThat(rig.refusals).as("cut at %d", cut).containsExactly(whole);
                assertThat(rig.sent()).as("cut at %d", cut).isEqualTo(answer);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void what_is_refused_in_its_head_never_reaches_the_decoder(FramingCases.Bad bad) {
        boolean inHead = FramingGuardTest.feed(FramingGuard.http11(HeadLimits.DEFAULTS), firstHead(bad.bytes()))
                == FramingGuard.Step.REFUSED;
        try (GuardRig rig = new GuardRig()) {
            rig.receive(bad.bytes());
            if (inHead) {
                assertThat(rig.decoded).isEmpty();
                assertThat(rig.seen).isEmpty();
            } else {
                assertThat(rig.seen).doesNotContain("end");
            }
        }
    }

    private static String firstHead(String bytes) {
        int end = bytes.indexOf("\r\n\r\n");
        return end < 0 ? bytes : bytes.substring(0, end + 4);
    }

    @Test
    void any_bytes_mean_the_same_in_one_piece_and_in_many() {
        Random random = new Random(20261121);
        List<FramingCases.Good> good = FramingCases.accepted();
        List<FramingCases.Bad> bad = FramingCases.refused();
        String alphabet = "\r\n \t:;,=\"\\09aFgZ_\0\u0001\u007f\u0080\u00ffchunked";
        for (int round = 0; round < 4000; round++) {
            StringBuilder bytes = new StringBuilder();
            for (int i = random.nextInt(3); i >= 0; i--) {
                String seed = random.nextBoolean()
                        ? good.get(random.nextInt(good.size())).bytes()
                        : bad.get(random.nextInt(bad.size())).bytes();
                bytes.append(seed.length() > 1000 ? get("A: b") : seed);
            }
            for (int i = random.nextInt(4); i > 0; i--) {
                int at = random.nextInt(bytes.length());
                switch (random.nextInt(3)) {
                    case 0 -> bytes.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    case 1 -> bytes.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    default -> bytes.deleteCharAt(at);
                }
                if (bytes.length() == 0) {
                    bytes.append('G');
                }
            }
            String text = bytes.toString();
            boolean atOnce = random.nextBoolean();
            String whole = outcome(text, List.of(), atOnce);
            List<Integer> cuts = random.ints(random.nextInt(8), 0, text.length())
                    .sorted()
                    .distinct()
                    .boxed()
                    .toList();
            assertThat(outcome(text, cuts, atOnce))
                    .as("round %d, cuts %s: %s", round, cuts, text)
                    .isEqualTo(whole);
            // Never: the decoder took other messages out of the same bytes, or refused what we let pass.
            assertThat(whole).as("round %d: %s", round, text).doesNotContain("DISAGREEMENT", "DECODER_REFUSED");
        }
    }

    private static String outcome(String text, List<Integer> cuts, boolean answeringAtOnce) {
        try (GuardRig rig = answeringAtOnce ? new GuardRig().answeringAtOnce() : new GuardRig()) {
            int from = 0;
            for (int cut : cuts) {
                rig.receive(text.substring(from, cut));
                from = cut;
            }
            rig.receive(text.substring(from));
            // A request that is refused in its body may have begun or not, by how its bytes came; it never ends.
            List<String> requests = rig.seen.subList(0, rig.seen.lastIndexOf("end") + 1);
            return requests + " " + rig.refusals + " " + rig.sent();
        }
    }

    // ---- refusing

    @Test
    void answers_once_in_problem_json_with_the_reason_and_the_request_id() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(BAD);

            String body = "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                    + "\"code\":\"framing.space_before_colon\",\"requestId\":\"id-1\"}";
            assertThat(rig.sent())
                    .isEqualTo("HTTP/1.1 400 Bad Request\r\nDate: (now)\r\nConnection: close\r\nX-Request-Id: id-1\r\n"
                            + "Content-Type: application/problem+json\r\nContent-Length: " + body.length()
                            + "\r\n\r\n" + body);
            rig.receive(BAD).receive(HEAD);
            assertThat(rig.sent()).isEmpty();
            assertThat(rig.refusals)
                    .containsExactly(new Refusal(
                            Reason.FIELD_NAME_SPACE,
                            "GET /b HTTP/1.1\r\nHost ".length(),
                            "id-1",
                            rig.channel.remoteAddress()));
        }
    }

    @Test
    void answers_a_HEAD_request_without_a_body() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive("HEAD / HTTP/1.1\r\nA : b\r\n\r\n");

            assertThat(rig.sent()).startsWith("HTTP/1.1 400 ").endsWith("\r\n\r\n");
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void every_reason_has_a_phrase(FramingCases.Bad bad) {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(bad.bytes());

            assertThat(rig.sent()).doesNotContain(" Error\r\nConnection");
        }
    }

    @Test
    void lingers_for_a_second_and_closes() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(BAD);
            rig.pass(999);
            assertThat(rig.channel.isOpen()).isTrue();

            rig.pass(1);
            assertThat(rig.channel.isOpen()).isFalse();
        }
    }

    @Test
    void lingers_for_64_KiB_and_closes() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(BAD).receive("x".repeat(64 * 1024));
            assertThat(rig.channel.isOpen()).isTrue();

            rig.receive("x");
            assertThat(rig.channel.isOpen()).isFalse();
        }
    }

    @Test
    void whoever_closes_while_it_lingers_waits_for_it() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(BAD);
            ChannelFuture closed = rig.channel.pipeline().close();
            assertThat(rig.channel.isOpen()).isTrue();
            assertThat(closed.isDone()).isFalse();

            rig.pass(1000);
            assertThat(closed.isSuccess()).isTrue();
        }
    }

    @Test
    void a_bad_chunk_before_the_answer_is_answered_and_fails_the_request() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(chunked("3\r\nabc\r\n"));
            rig.receive("3 7\r\n");

            assertThat(rig.seen).containsExactly("POST /", "body abc", "failed framing.chunk_size");
            assertThat(rig.sent()).startsWith("HTTP/1.1 400 ");
            // The server does not know and answers: that must not follow our answer.
            rig.answer("late");
            assertThat(rig.sent()).isEmpty();
        }
    }

    @Test
    void a_bad_chunk_after_the_answer_began_cuts_it_visibly() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(chunked("3\r\nabc\r\n")).beginAnswer();
            rig.receive("zz\r\n");

            rig.endAnswer();
            assertThat(rig.sent()).startsWith("HTTP/1.1 200 OK").endsWith("1\r\nx\r\n");
            assertThat(rig.seen).endsWith("failed framing.chunk_size");
            assertThat(rig.refusals)
                    .singleElement()
                    .extracting(Refusal::requestId)
                    .isNull();
        }
    }

    @Test
    void a_bad_chunk_after_an_early_answer_gets_no_second_one() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(chunked("3\r\nabc\r\n")).answer("no");
            assertThat(rig.sent()).endsWith("no");

            rig.receive("zz\r\n");
            assertThat(rig.sent()).isEmpty();
            assertThat(rig.reasons()).containsExactly(Reason.CHUNK_SIZE);
        }
    }

    @Test
    void interim_answers_do_not_count_as_answers() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(chunked("")).inform(HttpResponseStatus.CONTINUE);
            rig.sent();
            rig.receive("zz\r\n");

            assertThat(rig.sent()).startsWith("HTTP/1.1 400 ");
        }
    }

    @Test
    void a_client_that_leaves_in_the_middle_of_a_head_leaves_nothing_behind() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive("GET / HTTP/1.1\r\nHo");
            rig.channel.close();

            assertThat(rig.seen).isEmpty();
            assertThat(rig.refusals).isEmpty();
            assertThat(rig.decoded).isEmpty();
        }
    }

    // ---- patience

    @Test
    void a_head_has_ten_seconds_from_its_first_byte_however_it_drips() {
        try (GuardRig rig = new GuardRig()) {
            rig.pass(30_000).receive("G");
            for (int i = 0; i < 9; i++) {
                rig.pass(1000).receive("E");
            }
            rig.pass(999);
            assertThat(rig.refusals).isEmpty();
            rig.pass(1);
            assertThat(rig.reasons()).containsExactly(Reason.HEAD_TIMEOUT);
            assertThat(rig.sent()).startsWith("HTTP/1.1 408 Request Timeout");
        }
    }

    @Test
    void a_head_that_begins_between_two_looks_at_the_clock_has_its_ten_seconds_too() {
        try (GuardRig rig = new GuardRig().answeringAtOnce()) {
            rig.receive(HEAD).pass(4321).receive(HEAD).pass(7000).receive("GET ");
            rig.pass(9999);
            assertThat(rig.refusals).isEmpty();
            rig.pass(1);
            assertThat(rig.reasons()).containsExactly(Reason.HEAD_TIMEOUT);
        }
    }

    @Test
    void an_idle_connection_is_closed_without_a_word_after_a_minute() {
        try (GuardRig rig = new GuardRig().answeringAtOnce()) {
            rig.pass(7000).receive(HEAD);
            rig.sent();
            rig.pass(59_999);
            assertThat(rig.channel.isOpen()).isTrue();
            rig.pass(1);
            assertThat(rig.channel.isOpen()).isFalse();
            assertThat(rig.sent()).isEmpty();
            assertThat(rig.refusals).isEmpty();
        }
    }

    @Test
    void a_slow_answer_and_a_slow_body_are_not_the_guards_business() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(post("Content-Length: 3", "a")).pass(300_000);
            rig.receive("bc").pass(300_000);
            rig.answer("late");

            assertThat(rig.refusals).isEmpty();
            assertThat(rig.sent()).endsWith("late");
            assertThat(rig.channel.isOpen()).isTrue();
        }
    }

    @Test
    void a_head_that_waits_behind_an_answer_does_not_age() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(HEAD + "GET ").pass(300_000).answer("one");
            rig.pass(9999).receive("/b HTTP/1.1\r\n\r\n");

            assertThat(rig.seen).containsExactly("GET /a", "end", "GET /b", "end");
        }
    }

    @Test
    void after_close_the_guard_ends_the_connection_if_the_server_does_not() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(get("Connection: x, close")).answer("one");
            assertThat(rig.sent()).endsWith("one");
            assertThat(rig.channel.isOpen()).isTrue();
            rig.pass(1000);
            assertThat(rig.channel.isOpen()).isFalse();
        }
    }

    @Test
    void a_listener_that_throws_changes_nothing_for_the_client() {
        EmbeddedChannel channel = new EmbeddedChannel(
                new ByteGuard(
                        FramingGuard.http11(HeadLimits.DEFAULTS),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(60),
                        () -> "id-1",
                        refusal -> {
                            throw new IllegalStateException("listener");
                        }),
                new HttpRequestDecoder(),
                new HttpResponseEncoder());
        channel.writeInbound(channel.alloc().buffer().writeByte('\n'));

        ByteBuf answer = channel.readOutbound();
        assertThat(answer.toString(US_ASCII)).startsWith("HTTP/1.1 400 ");
        answer.release();
        channel.finishAndReleaseAll();
    }

    // ---- one at a time

    @Test
    void the_next_head_waits_for_the_end_of_the_answer() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(HEAD + HEAD);
            assertThat(rig.seen).containsExactly("GET /a", "end");
            assertThat(rig.channel.config().isAutoRead()).isFalse();

            rig.beginAnswer();
            assertThat(rig.seen).hasSize(2);
            rig.endAnswer();
            assertThat(rig.seen).containsExactly("GET /a", "end", "GET /a", "end");
            assertThat(rig.channel.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void the_next_head_waits_for_the_end_of_the_request_too() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(post("Content-Length: 3", "a")).answer("early");
            rig.receive("b");
            rig.receive("c" + HEAD);

            assertThat(rig.seen).containsExactly("POST /", "body abc", "end", "GET /a", "end");
            assertThat(rig.channel.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void a_bad_head_behind_a_good_request_is_refused_after_the_answer() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(HEAD + BAD);
            assertThat(rig.sent()).isEmpty();
            assertThat(rig.refusals).isEmpty();

            rig.answer("one");
            assertThat(rig.sent()).startsWith("HTTP/1.1 200 OK").contains("oneHTTP/1.1 400 Bad Request");
            assertThat(rig.seen).containsExactly("GET /a", "end");
        }
    }

    @Test
    void hundred_requests_at_once_are_served_in_order_one_by_one() {
        try (GuardRig rig = new GuardRig().answeringAtOnce()) {
            rig.receive(get("A: b").repeat(100));

            assertThat(rig.seen).hasSize(200);
            assertThat(rig.guard.requestsFramed()).isEqualTo(100);
        }
    }

    @Test
    void more_than_16_KiB_ahead_end_the_connection_after_the_answer() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(HEAD + "x".repeat(16 * 1024));
            assertThat(rig.reasons()).isEmpty();
            rig.receive("x");
            assertThat(rig.reasons()).containsExactly(Reason.PIPELINE_OVERFLOW);
            assertThat(rig.channel.isOpen()).isTrue();

            rig.answer("one");
            assertThat(rig.sent()).endsWith("one");
            rig.pass(1000);
            assertThat(rig.channel.isOpen()).isFalse();
        }
    }

    @Test
    void bytes_after_a_request_with_close_are_thrown_away() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(get("Connection: x, Close") + HEAD).receive(BAD);
            rig.answer("one");

            assertThat(rig.seen).containsExactly("GET /", "end");
            assertThat(rig.refusals).isEmpty();
            assertThat(rig.sent()).endsWith("one");
        }
    }

    @Test
    void a_flood_after_close_is_not_even_read() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(get("Connection: close")).receive("x".repeat(64 * 1024));
            assertThat(rig.channel.config().isAutoRead()).isTrue();
            rig.receive("x");
            assertThat(rig.channel.config().isAutoRead()).isFalse();
        }
    }

    // ---- reading is switched by Vert.x too

    @Test
    void reading_stays_off_for_Vertx_when_the_guard_is_done_with_it() {
        try (GuardRig rig = new GuardRig()) {
            rig.channel.pipeline().addLast(new ChannelDuplexHandler() {
                @Override
                public void channelReadComplete(ChannelHandlerContext ctx) {
                    // Like Vert.x when too many messages wait for a paused request.
                    ctx.channel().config().setAutoRead(false);
                    ctx.fireChannelReadComplete();
                }
            });
            rig.receive(HEAD + HEAD);
            assertThat(rig.channel.config().isAutoRead()).isFalse();

            rig.answer("one");
            assertThat(rig.seen).hasSize(4);
            assertThat(rig.channel.config().isAutoRead()).isFalse();
        }
    }

    @Test
    void reading_stays_off_for_the_guard_when_Vertx_is_done_with_it() {
        try (GuardRig rig = new GuardRig()) {
            rig.channel.config().setAutoRead(false);
            rig.receive(HEAD + HEAD);
            rig.channel.config().setAutoRead(true);
            assertThat(rig.channel.config().isAutoRead()).isFalse();

            rig.answer("one");
            assertThat(rig.channel.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void a_single_read_asked_for_while_it_is_off_is_made_up_for() {
        ReadCounter reads = new ReadCounter();
        try (GuardRig rig = new GuardRig()) {
            rig.channel.pipeline().addFirst(reads);
            rig.channel.config().setAutoRead(false);
            rig.receive(HEAD + HEAD);
            int before = reads.count;
            rig.channel.read();
            assertThat(reads.count).isEqualTo(before);

            rig.answer("one");
            assertThat(reads.count).isEqualTo(before + 1);
        }
    }

    private static final class ReadCounter extends ChannelDuplexHandler {
        int count;

        @Override
        public void read(ChannelHandlerContext ctx) {
            count++;
            ctx.read();
        }
    }

    // ---- tunnels

    @Test
    void after_101_everything_passes_and_early_bytes_come_first() {
        StringBuilder raw = new StringBuilder();
        try (GuardRig rig = new GuardRig()) {
            rig.receive("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\0early\nSMUGGLED");
            assertThat(rig.seen).containsExactly("GET /ws", "end");

            rig.channel.pipeline().remove(HttpRequestDecoder.class);
            rig.channel.pipeline().addLast(new ChannelDuplexHandler() {
                @Override
                public void channelRead(ChannelHandlerContext ctx, Object msg) {
                    raw.append(msg);
                }
            });
            rig.inform(HttpResponseStatus.SWITCHING_PROTOCOLS);
            rig.receive("\r\n late");

            assertThat(rig.decoded.toString()).endsWith("\r\n\r\n\0early\nSMUGGLED\r\n late");
            assertThat(rig.refusals).isEmpty();
            assertThat(rig.channel.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void bytes_that_come_while_the_pipeline_is_rebuilt_keep_their_order() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive("GET /ws HTTP/1.1\r\n\r\none");
            rig.channel.pipeline().remove(HttpRequestDecoder.class);
            // No task has run yet when the next bytes come.
            rig.channel
                    .pipeline()
                    .writeAndFlush(
                            new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.SWITCHING_PROTOCOLS));
            rig.channel.pipeline().fireChannelRead(copiedBuffer("two", US_ASCII));
            rig.channel.runPendingTasks();
            rig.receive("three");

            assertThat(rig.decoded.toString()).endsWith("onetwothree");
        }
    }

    @Test
    void a_tunnel_behind_a_request_with_close_is_no_tunnel() {
        try (GuardRig rig = new GuardRig()) {
            rig.receive(get("Connection: Upgrade, close\r\nUpgrade: x") + "data")
                    .inform(HttpResponseStatus.SWITCHING_PROTOCOLS);

            assertThat(rig.decoded.toString()).doesNotContain("data");
            rig.pass(1000);
            assertThat(rig.channel.isOpen()).isFalse();
        }
    }

    // ---- two parsers

    @Test
    void a_decoder_that_finds_one_request_more_is_stopped_before_anybody_sees_it() {
        HttpRequestDecoder inventive = new HttpRequestDecoder() {
            @Override
            protected void decode(ChannelHandlerContext ctx, ByteBuf buffer, List<Object> out) throws Exception {
                super.decode(ctx, buffer, out);
                if (!out.isEmpty() && out.get(out.size() - 1) instanceof LastHttpContent) {
                    out.add(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/smuggled"));
                    out.add(LastHttpContent.EMPTY_LAST_CONTENT);
                }
            }
        };
        try (GuardRig rig = new GuardRig(FramingGuard.http11(HeadLimits.DEFAULTS), inventive)) {
            rig.receive(HEAD);

            assertThat(rig.seen).containsExactly("GET /a", "end", "failed framing.disagreement");
            assertThat(rig.reasons()).containsExactly(Reason.DISAGREEMENT);
            assertThat(rig.sent()).isEmpty();
        }
    }

    @Test
    void a_decoder_that_swallows_a_request_is_noticed() {
        HttpRequestDecoder deaf = new HttpRequestDecoder() {
            @Override
            protected void decode(ChannelHandlerContext ctx, ByteBuf buffer, List<Object> out) {
                buffer.skipBytes(buffer.readableBytes());
            }
        };
        try (GuardRig rig = new GuardRig(FramingGuard.http11(HeadLimits.DEFAULTS), deaf)) {
            rig.receive(HEAD);

            assertThat(rig.reasons()).containsExactly(Reason.DISAGREEMENT);
        }
    }

    @Test
    void a_decoder_that_finds_a_longer_body_is_noticed() {
        HttpRequestDecoder generous = new HttpRequestDecoder() {
            @Override
            protected void decode(ChannelHandlerContext ctx, ByteBuf buffer, List<Object> out) throws Exception {
                super.decode(ctx, buffer, out);
                if (!out.isEmpty() && out.get(0) instanceof HttpRequest) {
                    out.add(new DefaultHttpContent(ctx.alloc().buffer().writeByte('x')));
                }
            }
        };
        try (GuardRig rig = new GuardRig(FramingGuard.http11(HeadLimits.DEFAULTS), generous)) {
            rig.receive(post("Content-Length: 3", ""));

            assertThat(rig.seen).containsExactly("POST /", "failed framing.disagreement");
        }
    }

    @Test
    void what_the_decoder_refuses_although_we_let_it_pass_is_reported_and_left_to_the_server_to_answer() {
        HttpRequestDecoder stricter = new HttpRequestDecoder(8, 16384, 16384);
        try (GuardRig rig = new GuardRig(FramingGuard.http11(HeadLimits.DEFAULTS), stricter)) {
            rig.receive(HEAD + HEAD);

            assertThat(rig.reasons()).containsExactly(Reason.DECODER_REFUSED);
            assertThat(rig.refusals.get(0).requestId()).isNull();
            rig.answer("bad");
            assertThat(rig.sent()).endsWith("bad");
            assertThat(rig.seen).hasSize(2);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void without_a_decoder_behind_it_nothing_passes(boolean wrongOrder) {
        EmbeddedChannel channel = new EmbeddedChannel();
        List<Refusal> refusals = new ArrayList<>();
        if (wrongOrder) {
            channel.pipeline().addLast(new HttpRequestDecoder(), new HttpResponseEncoder());
        }
        ByteGuard guard = new ByteGuard(
                FramingGuard.http11(HeadLimits.DEFAULTS),
                Duration.ofSeconds(10),
                Duration.ofSeconds(60),
                () -> "id-1",
                refusals::add);
        channel.pipeline().addLast(guard);
        ByteBuf bytes = channel.alloc().buffer().writeByte('G');

        guardRead(channel, guard, bytes);

        assertThat(refusals).extracting(Refusal::reason).containsExactly(Reason.UNGUARDED);
        assertThat(bytes.refCnt()).isZero();
        assertThat(channel.inboundMessages()).isEmpty();
        channel.finishAndReleaseAll();
    }

    private static void guardRead(EmbeddedChannel channel, ByteGuard guard, ByteBuf bytes) {
        guard.channelRead(channel.pipeline().context(guard), bytes);
        channel.runPendingTasks();
    }
}
