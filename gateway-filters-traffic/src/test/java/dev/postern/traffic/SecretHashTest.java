package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SecretHashTest {
    // The published vectors: key 00 … 0f, message 00, 01, 02 …; here the first eight bytes are the seed.
    private static final SecretHash PUBLISHED = new SecretHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
    private static final long SEED = 0x0706050403020100L;

    @Test
    void is_siphash_2_4() {
        assertThat(PUBLISHED.of(SEED, "")).isEqualTo(littleEndian("6224939a79f5f593"));
        assertThat(PUBLISHED.of(SEED, "\u0908")).isEqualTo(littleEndian("f3b9dd94c5bb5d7a"));
        assertThat(PUBLISHED.of(SEED, "\u0908\u0b0a")).isEqualTo(littleEndian("fbe50e86bc8f1e75"));
        assertThat(PUBLISHED.of(SEED, "\u0908\u0b0a\u0d0c")).isEqualTo(littleEndian("eef27a8e90ca23f7"));
    }

    @Test
    void hashes_texts_longer_than_a_word_by_all_their_characters() {
        Set<Long> hashes = new HashSet<>();
        String text = "abcdefghijklmnop";
        for (int i = 0; i <= text.length(); i++) {
            hashes.add(PUBLISHED.of(0, text.substring(0, i)));
            hashes.add(PUBLISHED.of(0, text.substring(0, i) + '~' + text.substring(i)));
        }
        assertThat(hashes).hasSize(2 * text.length() + 2);
    }

    @Test
    void keeps_pairs_apart_whose_texts_joined_are_the_same() {
        assertThat(PUBLISHED.of(PUBLISHED.of(0, "ab"), "c")).isNotEqualTo(PUBLISHED.of(PUBLISHED.of(0, "a"), "bc"));
    }

    @Test
    void differs_from_secret_to_secret() {
        assertThat(SecretHash.random().of(0, "a"))
                .isNotEqualTo(SecretHash.random().of(0, "a"));
    }

    private static long littleEndian(String hex) {
        return Long.reverseBytes(Long.parseUnsignedLong(hex, 16));
    }
}
