package dev.postern.runtime.snapshot;

import dev.postern.Problem;
import java.util.List;

/** Collects the problems of one subject. */
record Findings(String subject, List<Problem> problems) {
    void error(String message) {
        problems.add(Problem.error(subject, message));
    }

    void warning(String message) {
        problems.add(Problem.warning(subject, message));
    }

    Findings about(String other) {
        return new Findings(other, problems);
    }
}
