package dev.postern.runtime.routing;

import static dev.postern.runtime.routing.Tables.find;
import static dev.postern.runtime.routing.Tables.route;
import static dev.postern.runtime.routing.Tables.table;
import static dev.postern.runtime.routing.Tables.taker;
import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Failure;
import dev.postern.Match;
import dev.postern.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the Kubernetes Gateway API says about HTTPRoute matching, in our own cases. */
class GatewayApiSemanticsTest {
    @ParameterizedTest
    @CsvSource({
        "/shop, exact",
        "/shop/, prefix",
        "/shop/cart, exact-deep",
        "/shop/cart/7, prefix-deep",
        "/shop/carts, prefix",
        "/Shop, root",
        "/shopping, root",
        "/, root",
    })
    void exact_wins_over_prefix_and_the_longest_prefix_over_shorter_ones(String path, String id) {
        RoutingTable table = table(
                route("root", Match.prefix("/")),
                route("prefix", Match.prefix("/shop/")),
                route("prefix-deep", Match.prefix("/shop/cart")),
                route("exact-deep", Match.path("/shop/cart")),
                route("exact", Match.path("/shop")));

        assertThat(taker(table, path)).isEqualTo(id);
    }

    @Test
    void exact_paths_take_no_slash_more() {
        RoutingTable table = table(route("a", Match.path("/a")), route("b", Match.path("/b/")));

        assertThat(taker(table, "/a")).isEqualTo("a");
        assertThat(taker(table, "/a/")).isEqualTo("unmatched");
        assertThat(taker(table, "/b/")).isEqualTo("b");
        assertThat(taker(table, "/b")).isEqualTo("unmatched");
    }

    @Test
    void a_longer_prefix_wins_over_more_conditions_on_a_shorter_one() {
        RoutingTable table = table(
                route(
                        "conditions",
                        Match.prefix("/").method("GET").header("v", "1").query("q", "1")),
                route("prefix", Match.prefix("/deep")));

        assertThat(taker(table, Request.get("/deep?q=1").withHeader("v", "1"))).isEqualTo("prefix");
        assertThat(taker(table, Request.get("/x?q=1").withHeader("v", "1"))).isEqualTo("conditions");
    }

    @Test
    void a_method_wins_over_headers_and_headers_over_queries() {
        RoutingTable table = table(
                route("queries", Match.any().query("a", "1").query("b", "1")),
                route("header", Match.any().header("h", "1")),
                route("headers", Match.any().header("h", "1").header("i", "1")),
                route("method", Match.any().method("PATCH")));

        Request request = Request.of("PATCH", "/?a=1&b=1").withHeader("h", "1");
        assertThat(taker(table, request)).isEqualTo("method");
        assertThat(taker(table, request.withMethod("PUT"))).isEqualTo("header");
        assertThat(taker(table, request.withMethod("PUT").withHeader("i", "1"))).isEqualTo("headers");
        assertThat(taker(table, request.withMethod("PUT").withoutHeader("h"))).isEqualTo("queries");
    }

    @Test
    void equal_matches_go_to_the_one_declared_first() {
        RoutingTable table = table(
                route("first", Match.any().header("version", "two")),
                route("second", Match.any().header("color", "blue")));

        assertThat(taker(table, Request.get("/").withHeader("Version", "two").withHeader("Color", "blue")))
                .isEqualTo("first");
    }

    @Test
    void matches_of_one_rule_are_alternatives_and_conditions_of_one_match_hold_together() {
        RoutingTable table = table(route(
                "rule",
                Match.path("/blue").header("v", "1").or(Match.prefix("/green").query("q", "1"))));

        assertThat(taker(table, Request.get("/blue").withHeader("v", "1"))).isEqualTo("rule");
        assertThat(taker(table, "/green/x?q=1")).isEqualTo("rule");
        assertThat(taker(table, "/green/x")).isEqualTo("unmatched");
        assertThat(find(table, Request.get("/blue")).failure()).isEqualTo(Failure.NO_ROUTE);
    }

    @Test
    void the_host_is_more_than_the_path() {
        RoutingTable table = table(
                route(
                        "both",
                        Match.host("a.example", "b.example")
                                .and(Match.prefix("/").or(Match.any().header("v", "1")))),
                route(
                        "one",
                        Match.host("a.example")
                                .and(Match.prefix("/v2").or(Match.any().header("v", "2")))),
                route("wild", Match.host("*.example").and(Match.path("/v2/exact"))));

        assertThat(taker(table, Request.get("/v2/exact").withAuthority("a.example")))
                .isEqualTo("one");
        assertThat(taker(table, Request.get("/v2/exact").withAuthority("b.example")))
                .isEqualTo("both");
        assertThat(taker(table, Request.get("/v2/exact").withAuthority("x.y.example")))
                .isEqualTo("wild");
        assertThat(taker(table, Request.get("/").withAuthority("a.example").withHeader("v", "2")))
                .isEqualTo("one");
        assertThat(taker(table, Request.get("/").withAuthority("example"))).isEqualTo("unmatched");
    }

    @Test
    void query_names_and_values_have_a_case_and_header_names_have_none() {
        RoutingTable table = table(
                route("query", Match.any().query("Animal", "Whale")),
                route("header", Match.any().header("Color", "Blue")));

        assertThat(taker(table, "/?Animal=Whale&x=1")).isEqualTo("query");
        assertThat(taker(table, "/?animal=Whale")).isEqualTo("unmatched");
        assertThat(taker(table, "/?Animal=Whales")).isEqualTo("unmatched");
        assertThat(taker(table, Request.get("/").withHeader("COLOR", "Blue"))).isEqualTo("header");
        assertThat(taker(table, Request.get("/").withHeader("color", "blue"))).isEqualTo("unmatched");
    }
}
