package dev.postern.runtime.routing;

import dev.postern.Explanation.Considered;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One request on its way through a table: what it asks for, and what was learnt on the way. Used once, by one thread. */
final class Search {
    private final Facts facts;
    private final String path;
    private final long method;
    private final boolean isServed;
    private final @Nullable List<Look> trail;

    // Set when an alternative was left out for its method alone; then a second walk collects what is allowed.
    private boolean missedByMethod;
    private boolean collecting;
    private long allowed;
    private int visits;

    /** An alternative that was looked at, and what spoke against it; null when nothing did. */
    record Look(Entry entry, @Nullable String against) {
        Considered considered() {
            return new Considered(entry.route().id(), against == null, against == null ? entry.toString() : against);
        }
    }

    Search(Facts facts, Methods methods, boolean isExplained) {
        this.facts = facts;
        this.path = facts.request().path();
        this.method = methods.find(facts.request().method());
        this.isServed = Methods.isServed(facts.request().method());
        this.trail = isExplained ? new ArrayList<>() : null;
    }

    Facts facts() {
        return facts;
    }

    String path() {
        return path;
    }

    boolean isHead() {
        return method == Methods.head();
    }

    boolean isExplained() {
        return trail != null;
    }

    List<Look> trail() {
        return trail == null ? List.of() : trail;
    }

    /** Whether an alternative whose host and path fit takes the request. */
    boolean takes(Entry entry) {
        boolean fits = isServed && entry.methods().serves(method);
        if (collecting) {
            if (!fits && entry.failing(facts) == null) {
                allowed |= entry.methods().isAny()
                        ? Methods.usual()
                        : entry.methods().served();
            }
            return false;
        }
        if (!fits) {
            missedByMethod = true;
            if (trail != null) {
                note(entry, methodReason(entry));
            }
            return false;
        }
        Requirement failing = entry.failing(facts);
        if (trail != null) {
            note(entry, failing == null ? null : "does not hold: " + failing);
        }
        return failing == null;
    }

    private String methodReason(Entry entry) {
        PathRegex regex = entry.regex();
        if (regex != null && !regex.matches(path)) {
            return "does not hold: path " + regex;
        }
        return isServed ? "method is not " + entry.methods() : "method is never served";
    }

    private void note(Entry entry, @Nullable String against) {
        if (trail != null) {
            trail.add(new Look(entry, against));
        }
    }

    boolean missedByMethod() {
        return missedByMethod;
    }

    /** From now on nothing is found; alternatives that only the method kept away add to {@link #allowed}. */
    void collectAllowed() {
        collecting = true;
    }

    long allowed() {
        return allowed;
    }

    void countVisit() {
        visits++;
    }

    /** The number of trie nodes visited so far: tests bound it. */
    int visits() {
        return visits;
    }
}
