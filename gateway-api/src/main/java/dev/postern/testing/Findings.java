package dev.postern.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The violations found by a check: each broken rule once, with its first example. Written by two threads in turn. */
final class Findings {
    static final String NEVER_COMPLETES = "never completes";
    static final String NEVER_ENDS = "makes a body that cannot be read";

    private final Map<String, List<String>> examples = new LinkedHashMap<>();

    synchronized void add(String rule, String example) {
        examples.computeIfAbsent(rule, unused -> new ArrayList<>()).add(example);
    }

    /** Whether something was found that never ends: then the rest of the check does not wait for it again and again. */
    synchronized boolean hopeless() {
        return examples.containsKey(NEVER_COMPLETES) || examples.containsKey(NEVER_ENDS);
    }

    /** For people, a line each; empty when nothing was found. */
    synchronized Optional<String> report(String filter) {
        if (examples.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder("filter ").append(filter).append(" breaks its contract:");
        examples.forEach((rule, all) -> text.append("\n  ")
                .append(rule)
                .append(": ")
                .append(all.get(0))
                .append(all.size() > 1 ? " (and " + (all.size() - 1) + " times more)" : ""));
        return Optional.of(text.toString());
    }
}
