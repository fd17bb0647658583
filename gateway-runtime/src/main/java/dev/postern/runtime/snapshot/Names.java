package dev.postern.runtime.snapshot;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Finds the name that somebody probably meant. */
final class Names {
    /** More than two slips in a name are another name. */
    private static final int MAX_SLIPS = 2;

    private Names() {}

    /** {@code (did you mean "orders"? defined: orders, users)}. */
    static String cure(String name, Collection<String> defined) {
        if (defined.isEmpty()) {
            return "(defined: none)";
        }
        String meant = closest(name, defined);
        String all = "defined: " + String.join(", ", defined);
        return meant == null ? '(' + all + ')' : "(did you mean \"" + meant + "\"? " + all + ')';
    }

    static @Nullable String closest(String name, Collection<String> defined) {
        String best = null;
        // Names of three letters are all two slips apart.
        int limit = Math.min(MAX_SLIPS, name.length() / 3) + 1;
        for (String candidate : defined) {
            int slips = candidate.equalsIgnoreCase(name) ? 0 : slips(name, candidate);
            if (slips < limit) {
                best = candidate;
                limit = slips;
            }
        }
        return best;
    }

    /** Levenshtein's distance: letters to add, drop or change. */
    private static int slips(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
