package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.runtime.rig.WebSocketPeer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random frames, most of them good, a byte changed here and there: the reader sees the same in them however they are cut, and
 * the same as a reader that has all of them. {@code -Dpostern.fuzz.frames=10000000} is the long run.
 */
class FramesTest {
    private static final int RUNS = Integer.getInteger("postern.fuzz.frames", 5_000);
    private static final long SEED = Long.getLong("postern.fuzz.seed", 20_261_121);
    private static final int MAX_MESSAGE = 300;
    private static final int MAX_FRAGMENTS = 4;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void t105_frames_are_read_in_one_way_however_they_are_cut(boolean masked) {
        Random random = new Random(SEED);
        int refused = 0;
        for (int run = 0; run < RUNS; run++) {
            boolean deflate = random.nextBoolean();
            byte[] bytes = frames(random, masked);
            List<String> expected = model(bytes, masked, deflate);
            refused += expected.isEmpty() || !expected.get(expected.size() - 1).startsWith("refused") ? 0 : 1;
            for (int most : new int[] {1, 7, 5000}) {
                List<String> seen = read(bytes, masked, deflate, random, most);
                if (!seen.equals(expected)) {
                    assertThat(seen)
                            .as("run %d, pieces of %d, %s", run, most, Arrays.toString(bytes))
                            .isEqualTo(expected);
                }
            }
        }
        assertThat(refused).as("refused").isBetween(RUNS / 20, RUNS * 4 / 5);
    }

    private static byte[] frames(Random random, boolean masked) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        boolean open = false;
        for (int i = random.nextInt(8); i >= 0; i--) {
            if (random.nextInt(4) == 0) {
                int opcode = 8 + random.nextInt(3);
                byte[] payload = new byte[opcode == 8 ? 2 * random.nextInt(2) : random.nextInt(126)];
                random.nextBytes(payload);
                if (opcode == 8 && payload.length == 2) {
                    payload[0] = 3;
                    payload[1] = (byte) (0xe8 + random.nextInt(4));
                }
                all.writeBytes(WebSocketPeer.frame(true, 0, opcode, payload, masked));
                continue;
            }
            byte[] payload = new byte[random.nextInt(random.nextInt(6) == 0 ? 200 : 20)];
            random.nextBytes(payload);
            boolean last = random.nextInt(3) > 0;
            all.writeBytes(WebSocketPeer.frame(last, 0, open ? 0 : 1 + random.nextInt(2), payload, masked));
            open = !last;
        }
        byte[] bytes = all.toByteArray();
        for (int i = random.nextInt(5) - 1; i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
        return bytes;
    }

    private static List<String> read(byte[] bytes, boolean masked, boolean deflate, Random random, int most) {
        Frames frames = new Frames(masked, deflate, MAX_MESSAGE, MAX_FRAGMENTS);
        List<String> seen = new ArrayList<>();
        long payload = 0;
        for (int from = 0; from < bytes.length; ) {
            int to = Math.min(bytes.length, from + 1 + random.nextInt(most));
            while (from < to) {
                Frames.Step step = frames.next(bytes, from, to);
                assertThat(frames.at()).isBetween(from + 1, to);
                int count = frames.at() - from;
                from = frames.at();
                switch (step) {
                    case MORE -> {
                        assertThat(from).isEqualTo(to);
                        assertThat(frames.isPartial()).isTrue();
                    }
                    case HEAD -> {
                        payload = 0;
                        seen.add("head " + frames.opcode() + ' ' + frames.isFinal());
                    }
                    case PAYLOAD -> {
                        payload += count;
                        if (!frames.isWithinFrame()) {
                            seen.add("payload " + payload);
                        }
                    }
                    case CONTROL -> {
                        assertThat(frames.raw().length).isLessThanOrEqualTo(131);
                        seen.add("control " + frames.opcode());
                    }
                    case REFUSED -> {
                        seen.add("refused " + frames.code());
                        return seen;
                    }
                }
            }
        }
        return seen;
    }

    /** RFC 6455 5.2 with all bytes at hand. */
    private static List<String> model(byte[] bytes, boolean masked, boolean deflate) {
        List<String> seen = new ArrayList<>();
        boolean open = false;
        long message = 0;
        int fragments = 0;
        int at = 0;
        while (bytes.length - at >= 2) {
            int opcode = bytes[at] & 15;
            boolean fin = bytes[at] < 0;
            int rsv = bytes[at] >> 4 & 7;
            boolean control = opcode > 7;
            int shortLength = bytes[at + 1] & 127;
            boolean known = opcode < 3 || (opcode > 7 && opcode < 11);
            boolean flags = rsv == 0 || (rsv == 4 && deflate && (opcode == 1 || opcode == 2));
            boolean shape = control ? fin && shortLength < 126 : opcode == 0 == open;
            if (!known || !flags || bytes[at + 1] < 0 != masked || !shape) {
                seen.add("refused 1002");
                return seen;
            }
            int wide = shortLength == 126 ? 2 : shortLength == 127 ? 8 : 0;
            int head = 2 + wide + (masked ? 4 : 0);
            if (bytes.length - at < head) {
                return seen;
            }
            long length = shortLength;
            if (wide > 0) {
                length = new java.math.BigInteger(Arrays.copyOfRange(bytes, at + 2, at + 2 + wide)).longValue();
                length = wide == 2 ? length & 0xffff : length;
                if (length < (wide == 2 ? 126 : 65_536)) {
                    seen.add("refused 1002");
                    return seen;
                }
            }
            if (control) {
                if (bytes.length - at < head + length) {
                    return seen;
                }
                byte[] payload = Arrays.copyOfRange(bytes, at + head, at + head + (int) length);
                for (int i = 0; masked && i < payload.length; i++) {
                    payload[i] ^= bytes[at + head - 4 + (i & 3)];
                }
                int refusal = opcode == 8 ? refusal(payload) : 0;
                seen.add(refusal == 0 ? "control " + opcode : "refused " + refusal);
                if (refusal != 0) {
                    return seen;
                }
                at += head + (int) length;
                continue;
            }
            message = (opcode == 0 ? message : 0) + length;
            fragments = (opcode == 0 ? fragments : 0) + 1;
            if (message > MAX_MESSAGE || fragments > MAX_FRAGMENTS) {
                seen.add(message > MAX_MESSAGE ? "refused 1009" : "refused 1008");
                return seen;
            }
            open = !fin;
            seen.add("head " + opcode + ' ' + fin);
            at += head;
            if (bytes.length - at < length) {
                return seen;
            }
            if (length > 0) {
                seen.add("payload " + length);
            }
            at += (int) length;
        }
        return seen;
    }

    private static int refusal(byte[] payload) {
        if (payload.length == 0) {
            return 0;
        }
        int code = payload.length == 1 ? 0 : (payload[0] & 255) << 8 | payload[1] & 255;
        boolean sendable = (code >= 1000 && code < 1015 && code != 1004 && code != 1005 && code != 1006)
                || (code >= 3000 && code < 5000);
        if (!sendable) {
            return 1002;
        }
        String reason = new String(payload, 2, payload.length - 2, java.nio.charset.StandardCharsets.UTF_8);
        return Arrays.equals(
                        reason.getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        Arrays.copyOfRange(payload, 2, payload.length))
                ? 0
                : 1007;
    }
}
