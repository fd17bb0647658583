package dev.postern.runtime.routing;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The alternatives that share a host and a path: one, as nearly always, or a {@link Bucket} of several. */
sealed interface Place permits Entry, Bucket {
    /** The first alternative that takes the request, or null. */
    @Nullable
    Entry find(Search search);

    /** All of them, once sealed the most specific first. */
    List<Entry> entries();

    /** Ends the filling. */
    void seal();

    /** A place with one entry more. */
    static Place with(@Nullable Place place, Entry entry) {
        if (place == null) {
            return entry;
        }
        Bucket bucket = place instanceof Bucket several ? several : new Bucket((Entry) place);
        bucket.add(entry);
        return bucket;
    }
}
