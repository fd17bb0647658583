package dev.postern;

import java.util.List;
import java.util.stream.Collectors;

/**
 * What applying a configuration would change.
 *
 * @param changes what would be different, in the order listeners, upstreams, filters, routes, state
 * @param problems what is wrong with the new configuration; with an error among them it cannot be applied
 */
public record Plan(List<Change> changes, List<Problem> problems) {
    /** Copies what it is given. */
    public Plan {
        changes = List.copyOf(changes);
        problems = List.copyOf(problems);
    }

    /** Whether the configuration would be accepted. */
    public boolean applicable() {
        return problems.stream().noneMatch(problem -> problem.severity() == Problem.Severity.ERROR);
    }

    /** Changes and problems, a line each. */
    @Override
    public String toString() {
        String lines = changes.stream().map(Change::toString).collect(Collectors.joining("\n"));
        String faults = problems.stream().map(p -> "! " + p).collect(Collectors.joining("\n"));
        return lines.isEmpty() && faults.isEmpty() ? "no change" : (lines + '\n' + faults).strip();
    }

    /**
     * One difference.
     *
     * @param kind what happens
     * @param subject to what: {@code route "orders-read"}
     * @param detail how: {@code timeout PT30S → PT2S}
     */
    public record Change(Kind kind, String subject, String detail) {
        /** What happens to the subject. */
        public enum Kind {
            /** It is new. */
            ADDED,
            /** It goes away. */
            REMOVED,
            /** It is different. */
            CHANGED,
            /** It holds code that cannot be compared and is taken as different. */
            OPAQUE,
            /** Its state is made anew, because its options are others. */
            STATE_RESET,
            /** Its state is dropped, because nothing names it any more. */
            STATE_DROPPED
        }

        @Override
        public String toString() {
            String sign = switch (kind) {
                case ADDED -> "+ ";
                case REMOVED, STATE_DROPPED -> "- ";
                case CHANGED, OPAQUE, STATE_RESET -> "~ ";
            };
            return sign + subject + (detail.isEmpty() ? "" : ": " + detail);
        }
    }
}
