package dev.postern.runtime.routing;

import dev.postern.Explanation;
import java.util.List;

/**
 * A decision and how it came about.
 *
 * @param routed the decision, the same as without explanation
 * @param considered the routes whose host and path fit, in the order in which they were tried, then the others, each with
 *     the first thing that speaks against it; at most a hundred
 */
public record Explained(Routed routed, List<Explanation.Considered> considered) {
    /** Copies. */
    public Explained {
        considered = List.copyOf(considered);
    }
}
