package dev.postern.runtime;

import dev.postern.GatewayConfig;
import dev.postern.Plan;
import dev.postern.Problem;
import dev.postern.runtime.routing.RoutingTable;
import dev.postern.runtime.snapshot.Changes;
import dev.postern.runtime.snapshot.ConfigCheck;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks configs and compiles their routes. Remembers the last table, since a config is checked, planned and applied one
 * after the other. Safe on any thread.
 */
final class Compiler {
    private record Compiled(GatewayConfig config, RoutingTable table, List<Problem> problems) {}

    private volatile @Nullable Compiled last;

    /** Everything that is wrong, or may be. */
    List<Problem> problems(GatewayConfig config) {
        return compile(config).problems();
    }

    /** The routes of a config without errors. */
    RoutingTable table(GatewayConfig config) {
        return compile(config).table();
    }

    Plan plan(GatewayConfig current, GatewayConfig next) {
        return new Plan(Changes.between(current, next), problems(next));
    }

    static List<Problem> errors(List<Problem> problems) {
        return problems.stream()
                .filter(problem -> problem.severity() == Problem.Severity.ERROR)
                .toList();
    }

    @SuppressWarnings("ReferenceEquality") // comparing by value costs more than it can save
    private Compiled compile(GatewayConfig config) {
        Compiled known = last;
        if (known != null && known.config() == config) {
            return known;
        }
        List<Problem> problems = new ArrayList<>(ConfigCheck.check(config));
        RoutingTable table = RoutingTable.compile(config.routes(), problems);
        Compiled now = new Compiled(config, table, List.copyOf(problems));
        last = now;
        return now;
    }
}
