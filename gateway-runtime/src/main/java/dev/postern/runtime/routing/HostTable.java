package dev.postern.runtime.routing;

import dev.postern.runtime.edge.Authority;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The tries by host: an exact name first, then suffixes, the longest first, then the routes of every host. */
final class HostTable {
    private final SegmentMap<Paths> exact = new SegmentMap<>();
    // Keyed with the dot in front: ".example.com".
    private final SegmentMap<Paths> suffixes = new SegmentMap<>();
    private final Paths any = new Paths(null);
    private boolean hasSuffixes;

    /** The paths of one host: the trie, then the expressions. */
    static final class Paths {
        private final @Nullable HostPattern host;
        private final PathNode root = new PathNode();
        private final Map<String, String> texts = new HashMap<>();
        private @Nullable Place expressions;

        Paths(@Nullable HostPattern host) {
            this.host = host;
        }

        void insert(Entry entry) {
            PathTemplate template = entry.template();
            if (template != null) {
                root.insert(entry, template, texts);
                return;
            }
            expressions = Place.with(expressions, entry);
        }

        void seal() {
            root.seal();
            if (expressions != null) {
                expressions.seal();
            }
        }

        void pack() {
            root.pack(texts);
            texts.clear();
        }

        /** The host, or null for all. */
        @Nullable
        HostPattern host() {
            return host;
        }

        PathNode root() {
            return root;
        }

        @Nullable
        Place expressions() {
            return expressions;
        }

        @Nullable
        Entry find(Search search, int segments) {
            Entry found = root.find(search, 1, segments);
            return found != null || expressions == null ? found : expressions.find(search);
        }
    }

    void insert(Entry entry) {
        if (entry.hosts().isEmpty()) {
            any.insert(entry);
        }
        for (HostPattern host : entry.hosts()) {
            hasSuffixes |= host.wildcard();
            SegmentMap<Paths> map = host.wildcard() ? suffixes : exact;
            String key = host.wildcard() ? '.' + host.name() : host.name();
            Paths paths = map.get(key);
            if (paths == null) {
                paths = new Paths(host);
                map.put(key, paths);
            }
            paths.insert(entry);
        }
    }

    void seal() {
        forEach(Paths::seal);
    }

    /** After this the table can only be searched. */
    void pack() {
        forEach(Paths::pack);
    }

    void forEach(Consumer<Paths> visitor) {
        List<Paths> all = new ArrayList<>(exact.values());
        all.addAll(suffixes.values());
        all.add(any);
        all.forEach(visitor);
    }

    @Nullable
    Entry find(Search search) {
        int segments = segments(search.path());
        String authority = search.facts().request().authority();
        int end = Authority.hostEnd(authority);
        Paths paths = exact.get(authority, 0, end);
        Entry found = paths == null ? null : paths.find(search, segments);
        if (found == null && hasSuffixes) {
            // A dot at 0 has no label in front of it, and canonical hosts do not begin so.
            for (int dot = authority.indexOf('.'); found == null && dot > 0 && dot < end; ) {
                paths = suffixes.get(authority, dot, end);
                found = paths == null ? null : paths.find(search, segments);
                dot = authority.indexOf('.', dot + 1);
            }
        }
        return found == null ? any.find(search, segments) : found;
    }

    private static int segments(String path) {
        int count = 0;
        for (int i = 0; i < path.length(); i++) {
            if (path.charAt(i) == '/') {
                count++;
            }
        }
        return count;
    }
}
