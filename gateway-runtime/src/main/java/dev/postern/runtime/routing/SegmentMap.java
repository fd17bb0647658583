package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A hash table whose keys are looked up as a stretch of a longer text, so that walking a path or a host makes no strings.
 * Filled by one thread while a table is compiled, then only read. Open addressing, at most half full. Keys come from the
 * configuration: a client cannot make them collide.
 */
final class SegmentMap<V> {
    private @Nullable String[] keys = new String[2];
    private @Nullable Object[] values = new Object[2];
    private int size;

    /** The value for {@code text.substring(from, to)}, or null. */
    @Nullable
    V get(String text, int from, int to) {
        int mask = keys.length - 1;
        int length = to - from;
        for (int slot = spread(hash(text, from, to)) & mask; ; slot = slot + 1 & mask) {
            String key = keys[slot];
            if (key == null) {
                return null;
            }
            if (key.length() == length && text.startsWith(key, from)) {
                return value(slot);
            }
        }
    }

    @Nullable
    V get(String key) {
        return get(key, 0, key.length());
    }

    /** Adds an entry whose key is not there yet. */
    void put(String key, V value) {
        if (++size * 2 > keys.length) {
            @Nullable String[] oldKeys = keys;
            @Nullable Object[] oldValues = values;
            keys = new String[oldKeys.length * 2];
            values = new Object[oldKeys.length * 2];
            for (int i = 0; i < oldKeys.length; i++) {
                String moved = oldKeys[i];
                if (moved != null) {
                    insert(moved, oldValues[i]);
                }
            }
        }
        insert(key, value);
    }

    List<V> values() {
        List<V> all = new ArrayList<>(size);
        for (int slot = 0; slot < values.length; slot++) {
            V value = value(slot);
            if (value != null) {
                all.add(value);
            }
        }
        return all;
    }

    private void insert(String key, @Nullable Object value) {
        int mask = keys.length - 1;
        int slot = spread(key.hashCode()) & mask;
        while (keys[slot] != null) {
            slot = slot + 1 & mask;
        }
        keys[slot] = key;
        values[slot] = value;
    }

    @SuppressWarnings("unchecked") // only put writes, and it writes V
    private @Nullable V value(int slot) {
        return (V) values[slot];
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
