package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A hash table whose keys are looked up as a stretch of a longer text, so that walking a path or a host makes no strings.
 * Filled by one thread while a table is compiled, then only read. Open addressing, at most half full. Keys come from the
 * configuration: a client cannot make them collide.
 *
 * <p>Among a hundred thousand routes a search waits for memory and for little else. So key and value stand side by side, and
 * a map of one, which most are, has no table.
 */
final class SegmentMap<V> {
    private @Nullable String only;
    private @Nullable Object onlyValue;
    // From the second key on: at 2n a key or null, at 2n + 1 its value.
    private @Nullable Object @Nullable [] table;
    private int size;

    /** The value for {@code text.substring(from, to)}, or null. */
    @Nullable
    V get(String text, int from, int to) {
        @Nullable Object[] pairs = table;
        if (pairs == null) {
            return only != null && is(only, text, from, to) ? value(onlyValue) : null;
        }
        int mask = pairs.length / 2 - 1;
        for (int slot = spread(hash(text, from, to)) & mask; ; slot = slot + 1 & mask) {
            String key = (String) pairs[2 * slot];
            if (key == null) {
                return null;
            }
            if (is(key, text, from, to)) {
                return value(pairs[2 * slot + 1]);
            }
        }
    }

    @Nullable
    V get(String key) {
        return get(key, 0, key.length());
    }

    /** Adds an entry whose key is not there yet. */
    void put(String key, V value) {
        size++;
        @Nullable Object[] old = table;
        if (size == 1) {
            only = key;
            onlyValue = value;
            return;
        }
        if (old == null) {
            table = old = new Object[8];
            insert(old, only, onlyValue);
            only = null;
            onlyValue = null;
        } else if (size * 4 > old.length) {
            @Nullable Object[] larger = new Object[2 * old.length];
            for (int i = 0; i < old.length; i += 2) {
                insert(larger, (String) old[i], old[i + 1]);
            }
            table = old = larger;
        }
        insert(old, key, value);
    }

    List<V> values() {
        List<V> all = new ArrayList<>(size);
        add(all, onlyValue);
        if (table != null) {
            for (int i = 1; i < table.length; i += 2) {
                add(all, table[i]);
            }
        }
        return all;
    }

    private void add(List<V> all, @Nullable Object found) {
        V value = value(found);
        if (value != null) {
            all.add(value);
        }
    }

    private static void insert(@Nullable Object[] pairs, @Nullable String key, @Nullable Object value) {
        if (key == null) {
            return;
        }
        int mask = pairs.length / 2 - 1;
        int slot = spread(key.hashCode()) & mask;
        while (pairs[2 * slot] != null) {
            slot = slot + 1 & mask;
        }
        pairs[2 * slot] = key;
        pairs[2 * slot + 1] = value;
    }

    private static boolean is(String key, String text, int from, int to) {
        return key.length() == to - from && text.startsWith(key, from);
    }

    @SuppressWarnings("unchecked") // only put writes, and it writes V
    private @Nullable V value(@Nullable Object found) {
        return (V) found;
    }

    // The polynomial of String.hashCode, so that keys hash once.
    private static int hash(String text, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        return hash;
    }

    private static int spread(int hash) {
        return hash ^ hash >>> 16;
    }
}
