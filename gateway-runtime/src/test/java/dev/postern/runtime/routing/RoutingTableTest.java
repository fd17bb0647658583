package dev.postern.runtime.routing;

import static dev.postern.runtime.routing.Tables.find;
import static dev.postern.runtime.routing.Tables.route;
import static dev.postern.runtime.routing.Tables.table;
import static dev.postern.runtime.routing.Tables.taker;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.postern.ClientInfo;
import dev.postern.Explanation.Considered;
import dev.postern.Failure;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.TextRule;
import dev.postern.testing.ManualTime;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingTableTest {
    @ParameterizedTest
    @CsvSource({
        "/orders, unmatched",
        "/orders/, slash",
        "/orders/7, one",
        "/orders/latest, latest",
        "/orders/7/, unmatched",
        "/orders/7/lines, lines",
        "/orders/latest/lines, lines",
        "/files, files",
        "/files/, files",
        "/files/a/b/, files",
        "/files/secret, secret",
        "/files/secret/x, files",
        "/filesystem, unmatched",
        "/Files, unmatched",
        "/img, images",
        "/img/a.png, images",
        "/re/12, number",
        "/re/ab, unmatched",
        "/, root",
    })
    void the_path_is_matched_on_whole_segments(String path, String id) {
        RoutingTable table = table(
                route("root", Match.path("/")),
                route("slash", Match.path("/orders/")),
                route("one", Match.path("/orders/{id}")),
                route("latest", Match.path("/orders/latest")),
                route("lines", Match.path("/orders/{order}/lines")),
                route("files", Match.path("/files/{rest...}")),
                route("secret", Match.path("/files/secret")),
                route("images", Match.prefix("/img/")),
                route("number", Match.pathRegex("/re/[0-9]+")));

        assertThat(taker(table, path)).isEqualTo(id);
    }

    @Test
    void a_literal_that_leads_nowhere_gives_way_to_a_variable() {
        RoutingTable table = table(
                route("deep", Match.path("/a/b/c")),
                route("variable", Match.path("/a/{x}/d")),
                route("rest", Match.path("/{rest…}")));

        assertThat(taker(table, "/a/b/c")).isEqualTo("deep");
        assertThat(taker(table, "/a/b/d")).isEqualTo("variable");
        assertThat(taker(table, "/a/b/e")).isEqualTo("rest");
    }

    @Test
    void an_expression_comes_after_every_template() {
        RoutingTable table = table(
                route("re", Match.pathRegex("/a/.*")),
                route("prefix", Match.prefix("/a/b")),
                route("inside", Match.prefix("/c").and(Match.pathRegex("/c/[0-9]+"))),
                route("outside", Match.prefix("/c")));

        assertThat(taker(table, "/a/b/c")).isEqualTo("prefix");
        assertThat(taker(table, "/a/c")).isEqualTo("re");
        // An expression behind a prefix is a further condition there.
        assertThat(taker(table, "/c/12")).isEqualTo("inside");
        assertThat(taker(table, "/c/x")).isEqualTo("outside");
    }

    @ParameterizedTest
    @CsvSource({
        "api.example.com, exact",
        "api.example.com:8443, exact",
        "a.api.example.com, longer",
        "x.y.api.example.com, longer",
        "other.example.com, shorter",
        "example.com, any",
        "example.org, any",
        "badexample.com, any",
    })
    void the_host_decides_first(String authority, String id) {
        RoutingTable table = table(
                route("any", Match.path("/x")),
                route("shorter", Match.host("*.example.com")),
                route("exact", Match.host("API.example.com.")),
                route("longer", Match.host("*.api.example.com")));

        assertThat(taker(table, Request.get("/x").withAuthority(authority))).isEqualTo(id);
    }

    @Test
    void a_host_without_a_fitting_path_gives_way_to_the_next() {
        RoutingTable table = table(
                route("exact", Match.host("a.example").and(Match.path("/one"))),
                route("suffix", Match.host("*.example", "b.test").and(Match.path("/two"))),
                route("any", Match.prefix("/")));

        assertThat(taker(table, Request.get("/one").withAuthority("a.example"))).isEqualTo("exact");
        assertThat(taker(table, Request.get("/two").withAuthority("a.example"))).isEqualTo("suffix");
        assertThat(taker(table, Request.get("/two").withAuthority("b.test"))).isEqualTo("suffix");
        assertThat(taker(table, Request.get("/three").withAuthority("a.example")))
                .isEqualTo("any");
        assertThat(taker(table, Request.get("/three").withAuthority("[::1]:80")))
                .isEqualTo("any");
    }

    @Test
    void more_conditions_win_kind_by_kind_and_the_order_of_declaration_decides_last() {
        Match x = Match.path("/x");
        RoutingTable table = table(
                route("nothing", x),
                route("method", x.method("GET")),
                route("query", x.method("GET").query("q", "1").query("r", "1")),
                route("header", x.method("GET").header("h", "1")),
                route("cookie", x.method("GET").cookie("c", "1")),
                route("client", x.method("GET").client("10.0.0.0/8")),
                route("predicate", x.method("GET").when(request -> request.header("w") != null)),
                route("query-2", x.method("GET").query("q", TextRule.present()).query("s", "1")));

        assertThat(taker(table, Request.of("PUT", "/x").withHeader("h", "1"))).isEqualTo("nothing");
        assertThat(taker(table, "/x")).isEqualTo("method");
        assertThat(taker(table, Request.get("/x?q=1&r=1").withHeader("H", "1"))).isEqualTo("header");
        assertThat(taker(table, Request.get("/x?q=1&r=1&s=1").withHeader("cookie", "c=1")))
                .isEqualTo("query");
        assertThat(taker(table, Request.get("/x?q=1&s=1").withHeader("cookie", "c=1")))
                .isEqualTo("query-2");
        assertThat(taker(table, Request.get("/x").withHeader("cookie", "c=1").withHeader("w", "1")))
                .isEqualTo("cookie");
        assertThat(taker(table, Request.get("/x").withHeader("w", "1"))).isEqualTo("predicate");
    }

    @Test
    void texts_follow_rules() {
        RoutingTable table = table(
                route("is", Match.path("/is").header("v", "2")),
                route("matches", Match.path("/matches").query("v", TextRule.matches("[0-9]+"))),
                route("present", Match.path("/present").cookie("v", TextRule.present())),
                route("absent", Match.path("/absent").header("v", TextRule.absent())));

        assertThat(taker(table, Request.get("/is").withHeader("V", "2"))).isEqualTo("is");
        assertThat(taker(table, Request.get("/is").withHeader("V", "20"))).isEqualTo("unmatched");
        assertThat(taker(table, "/matches?v=12")).isEqualTo("matches");
        assertThat(taker(table, "/matches?v=12a")).isEqualTo("unmatched");
        assertThat(taker(table, "/matches?w=12")).isEqualTo("unmatched");
        assertThat(taker(table, Request.get("/present").withHeader("cookie", "v=")))
                .isEqualTo("present");
        assertThat(taker(table, "/present")).isEqualTo("unmatched");
        assertThat(taker(table, "/absent")).isEqualTo("absent");
        assertThat(taker(table, Request.get("/absent").withHeader("V", ""))).isEqualTo("unmatched");
    }

    @Test
    void the_first_of_several_texts_counts() {
        RoutingTable table = table(route("r", Match.path("/x").header("v", "1").query("q", "1")));
        Request request = Request.get("/x?q=1&q=2");

        assertThat(taker(
                        table,
                        request.withHeaders(request.headers().adding("v", "1").adding("v", "2"))))
                .isEqualTo("r");
        assertThat(taker(
                        table,
                        request.withHeaders(request.headers().adding("v", "2").adding("v", "1"))))
                .isEqualTo("unmatched");
    }

    @Test
    void callers_are_told_apart_by_network() {
        RoutingTable table = table(
                route("inside", Match.path("/x").client("10.0.0.0/8", "2001:db8::/32")),
                route("outside", Match.path("/x")));

        assertThat(from(table, "10.1.2.3")).isEqualTo("inside");
        assertThat(from(table, "::ffff:10.1.2.3")).isEqualTo("inside");
        assertThat(from(table, "2001:db8::7")).isEqualTo("inside");
        assertThat(from(table, "11.1.2.3")).isEqualTo("outside");
        assertThat(from(table, "2001:db9::7")).isEqualTo("outside");
    }

    private static String from(RoutingTable table, String address) {
        ClientInfo client = ClientInfo.of(new InetSocketAddress(address, 1));
        return table.find(Request.get("/x"), client, Tables.NOON).route().id();
    }

    @Test
    void time_windows_open_and_close() {
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        RoutingTable table = table(
                route("sale", Match.path("/x").between(start, start.plusSeconds(60))),
                route(
                        "night",
                        Match.path("/x").daily(LocalTime.of(22, 0), LocalTime.of(6, 0), ZoneId.of("Europe/Berlin"))),
                route(
                        "lunch",
                        Match.path("/x").daily(LocalTime.of(12, 0), LocalTime.of(13, 0), ZoneId.of("Europe/Berlin"))),
                route("else", Match.path("/x")));

        assertThat(at(table, "2026-01-01T00:00:00Z")).isEqualTo("sale");
        assertThat(at(table, "2026-01-01T00:00:59.999Z")).isEqualTo("sale");
        assertThat(at(table, "2026-01-01T00:01:00Z")).isEqualTo("night");
        assertThat(at(table, "2026-01-01T04:59:59Z")).isEqualTo("night");
        assertThat(at(table, "2026-01-01T05:00:00Z")).isEqualTo("else");
        assertThat(at(table, "2026-01-01T11:00:00Z")).isEqualTo("lunch");
        // Summer time: noon in Berlin is ten in UTC.
        assertThat(at(table, "2026-07-01T10:59:59Z")).isEqualTo("lunch");
        assertThat(at(table, "2026-07-01T11:00:00Z")).isEqualTo("else");
        assertThat(at(table, "2026-07-01T20:00:00Z")).isEqualTo("night");
    }

    private static String at(RoutingTable table, String instant) {
        return table.find(Request.get("/x"), ClientInfo.local(), ManualTime.at(Instant.parse(instant)))
                .route()
                .id();
    }

    @Test
    void or_counts_as_several_routes_and_not_as_one_condition() {
        RoutingTable table = table(
                route("or", Match.path("/a").or(Match.path("/b").header("h", "1"))),
                route("plain", Match.path("/b")),
                route(
                        "both",
                        Match.anyOf(Match.path("/c"), Match.path("/d"))
                                .and(Match.any().method("GET", "PUT"))),
                route(
                        "not",
                        Match.path("/e")
                                .and(Match.not(Match.any().header("h", "1").query("q", "1")))),
                route("e", Match.path("/e")),
                route(
                        "not-not",
                        Match.path("/f").and(Match.not(Match.not(Match.any().method("GET"))))),
                route(
                        "mixed",
                        Match.path("/g/{x}")
                                .and(Match.not(Match.anyOf(
                                        Match.path("/g/1"),
                                        Match.pathRegex("/g/2.*"),
                                        Match.host("*.example"),
                                        Match.prefix("/g/3"))))
                                .and(Match.not(Match.any()
                                        .and(Match.anyOf(Match.any().method("GET")))
                                        .when(r -> true)))));

        assertThat(taker(table, "/a")).isEqualTo("or");
        assertThat(taker(table, Request.get("/b").withHeader("h", "1"))).isEqualTo("or");
        assertThat(taker(table, "/b")).isEqualTo("plain");
        assertThat(taker(table, Request.of("PUT", "/d"))).isEqualTo("both");
        assertThat(taker(table, "/e")).isEqualTo("not");
        assertThat(taker(table, Request.get("/e?q=1").withHeader("h", "1"))).isEqualTo("e");
        assertThat(taker(table, "/f")).isEqualTo("not-not");
        assertThat(taker(table, Request.of("PUT", "/g/0"))).isEqualTo("mixed");
        assertThat(taker(table, Request.of("PUT", "/g/1"))).isEqualTo("unmatched");
        assertThat(taker(table, Request.of("PUT", "/g/22"))).isEqualTo("unmatched");
        assertThat(taker(table, Request.of("PUT", "/g/3"))).isEqualTo("unmatched");
        assertThat(taker(table, Request.of("HEAD", "/g/0"))).isEqualTo("unmatched");
        assertThat(taker(table, Request.of("PUT", "/g/0").withAuthority("a.example")))
                .isEqualTo("unmatched");
    }

    @Test
    void several_paths_and_hosts_in_one_match_must_all_hold() {
        RoutingTable table = table(route(
                "r",
                Match.path("/a/{x}/{rest...}")
                        .and(Match.prefix("/a"))
                        .and(Match.path("/{first}/{second}/c"))
                        .and(Match.host("*.example", "x.test"))
                        .and(Match.host("a.example", "*.test"))));

        Routed routed = find(table, Request.get("/a/b/c").withAuthority("a.example"));
        assertThat(routed.route().id()).isEqualTo("r");
        assertThat(routed.pathVariables()).containsOnlyKeys("first", "second", "x", "rest");
        assertThat(taker(table, Request.get("/a/b/d").withAuthority("a.example")))
                .isEqualTo("unmatched");
        assertThat(taker(table, Request.get("/a/b/c").withAuthority("b.example")))
                .isEqualTo("unmatched");
        assertThat(taker(table, Request.get("/a/b/c").withAuthority("x.test"))).isEqualTo("r");
    }

    @Test
    void an_unknown_path_is_404_and_another_method_is_405_with_those_allowed() {
        RoutingTable table = table(
                route("read", Match.path("/x").method("GET")),
                route("write", Match.path("/x").method("PUT", "DELETE").header("h", "1")),
                route("find", Match.path("/x").method("QUERY")),
                route("wide", Match.path("/{any}").method("PATCH")));

        Routed unknown = find(table, Request.get("/y/z"));
        assertThat(unknown.failure()).isEqualTo(Failure.NO_ROUTE);
        assertThat(unknown.route()).isSameAs(Route.UNMATCHED);
        assertThat(unknown.allowedMethods()).isEmpty();
        Routed other = find(table, Request.of("POST", "/x"));
        assertThat(other.failure()).isEqualTo(Failure.METHOD_NOT_ALLOWED);
        assertThat(other.route()).isSameAs(Route.UNMATCHED);
        assertThat(other.allowedMethods()).containsExactly("GET", "HEAD", "PATCH", "QUERY");
        // Routes whose other conditions hold count.
        assertThat(find(table, Request.of("POST", "/x").withHeader("h", "1")).allowedMethods())
                .containsExactly("GET", "HEAD", "PUT", "PATCH", "DELETE", "QUERY");
        // Methods have a case, and nobody knows this one.
        assertThat(find(table, Request.of("get", "/x")).failure()).isEqualTo(Failure.METHOD_NOT_ALLOWED);
    }

    @Test
    void a_method_that_fails_together_with_another_condition_is_404() {
        RoutingTable table = table(route("write", Match.path("/x").method("PUT").header("h", "1")));

        assertThat(find(table, Request.get("/x")).failure()).isEqualTo(Failure.NO_ROUTE);
    }

    @Test
    void head_goes_where_get_goes_unless_a_route_names_it() {
        RoutingTable table = table(
                route("get", Match.path("/x").method("GET")),
                route("head", Match.path("/x").method("HEAD").header("h", "1")),
                route("any", Match.path("/x")),
                route("deep", Match.path("/y").method("GET")));

        assertThat(taker(table, Request.of("HEAD", "/x"))).isEqualTo("get");
        assertThat(taker(table, Request.of("HEAD", "/x").withHeader("h", "1"))).isEqualTo("head");
        assertThat(taker(table, Request.of("HEAD", "/y"))).isEqualTo("deep");
        RoutingTable late = table(
                route("get", Match.path("/x").method("GET")),
                route("head", Match.path("/x").method("HEAD")));
        assertThat(taker(late, Request.of("HEAD", "/x"))).isEqualTo("head");
    }

    @ParameterizedTest
    @CsvSource({"TRACE", "CONNECT"})
    void tunnels_and_echoes_are_never_routed(String method) {
        RoutingTable table = table(route("all", Match.prefix("/a")));

        Routed routed = find(table, Request.of(method, "/a"));
        assertThat(routed.failure()).isEqualTo(Failure.METHOD_NOT_ALLOWED);
        assertThat(routed.allowedMethods()).contains("GET", "POST").doesNotContain(method);
        assertThat(find(table, Request.of(method, "/b")).failure()).isEqualTo(Failure.NO_ROUTE);
    }

    @Test
    void variables_are_decoded_in_the_order_of_the_template() {
        RoutingTable table = table(
                route("r", Match.path("/u/{user}/f/{rest...}")),
                route("re", Match.pathRegex("/re/(?P<year>[0-9]+)-(?<month>[0-9]+)(?P<more>x)?")),
                route("none", Match.path("/none")));

        Routed routed = find(table, Request.get("/u/J%C3%BCrgen%20M/f/a%2Bb/c%252e/"));
        assertThat(routed.pathVariables().toString()).isEqualTo("{user=Jürgen M, rest=a+b/c%2e/}");
        assertThat(find(table, Request.get("/u/x/f")).pathVariables().toString())
                .isEqualTo("{user=x, rest=}");
        assertThat(find(table, Request.get("/re/2026-11")).pathVariables().toString())
                .isEqualTo("{year=2026, month=11, more=}");
        assertThat(find(table, Request.get("/none")).pathVariables()).isEmpty();
        assertThat(find(table, Request.get("/zzz")).pathVariables()).isEmpty();
        assertThat(routed.pathVariables()).isSameAs(routed.pathVariables()).isUnmodifiable();
    }

    @ParameterizedTest
    @CsvSource({
        "/a/b/c, 2",
        "/a, 2",
        "/a/, 2",
        "/v/1/x/y, 4",
        "/v/1, 4",
        "/exact/path, 11",
        "/other, 0",
        "/, 0",
    })
    void the_matched_prefix_ends_in_front_of_a_slash(String path, int length) {
        RoutingTable table = table(
                route("a", Match.prefix("/a/")),
                route("v", Match.path("/v/{id}/{rest...}")),
                route("exact", Match.path("/exact/path")),
                route("all", Match.any()));

        assertThat(find(table, Request.get(path)).matchedPrefixLength()).isEqualTo(length);
    }

    @Test
    void explaining_decides_the_same_and_says_why() {
        RoutingTable table = table(
                route("write", Match.path("/x").method("PUT")),
                route("beta", Match.path("/x").method("GET").header("beta", "1")),
                route("read", Match.path("/x").method("GET")),
                route("rest", Match.prefix("/")),
                route("host", Match.host("a.example", "b.example")),
                route("other", Match.path("/other")));

        Explained explained = table.explain(Request.get("/x"), ClientInfo.local(), Tables.NOON);

        assertThat(explained.routed().route().id()).isEqualTo("read");
        assertThat(explained.considered().stream().map(Considered::toString))
                .containsExactly(
                        "✗ beta: does not hold: header beta = 1",
                        "✗ write: method is not PUT",
                        "✓ read: GET /x",
                        "✗ rest: not tried: read is more specific or declared earlier",
                        "✗ host: host is not a.example, b.example",
                        "✗ other: path is not /other");
    }

    @Test
    void explaining_a_request_nobody_takes_lists_what_was_tried() {
        RoutingTable table =
                table(route("write", Match.path("/x").method("PUT")), route("re", Match.pathRegex("/y.*")));

        assertThat(table.explain(Request.of("TRACE", "/x"), ClientInfo.local(), Tables.NOON).considered().stream()
                        .map(Considered::toString))
                .containsExactly("✗ write: method is never served", "✗ re: does not hold: path ~ /y.*");
        assertThat(table.explain(Request.get("/x"), ClientInfo.local(), Tables.NOON)
                        .routed()
                        .allowedMethods())
                .containsExactly("PUT");
    }

    @Test
    void explaining_runs_no_predicate_that_the_decision_does_not_run() {
        AtomicInteger runs = new AtomicInteger();
        RoutingTable table = table(
                route("first", Match.path("/x").header("h", "1").when(request -> runs.incrementAndGet() > 0)),
                route("winner", Match.path("/x")),
                route("after", Match.prefix("/").when(request -> runs.incrementAndGet() > 0)));

        table.explain(Request.get("/x"), ClientInfo.local(), Tables.NOON);

        assertThat(runs).hasValue(0);
    }

    @Test
    void a_long_list_decides_by_index_as_it_does_without() {
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            routes.add(route("tenant-" + i, Match.prefix("/").header("tenant", "t" + i)));
            routes.add(route("tenant-get-" + i, Match.prefix("/").method("GET").header("tenant", "t" + i)));
            if (i % 6 == 0) {
                routes.add(route("q-" + i, Match.prefix("/").method("GET").query("q", "" + i)));
                routes.add(route(
                        "two-" + i, Match.prefix("/").header("tenant", "t" + i).header("x", "1")));
                routes.add(route("head-" + i, Match.prefix("/").method("HEAD").header("tenant", "t" + i)));
            }
        }
        routes.add(route("all", Match.prefix("/")));
        RoutingTable table = table(routes.toArray(new Route[0]));

        for (int i = 0; i < 66; i++) {
            for (String method : List.of("GET", "HEAD", "PUT")) {
                for (String target : List.of("/", "/?q=" + i)) {
                    for (String x : List.of("0", "1")) {
                        Request request = Request.of(method, target)
                                .withHeader("Tenant", "t" + i)
                                .withHeader("x", x);
                        assertThat(taker(table, request))
                                .isEqualTo(table.explain(request, ClientInfo.local(), Tables.NOON)
                                        .routed()
                                        .route()
                                        .id());
                    }
                }
            }
        }
        assertThat(taker(table, Request.get("/").withHeader("tenant", "t7"))).isEqualTo("tenant-get-7");
        assertThat(taker(table, Request.of("HEAD", "/").withHeader("tenant", "t6")))
                .isEqualTo("head-6");
        assertThat(taker(table, "/?q=12")).isEqualTo("q-12");
        assertThat(taker(table, Request.of("PUT", "/"))).isEqualTo("all");
    }

    @Test
    void a_search_steps_back_over_each_node_at_most_once() {
        // Every combination of a literal and a variable on eleven levels, all of them misleading.
        int levels = 11;
        List<Route> routes = new ArrayList<>();
        for (int bits = 0; bits < 1 << levels; bits++) {
            StringBuilder path = new StringBuilder();
            for (int level = 0; level < levels; level++) {
                path.append((bits & 1 << level) == 0 ? "/a" : "/{v" + level + "}");
            }
            routes.add(route("r" + bits, Match.path(path + "/end").header("never", "1")));
        }
        List<Problem> problems = new ArrayList<>();
        RoutingTable table = RoutingTable.compile(routes, problems);
        assertThat(problems.stream().map(Problem::toString))
                .containsExactly(
                        "routes: some path may take 4095 steps to find a route (expected: at most 1000; use fewer"
                                + " templates that differ in where they have a variable or a literal)");
        // The end is on the way of the level above it.
        int nodes = (1 << levels + 1) - 1;

        int worst = table.visits(Request.get("/a".repeat(levels) + "/end"), ClientInfo.local(), Tables.NOON);
        int other = table.visits(Request.get("/a".repeat(levels) + "/x"), ClientInfo.local(), Tables.NOON);
        int longer = table.visits(Request.get("/a".repeat(levels + 1) + "/end"), ClientInfo.local(), Tables.NOON);
        int far = table.visits(Request.get("/a".repeat(2_000)), ClientInfo.local(), Tables.NOON);

        assertThat(worst).isEqualTo(nodes);
        assertThat(other).isEqualTo(nodes);
        // No template is as long: nothing below the root is visited.
        assertThat(longer).isEqualTo(1);
        assertThat(far).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "/a/b/c/d, whole",
        "/a/b/c, none",
        "/a/b/cc/d, none",
        "/a/b/c/d/, none",
        "/a/b/c/d/e, none",
        "/a, none",
        "/a/, none",
        "/p/q/r, open",
        "/p/q/r/, open",
        "/p/q/r/s, open",
        "/p/q/rs, none",
        "/p/q, none",
        "/v/7/x/y, variable",
        "/v/7/x, none",
        "/v/7/x/yy, none",
    })
    void a_way_without_a_choice_is_taken_whole_or_not_at_all(String path, String taker) {
        RoutingTable table = table(
                route("whole", Match.path("/a/b/c/d")),
                route("open", Match.prefix("/p/q/r")),
                route("variable", Match.path("/v/{id}/x/y")));
        Routed routed = Tables.find(table, Request.get(path));
        assertThat(routed.failure() == null ? routed.route().id() : "none").isEqualTo(taker);
    }

    @Test
    void routes_that_do_not_match_cost_no_allocation() {
        Request request = Request.get("/x?q=%41").withHeader("cookie", "c=1").withHeader("a", "1");

        assertThat(allocatedBy(tableOfMisses(1_000), request)).isEqualTo(allocatedBy(tableOfMisses(100), request));
    }

    private static RoutingTable tableOfMisses(int count) {
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Match miss = switch (i % 5) {
                case 0 -> Match.path("/x").header("a", TextRule.absent());
                case 1 -> Match.path("/x").query("q", "A" + i);
                case 2 -> Match.path("/x").cookie("c", "2" + i);
                case 3 -> Match.path("/x").client("10.0.0.0/8");
                default -> Match.path("/x").daily(LocalTime.of(1, 0), LocalTime.of(2, 0), ZoneId.of("Europe/Berlin"));
            };
            routes.add(route("miss-" + i, miss.header("n" + i % 50, TextRule.absent())));
        }
        routes.add(route("hit", Match.path("/x")));
        // Many of them shadow each other: that is not what is asked here.
        return RoutingTable.compile(routes, new ArrayList<>());
    }

    private static long allocatedBy(RoutingTable table, Request request) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 50; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            Routed routed = find(table, request);
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            assertThat(routed.route().id()).isEqualTo("hit");
        }
        return least;
    }

    @Test
    void templates_may_be_sixty_four_segments_deep() {
        String deep = "/s".repeat(64);
        RoutingTable table =
                table(route("deep", Match.path(deep)), route("rest", Match.path("/s".repeat(63) + "/{rest...}")));

        assertThat(taker(table, deep)).isEqualTo("deep");
        assertThat(taker(table, deep + "/s")).isEqualTo("rest");
        assertThat(taker(table, "/s".repeat(63))).isEqualTo("rest");
        assertThat(taker(table, "/s".repeat(62))).isEqualTo("unmatched");
    }

    @Test
    void more_names_than_are_kept_are_still_looked_up() {
        List<Route> routes = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            routes.add(route("r" + i, Match.path("/x").header("h" + i, "1")));
        }
        RoutingTable table = table(routes.toArray(new Route[0]));

        assertThat(taker(table, Request.get("/x").withHeader("h199", "1"))).isEqualTo("r199");
        assertThat(taker(table, Request.get("/x").withHeader("h3", "1"))).isEqualTo("r3");
    }

    @Test
    void an_empty_table_takes_nothing() {
        assertThat(taker(table(), "/")).isEqualTo("unmatched");
        assertThat(find(table(), Request.get("/"))).hasToString("no_route");
        assertThat(find(table(route("a", Match.any())), Request.get("/"))).hasToString("route \"a\"");
    }
}
