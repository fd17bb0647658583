package dev.postern.runtime;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/** Randomness for all threads without a lock: SplitMix64 (Steele, Lea, Flood 2014), seeded from the system. Not for secrets. */
final class SharedRandom implements RandomGenerator {
    private static final long GAMMA = 0x9E3779B97F4A7C15L;

    private final AtomicLong state = new AtomicLong(new SecureRandom().nextLong());

    @Override
    public long nextLong() {
        long z = state.getAndAdd(GAMMA);
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
