package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProblemDetailsTest {
    /** One member of a flat object, by the grammar of RFC 8259: a string, or a number. */
    private static final Pattern MEMBER = Pattern.compile(
            "\\G[{,]\"([a-z]+)\":(?:\"((?:[^\"\\\\\\x00-\\x1f]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4})*)\"|(\\d+))");

    @Test
    void a_problem_says_status_title_and_code() {
        Response response = Response.problem(429, "rate_limited", "Try again in 3 seconds.");

        assertThat(response.status()).isEqualTo(429);
        assertThat(response.headers()).hasToString("[Content-Type: application/problem+json]");
        assertThat(members(response))
                .containsExactly(
                        Map.entry("type", "about:blank"),
                        Map.entry("title", "Too Many Requests"),
                        Map.entry("status", "429"),
                        Map.entry("code", "rate_limited"),
                        Map.entry("detail", "Try again in 3 seconds."));
    }

    @Test
    void without_a_detail_there_is_no_member_for_it() {
        assertThat(members(Response.problem(404, "no_route", null)))
                .containsOnlyKeys("type", "title", "status", "code");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "",
                "\"quoted\"",
                "back\\slash",
                "\\\"",
                "line\r\nbreak\ttab\b\f",
                "\u0001\u001f",
                "</script>",
                "caf\u00e9 \u20ac \ud83d\ude00",
                "a\",\"status\":200,\"x\":\"",
                "\\u0022",
                "\u007f"
            })
    void any_text_is_read_back_as_it_was(String text) {
        Response response = Response.problem(400, text, text);

        assertThat(members(response)).containsEntry("detail", text).containsEntry("code", text);
        assertThat(members(response)).containsEntry("status", "400").hasSize(5);
    }

    // U+2028 and U+2029 end a line in JavaScript before ES2019: answers are pasted into pages.
    @Test
    void line_separators_of_javascript_are_escaped() {
        String json = ((BufferedBody) Response.problem(400, "a", "\u2028\u2029").body()).text();

        assertThat(json).contains("\\u2028\\u2029");
    }

    @ParameterizedTest
    @CsvSource({
        "400, Bad Request",
        "413, Content Too Large",
        "499, Client Closed Request",
        "504, Gateway Timeout",
        "418, Error",
        "599, Error"
    })
    void titles_are_the_phrases_of_http(int status, String title) {
        assertThat(members(Response.problem(status, "x", null))).containsEntry("title", title);
    }

    @ParameterizedTest
    @EnumSource
    void every_failure_is_answered_with_its_status_and_reason_and_not_its_message(Failure failure) {
        GatewayException error = new GatewayException(failure, "connect to http://10.0.0.7:8081 failed");

        Response answer = ErrorHandler.problemDetails().answer(error, Request.get("/"));

        assertThat(answer.status()).isEqualTo(failure.status());
        assertThat(members(answer))
                .containsEntry("code", failure.code())
                .containsEntry("status", String.valueOf(failure.status()))
                .doesNotContainKey("detail")
                .doesNotContainEntry("title", "Error");
        assertThat(((BufferedBody) answer.body()).text()).doesNotContain("10.0.0.7");
    }

    @Test
    void a_finer_reason_is_shown() {
        GatewayException error = new GatewayException(Failure.BAD_REQUEST, "path.encoded_slash", "message", null);

        assertThat(members(ErrorHandler.problemDetails().answer(error, Request.get("/"))))
                .containsEntry("code", "path.encoded_slash");
        assertThat(ErrorHandler.problemDetails()).hasToString("problem details");
    }

    private static Map<String, String> members(Response response) {
        String json = ((BufferedBody) response.body()).text();
        Map<String, String> members = new LinkedHashMap<>();
        Matcher member = MEMBER.matcher(json);
        int end = 0;
        while (member.find()) {
            String value = member.group(3) != null ? member.group(3) : unescaped(member.group(2));
            assertThat(members.put(member.group(1), value))
                    .as("twice in %s", json)
                    .isNull();
            end = member.end();
        }
        assertThat(json.substring(end)).as("the end of %s", json).isEqualTo("}");
        return members;
    }

    private static String unescaped(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char kind = text.charAt(++i);
            switch (kind) {
                case 'u' -> {
                    out.append((char) Integer.parseInt(text.substring(i + 1, i + 5), 16));
                    i += 4;
                }
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                default -> out.append(kind);
            }
        }
        return out.toString();
    }
}
