package dev.postern.traffic;

import java.security.SecureRandom;

/**
 * SipHash-2-4 of a text under a secret key: callers who choose the text cannot choose the hash, so nobody can make many
 * keys land in one place or make two of them look alike.
 *
 * <p>Hashed are the eight bytes of a seed and then the UTF-16 units of the text, two bytes each, little-endian. The hash of
 * one text as the seed of the next makes a hash of the pair in which {@code ("ab", "c")} and {@code ("a", "bc")} differ.
 *
 * @see <a href="https://www.aumasson.jp/siphash/siphash.pdf">SipHash: a fast short-input PRF</a>
 */
final class SecretHash {
    private final long k0;
    private final long k1;

    SecretHash(long k0, long k1) {
        this.k0 = k0;
        this.k1 = k1;
    }

    /** Under a key that nobody knows. */
    static SecretHash random() {
        SecureRandom random = new SecureRandom();
        return new SecretHash(random.nextLong(), random.nextLong());
    }

    long of(long seed, String text) {
        long v0 = k0 ^ 0x736f6d6570736575L;
        long v1 = k1 ^ 0x646f72616e646f6dL;
        long v2 = k0 ^ 0x6c7967656e657261L;
        long v3 = k1 ^ 0x7465646279746573L;
        int length = text.length();
        int words = length >> 2;

        // Word -1 is the seed, words 0 … words-1 are four characters each, the last one is the rest and the length.
        for (int at = -1; at <= words; at++) {
            long word = at < 0 ? seed : word(text, at << 2, length, at == words);
            v3 ^= word;
            for (int round = 0; round < 2; round++) {
                v0 += v1;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v3;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 += v3;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 += v1;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= word;
        }

        v2 ^= 0xff;
        for (int round = 0; round < 4; round++) {
            v0 += v1;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v3;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v2 = Long.rotateLeft(v2, 32);
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static long word(String text, int from, int length, boolean last) {
        long word = 0;
        int end = last ? length : from + 4;
        for (int i = from; i < end; i++) {
            word |= (long) text.charAt(i) << ((i - from) << 4);
        }
        // The byte count of the whole message, modulo 256, in the top byte.
        return last ? word | ((8L + 2L * length) << 56) : word;
    }
}
