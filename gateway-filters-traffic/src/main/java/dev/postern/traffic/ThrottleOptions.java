package dev.postern.traffic;

import java.util.List;

/**
 * Everything a throttle was told, with value equality.
 *
 * @param failing the name of what tells failing responses
 * @param priority the name of what tells priorities
 */
record ThrottleOptions(String name, Scope scope, ThrottleRules rules, String failing, String priority) {
    /** The part that the state depends on: throttles with the same one may share it, and changing the others keeps it. */
    record Kept(Scope scope, ThrottleRules rules) {}

    Kept kept() {
        return new Kept(scope, rules);
    }

    List<String> problems() {
        return name.isBlank() ? List.of("name is missing (expected: Throttle.builder(\"…\"))") : List.of();
    }
}
