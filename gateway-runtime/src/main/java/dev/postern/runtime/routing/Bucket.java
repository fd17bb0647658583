package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Several alternatives that share a host and a path, most specific first. A long list whose members mostly ask for one text of
 * the same header, query parameter or cookie (a tenant, a version) is indexed by it: a search then looks at those that ask
 * for the request's text and at those that ask for none, in the same order as it would have without the index.
 */
final class Bucket implements Place {
    // Below this a linear search is as fast as hashing.
    private static final int INDEX_FROM = 16;

    private static final Entry[] NONE = {};

    private Entry[] entries = new Entry[2];
    private int size;
    private boolean namesHead;
    private @Nullable Index index;

    private static final class Index {
        private final Requirement.Text name;
        private final Map<String, Entry[]> byText;
        private final Entry[] others;

        Index(Requirement.Text name, Map<String, Entry[]> byText, Entry[] others) {
            this.name = name;
            this.byText = byText;
            this.others = others;
        }
    }

    Bucket(Entry first) {
        add(first);
    }

    void add(Entry entry) {
        if (size == entries.length) {
            entries = Arrays.copyOf(entries, size * 2);
        }
        entries[size++] = entry;
        namesHead |= (entry.methods().named() & Methods.head()) != 0;
    }

    @Override
    public void seal() {
        entries = Arrays.copyOf(entries, size);
        Arrays.sort(entries);
        if (size >= INDEX_FROM) {
            index = index();
        }
    }

    @Override
    public List<Entry> entries() {
        return Collections.unmodifiableList(Arrays.asList(entries));
    }

    @Override
    public @Nullable Entry find(Search search) {
        if (!search.isHead() || !namesHead) {
            return find(search, Pass.ALL);
        }
        // Naming HEAD is more specific than serving it because of GET.
        Entry named = find(search, Pass.NAMING_HEAD);
        return named == null ? find(search, Pass.NOT_NAMING_HEAD) : named;
    }

    private enum Pass {
        ALL,
        NAMING_HEAD,
        NOT_NAMING_HEAD;

        boolean skips(Entry entry) {
            return this != ALL && ((entry.methods().named() & Methods.head()) != 0) != (this == NAMING_HEAD);
        }
    }

    private @Nullable Entry find(Search search, Pass pass) {
        if (index != null && !search.isExplained()) {
            return find(search, pass, index);
        }
        for (Entry entry : entries) {
            if (!pass.skips(entry) && search.takes(entry)) {
                return entry;
            }
        }
        return null;
    }

    private static @Nullable Entry find(Search search, Pass pass, Index index) {
        String text = search.facts().text(index.name.source(), index.name.name(), index.name.slot());
        Entry[] asking = text == null ? NONE : index.byText.getOrDefault(text, NONE);
        Entry[] others = index.others;
        int a = 0;
        int o = 0;
        while (a < asking.length || o < others.length) {
            boolean fromOthers = a == asking.length || (o < others.length && others[o].compareTo(asking[a]) < 0);
            Entry entry = fromOthers ? others[o++] : asking[a++];
            if (!pass.skips(entry) && search.takes(entry)) {
                return entry;
            }
        }
        return null;
    }

    /** Indexes by the name that most members ask a text of, when these are at least half; otherwise null. */
    private @Nullable Index index() {
        Map<Requirement.Text, Integer> counts = new HashMap<>();
        for (Entry entry : entries) {
            for (Requirement requirement : entry.requirements()) {
                if (requirement instanceof Requirement.Text text && text.isEquality()) {
                    counts.merge(text.presence(), 1, Integer::sum);
                }
            }
        }
        Map.Entry<Requirement.Text, Integer> best =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElse(null);
        if (best == null || best.getValue() * 2 < size) {
            return null;
        }
        Requirement.Text name = best.getKey();
        Map<String, List<Entry>> byText = new HashMap<>();
        List<Entry> others = new ArrayList<>();
        for (Entry entry : entries) {
            String text = entry.expected(name.source(), name.name());
            (text == null ? others : byText.computeIfAbsent(text, any -> new ArrayList<>(1))).add(entry);
        }
        Map<String, Entry[]> sealed = new HashMap<>();
        byText.forEach((text, list) -> sealed.put(text, list.toArray(NONE)));
        return new Index(name, sealed, others.toArray(NONE));
    }
}
