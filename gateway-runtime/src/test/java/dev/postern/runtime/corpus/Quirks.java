package dev.postern.runtime.corpus;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What single servers of the {@link Garden} do differently without harm: they refuse what others take, or their interface
 * does not tell an empty query from none. Nothing else is excused.
 */
final class Quirks {
    private static final Pattern BROKEN_ESCAPE = Pattern.compile("%(?![0-9a-fA-F]{2})");

    private Quirks() {}

    static boolean excuses(Plant plant, Seen request, List<Seen> seen) {
        int mark = request.target().indexOf('?');
        String query = mark < 0 ? "" : request.target().substring(mark + 1);
        if (seen.isEmpty()) {
            boolean longName =
                    request.fields().stream().anyMatch(field -> field.name().length() > 255);
            if (plant.toString().equals("haproxy") && longName) {
                return true;
            }
            return Set.of("JDK", "Undertow").contains(plant.toString())
                    && BROKEN_ESCAPE.matcher(query).find();
        }
        // Undertow takes further question marks for part of the one that begins the query.
        boolean empty = mark >= 0 && query.replace("?", "").isEmpty();
        Seen bare = request.with(request.method(), request.target().replaceAll("\\?+$", ""));
        return Set.of("Grizzly", "Undertow").contains(plant.toString())
                && empty
                && seen.equals(List.of(bare, Plant.LAST));
    }
}
