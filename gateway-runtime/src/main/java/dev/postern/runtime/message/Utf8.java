package dev.postern.runtime.message;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Says whether bytes that come piece by piece are UTF-8 (RFC 3629 4): no overlong form, no surrogate, nothing beyond U+10FFFF.
 * Knows how many bytes a character still needs and, where the second of them is restricted, between which two it must be.
 */
final class Utf8 {
    private static final long HIGH_BITS = 0x8080_8080_8080_8080L;

    private int needed;
    private int least = 0x80;
    private int most = 0xbf;

    /** Begins anew. */
    void reset() {
        needed = 0;
        least = 0x80;
        most = 0xbf;
    }

    /** Whether no character is left unfinished. */
    boolean isComplete() {
        return needed == 0;
    }

    /**
     * Reads on.
     *
     * @param mask the four bytes by which they are masked, the first in the lowest bits; 0 for none
     * @param offset the place of the first one in its frame
     * @return whether they can be text so far; if not, nothing after them matters
     */
    boolean accept(byte[] bytes, int from, int to, int mask, long offset) {
        int turned = Integer.rotateRight(mask, (int) (offset & 3) * 8);
        long wide = (turned & 0xffff_ffffL) << 32 | turned & 0xffff_ffffL;
        ByteBuffer eight = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = from;
        while (at < to) {
            // Most text is ASCII, or mostly.
            if (needed == 0 && to - at >= 8 && ((eight.getLong(at) ^ wide) & HIGH_BITS) == 0) {
                at += 8;
                continue;
            }
            if (!accept((bytes[at] ^ (int) (wide & 0xff)) & 0xff)) {
                return false;
            }
            wide = Long.rotateRight(wide, 8);
            at++;
        }
        return true;
    }

    private boolean accept(int next) {
        if (needed > 0) {
            if (next < least || next > most) {
                return false;
            }
            needed--;
            least = 0x80;
            most = 0xbf;
            return true;
        }
        if (next < 0x80) {
            return true;
        }
        if (next < 0xc2 || next > 0xf4) {
            return false;
        }
        needed = next < 0xe0 ? 1 : next < 0xf0 ? 2 : 3;
        switch (next) {
            case 0xe0 -> least = 0xa0;
            case 0xed -> most = 0x9f;
            case 0xf0 -> least = 0x90;
            case 0xf4 -> most = 0x8f;
            default -> {
                // Any continuation will do.
            }
        }
        return true;
    }
}
