package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTest {
    @Test
    void a_request_begins_with_what_tests_and_local_calls_need() {
        Request request = Request.get("/orders/7?x=1");

        assertThat(request.method()).isEqualTo("GET");
        assertThat(request.scheme()).isEqualTo("http");
        assertThat(request.authority()).isEqualTo("localhost");
        assertThat(request.path()).isEqualTo("/orders/7");
        assertThat(request.query()).isEqualTo("x=1");
        assertThat(request.target()).isEqualTo("/orders/7?x=1");
        assertThat(request.headers()).isEqualTo(Headers.EMPTY);
        assertThat(request.body().length()).isZero();
    }

    @Test
    void a_whole_request_is_checked_part_by_part() {
        Body body = Body.of("text");
        Request request = Request.of("PUT", "https", "API.example.com:8443", "/a", "b=c", Headers.of("X", "1"), body);

        assertThat(request.method()).isEqualTo("PUT");
        assertThat(request.scheme()).isEqualTo("https");
        assertThat(request.authority()).isEqualTo("api.example.com:8443");
        assertThat(request.target()).isEqualTo("/a?b=c");
        assertThat(request.header("X")).isEqualTo("1");
        assertThat(request.body()).isSameAs(body);
        assertThat(Request.of("GET", "http", "a", "/", null, Headers.EMPTY, body)
                        .query())
                .isNull();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of("G T", "http", "a", "/", null, Headers.EMPTY, body))
                .withMessageStartingWith("method: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of("GET", "ftp", "a", "/", null, Headers.EMPTY, body))
                .withMessageStartingWith("scheme: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of("GET", "http", "a b", "/", null, Headers.EMPTY, body))
                .withMessageStartingWith("authority: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of("GET", "http", "a", "/?", null, Headers.EMPTY, body))
                .withMessageStartingWith("path: ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of("GET", "http", "a", "/", "#", Headers.EMPTY, body))
                .withMessageStartingWith("query: ");
        assertThatNullPointerException().isThrownBy(() -> Request.of("GET", "http", "a", "/", null, null, body));
        assertThatNullPointerException()
                .isThrownBy(() -> Request.of("GET", "http", "a", "/", null, Headers.EMPTY, null));
    }

    @Test
    void a_copy_differs_in_one_part_and_leaves_the_original_alone() {
        Request request = Request.get("/a?b");
        Body body = Body.of("text");

        assertThat(request.withMethod("PUT").method()).isEqualTo("PUT");
        assertThat(request.withScheme("https").scheme()).isEqualTo("https");
        assertThat(request.withAuthority("API.Example.com:8443").authority()).isEqualTo("api.example.com:8443");
        assertThat(request.withPath("/c").target()).isEqualTo("/c?b");
        assertThat(request.withQuery("d").target()).isEqualTo("/a?d");
        assertThat(request.withQuery(null).target()).isEqualTo("/a");
        assertThat(request.withQuery("").target()).isEqualTo("/a?");
        assertThat(request.withTarget("/c").query()).isNull();
        assertThat(request.withHeader("X", "1").withHeader("x", "2").headers()).hasToString("[x: 2]");
        assertThat(request.withHeaders(Headers.of("Y", "1")).header("y")).isEqualTo("1");
        assertThat(request.withHeader("X", "1").withoutHeader("x").headers().isEmpty())
                .isTrue();
        assertThat(request.withoutHeader("X")).isSameAs(request);
        assertThat(request.withBody(body).body()).isSameAs(body);
        assertThat(request.withBody(body).withPath("/c").withHeader("X", "1").body())
                .isSameAs(body);
        assertThat(request.target()).isEqualTo("/a?b");
        assertThat(request.headers()).isEqualTo(Headers.EMPTY);
    }

    @Test
    void its_text_holds_neither_query_nor_headers() {
        assertThat(Request.get("/a?token=s3cret").withHeader("Authorization", "s3cret"))
                .hasToString("GET /a");
    }

    @ParameterizedTest
    @CsvSource({
        "example.com, example.com",
        "example.com:8080, example.com",
        "10.0.0.7:80, 10.0.0.7",
        "[::1], [::1]",
        "[2001:db8::1]:8443, [2001:db8::1]",
    })
    void the_host_is_the_authority_without_its_port(String authority, String host) {
        assertThat(Request.get("/").withAuthority(authority).host()).isEqualTo(host);
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "M-SEARCH", "get", "X_Y", "PATCH!"})
    void every_token_is_a_method(String method) {
        assertThat(Request.of(method, "/").method()).isEqualTo(method);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET ", "G ET", "GET\r\nX: y", "GET\u0000", "G\u00c9T", "GET/", "(GET)"})
    void what_is_no_token_is_no_method(String method) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.of(method, "/"))
                .withMessageMatching("method: \".*\" \\(expected: a token\\)");
        assertThatIllegalArgumentException().isThrownBy(() -> Request.get("/").withMethod(method));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "//", "/a/b", "/a;v=1", "/%2e%2e/", "/a%20b", "/~a:b@c!$&'()*+,=", "/a/../b", "/[x]"})
    void paths_of_visible_characters_are_kept_as_they_are(String path) {
        assertThat(Request.get(path).path()).isEqualTo(path);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "''|path: \"\" (expected: begins with /)",
                "a|path: \"a\" (expected: begins with /)",
                "*|path: \"*\" (expected: begins with /)",
                "http://evil/|path: \"http://evil/\" (expected: begins with /)",
                "/a b|path: \"/a b\" (character 0x20 at 2 must be percent-encoded)",
                "/a\\r\\nX: y|path: \"/a\\u000d\\u000aX: y\" (character 0xd at 2 must be percent-encoded)",
                "/\\0|path: \"/\\u0000\" (character 0x0 at 1 must be percent-encoded)",
                "/caf\u00e9|path: \"/caf\\u00e9\" (character 0xe9 at 4 must be percent-encoded)",
                "/a\\\\b|path: \"/a\\b\" (character 0x5c at 2 must be percent-encoded)",
                "/{id}|path: \"/{id}\" (character 0x7b at 1 must be percent-encoded)",
                "/\\177|path: \"/\\u007f\" (character 0x7f at 1 must be percent-encoded)",
            })
    void hostile_paths_are_refused_with_the_place(String escaped, String message) {
        String path = escaped.translateEscapes();
        assertThatIllegalArgumentException().isThrownBy(() -> Request.get(path)).withMessage(message);
        assertThatIllegalArgumentException().isThrownBy(() -> Request.get("/").withPath(path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/a?b", "/a#b"})
    void a_path_holds_neither_query_nor_fragment(String path) {
        assertThatIllegalArgumentException().isThrownBy(() -> Request.get("/").withPath(path));
    }

    @Test
    void hostile_text_is_cut_in_messages() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.get("/" + "a".repeat(100) + " "))
                .withMessageContaining("\"/" + "a".repeat(63) + "…\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a=1&b=2", "a=%00", "a=b?c/d", "&&", "a|b", "[]=1", ";"})
    void queries_of_visible_characters_are_kept_byte_for_byte(String query) {
        assertThat(Request.get("/").withQuery(query).query()).isEqualTo(query);
        assertThat(Request.get("/?" + query).query()).isEqualTo(query);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a#b", "a\r\nb", "\u00e9", "a\"b", "<a>", "\u0000", "a\\b"})
    void hostile_queries_are_refused(String query) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.get("/").withQuery(query))
                .withMessageStartingWith("query: ");
        assertThatIllegalArgumentException().isThrownBy(() -> Request.get("/?" + query));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "user@host", "a?b", "a#b", "a\r\nb", "\u00e9.example", "a\\b", "a\u0000"})
    void hostile_authorities_are_refused(String authority) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.get("/").withAuthority(authority))
                .withMessageStartingWith("authority: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP", "ftp", "https:", "javascript"})
    void other_schemes_are_refused(String scheme) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Request.get("/").withScheme(scheme))
                .withMessage("scheme: " + scheme + " (expected: http or https)");
    }

    @Test
    void nothing_may_be_null() {
        Request request = Request.get("/");

        assertThatNullPointerException().isThrownBy(() -> request.withHeaders(null));
        assertThatNullPointerException().isThrownBy(() -> request.withBody(null));
    }
}
