package dev.postern.traffic;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides who is admitted: keys and nanoseconds in, decisions out. It knows nothing of requests. Safe on any thread, and
 * exact: however many threads ask, a key is given what its limits allow, not one permit more or less.
 *
 * <p>Keys are remembered as 64-bit hashes under a secret. With a million keys the chance that a new key is mistaken for one
 * of them is 10^6 / 2^64, five in 10^14; such two share one bucket.
 *
 * <p>Memory grows with the keys that owe something, up to a bound given by {@code maxKeys} and the number of limits
 * ({@link Shard}): about {@code 1.4 · maxKeys · (16 + 8 · limits)} bytes, 33 MiB for a million keys and one limit, 63 MiB for
 * four.
 */
final class Limiter {
    static final int MAX_LIMITS = 4;

    // Many enough that two busy loops seldom want the same one, few enough that an idle limiter weighs some 60 KiB.
    // Also
    // keeps the largest pause for moving a table below a millisecond.
    private static final int MAX_SHARDS = 256;
    private static final int KEYS_PER_SHARD = 64;

    // See Shard: what two-choice hashing carries without turning keys away.
    private static final double LOAD = 0.81;

    private final SecretHash hash;
    private final Shard[] shards;

    /**
     * @param limits 1 to 4
     * @param maxKeys about how many keys that owe something have buckets of their own, 1 or more
     * @param nanos now
     */
    Limiter(List<Limit> limits, long maxKeys, SecretHash hash, long nanos) {
        this.hash = hash;
        Gcra[] all = limits.stream().map(Gcra::new).toArray(Gcra[]::new);
        int count = (int) Long.highestOneBit(Math.max(1, Math.min(MAX_SHARDS, maxKeys / KEYS_PER_SHARD)));
        // Keys fall into shards unevenly: six standard deviations above the mean never happens.
        double mean = (double) maxKeys / count;
        double keys = mean + 6 * Math.sqrt(mean);
        int maxSets = (int) Math.ceil(keys / (Shard.WAYS * LOAD));
        shards = new Shard[count];
        for (int i = 0; i < count; i++) {
            shards[i] = new Shard(all, maxSets, nanos);
        }
    }

    /**
     * The key of a text, or of several: the key of one is the seed for the next.
     *
     * @param seed keys made with different seeds are different
     */
    long key(long seed, String text) {
        long key = hash.of(seed, text);
        // Zero marks places that were never used.
        return key == 0 ? 1 : key;
    }

    /**
     * Takes {@code cost} permits from every limit of a key, or from none.
     *
     * @param key from {@link #key}
     * @param cost 0 or more
     * @param nanos now; when it lies before a time seen earlier, that one counts
     * @param levels receives what {@link Gcra} calls the level of each limit afterwards; empty when that is of no interest
     * @return null when the permits were taken
     */
    @Nullable
    Refusal take(long key, long cost, long nanos, long[] levels) {
        return shards[(int) key & (shards.length - 1)].take(key, cost, nanos, levels);
    }

    /** The bytes held for buckets now. */
    long bytes() {
        long bytes = 0;
        for (Shard shard : shards) {
            bytes += shard.bytes();
        }
        return bytes;
    }
}
