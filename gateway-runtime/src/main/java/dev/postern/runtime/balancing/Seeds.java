package dev.postern.runtime.balancing;

/** Unrelated numbers from related ones. */
final class Seeds {
    private Seeds() {}

    /** SplitMix64's finaliser (Steele, Lea, Flood 2014). */
    static long mix(long seed) {
        long z = seed + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
