package dev.postern.traffic;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything a concurrency limit was told, with value equality.
 *
 * @param limit how many may be under way, 0 when nobody said
 * @param adaptive how the limit is found, or null
 * @param maxQueue how many may wait, 0 when nobody may
 * @param priority the name of what tells priorities
 */
record ConcurrencyOptions(
        String name,
        Scope scope,
        int limit,
        @Nullable AdaptiveLimit adaptive,
        int maxQueue,
        Duration queueTimeout,
        int reservedPercent,
        String priority) {
    /** The part that the state depends on: limits with the same one may share it, and changing the others keeps it. */
    record Kept(Scope scope, int limit, @Nullable AdaptiveLimit adaptive, int maxQueue, int reservedPercent) {}

    Kept kept() {
        return new Kept(scope, limit, adaptive, maxQueue, reservedPercent);
    }

    List<String> problems() {
        List<String> found = new ArrayList<>();
        if (name.isBlank()) {
            found.add("name is missing (expected: ConcurrencyLimit.builder(\"…\"))");
        }
        if (limit == 0 && adaptive == null) {
            found.add("no limit is set (expected: atMost(exchanges) or adaptive(AdaptiveLimit.gradient()))");
        }
        return found;
    }

    /** {@code 100 at once, 20 more wait up to PT0.1S, 10 % kept for critical ones}. */
    String text() {
        return (adaptive == null ? limit + " at once" : "adaptive (" + adaptive + ")")
                + (maxQueue == 0 ? "" : ", " + maxQueue + " more wait up to " + queueTimeout)
                + (reservedPercent == 0 ? "" : ", " + reservedPercent + " % kept for critical ones");
    }
}
