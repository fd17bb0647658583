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
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class ReachabilityTest {
    private static final Match X = Match.path("/x");

    @Test
    void an_identical_route_is_named_with_the_winner() {
        assertThat(problems(
                        route("orders-read", Match.path("/orders/{id}").method("GET")),
                        route("orders-old", Match.path("/orders/{order}").method("GET"))))
                .containsExactly("ERROR route \"orders-old\": can never match: \"orders-read\" takes every GET"
                        + " /orders/{order} (same path and method; declared first)");
    }

    @Test
    void a_prefix_and_a_rest_are_the_same_path() {
        assertThat(problems(route("a", Match.prefix("/x/")), route("b", Match.path("/x/{rest...}"))))
                .containsExactly(
                        "ERROR route \"b\": can never match: \"a\" takes every /x/{rest...} (same path; declared first)");
    }

    @Test
    void routes_that_are_more_specific_somewhere_are_not_shadowed() {
        assertThat(problems(
                        route("1", Match.any()),
                        route("2", Match.host("*.example")),
                        route("3", Match.host("a.example")),
                        route("4", Match.prefix("/x")),
                        route("5", X),
                        route("6", Match.path("/x/")),
                        route("7", Match.path("/{x}")),
                        route("8", X.method("GET")),
                        route("9", X.method("POST")),
                        route("10", X.header("a", "1")),
                        route("11", X.header("a", "2")),
                        route("12", X.header("a", "1").header("b", "1")),
                        route("13", X.query("a", "1")),
                        route("14", X.cookie("a", "1")),
                        route("15", X.header("c", TextRule.absent())),
                        route("16", X.client("10.0.0.0/8")),
                        route("17", X.client("10.1.0.0/16", "11.0.0.0/8")),
                        route("18", X.method("HEAD")),
                        route("19", X.when(request -> true))))
                .isEmpty();
    }

    @Test
    void a_wider_condition_that_is_declared_first_takes_all() {
        assertThat(problems(
                        route("present", X.header("V", TextRule.present())),
                        route("is", X.header("v", "2")),
                        route("matches", X.header("v", TextRule.matches("[0-9]+")))))
                .containsExactly(
                        "ERROR route \"is\": can never match: \"present\" takes every /x with header v = 2 (same path;"
                                + " its conditions hold whenever these do; declared first)",
                        "ERROR route \"matches\": can never match: \"present\" takes every /x with header v ~ [0-9]+ (same"
                                + " path; its conditions hold whenever these do; declared first)");
        assertThat(problems(
                        route("number", X.query("v", TextRule.matches("[0-9]+"))),
                        route("two", X.query("v", "2")),
                        route("word", X.query("v", "two"))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"two\": can never match: \"number\" takes every");
        assertThat(problems(route("net", X.client("10.0.0.0/8")), route("host", X.client("10.0.0.1", "10.2.0.0/16"))))
                .singleElement()
                .asString()
                .startsWith(
                        "ERROR route \"host\": can never match: \"net\" takes every /x with client [10.0.0.1, 10.2.0.0/16]");
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        assertThat(problems(
                        route("hour", X.between(start, start.plusSeconds(3600))),
                        route("minute", X.between(start.plusSeconds(60), start.plusSeconds(120))),
                        route("later", X.between(start, start.plusSeconds(3601)))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"minute\": can never match: \"hour\" takes");
        assertThat(problems(
                        route("morning", X.daily(LocalTime.of(6, 0), LocalTime.of(12, 0), ZoneOffset.UTC)),
                        route("early", X.daily(LocalTime.of(6, 0), LocalTime.of(8, 0), ZoneOffset.UTC)),
                        route("night", X.daily(LocalTime.of(22, 0), LocalTime.of(6, 0), ZoneOffset.UTC))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"early\": can never match: \"morning\" takes");
    }

    @Test
    void more_conditions_that_say_no_more_take_all_too() {
        assertThat(problems(
                        route("two", X.header("v", "1").header("v", TextRule.present())),
                        route("one", X.header("v", "1").query("q", "1"))))
                .containsExactly(
                        "ERROR route \"one\": can never match: \"two\" takes every /x with header v = 1, query q ="
                                + " 1 (same path; its conditions hold whenever these do; more conditions)");
    }

    @Test
    void several_routes_may_take_all_of_one_together() {
        assertThat(problems(
                        route("read", X.method("GET")),
                        route("write", X.method("PUT", "DELETE")),
                        route("all", X.method("GET", "PUT"))))
                .containsExactly(
                        "ERROR route \"all\": can never match: \"read\" and \"write\" take every GET, PUT /x (same"
                                + " path and method; declared first)");
    }

    @Test
    void a_part_of_a_route_that_is_lost_is_a_warning() {
        assertThat(problems(route("read", X.method("GET")), route("both", X.method("GET", "PUT"))))
                .containsExactly("WARNING route \"both\": never gets GET /x: \"read\" takes it (same path and method;"
                        + " declared first)");
        assertThat(problems(
                        route("a", Match.host("a.example").and(X)),
                        route("ab", Match.host("a.example", "b.example").and(X.or(Match.path("/y"))))))
                .containsExactly("WARNING route \"ab\": never gets /x on a.example: \"a\" takes it (same host and path;"
                        + " declared first)");
        assertThat(problems(
                        route("a", Match.host("a.example").and(X)),
                        route("b", Match.host("b.example").and(X)),
                        route("ab", Match.host("a.example", "b.example").and(X))))
                .containsExactly(
                        "ERROR route \"ab\": can never match: \"a\" takes every /x on a.example (same host and path;"
                                + " declared first), and so on for 1 more");
    }

    @Test
    void alternatives_of_one_route_may_repeat_each_other() {
        assertThat(problems(route("a", X.or(X).or(Match.path("/y"))))).isEmpty();
    }

    @Test
    void expressions_behind_an_open_template_are_unreachable() {
        assertThat(problems(route("re", Match.pathRegex("/a/b/.*")), route("all", Match.prefix("/"))))
                .containsExactly(
                        "ERROR route \"re\": can never match: \"all\" takes every path ~ /a/b/.* (templates and"
                                + " prefixes come before expressions)");
        assertThat(problems(route("re", Match.pathRegex("/a/b/.*")), route("prefix", Match.path("/{x}/b/{rest...}"))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"re\": can never match: \"prefix\" takes every");
        assertThat(problems(
                        route("get", Match.prefix("/a").method("GET")),
                        route("post", Match.prefix("/a").method("POST")),
                        route("re", Match.pathRegex("/a/.*").method("HEAD", "POST"))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"re\": can never match: \"get\" and \"post\" take every");
        assertThat(problems(
                        route("re", Match.pathRegex("/a/b/.*")),
                        route("re-2", Match.pathRegex("/ab.*")),
                        route("deeper", Match.prefix("/a/b/c")),
                        route("closed", Match.path("/a/b/")),
                        route("get", Match.prefix("/a").method("GET")),
                        route("header", Match.prefix("/a").header("h", "1"))))
                .isEmpty();
    }

    @Test
    void what_cannot_be_compared_is_told_as_not_proven() {
        assertThat(problems(
                        route("one", X.when(request -> true)),
                        route("two", X.when(request -> false)),
                        route("three", X)))
                .containsExactly(
                        "WARNING route \"two\": may never match: whether \"one\", which comes first, leaves any /x"
                                + " with when is not proven (predicates and expressions are not compared)");
        assertThat(problems(
                        route("one", Match.pathRegex("/a/[0-9]+")),
                        route("two", Match.pathRegex("/a/[1-9]+")),
                        route("apart", Match.pathRegex("/b/[0-9]+"))))
                .singleElement()
                .asString()
                .startsWith("WARNING route \"two\": may never match: whether \"one\"");
        assertThat(problems(
                        route("one", X.header("v", TextRule.matches("a+"))),
                        route("two", X.header("v", TextRule.matches("a+b*")))))
                .singleElement()
                .asString()
                .startsWith("WARNING route \"two\": may never match");
        // The same predicate and the same expression are the same.
        Predicate<Request> predicate = request -> true;
        assertThat(problems(route("one", X.when(predicate)), route("two", X.when(predicate))))
                .singleElement()
                .asString()
                .startsWith("ERROR route \"two\": can never match");
        assertThat(problems(route("one", Match.pathRegex("/a.*")), route("two", Match.pathRegex("/a.*"))))
                .singleElement()
                .asString()
                .startsWith(
                        "ERROR route \"two\": can never match: \"one\" takes every path ~ /a.* (same path; declared");
    }

    @Test
    void a_negation_is_compared_with_itself() {
        Match not = Match.not(Match.any().header("a", "1"));
        assertThat(problems(route("one", X.and(not)), route("two", X.and(not))))
                .containsExactly(
                        "ERROR route \"two\": can never match: \"one\" takes every /x with not header a = 1 (same"
                                + " path; declared first)");
        assertThat(problems(
                        route("one", X.and(not)),
                        route("two", X.and(Match.not(Match.any().header("a", "2"))))))
                .isEmpty();
    }

    @Test
    void no_request_is_taken_by_a_route_that_is_called_dead() {
        Random random = new Random(11);
        for (int run = 0; run < 300; run++) {
            List<Route> routes = new ArrayList<>();
            for (int i = 0; i < 14; i++) {
                routes.add(route("r" + i, random(random)));
            }
            List<Problem> problems = new ArrayList<>();
            RoutingTable.compile(routes, problems);
            for (Problem problem : problems) {
                if (problem.severity() == Problem.Severity.ERROR) {
                    assertDead(problem, routes, random);
                }
            }
        }
    }

    // Dead means dead: no request out of many is taken by the route.
    private static void assertDead(Problem problem, List<Route> routes, Random random) {
        RoutingTable table = RoutingTable.compile(routes, new ArrayList<>());
        String[] methods = {"GET", "HEAD", "PUT", "POST"};
        for (int i = 0; i < 300; i++) {
            Request request = Request.of(
                            methods[random.nextInt(methods.length)],
                            "/x?q=" + random.nextInt(3) + "&r=" + random.nextInt(3))
                    .withHeader("h", "" + random.nextInt(3))
                    .withHeader("i", "" + random.nextInt(3));
            if (random.nextBoolean()) {
                request = request.withoutHeader("i");
            }
            assertThat(Tables.find(table, request).route().toString())
                    .as(problem.toString())
                    .isNotEqualTo(problem.subject());
        }
    }

    private static Match random(Random random) {
        Match match = X;
        if (random.nextBoolean()) {
            match = random.nextBoolean() ? match.method("GET") : match.method("PUT", "POST");
        }
        for (String name : List.of("h", "i")) {
            match = switch (random.nextInt(5)) {
                case 0 -> match.header(name, "" + random.nextInt(2));
                case 1 -> match.header(name, TextRule.present());
                case 2 -> match.header(name, TextRule.matches("[01]"));
                default -> match;
            };
        }
        return random.nextInt(3) == 0 ? match.query("q", "" + random.nextInt(2)) : match;
    }

    @Test
    void ten_thousand_routes_on_one_path_are_compared_where_they_can_meet() {
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            routes.add(route("header-" + i, X.header("tenant", "t" + i).header("env", "prod")));
            routes.add(route("client-" + i, X.client("10." + i / 250 + "." + i % 250 + ".0/24")));
        }
        routes.add(route("late", X.client("10.7.7.7").header("tenant", "t4711").header("env", "prod")));
        routes.add(route("dead", X.client("10.7.7.7")));
        List<Problem> problems = new ArrayList<>();

        RoutingTable.compile(routes, problems);

        assertThat(problems.stream().map(Problem::toString))
                .containsExactly(
                        "route \"dead\": can never match: \"client-1757\" takes every /x with client 10.7.7.7 (same"
                                + " path; its conditions hold whenever these do; declared first)");
    }

    @Test
    void routes_made_to_meet_the_bound_are_told_about() {
        List<Route> routes = new ArrayList<>();
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        for (int i = 0; i < Reachability.MAX_COMPARISONS + 100; i++) {
            routes.add(route("r" + i, X.between(start.plusSeconds(i), start.plusSeconds(100_000 + i))));
        }
        assertThat(problems(routes.toArray(new Route[0])))
                .containsExactly(
                        "WARNING routes: 99 were not compared with all others of their host and path (give them"
                                + " conditions that fewer routes share)");
    }
}
