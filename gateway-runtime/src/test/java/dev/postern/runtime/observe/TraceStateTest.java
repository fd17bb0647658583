package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Headers;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceStateTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "foo=1                     | foo=1",
                "foo=1,bar=2               | foo=1,bar=2",
                "foo=1 ,\tbar=2            | foo=1,bar=2",
                "foo=1,,bar=2,             | foo=1,bar=2",
                "0foo=1                    | 0foo=1",
                "fw529a3039@dt=FfD         | fw529a3039@dt=FfD",
                "a-b*c/d_e=~!#             | a-b*c/d_e=~!#",
                "a= 1                      | a= 1",
            })
    void well_formed_members_are_passed_on_in_their_order(String line, String passed) {
        assertThat(TraceState.of(Headers.of("TraceState", line))).isEqualTo(passed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "foo",
                "foo=",
                "=1",
                "foo =1",
                "FOO=1",
                "_foo=1",
                "foo.bar=1",
                "foo=bar=baz",
                "foo=1,foo=2",
                "foo=1;bar=2",
                "foo=\u00e9",
                "foo=a\tb",
                "foo=1,bar"
            })
    void a_list_with_a_broken_member_is_dropped_as_a_whole(String line) {
        assertThat(TraceState.of(Headers.of("tracestate", line))).isEmpty();
    }

    @Test
    void several_lines_are_one_list() {
        Headers headers = Headers.of("tracestate", "a=1").adding("tracestate", "b=2,c=3");
        assertThat(TraceState.of(headers)).isEqualTo("a=1,b=2,c=3");
    }

    @Test
    void nothing_and_emptiness_are_no_list() {
        assertThat(TraceState.of(Headers.EMPTY)).isEmpty();
        assertThat(TraceState.of(Headers.of("tracestate", ""))).isEmpty();
        assertThat(TraceState.of(Headers.of("tracestate", ",,"))).isEmpty();
    }

    @Test
    void thirty_two_members_are_passed_on_and_thirty_three_are_not() {
        List<String> members = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            members.add("k" + i + "=v");
        }
        String most = String.join(",", members);
        assertThat(TraceState.of(Headers.of("tracestate", most))).isEqualTo(most);
        assertThat(TraceState.of(Headers.of("tracestate", most + ",more=v"))).isEmpty();
    }

    @Test
    void keys_and_values_have_at_most_256_characters() {
        String key = "k".repeat(256);
        String value = "v".repeat(255);
        assertThat(TraceState.of(Headers.of("tracestate", key + "=" + value))).hasSize(512);
        assertThat(TraceState.of(Headers.of("tracestate", key + "k=v"))).isEmpty();
        assertThat(TraceState.of(Headers.of("tracestate", "k=" + value + "v"))).hasSize(258);
        assertThat(TraceState.of(Headers.of("tracestate", "k=" + value + "vv"))).isEmpty();
    }

    @Test
    void above_512_characters_long_members_go_first_and_then_those_on_the_right() {
        String longest = "long=" + "v".repeat(124);
        assertThat(longest).hasSize(129);
        String a = "a=" + "v".repeat(126);
        String b = "b=" + "v".repeat(126);
        String c = "c=" + "v".repeat(126);
        String d = "d=" + "v".repeat(126);
        assertThat(pass(a, longest, b, c)).isEqualTo(String.join(",", a, b, c));
        assertThat(pass(a, b, c, d)).isEqualTo(String.join(",", a, b, c));
        assertThat(pass(longest, a, b, c, d)).isEqualTo(String.join(",", a, b, c));
        assertThat(pass(a, longest, b)).isEqualTo(String.join(",", a, longest, b));
    }

    private static String pass(String... members) {
        return TraceState.of(Headers.of("tracestate", String.join(",", members)));
    }
}
