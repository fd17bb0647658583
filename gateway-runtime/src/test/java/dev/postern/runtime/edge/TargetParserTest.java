package dev.postern.runtime.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.GatewayException;
import dev.postern.runtime.edge.TargetParser.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TargetParserTest {
    @Test
    void origin_form_is_path_and_raw_query() {
        assertThat(parse("GET", "/a//b?x=%zz&&y=a;b|?/")).isEqualTo(new Target("/a/b", "x=%zz&&y=a;b|?/", false));
        assertThat(parse("GET", "/")).isEqualTo(new Target("/", null, false));
        assertThat(parse("GET", "/?")).isEqualTo(new Target("/", "", false));
        assertThat(parse("GET", "//evil.example/x")).isEqualTo(new Target("/evil.example/x", null, false));
    }

    @ParameterizedTest
    @CsvSource({
        "http://example.com/a?b=c, /a, b=c",
        "HTTP://EXAMPLE.com/a?b=c, /a, b=c",
        "http://example.com:80/a?b=c, /a, b=c",
        "http://example.com?b=c, /, b=c",
        "http://example.com/a/../d?b=c, /d, b=c",
    })
    void absolute_form_that_agrees_is_reduced(String raw, String path, String query) {
        assertThat(parse("GET", raw)).isEqualTo(new Target(path, query, false));
    }

    @Test
    void absolute_form_without_a_path_means_the_root() {
        assertThat(parse("GET", "http://example.com")).isEqualTo(new Target("/", null, false));
        assertThat(TargetParser.parse("GET", "https://example.com/x", "https", "example.com:443"))
                .isEqualTo(new Target("/x", null, false));
    }

    @Test
    void the_asterisk_is_for_options_alone() {
        assertThat(parse("OPTIONS", "*")).isEqualTo(new Target("/", null, true));
        assertRefused("GET", "*", "target.asterisk");
        assertRefused("OPTIONS", "*/", "target.authority_form");
    }

    @ParameterizedTest
    @CsvSource({
        "http://other.example/, target.authority_mismatch",
        "http://example.com:81/, target.authority_mismatch",
        "http://user@example.com/, host.bad_character",
        "http:///path, host.empty",
        "https://example.com/, target.scheme",
        "file:///etc/passwd, target.scheme",
        "example.com:443, target.authority_form",
        "a/b, target.authority_form",
        "http:/example.com/, target.authority_form",
        "/a#b, target.fragment",
        "/a?b#c, target.fragment",
        "/a?b=é, query.non_ascii",
        "/a%2fb?c, path.encoded_slash",
    })
    void everything_else_is_refused(String raw, String reason) {
        assertRefused("GET", raw, reason);
    }

    @Test
    void blanks_and_controls_do_not_pass_in_queries() {
        assertRefused("GET", "", "target.empty");
        assertRefused("GET", "/a?b c", "query.blank");
        assertRefused("GET", "/a?b\rc", "query.control");
        assertRefused("GET", "/a?b\u007f", "query.control");
    }

    @Test
    void characters_that_no_query_may_hold_raw_are_escaped() {
        assertThat(parse("GET", "/a?f={\"b\":1}&g=\\^`<>|[]").query())
                .isEqualTo("f=%7B%22b%22:1%7D&g=%5C%5E%60%3C%3E|[]");
    }

    private static Target parse(String method, String raw) {
        return TargetParser.parse(method, raw, "http", "example.com");
    }

    private static void assertRefused(String method, String raw, String reason) {
        assertThatThrownBy(() -> parse(method, raw))
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(reason));
    }
}
