package dev.postern;

import java.util.Objects;

/**
 * Names a piece of state that outlives config swaps: it lives as long as some config names it.
 *
 * <p>The same kind and name with equal options keeps the state. With other options the state is made anew, and the plan
 * says so.
 *
 * @param kind what it is: {@code rate limit}
 * @param name which one: {@code per-client}
 * @param options a value with {@code equals} that decides whether state made with other options is still good
 */
public record StateSpec(String kind, String name, Object options) {
    /** Refuses blanks: state without a name cannot be found again. */
    public StateSpec {
        Objects.requireNonNull(options, "options");
        if (kind.isBlank() || name.isBlank()) {
            throw new IllegalArgumentException("state: kind \"" + kind + "\", name \"" + name + "\" (expected: both)");
        }
    }
}
