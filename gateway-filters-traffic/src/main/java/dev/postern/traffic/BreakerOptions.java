package dev.postern.traffic;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything a circuit breaker was told, with value equality.
 *
 * @param failing the name of what tells failing responses
 * @param fallback what is answered instead, or null
 * @param forFailures whether the fallback also answers for calls that failed
 * @param control the host's switch, or null
 */
record BreakerOptions(
        String name,
        Scope scope,
        BreakerRules rules,
        String failing,
        @Nullable Fallback fallback,
        boolean forFailures,
        @Nullable BreakerSwitch control) {
    /** The part that the state depends on: breakers with the same one may share it, and changing the others keeps it. */
    record Kept(Scope scope, BreakerRules rules) {}

    Kept kept() {
        return new Kept(scope, rules);
    }

    List<String> problems() {
        List<String> found = new ArrayList<>();
        if (name.isBlank()) {
            found.add("name is missing (expected: CircuitBreaker.builder(\"…\"))");
        }
        if (rules.lastCalls() > 0 && rules.minimumCalls() > rules.lastCalls()) {
            found.add("minimumCalls " + rules.minimumCalls() + " is more than the window holds, so it could never open"
                    + " (expected: at most lastCalls, " + rules.lastCalls() + ")");
        }
        if (forFailures && fallback == null) {
            found.add("fallbackForFailures has nothing to answer with (expected: fallback(…) too)");
        }
        if (fallback instanceof Fallback.Fixed fixed && !fixed.response().body().replayable()) {
            found.add("the body of the fallback can be read only once (expected: Response.text, json or problem)");
        }
        return found;
    }
}
