package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The oracle is the JDK's decoder. */
class Utf8Test {
    private static boolean isText(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException broken) {
            return false;
        }
    }

    /** Cut at random, masked at random. */
    private static boolean accepted(byte[] plain, Random random) {
        Utf8 reading = new Utf8();
        int mask = random.nextBoolean() ? 0 : random.nextInt();
        byte[] bytes = plain.clone();
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] ^= (byte) (mask >> (i & 3) * 8);
        }
        for (int from = 0; from < bytes.length; ) {
            int to = Math.min(bytes.length, from + 1 + random.nextInt(random.nextBoolean() ? 3 : 40));
            if (!reading.accept(bytes, from, to, mask, from)) {
                return false;
            }
            from = to;
        }
        return reading.isComplete();
    }

    @Test
    void every_sequence_of_one_or_two_bytes_and_every_start_of_three_is_judged_as_the_jdk_does() {
        Random random = new Random(1);
        for (int first = 0; first < 256; first++) {
            for (int second = -1; second < 256; second++) {
                byte[] two = second < 0 ? new byte[] {(byte) first} : new byte[] {(byte) first, (byte) second};
                assertThat(accepted(two, random)).as("%x %x", first, second).isEqualTo(isText(two));
                byte[] three = {(byte) first, (byte) second, (byte) 0x80};
                assertThat(accepted(three, random))
                        .as("%x %x 80", first, second)
                        .isEqualTo(isText(three));
                byte[] four = {(byte) first, (byte) second, (byte) 0xbf, (byte) 0xbf};
                assertThat(accepted(four, random))
                        .as("%x %x bf bf", first, second)
                        .isEqualTo(isText(four));
            }
        }
    }

    @Test
    void long_texts_cut_and_masked_anywhere_are_judged_as_the_jdk_does() {
        Random random = new Random(2);
        int broken = 0;
        for (int run = 0; run < 20_000; run++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(60); i > 0; i--) {
                int kind = random.nextInt(8);
                text.appendCodePoint(
                        kind < 5
                                ? 32 + random.nextInt(90)
                                : kind < 6
                                        ? 0x80 + random.nextInt(0x700)
                                        : kind < 7
                                                ? 0xe000 + random.nextInt(0x1fff)
                                                : 0x10000 + random.nextInt(0x100000));
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            if (bytes.length > 0 && random.nextBoolean()) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            boolean expected = isText(bytes);
            broken += expected ? 0 : 1;
            assertThat(accepted(bytes, random)).as("run %d", run).isEqualTo(expected);
        }
        assertThat(broken).isBetween(2_000, 12_000);
    }

    @Test
    void it_can_be_used_again() {
        Utf8 reading = new Utf8();
        assertThat(reading.accept(new byte[] {(byte) 0xe0}, 0, 1, 0, 0)).isTrue();
        assertThat(reading.isComplete()).isFalse();
        reading.reset();
        assertThat(reading.accept(new byte[] {(byte) 0xc3, (byte) 0x80}, 0, 2, 0, 0))
                .isTrue();
        assertThat(reading.isComplete()).isTrue();
    }
}
