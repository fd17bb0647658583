package dev.postern;

import java.util.List;

/** The one kind of match there is: a condition with a builder's methods. */
record MatchValue(Condition condition) implements Match {
    static final Match ANY = new MatchValue(new Condition.All(List.of()));

    @Override
    public String toString() {
        return condition.toString();
    }
}
