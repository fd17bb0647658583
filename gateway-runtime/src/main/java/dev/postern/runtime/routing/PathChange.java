package dev.postern.runtime.routing;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Problem;
import dev.postern.Route;
import dev.postern.runtime.edge.CanonicalPath;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The new path of a rewrite or a redirect: from a template, or with another prefix, or the same. What comes out is canonical
 * and lies below the part that the configuration fixes, or the exchange fails: a path made of pieces of the client's must
 * not lead where no route was meant to lead.
 */
final class PathChange {
    private final Route route;
    private final @Nullable PathExpansion expansion;
    // Without a slash at its end: "" for the root.
    private final @Nullable String prefix;

    private PathChange(Route route, @Nullable PathExpansion expansion, @Nullable String prefix) {
        this.route = route;
        this.expansion = expansion;
        this.prefix = prefix;
    }

    /** Compiles a template or a prefix, of which at most one is there; adds what is wrong with them. */
    static PathChange compile(
            Route route, String what, @Nullable String template, @Nullable String prefix, List<Problem> problems) {
        Captures captures = Captures.of(route.match().condition());
        if (template != null) {
            return new PathChange(route, expansion(route, what, template, captures, problems), null);
        }
        if (prefix == null) {
            return new PathChange(route, null, null);
        }
        if (captures.byExpressionAlone()) {
            problems.add(Problem.error(
                    route.toString(),
                    what + " prefix has nothing to replace: the path is matched by an expression (use " + what
                            + " path with the expression's groups, or add Match.prefix)"));
        }
        return new PathChange(route, null, literal(route, what, prefix, problems));
    }

    private static @Nullable PathExpansion expansion(
            Route route, String what, String template, Captures captures, List<Problem> problems) {
        PathExpansion expansion;
        try {
            expansion = PathExpansion.of(template);
        } catch (IllegalArgumentException mistake) {
            problems.add(Problem.error(route.toString(), what + " " + mistake.getMessage()));
            return null;
        }
        Set<String> known = captures.names();
        for (String name : expansion.names()) {
            if (!known.contains(name)) {
                problems.add(Problem.error(
                        route.toString(),
                        what + " path \"" + template + "\" uses {" + name
                                + "}, which the match does not capture in every " + "alternative (captured: "
                                + (known.isEmpty() ? "nothing" : String.join(", ", known)) + ")"));
            }
        }
        return expansion;
    }

    private static @Nullable String literal(Route route, String what, String prefix, List<Problem> problems) {
        try {
            PathTemplate.prefix(prefix);
            return prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) : prefix;
        } catch (IllegalArgumentException mistake) {
            problems.add(Problem.error(route.toString(), what + " prefix: " + mistake.getMessage()));
            return null;
        }
    }

    /**
     * The new path.
     *
     * @param path the path that the request has by now, which a filter may have changed
     * @throws GatewayException {@link Failure#INTERNAL} when what comes out is not canonical ({@code rewrite.not_canonical}),
     *     lies elsewhere ({@code rewrite.outside}), or the prefix is gone ({@code rewrite.prefix_lost})
     */
    String apply(String path, Routed routed) {
        if (expansion != null) {
            return below(expansion.fixedPrefix(), canonical(expansion.expand(routed.rawVariables())));
        }
        if (prefix == null) {
            // Also a path that only a filter changed is forwarded, so it is held to the same rule.
            return path.equals(routed.path()) ? path : canonical(path);
        }
        String rest = behindPrefix(path, routed);
        String changed = prefix + rest;
        return below(prefix, canonical(changed.isEmpty() ? "/" : changed));
    }

    private String behindPrefix(String path, Routed routed) {
        int length = routed.matchedPrefixLength();
        boolean isThere = path.startsWith(routed.path().substring(0, length))
                && (path.length() == length || path.charAt(length) == '/');
        if (!isThere) {
            throw broken("rewrite.prefix_lost", "a filter changed the path, and the matched prefix is gone", null);
        }
        return path.substring(length);
    }

    private String canonical(String path) {
        try {
            return CanonicalPath.of(path);
        } catch (GatewayException refused) {
            throw broken("rewrite.not_canonical", "the new path would be refused: " + refused.reason(), refused);
        }
    }

    private String below(String fixed, String path) {
        boolean isBelow = path.startsWith(fixed)
                && (fixed.endsWith("/") || path.length() == fixed.length() || path.charAt(fixed.length()) == '/');
        if (!isBelow) {
            throw broken("rewrite.outside", "the new path does not lie below " + fixed, null);
        }
        return path;
    }

    private GatewayException broken(String reason, String what, @Nullable GatewayException cause) {
        return new GatewayException(Failure.INTERNAL, reason, what + " (" + route + ')', cause);
    }
}
