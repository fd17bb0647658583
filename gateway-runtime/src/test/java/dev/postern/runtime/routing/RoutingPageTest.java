package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.TextRule;
import dev.postern.runtime.edge.CanonicalPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What docs/concepts/routing.md shows, compiled and run. */
class RoutingPageTest {
    private static final Path PAGE = Path.of("../docs/concepts/routing.md");

    @Test
    void the_first_example_prefers_the_host() {
        Route read = Route.builder("orders-read")
                .match(Match.host("api.example.com")
                        .and(Match.path("/orders/{id}"))
                        .method("GET"))
                .to("orders")
                .build();
        Route beta = Route.builder("orders-beta")
                .match(Match.path("/orders/{id}").method("GET").header("X-Beta", TextRule.present()))
                .to("orders-next")
                .build();

        RoutingTable table = Tables.table(read, beta);
        Request request = Request.get("/orders/7").withHeader("x-beta", "1");
        assertThat(Tables.taker(table, request)).isEqualTo("orders-beta");
        assertThat(Tables.taker(table, request.withAuthority("api.example.com")))
                .isEqualTo("orders-read");
    }

    @Test
    void or_and_not_are_part_of_a_match() {
        Match internal = Match.prefix("/admin")
                .client("10.0.0.0/8")
                .and(Match.not(Match.any().header("X-Debug", TextRule.present())));
        Match either = Match.path("/status").or(Match.path("/health").method("GET"));

        RoutingTable table = Tables.table(Tables.route("internal", internal), Tables.route("either", either));
        assertThat(Tables.taker(table, "/health")).isEqualTo("either");
        assertThat(Tables.taker(table, "/admin")).isEqualTo("unmatched");
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /orders/7, 0, read",
        "GET, /orders/7, 1, read",
        "PUT, /orders/7, 1, beta",
        "GET, /orders/latest, 0, latest",
        "PUT, /orders/latest, 0, one",
        "GET, /orders/, 0, orders",
        "GET, /ordersystem, 0, all",
    })
    void the_table_of_precedence_is_true(String method, String path, String beta, String id) {
        List<Match> matches = Arrays.asList(
                Match.prefix("/"), // all
                Match.prefix("/orders"), // orders
                Match.path("/orders/{id}"), // one
                Match.path("/orders/{id}").method("GET"), // read
                Match.path("/orders/{id}").header("X-Beta", "1"), // beta
                Match.path("/orders/latest").method("GET") // latest
                );
        List<String> ids = List.of("all", "orders", "one", "read", "beta", "latest");
        Route[] routes = new Route[ids.size()];
        for (int i = 0; i < routes.length; i++) {
            routes[i] = Tables.route(ids.get(i), matches.get(i));
        }

        Request request = Request.of(method, path).withHeader("X-Beta", beta);
        assertThat(Tables.taker(Tables.table(routes), request)).isEqualTo(id);
    }

    @ParameterizedTest
    @CsvSource({
        "/a/./b/../c, /a/c",
        "/a/%2e/c, /a/c",
        "//a///b, /a/b",
        "/%41/%7euser/%c3%a4, /A/~user/%C3%A4",
        "/a|b, /a%7Cb",
        "/%252e%252e/, /%252e%252e/",
    })
    void the_table_of_spellings_is_true(String received, String canonical) {
        assertThat(CanonicalPath.of(received)).isEqualTo(canonical);
    }

    @Test
    void rewrites_do_what_the_comments_say() {
        List<Rewrite> rewrites = Arrays.asList(
                Rewrite.none().path("/v2/orders/{id}"), // a new path
                Rewrite.none().prefix("/internal"), // /orders/7 matched by /orders becomes /internal/7
                Rewrite.none()
                        .prefix("/")
                        .setQuery("source", "edge") // strips the prefix; other parameters stay byte for byte
                );

        assertThat(rewritten(Match.path("/orders/{id}"), rewrites.get(0))).isEqualTo("/v2/orders/7?q=%zz");
        assertThat(rewritten(Match.prefix("/orders"), rewrites.get(1))).isEqualTo("/internal/7?q=%zz");
        assertThat(rewritten(Match.prefix("/orders"), rewrites.get(2))).isEqualTo("/7?q=%zz&source=edge");
    }

    private static String rewritten(Match match, Rewrite rewrite) {
        Route route = Route.builder("r").match(match).rewrite(rewrite).to("u").build();
        Request request = Request.get("/orders/7?q=%zz");
        Routed routed = Tables.find(Tables.table(route), request);
        return Rewriter.compile(route, new ArrayList<>())
                .request(request, routed)
                .target();
    }

    @Test
    void the_problems_read_as_shown() throws IOException {
        Match x = Match.path("/x");
        Match y = Match.path("/y");
        List<String> problems = new ArrayList<>();
        problems.addAll(Tables.problems(
                Tables.route("orders-read", Match.path("/orders/{id}").method("GET")),
                Tables.route("orders-old", Match.path("/orders/{id}").method("GET")),
                Tables.route("any-version", x.header("X-Version", TextRule.present())),
                Tables.route("v2", x.header("X-Version", "2")),
                Tables.route("read", x.method("GET")),
                Tables.route("both", x.method("GET", "PUT")),
                Tables.route("first", y.when(request -> true)),
                Tables.route("second", y.when(request -> false))));
        problems.addAll(Tables.problems(
                Tables.route("all", Match.prefix("/")), Tables.route("numbers", Match.pathRegex("/n/[0-9]+"))));

        assertThat(problems).hasSize(5);
        String page = Files.readString(PAGE);
        for (String problem : problems) {
            assertThat(page).contains(problem.substring(problem.indexOf(' ') + 1));
        }
    }

    @Test
    void the_explanation_reads_as_shown() throws IOException {
        RoutingTable table = Tables.table(
                Tables.route("write", Match.path("/x").method("PUT")),
                Tables.route("beta", Match.path("/x").method("GET").header("beta", "1")),
                Tables.route("read", Match.path("/x").method("GET")),
                Tables.route("rest", Match.prefix("/")),
                Tables.route("other", Match.path("/other")));

        StringBuilder lines = new StringBuilder();
        table.explain(Request.get("/x"), ClientInfo.local(), Tables.NOON)
                .considered()
                .forEach(line -> lines.append(line).append('\n'));

        assertThat(Files.readString(PAGE)).contains(lines);
    }

    @Test
    void the_code_on_the_page_is_the_code_here() throws IOException {
        String here = squeezed(
                Files.readString(Path.of("src/test/java", getClass().getName().replace('.', '/') + ".java")));
        List<String> blocks = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(PAGE))
                .results()
                .map(block -> block.group(1))
                .toList();

        assertThat(blocks).hasSize(4);
        for (String block : blocks) {
            for (String line : block.split("\n")) {
                assertThat(here).as(line).contains(squeezed(line));
            }
        }
    }

    // Without blanks, and without the commas that lists need here.
    private static String squeezed(String text) {
        return text.replaceAll("[\\s,]+", "");
    }
}
