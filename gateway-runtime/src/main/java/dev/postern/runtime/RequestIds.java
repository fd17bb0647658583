package dev.postern.runtime;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/**
 * Request ids: 128 bits that no two gateways share and nobody outside can count. A counter through two mixers with secret
 * seeds, so that making one costs no lock and no system call. Not for secrets.
 */
final class RequestIds {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.ISO_8859_1);

    private final long high;
    private final long low;
    private final AtomicLong counter = new AtomicLong();

    RequestIds(RandomGenerator random) {
        high = random.nextLong();
        low = random.nextLong();
    }

    String next() {
        long n = counter.getAndIncrement();
        byte[] text = new byte[32];
        write(mix(high + n), text, 0);
        write(mix(low ^ n * 0x9E3779B97F4A7C15L), text, 16);
        return new String(text, StandardCharsets.ISO_8859_1);
    }

    private static void write(long bits, byte[] text, int at) {
        for (int i = 15; i >= 0; i--) {
            text[at + i] = HEX[(int) (bits & 15)];
            bits >>>= 4;
        }
    }

    /** SplitMix64's finaliser (Steele, Lea, Flood 2014). */
    private static long mix(long bits) {
        long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
