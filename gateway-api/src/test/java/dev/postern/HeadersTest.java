package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HeadersTest {
    private static final Headers THREE =
            Headers.of("Accept", "a").adding("X-Id", "1").adding("accept", "b");

    @Test
    void lines_stay_in_the_order_and_spelling_of_the_sender() {
        assertThat(THREE).containsExactly(entry("Accept", "a"), entry("X-Id", "1"), entry("accept", "b"));
        assertThat(THREE.size()).isEqualTo(3);
        assertThat(THREE.name(2)).isEqualTo("accept");
        assertThat(THREE.value(2)).isEqualTo("b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"accept", "ACCEPT", "Accept", "aCCePT"})
    void names_compare_without_case(String name) {
        assertThat(THREE.get(name)).isEqualTo("a");
        assertThat(THREE.all(name)).containsExactly("a", "b");
        assertThat(THREE.contains(name)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"accep", "accept-encoding", "", " accept", "accept:"})
    void another_name_is_not_found(String name) {
        assertThat(THREE.get(name)).isNull();
        assertThat(THREE.all(name)).isEmpty();
        assertThat(THREE.contains(name)).isFalse();
        assertThat(THREE.without(name)).isSameAs(THREE);
    }

    @Test
    void a_line_with_a_comma_is_one_value() {
        assertThat(Headers.of("Accept", "a, b").all("accept")).containsExactly("a, b");
    }

    @Test
    void setting_puts_one_line_in_the_place_of_the_first() {
        assertThat(THREE.with("ACCEPT", "c")).containsExactly(entry("ACCEPT", "c"), entry("X-Id", "1"));
        assertThat(THREE.with("X-New", "2").name(3)).isEqualTo("X-New");
    }

    @Test
    void removing_drops_every_line_of_the_name_and_keeps_the_others_in_order() {
        assertThat(THREE.without("accept")).containsExactly(entry("X-Id", "1"));
        assertThat(THREE.without("x-id")).containsExactly(entry("Accept", "a"), entry("accept", "b"));
        assertThat(THREE.without("accept").without("x-id")).isEqualTo(Headers.EMPTY);
    }

    @Test
    void an_edit_never_changes_what_it_was_made_from() {
        Headers.Builder builder = THREE.toBuilder();
        Headers first = builder.add("X-A", "1").build();
        Headers second = builder.remove("accept").set("X-Id", "2").build();

        assertThat(THREE).hasToString("[Accept: a, X-Id: 1, accept: b]");
        assertThat(first).hasToString("[Accept: a, X-Id: 1, accept: b, X-A: 1]");
        assertThat(second).hasToString("[X-Id: 2, X-A: 1]");
        assertThat(THREE.edit(all -> all.remove("accept").add("X-B", "2"))).hasToString("[X-Id: 1, X-B: 2]");
    }

    @Test
    void a_builder_grows_with_its_lines_and_tells_what_it_holds() {
        Headers.Builder builder = Headers.builder();
        for (int i = 0; i < 100; i++) {
            builder.add("X-" + i, "v" + i);
        }

        assertThat(builder.get("x-99")).isEqualTo("v99");
        assertThat(builder.get("x-100")).isNull();
        assertThat(builder.build().size()).isEqualTo(100);
        assertThat(Headers.builder().build()).isSameAs(Headers.EMPTY);
        assertThat(Headers.EMPTY.isEmpty()).isTrue();
        assertThat(THREE.isEmpty()).isFalse();
        assertThat(Headers.EMPTY.with("A", "b")).isEqualTo(Headers.of("A", "b"));
    }

    @Test
    void are_equal_when_names_without_case_values_and_order_are() {
        assertThat(Headers.of("Accept", "a"))
                .isEqualTo(Headers.of("ACCEPT", "a"))
                .hasSameHashCodeAs(Headers.of("ACCEPT", "a"))
                .isNotEqualTo(Headers.of("Accept", "A"))
                .isNotEqualTo(Headers.of("Accepts", "a"))
                .isNotEqualTo(Headers.of("Accept", "a").adding("Accept", "a"))
                .isNotEqualTo("Accept: a");
        assertThat(Headers.of("A", "1").adding("B", "2"))
                .isNotEqualTo(Headers.of("B", "2").adding("A", "1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Authorization",
                "cookie",
                "Proxy-Authorization",
                "Set-Cookie",
                "X-API-Key",
                "Api-Key",
                "x-auth-token"
            })
    void credentials_are_not_shown(String name) {
        assertThat(Headers.of(name, "s3cret").adding("Accept", "a")).hasToString("[" + name + ": ***, Accept: a]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Id", "x", "!#$%&'*+-.^_`|~", "123", "ABCxyz"})
    void every_token_is_a_name(String name) {
        assertThat(Headers.of(name, "v").get(name)).isEqualTo("v");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "''|\"\"",
                "a b|\"a b\"",
                "a:|\"a:\"",
                "(a)|\"(a)\"",
                "a,b|\"a,b\"",
                "a\\0|\"a\\u0000\"",
                "a\\r\\nb: c|\"a\\u000d\\u000ab: c\"",
                "\u00e9|\"\\u00e9\"",
                "\u212aey|\"\\u212aey\"",
                "a\\177|\"a\\u007f\"",
            })
    void what_is_no_token_is_no_name(String escaped, String shown) {
        String name = escaped.translateEscapes();
        for (Runnable attempt : new Runnable[] {
            () -> Headers.of(name, "v"),
            () -> Headers.EMPTY.adding(name, "v"),
            () -> Headers.EMPTY.with(name, "v"),
            () -> Headers.builder().add(name, "v")
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(attempt::run)
                    .withMessage("header name: " + shown + " (expected: a token, RFC 9110 5.6.2)");
        }
    }

    @Test
    void a_letter_that_only_folds_into_a_token_does_not_replace_its_line() {
        Headers headers = Headers.of("Key", "1");

        // U+212A, the Kelvin sign, equals k without case.
        assertThatThrownBy(() -> headers.with("\u212aey", "2")).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "a b", "a\tb", "\"q\"", "caf\u00e9", "\u00ff", "a, b;q=0.5", "~!{}"})
    void values_of_visible_characters_blanks_and_bytes_are_accepted(String value) {
        assertThat(Headers.of("X", value).get("x")).isEqualTo(value);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "a\\rb|character 0xd at 1",
                "a\\nb|character 0xa at 1",
                "a\\r\\nSet-Cookie: x|character 0xd at 1",
                "\\0|character 0x0 at 0",
                "ab\\37|character 0x1f at 2",
                "\\177|character 0x7f at 0",
                "\u0100|character 0x100 at 0",
                "\u560a|character 0x560a at 0",
                " a|blank at an end",
                "a |blank at an end",
                "\\ta|blank at an end",
                "a\\t|blank at an end",
                "' '|blank at an end",
            })
    void values_that_would_break_the_line_are_refused(String escaped, String reason) {
        String value = escaped.translateEscapes();
        for (Runnable attempt : new Runnable[] {
            () -> Headers.of("X-A", value),
            () -> Headers.EMPTY.adding("X-A", value),
            () -> Headers.of("X-A", "1").with("x-a", value),
            () -> Headers.builder().set("X-A", value)
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(attempt::run)
                    .withMessageStartingWith("value of header ")
                    .withMessageContaining(reason)
                    .withMessageContaining("(expected: ")
                    .withMessageEndingWith("RFC 9110 5.5)");
        }
    }

    @Test
    void a_refused_value_is_not_repeated_in_the_message() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Headers.of("Authorization", "Bearer s3cret\n"))
                .withMessageNotContaining("s3cret");
    }

    @Test
    void a_line_that_is_not_there_has_no_name() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> THREE.name(3));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> THREE.value(-1));
        Iterator<Map.Entry<String, String>> lines = Headers.EMPTY.iterator();
        assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(lines::next);
    }

    @Test
    void what_was_built_stays_as_it_is_when_its_builder_goes_on() {
        Headers.Builder builder = Headers.builder().add("A", "1").add("B", "2");
        Headers first = builder.build();
        Headers second = builder.add("C", "3").build();
        Headers third = builder.set("A", "4").build();
        Headers fourth = builder.remove("B").build();

        assertThat(first)
                .hasToString("[A: 1, B: 2]")
                .hasSize(2)
                .isEqualTo(Headers.of("A", "1").adding("B", "2"));
        assertThat(second).hasToString("[A: 1, B: 2, C: 3]");
        assertThat(third).hasToString("[A: 4, B: 2, C: 3]");
        assertThat(fourth).hasToString("[A: 4, C: 3]");
    }
}
