package dev.postern.runtime;

import dev.postern.Destination;
import dev.postern.GatewayConfig;
import dev.postern.GatewayException;
import dev.postern.Plan;
import dev.postern.Problem;
import dev.postern.Route;
import dev.postern.runtime.edge.CanonicalPath;
import dev.postern.runtime.routing.Cidr;
import dev.postern.runtime.routing.Redirector;
import dev.postern.runtime.routing.Rewriter;
import dev.postern.runtime.routing.RoutingTable;
import dev.postern.runtime.snapshot.Changes;
import dev.postern.runtime.snapshot.ConfigCheck;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks configs and compiles their routes. Remembers the last table, since a config is checked, planned and applied one
 * after the other. Safe on any thread.
 */
final class Compiler {
    private record Compiled(GatewayConfig config, RoutingTable table, List<Problem> problems) {}

    private static final ConfigCheck CHECK = new ConfigCheck(Compiler::networkProblem, Compiler::pathProblem);

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
        // The machine's clock, not the gateway's: the dates of real certificates are compared with it.
        List<Problem> problems = new ArrayList<>(CHECK.check(config, Instant.now()));
        RoutingTable table = RoutingTable.compile(config.routes(), problems);
        for (Route route : config.routes()) {
            Rewriter.compile(route, problems);
            if (route.destination() instanceof Destination.ToRedirect) {
                Redirector.compile(route, problems);
            }
        }
        Compiled now = new Compiled(config, table, List.copyOf(problems));
        last = now;
        return now;
    }

    private static @Nullable String networkProblem(String text) {
        try {
            Cidr.parse(text);
            return null;
        } catch (IllegalArgumentException malformed) {
            return malformed.getMessage();
        }
    }

    private static @Nullable String pathProblem(String path) {
        try {
            String canonical = CanonicalPath.of(path);
            return canonical.equals(path) ? null : '"' + path + "\" is not canonical (expected: " + canonical + ')';
        } catch (GatewayException refused) {
            return '"' + path + "\" can never be asked for: " + refused.reason();
        }
    }
}
