package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Query parameters and cookies, read as an upstream would read them. */
class ParametersTest {
    @ParameterizedTest(name = "{1} in {0} is {2}")
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                // query | name | values, separated by " / "
                "a=1 | a | 1",
                "a=1&b=2 | b | 2",
                "a=1&a=2&a=1 | a | 1 / 2 / 1",
                "a | a | ''",
                "a= | a | ''",
                "a=b=c | a | b=c",
                "A=1 | a | -",
                "ab=1 | a | -",
                "a=1 | b | -",
                "b=a=1 | a | -",
                "&&a=1&& | a | 1",
                "=1 | '' | 1",
                // + is a blank, in names too; %2B is a plus
                "a=1+2 | a | '1 2'",
                "a%20b=1 | 'a b' | 1",
                "a+b=1 | 'a b' | 1",
                "a=%2B | a | +",
                // escaped once, decoded once
                "%61=1 | a | 1",
                "a=%61%42 | a | aB",
                "a=%2561 | a | %61",
                "%2561=1 | a | -",
                "a=%C3%A9 | a | \u00e9",
                "a=%e2%82%ac | a | \u20ac",
                "a%3D=1 | a= | 1",
                "a%26b=1 | a&b | 1",
                // malformed escapes stay as they are
                "a=% | a | %",
                "a=%z | a | %z",
                "a=%zz | a | %zz",
                "a=%4 | a | %4",
                "a=%4z | a | %4z",
                "a=1%&b=2 | a | 1%",
                "a=%&41 | a | %",
                // bytes that are no UTF-8 become the replacement character
                "a=%FF | a | \ufffd",
                "a=%C3 | a | \ufffd",
                // a semicolon separates nothing
                "a=1;b=2 | a | 1;b=2",
                "a=1;b=2 | b | -",
            })
    void finds_parameters_in_a_query(String query, String name, String values) {
        Request request = Request.get("/").withQuery(query);
        List<String> expected = values == null ? List.of() : List.of(values.split(" / ", -1));

        assertThat(request.queryParameters(name)).isEqualTo(expected);
        assertThat(request.queryParameter(name)).isEqualTo(expected.isEmpty() ? null : expected.get(0));
    }

    // A name spelled with an escape is called by what it decodes to, and by nothing else.
    @ParameterizedTest
    @CsvSource({"%61=1, %61", "a+b=1, a+b", "%=1, %61"})
    void a_parameter_is_not_found_by_its_encoded_name(String query, String name) {
        assertThat(Request.get("/").withQuery(query).queryParameter(name)).isNull();
    }

    @Test
    void without_a_query_there_is_no_parameter() {
        assertThat(Request.get("/a").queryParameter("a")).isNull();
        assertThat(Request.get("/a").queryParameters("a")).isEmpty();
        assertThat(Request.get("/a?").queryParameter("a")).isNull();
    }

    @ParameterizedTest(name = "{1} in {0} is {2}")
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "a=1 | a | 1",
                "a=1; b=2 | b | 2",
                "a=1;b=2 | b | 2",
                "a=1;   b=2 | b | 2",
                "a=1; a=2 | a | 1",
                "A=1 | a | -",
                "ab=1 | a | -",
                "b=a=1 | a | -",
                "a=b=c | a | b=c",
                "a= | a | ''",
                "a | a | -",
                "a; b=1 | a | -",
                "a =1 | a | -",
                ";;; a=1;; | a | 1",
                "a=\"q\" | a | q",
                "a=\"\" | a | ''",
                "a=\" | a | \"",
                "a=\"q | a | \"q",
                "a=1 ; b=2 | a | 1",
                "a=%41+b | a | %41+b",
                "a=1, b=2 | a | '1, b=2'",
                "'' | a | -",
                "=1 | a | -",
            })
    void finds_a_cookie_in_a_line(String line, String name, String value) {
        Request request = Request.get("/").withHeader("Cookie", line);

        assertThat(request.cookie(name)).isEqualTo(value);
    }

    @Test
    void cookies_may_stand_in_several_lines() {
        Request request = Request.get("/")
                .withHeaders(Headers.of("Cookie", "a=1").adding("X", "b=0").adding("COOKIE", "b=2; a=3"));

        assertThat(request.cookie("a")).isEqualTo("1");
        assertThat(request.cookie("b")).isEqualTo("2");
        assertThat(request.cookie("c")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", ""})
    void without_a_cookie_line_there_is_no_cookie(String name) {
        assertThat(Request.get("/").cookie(name)).isNull();
    }
}
