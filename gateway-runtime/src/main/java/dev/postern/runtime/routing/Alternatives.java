package dev.postern.runtime.routing;

import dev.postern.Condition;
import java.util.ArrayList;
import java.util.List;

/** Splits a condition at each {@code or}: what remains are lists of which all must hold. A negation stays one condition. */
final class Alternatives {
    /** More are a mistake, or need a table of their own: every one becomes an entry. */
    static final int MAX = 1_024;

    private Alternatives() {}

    /**
     * The alternatives in the order written.
     *
     * @throws IllegalArgumentException when there are more than {@link #MAX}
     */
    static List<List<Condition>> of(Condition condition) {
        if (condition instanceof Condition.All all) {
            List<List<Condition>> product = List.of(List.of());
            for (Condition each : all.conditions()) {
                product = product(product, of(each));
            }
            return product;
        }
        if (condition instanceof Condition.AnyOf any) {
            List<List<Condition>> sum = new ArrayList<>();
            for (Condition each : any.conditions()) {
                sum.addAll(of(each));
                check(sum.size());
            }
            return sum;
        }
        if (condition instanceof Condition.Not outer && outer.condition() instanceof Condition.Not inner) {
            return of(inner.condition());
        }
        return List.of(List.of(condition));
    }

    private static List<List<Condition>> product(List<List<Condition>> left, List<List<Condition>> right) {
        check((long) left.size() * right.size());
        List<List<Condition>> product = new ArrayList<>(left.size() * right.size());
        for (List<Condition> first : left) {
            for (List<Condition> second : right) {
                List<Condition> both = new ArrayList<>(first);
                both.addAll(second);
                product.add(both);
            }
        }
        return product;
    }

    private static void check(long size) {
        if (size > MAX) {
            throw new IllegalArgumentException("its match splits into " + size + " alternatives (expected: at most "
                    + MAX + "; use several routes)");
        }
    }
}
