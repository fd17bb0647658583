package dev.postern;

import java.util.List;
import java.util.stream.Collectors;

/** A configuration was refused. The message lists everything that is wrong with it, a line each. */
public final class InvalidConfigException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final transient List<Problem> problems;

    /** Refuses for these problems, at least one. */
    public InvalidConfigException(List<Problem> problems) {
        super(problems.stream()
                .map(problem -> "  " + problem)
                .collect(Collectors.joining(
                        "\n", problems.size() == 1 ? "1 problem:\n" : problems.size() + " problems:\n", "")));
        if (problems.isEmpty()) {
            throw new IllegalArgumentException("problems: [] (expected: at least one)");
        }
        this.problems = List.copyOf(problems);
    }

    /** All problems that refuse the configuration. */
    public List<Problem> problems() {
        return problems;
    }
}
