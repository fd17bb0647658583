package dev.postern.runtime.routing;

import dev.postern.Condition;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What a match captures for certain: the variables that every alternative has.
 *
 * @param names in the order of the first alternative
 * @param byExpressionAlone whether some alternative has no path but an expression
 */
record Captures(Set<String> names, boolean byExpressionAlone) {
    static Captures of(Condition condition) {
        Set<String> common = new LinkedHashSet<>();
        boolean byExpressionAlone = false;
        List<List<Condition>> alternatives;
        try {
            alternatives = Alternatives.of(condition);
            boolean first = true;
            for (List<Condition> alternative : alternatives) {
                Set<String> names = names(alternative);
                if (first) {
                    common.addAll(names);
                } else {
                    common.retainAll(names);
                }
                first = false;
                byExpressionAlone |= alternative.stream().anyMatch(Condition.PathRegex.class::isInstance)
                        && alternative.stream()
                                .noneMatch(each -> each instanceof Condition.Path || each instanceof Condition.Prefix);
            }
        } catch (IllegalArgumentException mistake) {
            // The table's compiler reports it; here only nothing is known.
            return new Captures(Set.of(), false);
        }
        return new Captures(common, byExpressionAlone);
    }

    private static Set<String> names(List<Condition> alternative) {
        Set<String> names = new LinkedHashSet<>();
        for (Condition condition : alternative) {
            if (condition instanceof Condition.Path path) {
                names.addAll(PathTemplate.template(path.template()).names());
            } else if (condition instanceof Condition.PathRegex regex) {
                names.addAll(PathRegex.of(regex.regex()).names());
            }
        }
        return names;
    }
}
