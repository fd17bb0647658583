package dev.postern.runtime.routing;

import static dev.postern.runtime.routing.Tables.problems;
import static dev.postern.runtime.routing.Tables.route;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.TextRule;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TableProblemsTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    static Stream<Arguments> mistakes() {
        Match x = Match.path("/x");
        return Stream.of(
                Arguments.of(Match.path("x"), "path \"x\" does not begin with a slash (write \"/x\")"),
                Arguments.of(Match.path("/a//b"), "has an empty segment, and requests have none (write \"/a/b\")"),
                Arguments.of(Match.path("/a/../b"), "is not how requests spell it (leave dot segments out)"),
                Arguments.of(Match.path("/käse"), "is not how requests spell it (write \"k%C3%A4se\")"),
                Arguments.of(Match.path("/%41"), "is not how requests spell it (write \"A\")"),
                Arguments.of(Match.path("/a b"), "is not how requests spell it (write \"a%20b\")"),
                Arguments.of(
                        Match.path("/a%2Fb"),
                        "is not how requests spell it: such requests are refused (path.encoded_slash)"),
                Arguments.of(
                        Match.path("/a;b"), "is not how requests spell it: such requests are refused (path.semicolon)"),
                Arguments.of(
                        Match.path("/a{id}"), "has braces inside a segment (expected: a variable is a whole segment)"),
                Arguments.of(Match.path("/{id"), "has braces inside a segment"),
                Arguments.of(Match.path("/{}"), "has a variable called \"\""),
                Arguments.of(Match.path("/{1a}"), "has a variable called \"1a\""),
                Arguments.of(Match.path("/{a}/{a}"), "has two variables called \"a\" (give each its own name)"),
                Arguments.of(Match.path("/{a...}/b"), "has {a...} before its end (expected: as the last segment)"),
                Arguments.of(Match.path("/a".repeat(65)), "has 65 segments (expected: at most 64)"),
                Arguments.of(Match.prefix("/{a}"), "is a prefix and has braces (write Match.path(\"/{a}/{rest...}\"))"),
                Arguments.of(Match.prefix("a"), "does not begin with a slash"),
                Arguments.of(
                        Match.pathRegex("/(?=a)"),
                        "path regex \"/(?=a)\" is not accepted: invalid or unsupported Perl syntax: `(?=` (expected: RE2"
                                + " syntax, without look-around, back-references and possessive quantifiers)"),
                Arguments.of(Match.pathRegex("/(a)\\1"), "is not accepted: invalid escape sequence"),
                Arguments.of(Match.pathRegex("a.*"), "matches no path: they begin with a slash (write \"/a.*\")"),
                Arguments.of(Match.pathRegex("/((a{50}){50}){2}"), "is too large"),
                Arguments.of(Match.path("/{a}").and(Match.pathRegex("/(?P<a>.*)")), "captures {a} twice"),
                Arguments.of(Match.host(), "has a host condition without a host"),
                Arguments.of(Match.host(""), "host \"\" can match no request (the host is empty)"),
                Arguments.of(Match.host("*"), "(leave the host out to take every host)"),
                Arguments.of(Match.host("a.*.b"), "(expected: a star only as the whole first label, *.example.com)"),
                Arguments.of(Match.host("*a.b"), "(expected: a star only as the whole first label"),
                Arguments.of(Match.host("a.b:80"), "(leave the port out: ports do not count)"),
                Arguments.of(Match.host("*.10.0.0.1"), "(expected: no star before an address)"),
                Arguments.of(Match.host("bücher.example"), "(write \"xn--bcher-kva.example\")"),
                Arguments.of(Match.host("a_b/c"), "host \"a_b/c\" can match no request"),
                Arguments.of(x.method(), "has a method condition without a method"),
                Arguments.of(x.method("get"), "methods are upper-case (write \"GET\")"),
                Arguments.of(x.method("TRACE"), "method \"TRACE\" is never served"),
                Arguments.of(x.method("G T"), "method \"G T\" is not a token"),
                Arguments.of(x.header("a b", "1"), "header \"a b\" is no name (expected: a token)"),
                Arguments.of(x.query("", "1"), "query \"\" is no name"),
                Arguments.of(
                        x.header("a", TextRule.matches("(")),
                        "header a: regex \"(\" is not accepted: missing closing )"),
                Arguments.of(x.client(), "has a client condition without a network"),
                Arguments.of(x.client("10.0.0.1/8"), "has bits behind its prefix (write \"10.0.0.0/8\")"),
                Arguments.of(x.client("home"), "network: \"home\" (expected: an address or a prefix"),
                Arguments.of(x.between(NOW, NOW), "is no time (expected: from before until)"),
                Arguments.of(x.daily(LocalTime.NOON, LocalTime.NOON, ZoneOffset.UTC), "may mean all day or never"),
                Arguments.of(Match.anyOf(), "can never match: its match has no alternative"),
                Arguments.of(Match.not(Match.any()), "negates a match without conditions"),
                Arguments.of(Match.not(x.query("", "1")), "query \"\" is no name"),
                Arguments.of(
                        x.and(Match.path("/y")),
                        "can never match: it asks for both \"path /y\" and \"path /x\" (one of them is too much)"),
                Arguments.of(x.header("a", "1").header("a", "2"), "can never match: it asks for both \"header a = 1\""),
                Arguments.of(x.header("a", "1").header("A", TextRule.absent()), "can never match: it asks for both"),
                Arguments.of(
                        x.header("a", "x").header("A", TextRule.matches("[0-9]")), "can never match: it asks for both"),
                Arguments.of(
                        x.header("a", "x").and(Match.not(Match.any().header("a", "x"))),
                        "can never match: it asks for both"),
                Arguments.of(x.client("10.0.0.0/8").client("11.0.0.0/8"), "can never match: it asks for both"),
                Arguments.of(
                        x.between(NOW, NOW.plusSeconds(1)).between(NOW.plusSeconds(1), NOW.plusSeconds(2)),
                        "can never match: it asks for both"),
                Arguments.of(Match.pathRegex("/a.*").and(Match.pathRegex("/b.*")), "can never match: it asks for both"),
                Arguments.of(x.method("GET").method("PUT"), "can never match: no method is in all"),
                Arguments.of(
                        Match.host("a.example").and(Match.host("b.example")), "can never match: no host is in all"),
                Arguments.of(wide(), "alternatives (expected: at most 1024; use several routes)"));
    }

    private static Match wide() {
        Match some = Match.any();
        for (int i = 0; i < 11; i++) {
            some = some.and(Match.any().header("a" + i, "1").or(Match.any().header("b" + i, "1")));
        }
        return some;
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void a_mistake_is_a_problem_with_its_cure(Match match, String message) {
        assertThat(problems(route("r", match)))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"r\": ")
                .contains(message);
    }

    @Test
    void all_mistakes_are_told_at_once_and_each_one_once() {
        assertThat(problems(
                        route("a", Match.path("a").method("get").client("home").or(Match.path("a"))),
                        route("b", Match.host("*")),
                        route("c", Match.path("/c"))))
                .hasSize(4);
    }

    @Test
    void a_contradiction_in_one_of_several_alternatives_is_natural() {
        assertThat(problems(route(
                        "r",
                        Match.path("/x")
                                .or(Match.path("/y"))
                                .and(Match.path("/x").or(Match.prefix("/y"))))))
                .isEmpty();
    }

    @Test
    void a_table_with_mistakes_still_knows_the_other_routes() {
        List<Problem> problems = new ArrayList<>();
        RoutingTable table =
                RoutingTable.compile(List.of(route("bad", Match.path("x")), route("good", Match.path("/x"))), problems);

        assertThat(problems).hasSize(1);
        assertThat(Tables.taker(table, Request.get("/x"))).isEqualTo("good");
    }

    @Test
    void a_table_holds_sixty_four_methods() {
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < 58; i++) {
            routes.add(route("r" + i, Match.path("/x").method("M" + i)));
        }
        assertThat(problems(routes.toArray(new Route[0])))
                .containsExactly(
                        "ERROR route \"r57\": brings the number of different methods in the table above 64 (use"
                                + " fewer)");
    }
}
