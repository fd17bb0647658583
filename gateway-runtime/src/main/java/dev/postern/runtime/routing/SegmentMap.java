package dev.postern.runtime.routing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A hash table whose keys are looked up as a stretch of a longer text, so that walking a path or a host makes no strings.
 * Filled by one thread while a table is compiled, then only read. Open addressing, at most half full. Keys come from the
 * configuration: a client cannot make them collide.
 *
 * <p>Among a hundred thousand routes a search waits for memory and for little else. So key and value stand side by side, and
 * a key is its characters, which a string would have elsewhere.
 */
final class SegmentMap<V> {
    // At 2n a key or null, at 2n + 1 its value.
    private @Nullable Object[] table = new Object[8];
    private int size;

    /** The value for {@code text.substring(from, to)}, or null. */
    @Nullable
    V get(String text, int from, int to) {
        if (size == 0) {
            return null;
        }
        @Nullable Object[] pairs = table;
        int mask = pairs.length / 2 - 1;
        for (int slot = spread(hash(text, from, to)) & mask; ; slot = slot + 1 & mask) {
            char[] key = (char[]) pairs[2 * slot];
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
        if (size * 4 > table.length) {
            @Nullable Object[] larger = new Object[2 * table.length];
            for (int i = 0; i < table.length; i += 2) {
                insert(larger, (char[]) table[i], table[i + 1]);
            }
            table = larger;
        }
        insert(table, key.toCharArray(), value);
    }

    List<V> values() {
        List<V> all = new ArrayList<>(size);
        for (int i = 1; i < table.length; i += 2) {
            V value = value(table[i]);
            if (value != null) {
                all.add(value);
            }
        }
        return all;
    }

    private static void insert(@Nullable Object[] pairs, char @Nullable [] key, @Nullable Object value) {
        if (key == null) {
            return;
        }
        int mask = pairs.length / 2 - 1;
        int slot = spread(Arrays.hashCode(key)) & mask;
        while (pairs[2 * slot] != null) {
            slot = slot + 1 & mask;
        }
        pairs[2 * slot] = key;
        pairs[2 * slot + 1] = value;
    }

    private static boolean is(char[] key, String text, int from, int to) {
        if (key.length != to - from) {
            return false;
        }
        for (int i = 0; i < key.length; i++) {
            if (key[i] != text.charAt(from + i)) {
                return false;
            }
        }
        return true;
    }

    @SuppressWarnings("unchecked") // only put writes, and it writes V
    private @Nullable V value(@Nullable Object found) {
        return (V) found;
    }

    // As Arrays.hashCode does.
    private static int hash(String text, int from, int to) {
        int hash = 1;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        return hash;
    }

    private static int spread(int hash) {
        return hash ^ hash >>> 16;
    }
}
