package dev.postern.traffic;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.LongSupplier;

/**
 * One of a kind for each key, made when it is first asked for. Keys are names from configurations, so there are few; those
 * that no configuration names any more go when there are many and nothing is lost with them. Safe on any thread.
 */
final class Group<T> {
    private static final int MANY = 1024;

    private final Map<String, T> members = new ConcurrentHashMap<>();
    private final BiFunction<String, Long, T> factory;
    private final BiPredicate<T, Long> idle;
    private final LongSupplier clock;

    /**
     * No member yet.
     *
     * @param factory makes one at a time in nanoseconds
     * @param idle whether nothing is lost with it at that time
     */
    Group(BiFunction<String, Long, T> factory, BiPredicate<T, Long> idle, LongSupplier clock) {
        this.factory = factory;
        this.idle = idle;
        this.clock = clock;
    }

    T of(String key) {
        T known = members.get(key);
        return known != null ? known : make(key);
    }

    private T make(String key) {
        long now = clock.getAsLong();
        if (members.size() >= MANY) {
            members.values().removeIf(member -> idle.test(member, now));
        }
        return members.computeIfAbsent(key, name -> factory.apply(name, now));
    }

    long now() {
        return clock.getAsLong();
    }

    /** Key and member, ordered by key. */
    List<Map.Entry<String, T>> members() {
        List<Map.Entry<String, T>> all = new ArrayList<>(members.entrySet());
        all.sort(Map.Entry.comparingByKey());
        return all;
    }
}
