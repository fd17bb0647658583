package dev.postern.runtime.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Failure;
import dev.postern.GatewayException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CanonicalPathTest {
    private static final int RUNS = Integer.getInteger("postern.property.runs", 100_000);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/a",
                "/a/",
                "/a/b",
                "/...",
                "/.a",
                "/a.",
                "/..a",
                "/a..",
                "/a:b@c",
                "/!$&'()*+,=",
                "/~user",
                "/%20",
                "/k%C3%A4se",
                "/%E2%82%AC",
                "/%F0%9F%98%80",
                "/%252e%252E",
                "/%3F",
                "/%23",
                "/%25",
                "/a%2Bb",
                "/%C2%A0"
            })
    void a_canonical_path_is_returned_as_it_is(String path) {
        assertThat(CanonicalPath.isCanonical(path)).isTrue();
        assertThat(CanonicalPath.of(path)).isSameAs(path);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '\0',
            value = {
                "/./a, /a",
                "/a/., /a/",
                "/a/.., /",
                "/a/../, /",
                "/a/../b, /b",
                "/a/b/../../c, /c",
                "/a/%2e%2e/b, /b",
                "/a/%2E./b, /b",
                "/a/.%2e, /",
                "/%2e/a, /a",
                "//, /",
                "//admin, /admin",
                "/a//b, /a/b",
                "/a///, /a/",
                "/a//../b, /b",
                "/a/.//b, /a/b",
                "/%41%62c, /Abc",
                "/%7euser, /~user",
                "/%2D%5F, /-_",
                "/%c3%a4, /%C3%A4",
                "/%3f, /%3F",
                "/a|b, /a%7Cb",
                "/{id}, /%7Bid%7D",
                "/<\"^`[]>, /%3C%22%5E%60%5B%5D%3E",
                "/a/%e2%82%ac/.., /a/",
            })
    void a_path_has_one_spelling(String raw, String canonical) {
        assertThat(CanonicalPath.isCanonical(raw)).isFalse();
        assertThat(CanonicalPath.of(raw)).isEqualTo(canonical);
        assertThat(CanonicalPath.of(canonical)).isSameAs(canonical);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '\0',
            value = {
                "a/b, path.not_absolute",
                "http://x/, path.not_absolute",
                "/a%2fb, path.encoded_slash",
                "/a%2F..%2F, path.encoded_slash",
                "/a\\b, path.backslash",
                "/a%5cb, path.backslash",
                "/..\\..\\, path.backslash",
                "/a;v=1, path.semicolon",
                "/..;/admin, path.semicolon",
                "/a%3Bb, path.semicolon",
                "/.., path.dot_above_root",
                "/a/../.., path.dot_above_root",
                "/%2e%2E/etc, path.dot_above_root",
                "//.., path.dot_above_root",
                "/./../a, path.dot_above_root",
                "/%zz, path.bad_escape",
                "/%2, path.bad_escape",
                "/%, path.bad_escape",
                "/%%32%65, path.bad_escape",
                "/%u002e, path.bad_escape",
                "/%00, path.nul",
                "/%0a, path.control",
                "/%7F, path.control",
                "/%C2%85, path.control",
                "/%ff, path.invalid_utf8",
                "/%c0%ae, path.invalid_utf8",
                "/%c0%af, path.invalid_utf8",
                "/%e0%80%af, path.invalid_utf8",
                "/%f0%80%80%af, path.invalid_utf8",
                "/%ed%a0%80, path.invalid_utf8",
                "/%f4%90%80%80, path.invalid_utf8",
                "/%f5%80%80%80, path.invalid_utf8",
                "/%e2%82, path.invalid_utf8",
                "/%e2%82a%ac, path.invalid_utf8",
                "/%c3, path.invalid_utf8",
                "/%80, path.invalid_utf8",
                "/käse, path.non_ascii",
                "/a／b, path.non_ascii",
                "/a b, path.blank",
                "/a?b, path.bad_character",
                "/a#b, path.bad_character",
            })
    void an_ambiguous_path_is_refused_with_a_stable_reason(String raw, String reason) {
        assertThatThrownBy(() -> CanonicalPath.of(raw)).isInstanceOfSatisfying(GatewayException.class, refused -> {
            assertThat(refused.reason()).isEqualTo(reason);
            assertThat(refused.failure()).isEqualTo(Failure.BAD_REQUEST);
        });
    }

    @Test
    void raw_controls_and_the_empty_path_are_refused() {
        assertThat(reasonFor("")).isEqualTo("path.not_absolute");
        assertThat(reasonFor("/a\0")).isEqualTo("path.nul");
        assertThat(reasonFor("/a\n")).isEqualTo("path.control");
        assertThat(reasonFor("/a\u007f")).isEqualTo("path.control");
    }

    @Test
    void spelling_once_more_changes_nothing() {
        Random random = new Random(20261121);
        String[] pieces = {
            "/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", ";", "%3b", "a", "B", "%41", "%7e", "%c3%a4",
                    "%C3%A4",
            "%25", "%252e", "%00", "%zz", "%", "//", "é", "|", "%20", " ", "?", "#", "~", ":", "@", "%e2%82%ac",
                    "%c0%ae", "{"
        };
        int accepted = 0;
        for (int run = 0; run < RUNS; run++) {
            StringBuilder raw = new StringBuilder("/");
            // Mostly harmless pieces, or nearly every path would be refused.
            for (int i = random.nextInt(12); i > 0; i--) {
                boolean any = random.nextInt(6) == 0;
                raw.append(any ? pieces[random.nextInt(pieces.length)] : pieces[random.nextInt(7)]);
            }
            String text = raw.toString();
            String canonical = canonicalOrNull(text);
            if (canonical == null) {
                assertThat(CanonicalPath.isCanonical(text)).as(text).isFalse();
                continue;
            }
            accepted++;
            assertThat(CanonicalPath.isCanonical(canonical))
                    .as("%s -> %s", text, canonical)
                    .isTrue();
            assertThat(CanonicalPath.of(canonical)).as(text).isSameAs(canonical);
            assertThat(canonical).as(text).startsWith("/").doesNotContain("//", "/./", "/../", "\\", ";", "%2F", "%5C");
        }
        assertThat(accepted).isGreaterThan(RUNS / 10);
    }

    private static String reasonFor(String raw) {
        try {
            return "accepted as " + CanonicalPath.of(raw);
        } catch (GatewayException refused) {
            return refused.reason();
        }
    }

    private static String canonicalOrNull(String raw) {
        try {
            return CanonicalPath.of(raw);
        } catch (GatewayException refused) {
            return null;
        }
    }
}
