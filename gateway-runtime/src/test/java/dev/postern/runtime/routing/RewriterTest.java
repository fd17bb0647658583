package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.runtime.edge.CanonicalPath;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RewriterTest {
    private static final int RUNS = Integer.getInteger("postern.property.runs", 100_000);

    @ParameterizedTest
    @CsvSource({
        "/foo, /xyz, /foo/bar, /xyz/bar",
        "/foo, /xyz/, /foo/bar, /xyz/bar",
        "/foo/, /xyz, /foo/bar, /xyz/bar",
        "/foo/, /xyz/, /foo/bar, /xyz/bar",
        "/foo, /xyz, /foo, /xyz",
        "/foo, /xyz, /foo/, /xyz/",
        "/foo, /, /foo/bar, /bar",
        "/foo, /, /foo/, /",
        "/foo, /, /foo, /",
        "/, /base, /foo, /base/foo",
        "/, /base, /, /base/",
        "/foo, /xyz, /foo/a%2Bb%20c/, /xyz/a%2Bb%20c/",
    })
    void a_prefix_is_replaced_on_whole_segments(String matched, String replacement, String path, String expected) {
        assertThat(rewritten(Match.prefix(matched), Rewrite.none().prefix(replacement), path))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a..b", "orders:99999", "orders:", "0x7f.1", "a,b", "[::1", "a%41"})
    void a_host_that_is_no_authority_is_refused_at_build(String host) {
        List<Problem> problems = new ArrayList<>();
        Rewriter.compile(
                Route.builder("r")
                        .match(Match.any())
                        .rewrite(Rewrite.none().host(host))
                        .to("orders")
                        .build(),
                problems);
        assertThat(problems)
                .singleElement()
                .asString()
                .contains(
                        "route \"r\"",
                        "rewrite host \"" + host + "\" is not one: the host ",
                        "such as orders.example:8080");
    }

    @Test
    void edits_of_a_query_take_each_parameter_as_it_comes_also_without_values() {
        String query = "a&".repeat(200_000);
        QueryEdits edits = new QueryEdits(
                Rewrite.none().setQuery("b", "1").removeQuery("a").edits());
        assertThat(edits.apply(query)).isEqualTo("&b=1");
        assertThat(Request.of("GET", "/").withQuery(query).queryParameter("b")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Orders.example.", "orders_1:8080", "[2001:DB8::1]:443", "192.0.2.1"})
    void a_host_may_be_spelled_as_hosts_are(String host) {
        List<Problem> problems = new ArrayList<>();
        Rewriter.compile(
                Route.builder("r")
                        .match(Match.any())
                        .rewrite(Rewrite.none().host(host))
                        .to("orders")
                        .build(),
                problems);
        assertThat(problems).isEmpty();
    }

    @Test
    void a_template_gives_its_own_segments_for_the_prefix() {
        Rewrite rewrite = Rewrite.none().prefix("/new");
        assertThat(rewritten(Match.path("/v1/{tenant}/{rest...}"), rewrite, "/v1/acme/a/b"))
                .isEqualTo("/new/a/b");
        assertThat(rewritten(Match.path("/v1/{tenant}"), rewrite, "/v1/acme")).isEqualTo("/new");
    }

    @ParameterizedTest
    @CsvSource({
        "/orders/{id}, /v2/orders/{id}, /orders/7, /v2/orders/7",
        "/orders/{id}, /v2/o-{id}.json, /orders/7, /v2/o-7.json",
        "/orders/{id}, /{id}, /orders/a%2Bb%25%20c, /a%2Bb%25%20c",
        "/files/{rest...}, /data/{rest...}, /files/a/b/, /data/a/b/",
        "/files/{rest…}, /data/{rest}, /files, /data/",
        "/a/{x}/{y}, /{y}/{x}/{x}, /a/1/2, /2/1/1",
        "/a, /fixed, /a, /fixed",
        "/a/{x}/{rest...}, /{x}/mid/{rest}/end, /a/1, /1/mid/end",
    })
    void a_path_is_made_from_variables_as_they_stood(String template, String rewrite, String path, String expected) {
        assertThat(rewritten(Match.path(template), Rewrite.none().path(rewrite), path))
                .isEqualTo(expected);
    }

    @Test
    void groups_of_an_expression_are_variables() {
        assertThat(rewritten(
                        Match.pathRegex("/(?P<year>[0-9]{4})-(?P<month>[0-9]{2})"),
                        Rewrite.none().path("/archive/{year}/{month}"),
                        "/2026-11"))
                .isEqualTo("/archive/2026/11");
    }

    @Test
    void a_path_that_would_lead_elsewhere_fails_the_exchange() {
        // Pieces that are harmless one by one.
        Match match = Match.pathRegex("/x/(?P<a>\\.)-(?P<b>.*)");
        assertBroken(match, Rewrite.none().path("/safe/{a}{a}/{b}"), "/x/.-admin", "rewrite.outside");
        assertBroken(match, Rewrite.none().path("/{a}{a}/{b}"), "/x/.-admin", "rewrite.not_canonical");
        assertBroken(
                Match.pathRegex("/(?P<a>..)(?P<b>.*)"),
                Rewrite.none().path("/{a}x{b}"),
                "/a%20",
                "rewrite.not_canonical");
    }

    private static void assertBroken(Match match, Rewrite rewrite, String path, String reason) {
        assertThatThrownBy(() -> rewritten(match, rewrite, path))
                .isInstanceOfSatisfying(GatewayException.class, broken -> {
                    assertThat(broken.failure()).isEqualTo(Failure.INTERNAL);
                    assertThat(broken.reason()).isEqualTo(reason);
                    assertThat(broken).hasMessageContaining("route \"r\"");
                });
    }

    @Test
    void a_path_that_a_filter_changed_is_checked_again() {
        Route route = route(Match.prefix("/a"), Rewrite.none());
        Route prefix = route(Match.prefix("/a"), Rewrite.none().prefix("/b"));
        Routed routed = routed(route, "/a/x");

        Request request = Request.get("/a/x?q");
        assertThat(rewriter(route).request(request, routed)).isSameAs(request);
        assertThat(rewriter(route).request(request.withPath("/a/./y/"), routed).path())
                .isEqualTo("/a/y/");
        assertThatThrownBy(() -> rewriter(route).request(request.withPath("/.."), routed))
                .hasMessageContaining("path.dot_above_root");
        assertThat(rewriter(prefix).request(request.withPath("/a/y"), routed).target())
                .isEqualTo("/b/y?q");
        assertThatThrownBy(() -> rewriter(prefix).request(request.withPath("/ab/y"), routed))
                .hasMessageContaining("prefix is gone");
        assertThatThrownBy(() -> rewriter(prefix).request(request.withPath("/a/../.."), routed))
                .hasMessageContaining("path.dot_above_root");
        assertThatThrownBy(() -> rewriter(prefix).request(request.withPath("/a/../c"), routed))
                .hasMessageContaining("does not lie below /b");
    }

    static Stream<Arguments> queries() {
        Rewrite none = Rewrite.none();
        return Stream.of(
                Arguments.of(none.setQuery("a", "x"), null, "a=x"),
                Arguments.of(none.setQuery("a", "x"), "", "a=x"),
                Arguments.of(none.setQuery("a", "x"), "b=%zz&a=1&c&a=2&&d=+%2b;", "b=%zz&a=x&c&&d=+%2b;"),
                Arguments.of(none.setQuery("a b", "x&=#ä+ "), "a+b=1&a%20b=2", "a%20b=x%26%3D%23%C3%A4%2B%20"),
                Arguments.of(none.addQuery("a", ""), "a=1&", "a=1&&a="),
                Arguments.of(none.addQuery("a", "2").addQuery("a", "3"), null, "a=2&a=3"),
                Arguments.of(none.removeQuery("a"), "%61=1&b=2&a", "b=2"),
                Arguments.of(none.removeQuery("a"), "a=1", null),
                Arguments.of(none.removeQuery("a"), "aa=1&A=2&b=a", "aa=1&A=2&b=a"),
                Arguments.of(none.removeQuery("a"), null, null),
                Arguments.of(none.removeQuery("a"), "", ""),
                Arguments.of(none.removeQuery("a").setQuery("b", "1"), "a=1", "b=1"));
    }

    @ParameterizedTest
    @MethodSource("queries")
    void query_edits_leave_the_other_parameters_byte_for_byte(Rewrite rewrite, String query, String expected) {
        Route route = route(Match.any(), rewrite);
        Request request = Request.get("/x").withQuery(query);

        assertThat(rewriter(route).request(request, routed(route, "/x")).query())
                .isEqualTo(expected);
    }

    @Test
    void headers_are_edited_in_the_order_written() {
        Route route = route(
                Match.any(),
                Rewrite.none()
                        .setRequestHeader("A", "1")
                        .addRequestHeader("a", "2")
                        .removeRequestHeader("B")
                        .setResponseHeader("S", "x")
                        .addResponseHeader("s", "y")
                        .removeResponseHeader("Server"));
        Rewriter rewriter = rewriter(route);

        Request request =
                rewriter.request(Request.get("/").withHeader("a", "0").withHeader("b", "0"), routed(route, "/"));
        Response response = rewriter.response(Response.of(200).withHeader("server", "x"));

        assertThat(request.headers().toString()).isEqualTo("[A: 1, a: 2]");
        assertThat(response.headers().toString()).isEqualTo("[S: x, s: y]");
        Rewriter nothing = rewriter(route(Match.any(), Rewrite.none()));
        assertThat(nothing.response(response)).isSameAs(response);
    }

    static Stream<Arguments> mistakes() {
        Rewrite none = Rewrite.none();
        return Stream.of(
                Arguments.of(
                        Match.path("/{a}/{b}"),
                        none.path("/{c}"),
                        "rewrite path \"/{c}\" uses {c}, which the match does not capture in every alternative (captured: a, b)"),
                Arguments.of(
                        Match.path("/x/{a}").or(Match.prefix("/y")),
                        none.path("/{a}"),
                        "uses {a}, which the match does not capture in every alternative (captured: nothing)"),
                Arguments.of(
                        Match.any(), none.path("/{a"), "has a brace that begins no variable at 1 (expected: {name})"),
                Arguments.of(Match.any(), none.path("/a}"), "has a brace that ends no variable"),
                Arguments.of(
                        Match.any(), none.path("a"), "rewrite path \"a\" does not begin with a slash (write \"/a\")"),
                Arguments.of(Match.path("/{a}"), none.path("/../{a}"), "path \"/../{a}\" is not how requests spell it"),
                Arguments.of(Match.any(), none.prefix("/a/./b"), "rewrite prefix: path \"/a/./b\" is not how"),
                Arguments.of(Match.pathRegex("/.*"), none.prefix("/a"), "rewrite prefix has nothing to replace"),
                Arguments.of(Match.any(), none.setRequestHeader("Host", "x"), "(use Rewrite.host or Rewrite.keepHost)"),
                Arguments.of(
                        Match.any(), none.removeResponseHeader("Content-Length"), "which the gateway writes (leave"),
                Arguments.of(Match.any(), none.setQuery("", "x"), "edits a query parameter without a name"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void a_mistake_is_a_problem_with_its_cure(Match match, Rewrite rewrite, String message) {
        List<Problem> problems = new ArrayList<>();
        Rewriter.compile(route(match, rewrite), problems);

        assertThat(problems)
                .singleElement()
                .asString()
                .startsWith("route \"r\": rewrite ")
                .contains(message);
    }

    @Test
    void mistakes_in_the_match_are_left_to_the_table() {
        for (Match match : List.of(Match.path("x"), Match.pathRegex("("))) {
            List<Problem> problems = new ArrayList<>();
            Rewriter.compile(route(match, Rewrite.none()), problems);
            assertThat(problems).isEmpty();
        }
    }

    @Test
    void whatever_comes_out_of_a_rewrite_is_canonical_and_below_its_prefix() {
        Random random = new Random(20261122);
        Match[] matches = {
            Match.prefix("/"),
            Match.prefix("/a"),
            Match.path("/{x}/{rest...}"),
            Match.path("/a/{x}/{y}"),
            Match.pathRegex("/(?P<x>[^/]*)/?(?P<y>.*)"),
            Match.pathRegex("(?P<x>.*)(?P<y>.)")
        };
        String[] literals = {"/", "/a", "/b-", ".", "/.", "%20", "/a/b/", "~", "-", "/x.y"};
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            Match match = matches[random.nextInt(matches.length)];
            Rewrite rewrite = random.nextInt(3) == 0
                    ? Rewrite.none().prefix("/p" + literals[random.nextInt(literals.length)])
                    : Rewrite.none().path(template(random, literals));
            List<Problem> problems = new ArrayList<>();
            Route route = route(match, rewrite);
            Rewriter.compile(route, problems);
            if (problems.isEmpty()) {
                routes.add(route);
            }
        }
        assertThat(routes).hasSizeGreaterThan(50);
        List<RoutingTable> tables = routes.stream().map(Tables::table).toList();
        List<Rewriter> rewriters = routes.stream().map(RewriterTest::rewriter).toList();
        int changed = 0;
        for (int run = 0; run < RUNS; run++) {
            int at = random.nextInt(routes.size());
            String path = path(random);
            Routed routed = Tables.find(tables.get(at), Request.get(path));
            if (routed.failure() != null) {
                continue;
            }
            try {
                String result =
                        rewriters.get(at).request(Request.get(path), routed).path();
                assertThat(CanonicalPath.isCanonical(result))
                        .as("%s -> %s", path, result)
                        .isTrue();
                assertThat(result)
                        .as("%s by %s", path, routes.get(at).rewrite().path())
                        .startsWith(fixed(routes.get(at)));
                changed++;
            } catch (GatewayException broken) {
                assertThat(broken.reason()).as(path).startsWith("rewrite.");
            }
        }
        assertThat(changed).isGreaterThan(RUNS / 4);
    }

    private static String fixed(Route route) {
        String path = route.rewrite().path();
        if (path == null) {
            return route.rewrite().prefix().replaceFirst("/$", "");
        }
        int brace = path.indexOf('{');
        return brace < 0 ? path : path.substring(0, path.lastIndexOf('/', brace) + 1);
    }

    private static String template(Random random, String[] literals) {
        StringBuilder template = new StringBuilder("/");
        for (int i = random.nextInt(5); i >= 0; i--) {
            template.append(
                    random.nextBoolean()
                            ? literals[random.nextInt(literals.length)]
                            : random.nextBoolean() ? "{x}" : "/{x}");
        }
        return template.toString();
    }

    private static String path(Random random) {
        String[] pieces = {"/", "/", ".", "..", "a", "b", "%20", "%25", "%C3%A4", "%2B", "~", "%252e", "%252f", ":"};
        while (true) {
            StringBuilder path = new StringBuilder("/");
            for (int i = random.nextInt(8); i > 0; i--) {
                path.append(pieces[random.nextInt(pieces.length)]);
            }
            if (CanonicalPath.isCanonical(path.toString())) {
                return path.toString();
            }
        }
    }

    private static Route route(Match match, Rewrite rewrite) {
        return Route.builder("r")
                .match(match)
                .rewrite(rewrite)
                .answer(Response.of(200))
                .build();
    }

    private static Rewriter rewriter(Route route) {
        List<Problem> problems = new ArrayList<>();
        Rewriter rewriter = Rewriter.compile(route, problems);
        assertThat(problems).isEmpty();
        return rewriter;
    }

    private static Routed routed(Route route, String path) {
        return RoutingTable.compile(List.of(route), new ArrayList<>())
                .find(Request.get(path), ClientInfo.local(), Tables.NOON);
    }

    private static String rewritten(Match match, Rewrite rewrite, String path) {
        Route route = route(match, rewrite);
        Routed routed = routed(route, path);
        assertThat(routed.failure()).isNull();
        return rewriter(route).request(Request.get(path), routed).path();
    }
}
