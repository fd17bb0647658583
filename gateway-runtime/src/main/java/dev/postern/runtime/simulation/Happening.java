package dev.postern.runtime.simulation;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Something that changes in a run: an endpoint behaves otherwise, joins the list or leaves it.
 *
 * @param at since the run began
 * @param endpoint the address
 * @param kind what happens
 * @param behaviour the new one; null for an endpoint that leaves
 */
public record Happening(
        Duration at, String endpoint, Kind kind, @Nullable Behaviour behaviour) {
    /** What happens. */
    public enum Kind {
        /** It behaves otherwise. */
        BEHAVES,
        /** It joins the list, behaving so. */
        JOINS,
        /** It leaves the list; what it is working on it still answers. */
        LEAVES
    }

    /** Checks what belongs together. */
    public Happening {
        if (at.isNegative()) {
            throw new IllegalArgumentException("at: " + at + " (expected: zero or more)");
        }
        if ((behaviour == null) != (kind == Kind.LEAVES)) {
            throw new IllegalArgumentException("behaviour: " + behaviour + " (expected: none for LEAVES, else one)");
        }
    }

    @Override
    public String toString() {
        return "at " + at + " " + endpoint
                + switch (kind) {
                    case BEHAVES -> " " + behaviour;
                    case JOINS -> " joins and " + behaviour;
                    case LEAVES -> " leaves";
                };
    }
}
