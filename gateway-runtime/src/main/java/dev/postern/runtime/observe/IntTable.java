package dev.postern.runtime.observe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A map from ints for few keys that are read for each request and hardly ever added: sorted arrays, copied when one is
 * added. A look-up allocates nothing and takes no lock. Safe on any thread.
 */
final class IntTable<V> {
    private volatile Entries<V> entries = new Entries<>(new int[0], List.of());

    @Nullable
    V get(int key) {
        Entries<V> now = entries;
        int at = Arrays.binarySearch(now.keys, key);
        return at < 0 ? null : now.values.get(at);
    }

    /** The value of this key, made when there is none; made once. */
    synchronized V getOrMake(int key, IntFunction<V> maker) {
        V known = get(key);
        if (known != null) {
            return known;
        }
        V made = maker.apply(key);
        Entries<V> now = entries;
        int at = -1 - Arrays.binarySearch(now.keys, key);
        int[] keys = new int[now.keys.length + 1];
        System.arraycopy(now.keys, 0, keys, 0, at);
        keys[at] = key;
        System.arraycopy(now.keys, at, keys, at + 1, now.keys.length - at);
        List<V> values = new ArrayList<>(now.values);
        values.add(at, made);
        entries = new Entries<>(keys, List.copyOf(values));
        return made;
    }

    List<V> values() {
        return entries.values;
    }

    private static final class Entries<V> {
        private final int[] keys;
        private final List<V> values;

        Entries(int[] keys, List<V> values) {
            this.keys = keys;
            this.values = values;
        }
    }
}
