package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.TimeSource;
import dev.postern.testing.ManualTime;
import java.util.ArrayList;
import java.util.List;

/** Routes by id and match, and what a table makes of them. */
final class Tables {
    static final TimeSource NOON = ManualTime.at(java.time.Instant.parse("2026-06-15T12:00:00Z"));

    private Tables() {}

    static Route route(String id, Match match) {
        return Route.builder(id).match(match).answer(Response.of(200)).build();
    }

    /** A table without any problem. */
    static RoutingTable table(Route... routes) {
        List<Problem> problems = new ArrayList<>();
        RoutingTable table = RoutingTable.compile(List.of(routes), problems);
        assertThat(problems).isEmpty();
        return table;
    }

    static List<String> problems(Route... routes) {
        List<Problem> problems = new ArrayList<>();
        RoutingTable.compile(List.of(routes), problems);
        return problems.stream()
                .map(problem -> problem.severity() + " " + problem)
                .toList();
    }

    static Routed find(RoutingTable table, Request request) {
        return table.find(request, ClientInfo.local(), NOON);
    }

    static String taker(RoutingTable table, Request request) {
        return find(table, request).route().id();
    }

    static String taker(RoutingTable table, String target) {
        return taker(table, Request.get(target));
    }
}
