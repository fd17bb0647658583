package dev.postern.runtime.listener;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.postern.runtime.listener.FramingGuard.Step;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FramingGuardTest {

    static Stream<FramingCases.Bad> refused() {
        return FramingCases.refused().stream();
    }

    static Stream<FramingCases.Good> accepted() {
        return FramingCases.accepted().stream();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void refuses_what_two_parsers_could_read_differently(FramingCases.Bad bad) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        Step last = feed(guard, bad.bytes());

        assertThat(last).isEqualTo(Step.REFUSED);
        assertThat(guard.reason()).isEqualTo(bad.reason());
        assertThat(guard.messages()).isZero();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void accepts_the_nearest_valid_twin(FramingCases.Bad bad) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        Step last = feed(guard, bad.twin());

        assertThat(last).as(() -> guard.reason().code()).isEqualTo(Step.END);
        assertThat(guard.heads()).isEqualTo(1);
        assertThat(guard.messages()).isEqualTo(1);
    }

    @ParameterizedTest
    @MethodSource("accepted")
    void accepts_what_is_valid_but_unusual(FramingCases.Good good) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        Step last = feed(guard, good.bytes());

        assertThat(last).as(() -> guard.reason().code()).isEqualTo(Step.END);
        assertThat(guard.heads()).isEqualTo(good.requests());
        assertThat(guard.messages()).isEqualTo(good.requests());
        assertThat(guard.bodyBytes()).isEqualTo(good.body());
    }

    @Test
    void every_prefix_of_a_valid_request_is_neither_complete_nor_refused() {
        String request = FramingCases.chunked("3;a=\"b\"\r\nabc\r\n0\r\nX-Checksum: 1\r\n\r\n");

        for (int cut = 0; cut < request.length(); cut++) {
            FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
            assertThat(feed(guard, request.substring(0, cut)))
                    .as("first %d bytes", cut)
                    .isNotIn(Step.END, Step.REFUSED);
            assertThat(guard.messages()).isZero();
        }
    }

    @Test
    void reports_the_head_before_its_body_and_the_end_once() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
        String head = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n";

        assertThat(feed(guard, head)).isEqualTo(Step.HEAD);
        assertThat(guard.inHead()).isFalse();
        assertThat(guard.opaque()).isEqualTo(3);
        assertThat(guard.skip(2)).isEqualTo(Step.MORE);
        assertThat(guard.skip(1)).isEqualTo(Step.END);
        assertThat(guard.atStart()).isTrue();
        assertThat(guard.offset()).isEqualTo(head.length() + 3);
    }

    @Test
    void says_at_which_byte_it_refused() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        feed(guard, "GET / HTTP/1.1\r\nA : b\r\n\r\n");

        assertThat(guard.offset()).isEqualTo("GET / HTTP/1.1\r\nA ".length());
    }

    @Test
    void takes_a_length_of_2_to_the_63_minus_1() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        assertThat(feed(guard, FramingCases.post("Content-Length: 9223372036854775807", "")))
                .isEqualTo(Step.HEAD);

        assertThat(guard.opaque()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void takes_a_chunk_of_2_to_the_31_minus_1() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        assertThat(feed(guard, FramingCases.chunked("7fffffff\r\n"))).isEqualTo(Step.BODY);

        assertThat(guard.opaque()).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void knows_a_HEAD_request() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        feed(guard, "HEAD / HTTP/1.1\r\nA : b");
        assertThat(guard.headMethod()).isTrue();

        FramingGuard other = FramingGuard.http11(HeadLimits.DEFAULTS);
        feed(other, "HEAD / HTTP/1.1\r\n\r\nHEADS / HTTP/1.1\r\n");
        assertThat(other.headMethod()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Connection: close", "connection: KEEP-ALIVE, Close", "Connection: \tclose\t,"})
    void after_a_request_with_close_there_is_no_next(String field) {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);

        feed(guard, FramingCases.get(field));

        assertThat(guard.discarding()).isTrue();
        assertThatIllegalStateException().isThrownBy(() -> guard.next((byte) 'G'));
    }

    @Test
    void http10_is_taken_only_on_demand_and_ends_the_connection_unless_kept_alive() {
        FramingGuard guard = FramingGuard.http10AndHttp11(HeadLimits.DEFAULTS);
        assertThat(feed(guard, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
                .isEqualTo(Step.END);
        assertThat(guard.discarding()).isFalse();
        assertThat(feed(guard, "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na")).isEqualTo(Step.END);
        assertThat(guard.discarding()).isTrue();

        FramingGuard coded = FramingGuard.http10AndHttp11(HeadLimits.DEFAULTS);
        assertThat(feed(coded, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"))
                .isEqualTo(Step.REFUSED);
        assertThat(coded.reason()).isEqualTo(Reason.TE_HTTP10);

        FramingGuard later = FramingGuard.http10AndHttp11(HeadLimits.DEFAULTS);
        assertThat(feed(later, "GET / HTTP/1.2\r\n\r\n")).isEqualTo(Step.REFUSED);
        assertThat(later.reason()).isEqualTo(Reason.VERSION);
    }

    @Test
    void one_request_leaves_nothing_behind_for_the_next() {
        // Each first request sets a state that would spoil the second if it stayed.
        List<String> firsts = List.of(
                FramingCases.post("Content-Length: 3", "abc"),
                FramingCases.chunked("3;aaaaaaaaaaaa\r\nabc\r\n0\r\nA: b\r\n\r\n"),
                "HEAD / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\n" + "A: b\r\n".repeat(100) + "\r\n",
                "GET /" + "a".repeat(8000) + " HTTP/1.1\r\nA: " + "b".repeat(8000) + "\r\n\r\n");
        for (String first : firsts) {
            FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
            String all = (first + "\r\n").repeat(40) + FramingCases.post("Content-Length: 1", "a");
            assertThat(feed(guard, all)).as(first).isEqualTo(Step.END);
            assertThat(guard.messages()).isEqualTo(41);
        }
    }

    @Test
    void limits_are_per_listener() {
        FramingGuard guard = FramingGuard.http11(new HeadLimits(20, 60, 2, 4, 10, 1));

        assertThat(feed(guard, "GET /12345 HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n")).isEqualTo(Step.END);
        assertThat(feed(guard, "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"))
                .isEqualTo(Step.REFUSED);
        assertThat(guard.reason()).isEqualTo(Reason.TOO_MANY_FIELDS);
    }

    @Test
    void limits_are_checked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HeadLimits(0, 1, 1, 1, 1, 1))
                .withMessage("requestLineBytes: 0 (expected: >= 1)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new HeadLimits(2, 1, 1, 1, 1, 1))
                .withMessage("requestLineBytes: 2 (expected: <= headBytes 1)");
    }

    @Test
    void skips_no_more_than_the_body() {
        FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
        feed(guard, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n");

        assertThatIllegalArgumentException().isThrownBy(() -> guard.skip(4));
        assertThatIllegalArgumentException().isThrownBy(() -> guard.skip(0));
    }

    @Test
    void reason_codes_are_unique_and_documented_words() {
        List<String> codes = Arrays.stream(Reason.values()).map(Reason::code).collect(Collectors.toList());

        assertThat(codes).doesNotHaveDuplicates().allMatch(code -> code.matches("(framing|head|h2|tls)\\.[a-z0-9_]+"));
    }

    @Test
    void every_byte_at_every_head_position_is_judged_without_surprise() {
        String head = "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
        IntStream.range(0, head.length())
                .forEach(at -> IntStream.range(0, 256).forEach(value -> {
                    String bytes = head.substring(0, at) + (char) value + head.substring(at + 1);
                    FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
                    Step last = feed(guard, bytes);
                    if (last == Step.END) {
                        // What passes has one request line of three words and fields with a colon, whatever was
                        // changed.
                        assertThat(bytes.substring(0, bytes.length() - 1))
                                .matches(
                                        "(?s)[!-~]+ [!-~]+ HTTP/1\\.1\r\n(?:[!-9;-~]+:[\t -~\u0080-\u00ff]*\r\n)*\r\n.?");
                    }
                }));
    }

    @Test
    void scanning_and_judging_byte_by_byte_are_the_same() {
        List<String> all = Stream.concat(
                        FramingCases.refused().stream().flatMap(bad -> Stream.of(bad.bytes(), bad.twin())),
                        FramingCases.accepted().stream().map(FramingCases.Good::bytes))
                .toList();
        for (String text : all) {
            FramingGuard single = FramingGuard.http11(HeadLimits.DEFAULTS);
            Step expected = feed(single, text);
            for (int size : new int[] {1, 2, 3, 7, 64, 100_000}) {
                FramingGuard guard = FramingGuard.http11(HeadLimits.DEFAULTS);
                assertThat(scan(guard, text, size)).as(text).isEqualTo(expected);
                assertThat(guard.offset()).isEqualTo(single.offset());
                assertThat(guard.heads()).isEqualTo(single.heads());
                assertThat(guard.messages()).isEqualTo(single.messages());
                assertThat(guard.bodyBytes()).isEqualTo(single.bodyBytes());
                assertThat(guard.reason()).isEqualTo(single.reason());
            }
        }
    }

    private static Step scan(FramingGuard guard, String text, int size) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        Step last = Step.MORE;
        int at = 0;
        while (at < bytes.length && !guard.discarding()) {
            long opaque = guard.opaque();
            Step step;
            if (opaque > 0) {
                int count = (int) Math.min(opaque, bytes.length - at);
                step = guard.skip(count);
                at += count;
            } else {
                at = guard.scan(bytes, at, Math.min(bytes.length, at + size));
                step = guard.step();
            }
            if (step == Step.REFUSED) {
                return step;
            }
            last = step == Step.MORE ? last : step;
        }
        return last;
    }

    /** Feeds everything; stops where the guard does. Returns the last step that was not MORE, or MORE. */
    static Step feed(FramingGuard guard, String text) {
        byte[] bytes = text.getBytes(ISO_8859_1);
        Step last = Step.MORE;
        int at = 0;
        while (at < bytes.length && !guard.discarding()) {
            long opaque = guard.opaque();
            Step step;
            if (opaque > 0) {
                int count = (int) Math.min(opaque, bytes.length - at);
                step = guard.skip(count);
                at += count;
            } else {
                step = guard.next(bytes[at++]);
            }
            if (step == Step.REFUSED) {
                return step;
            }
            last = step == Step.MORE ? last : step;
        }
        return last;
    }
}
