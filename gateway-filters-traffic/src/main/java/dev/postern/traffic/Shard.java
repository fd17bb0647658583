package dev.postern.traffic;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The buckets of some of the keys, in arrays of a bounded size. All methods are called under the shard's own lock, for some
 * tens of nanoseconds.
 *
 * <p>A key is known by a 64-bit tag. Two functions of the tag name two sets of eight places each, and the key lives in one of
 * those sixteen, so a search touches two cache lines and its cost does not depend on how full the table is:
 *
 * <pre>
 *             set 0           set 1                      set n-1
 *   tags    [ t t · t · · · · | t t t t t t t t | … | t · · · · · · · ]      · = free
 *                 ▲                       ▲
 *                 └────── tag names ──────┘          one state a tag: [ time, level of limit 0, level of limit 1, … ]
 * </pre>
 *
 * A new key goes to the emptier of its two sets. That keeps sets so even that at 80 % load one key in 5,000 finds both full,
 * and one in 100,000 at the 75 % that a full limiter is planned for. A place is free when it was never used or when its
 * key is idle: all its levels have drained, forgetting it changes nothing. A key that still owes is never forgotten.
 *
 * <p>When both sets are full the table doubles. At its largest size the key falls back to one of {@value #GROUPS} buckets that
 * strangers share: they are then limited together, more strictly than they should be, never less. A key that later gets a
 * place of its own takes the debt of the shared bucket along, so changing over is no way to a second quota.
 */
final class Shard {
    static final int WAYS = 8;
    static final int GROUPS = 64;

    private static final long FREE = 0;
    private static final long[] NONE = {};

    private final Gcra[] limits;
    private final int maxSets;
    private final int stride;
    private final long[] scratch;

    // All below: guarded by this.
    private int sets = 1;
    private long[] tags = new long[WAYS];
    private long[] states;
    // By set: no place in it becomes free before. Taking permits only makes that later.
    private long[] fullUntil;
    private long[] shared = NONE;
    private long latest;

    Shard(Gcra[] limits, int maxSets, long nanos) {
        this.limits = limits;
        this.maxSets = maxSets;
        stride = 1 + limits.length;
        scratch = new long[limits.length];
        states = new long[WAYS * stride];
        fullUntil = new long[] {nanos};
        latest = nanos;
    }

    /**
     * Takes {@code cost} permits from every limit of a key, or from none.
     *
     * @param levels receives the levels afterwards; empty when they are of no interest
     * @return null when the permits were taken
     */
    synchronized @Nullable Refusal take(long tag, long cost, long nanos, long[] levels) {
        // Loops read the clock before they get the lock, so times arrive slightly out of order: time stands still for
        // the late.
        long now = nanos - latest > 0 ? nanos : latest;
        latest = now;

        int place = find(tag);
        if (place < 0) {
            place = settle(tag, now);
        }
        return place < 0
                ? decide(shared, group(tag), cost, now, levels)
                : decide(states, place * stride, cost, now, levels);
    }

    /** The bytes held by the arrays. */
    synchronized long bytes() {
        return 8L * (tags.length + states.length + fullUntil.length + shared.length + scratch.length);
    }

    private @Nullable Refusal decide(long[] from, int at, long cost, long now, long[] levels) {
        long elapsed = now - from[at];
        int violated = 0;
        int slowest = 0;
        long longest = 0;
        for (int i = 0; i < limits.length; i++) {
            long level = limits[i].drained(from[at + 1 + i], elapsed);
            scratch[i] = level;
            long wait = limits[i].nanosUntil(level, cost);
            if (wait > 0) {
                violated |= 1 << i;
            }
            if (wait > longest) {
                longest = wait;
                slowest = i;
            }
        }
        // A refusal writes nothing: levels drain by the same amount whether that is done in one step or in several.
        if (violated == 0) {
            from[at] = now;
            for (int i = 0; i < limits.length; i++) {
                scratch[i] = limits[i].taken(scratch[i], cost);
                from[at + 1 + i] = scratch[i];
            }
        }
        System.arraycopy(scratch, 0, levels, 0, levels.length);
        return violated == 0 ? null : new Refusal(longest, slowest, violated);
    }

    private int find(long tag) {
        int first = firstSet(tag, sets) * WAYS;
        for (int place = first; place < first + WAYS; place++) {
            if (tags[place] == tag) {
                return place;
            }
        }
        int second = secondSet(tag, sets) * WAYS;
        for (int place = second; place < second + WAYS; place++) {
            if (tags[place] == tag) {
                return place;
            }
        }
        return -1;
    }

    /** Gives a new key a place, or returns -1 and prepares its shared bucket. */
    private int settle(long tag, long now) {
        int place = free(tag, now);
        while (place < 0 && sets < maxSets) {
            grow(now);
            place = free(tag, now);
        }
        if (place < 0) {
            share(now);
            return -1;
        }
        tags[place] = tag;
        int at = place * stride;
        if (shared.length == 0) {
            Arrays.fill(states, at, at + stride, 0);
            states[at] = now;
        } else {
            System.arraycopy(shared, group(tag), states, at, stride);
        }
        return place;
    }

    /** A place in the emptier of the two sets, or -1 when both are full. */
    private int free(long tag, long now) {
        int first = firstSet(tag, sets);
        int second = secondSet(tag, sets);
        int inFirst = countFree(first, now);
        int inSecond = countFree(second, now);
        int set = inSecond > inFirst ? second : first;
        for (int place = set * WAYS; place < (set + 1) * WAYS; place++) {
            if (inFirst + inSecond > 0 && nanosToIdle(place, now) == 0) {
                return place;
            }
        }
        return -1;
    }

    private int countFree(int set, long now) {
        if (now - fullUntil[set] < 0) {
            return 0;
        }
        int free = 0;
        long soonest = Long.MAX_VALUE;
        for (int place = set * WAYS; place < (set + 1) * WAYS; place++) {
            long nanos = nanosToIdle(place, now);
            free += nanos == 0 ? 1 : 0;
            soonest = Math.min(soonest, nanos);
        }
        // Who floods the table with keys pays for this search once, not with each key.
        fullUntil[set] = now + soonest;
        return free;
    }

    private long nanosToIdle(int place, long now) {
        long longest = 0;
        if (tags[place] != FREE) {
            int at = place * stride;
            long elapsed = now - states[at];
            for (int i = 0; i < limits.length; i++) {
                longest = Math.max(longest, limits[i].nanosToDrain(limits[i].drained(states[at + 1 + i], elapsed)));
            }
        }
        return longest;
    }

    private void grow(long now) {
        int before = tags.length;
        long[] oldTags = tags;
        long[] oldStates = states;
        sets = Math.min(sets * 2, maxSets);
        tags = new long[sets * WAYS];
        states = new long[sets * WAYS * stride];
        fullUntil = new long[sets];
        Arrays.fill(fullUntil, now);
        for (int i = 0; i < before; i++) {
            if (oldTags[i] != FREE) {
                move(oldTags[i], oldStates, i * stride, now);
            }
        }
    }

    private void move(long tag, long[] from, int at, long now) {
        int place = free(tag, now);
        if (place >= 0) {
            tags[place] = tag;
            System.arraycopy(from, at, states, place * stride, stride);
            return;
        }
        // Hardly ever, and only in tiny tables: no place in the larger table. Its debt must not be lost.
        share(now);
        int into = group(tag);
        for (int i = 0; i < limits.length; i++) {
            long own = limits[i].drained(from[at + 1 + i], now - from[at]);
            long others = limits[i].drained(shared[into + 1 + i], now - shared[into]);
            shared[into + 1 + i] = Math.max(own, others);
        }
        shared[into] = now;
    }

    private void share(long now) {
        if (shared.length == 0) {
            shared = new long[GROUPS * stride];
            for (int group = 0; group < GROUPS; group++) {
                shared[group * stride] = now;
            }
        }
    }

    // Three independent parts of the tag: the high ends of its halves name the sets, its middle the group; its low end
    // has
    // named the shard.
    private static int firstSet(long tag, int sets) {
        return (int) (((tag & 0xffff_ffffL) * sets) >>> 32);
    }

    private static int secondSet(long tag, int sets) {
        return (int) (((tag >>> 32) * sets) >>> 32);
    }

    private int group(long tag) {
        return (int) ((tag >>> 32) & (GROUPS - 1)) * stride;
    }
}
