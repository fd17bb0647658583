package dev.postern.runtime.message;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the frames of one direction of a WebSocket (RFC 6455 5) and refuses what is none. Of data frames it holds the head
 * only; control frames it holds whole, 139 bytes at most. So whoever passes bytes on never passes on a part of a frame that
 * is refused later.
 *
 * <pre>
 *    ┌─▶ head ──────▶ HEAD ──▶ PAYLOAD … ─┐
 *    │     └────────▶ CONTROL ────────────┤
 *    └────────────────────────────────────┘      REFUSED is the end
 * </pre>
 *
 * <p>Of payload only text is looked at, by {@link #isText(byte[], int, int, long)}: it must be UTF-8, unless it is compressed.
 */
final class Frames {
    /** What a step has come to. */
    enum Step {
        /** All bytes are used up in the middle of a head or of a control frame. */
        MORE,
        /** The head of a data frame is complete; its payload follows, if it has one. */
        HEAD,
        /** Bytes of payload: from where the step began up to {@link #at}. */
        PAYLOAD,
        /** A control frame is complete. */
        CONTROL,
        /** Not a frame, or one too many: {@link #code}, {@link #reason}. */
        REFUSED
    }

    static final int CLOSE = 8;

    private static final int MAX_HEAD = 14;
    private static final int MAX_CONTROL_PAYLOAD = 125;

    private final boolean masked;
    private final boolean deflate;
    private final long maxMessage;
    private final int maxFragments;

    // The head or control frame in the making, or the last one.
    private final byte[] small = new byte[MAX_HEAD + MAX_CONTROL_PAYLOAD];
    private int have;
    private int need = 2;
    private int headBytes;
    private boolean complete;

    private int at;
    private long left;
    private boolean control;
    private boolean fin;

    private boolean messageOpen;
    private boolean text;
    private boolean compressed;
    private final Utf8 utf8 = new Utf8();
    private long messageBytes;
    private int fragments;

    private int code;
    private String reason = "";

    /**
     * A reader at the beginning of a connection.
     *
     * @param masked whether frames must be masked: those of a client are, those of a server are not
     * @param deflate whether the first frame of a message may say that it is compressed
     */
    Frames(boolean masked, boolean deflate, long maxMessage, int maxFragments) {
        this.masked = masked;
        this.deflate = deflate;
        this.maxMessage = maxMessage;
        this.maxFragments = maxFragments;
    }

    /** Reads on from {@code from} until something is complete or there is nothing left. */
    Step next(byte[] bytes, int from, int to) {
        at = from;
        if (left > 0) {
            int count = (int) Math.min(left, to - from);
            left -= count;
            at += count;
            return Step.PAYLOAD;
        }
        if (complete) {
            complete = false;
            have = 0;
            need = 2;
        }
        while (at < to) {
            small[have++] = bytes[at++];
            if (have == need) {
                Step step = advance();
                if (step != Step.MORE) {
                    complete = true;
                    return step;
                }
            }
        }
        return Step.MORE;
    }

    /** As many bytes have come as were needed to know how many more are. */
    private Step advance() {
        if (have == 2) {
            if (!beginsWell()) {
                return Step.REFUSED;
            }
            if (need > have) {
                return Step.MORE;
            }
        }
        if (!control) {
            return goesOnWell() ? Step.HEAD : Step.REFUSED;
        }
        if (have == headBytes) {
            need = headBytes + (small[1] & 0x7f);
            if (need > have) {
                return Step.MORE;
            }
        }
        return opcode() != CLOSE || closesWell() ? Step.CONTROL : Step.REFUSED;
    }

    /** The index behind the last byte read. */
    int at() {
        return at;
    }

    /** Whether a head or control frame has begun and is not complete. */
    boolean isPartial() {
        return have > 0 && !complete;
    }

    /** Whether payload of a data frame is still to come. */
    boolean isWithinFrame() {
        return left > 0;
    }

    /** Whether the frame whose head was read last ends its message. */
    boolean isFinal() {
        return fin;
    }

    /** Whether the message is a text. */
    boolean isText() {
        return text;
    }

    /** The opcode of the frame read last. */
    int opcode() {
        return small[0] & 0x0f;
    }

    /** The bytes of the head or control frame read last, as they came. */
    byte[] raw() {
        return Arrays.copyOf(small, have);
    }

    /** Whether payload of the data frame under way may pass: all but text does. {@code offset} is its place in the frame. */
    boolean isText(byte[] payload, int from, int to, long offset) {
        return !text || compressed || utf8.accept(payload, from, to, mask(), offset);
    }

    /** Whether the message, all of which has come, does not end in the middle of a character. */
    boolean isWhole() {
        return !text || compressed || utf8.isComplete();
    }

    private int mask() {
        return masked
                ? small[headBytes - 4] & 0xff
                        | (small[headBytes - 3] & 0xff) << 8
                        | (small[headBytes - 2] & 0xff) << 16
                        | small[headBytes - 1] << 24
                : 0;
    }

    /** Takes the mask off payload of the data frame under way; {@code offset} is its place in the frame. */
    void unmask(byte[] payload, int from, int to, long offset) {
        if (masked) {
            for (int i = from; i < to; i++) {
                payload[i] ^= small[headBytes - 4 + (int) ((offset + i - from) & 3)];
            }
        }
    }

    /** The code of a close frame read last; 1005 when it has none. */
    int closeCode() {
        int length = have - headBytes;
        return length == 0 ? 1005 : (plain(0) << 8) | plain(1);
    }

    /** The code to close with after {@link Step#REFUSED}. */
    int code() {
        return code;
    }

    /** What was wrong, for logs and for the one who sent it. */
    String reason() {
        return reason;
    }

    private int plain(int index) {
        int at = headBytes + index;
        return (masked ? small[at] ^ small[headBytes - 4 + (index & 3)] : small[at]) & 0xff;
    }

    // RFC 6455 5.2, in the order of the bits.
    private boolean beginsWell() {
        int first = small[0] & 0xff;
        int second = small[1] & 0xff;
        int opcode = first & 0x0f;
        fin = (first & 0x80) != 0;
        control = opcode >= 8;
        int length = second & 0x7f;
        boolean compressed = (first & 0x40) != 0;
        if ((first & 0x30) != 0 || (compressed && !(deflate && (opcode == 1 || opcode == 2)))) {
            return refuse(1002, "reserved bits");
        }
        if ((opcode >= 3 && opcode <= 7) || opcode > 10) {
            return refuse(1002, "reserved opcode");
        }
        if ((second & 0x80) != 0 != masked) {
            return refuse(1002, masked ? "frame without a mask" : "frame with a mask");
        }
        if (control && (!fin || length > MAX_CONTROL_PAYLOAD)) {
            return refuse(1002, "control frame in fragments or too long");
        }
        if (!control && (opcode == 0) != messageOpen) {
            return refuse(1002, opcode == 0 ? "continuation of nothing" : "message within a message");
        }
        headBytes = 2 + (length < 126 ? 0 : length == 126 ? 2 : 8) + (masked ? 4 : 0);
        need = headBytes;
        return true;
    }

    /** The head of a data frame is complete. */
    private boolean goesOnWell() {
        int length = small[1] & 0x7f;
        long payload = length;
        if (length >= 126) {
            ByteBuffer wide = ByteBuffer.wrap(small);
            payload = length == 126 ? wide.getShort(2) & 0xffff : wide.getLong(2);
            if (payload < (length == 126 ? 126 : 65_536)) {
                // Negative ones too. RFC 6455 5.2: the shortest form, so that there is one way to say a length.
                return refuse(1002, "length in a longer form than it needs");
            }
        }
        if (opcode() != 0) {
            text = opcode() == 1;
            compressed = (small[0] & 0x40) != 0;
            utf8.reset();
            messageBytes = 0;
            fragments = 0;
        }
        if (payload > maxMessage - messageBytes) {
            return refuse(1009, "message of more than " + maxMessage + " bytes");
        }
        if (++fragments > maxFragments) {
            return refuse(1008, "message in more than " + maxFragments + " frames");
        }
        messageOpen = !fin;
        messageBytes += payload;
        left = payload;
        return true;
    }

    /** RFC 6455 5.5.1, 7.4: no payload, or a code that may be sent, and a text. */
    private boolean closesWell() {
        int length = have - headBytes;
        if (length == 0) {
            return true;
        }
        if (length == 1 || !mayBeSent(closeCode())) {
            return refuse(1002, "close frame without a valid code");
        }
        byte[] text = new byte[length - 2];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) plain(i + 2);
        }
        Utf8 reading = new Utf8();
        return (reading.accept(text, 0, text.length, 0, 0) && reading.isComplete())
                || refuse(1007, "close frame with a reason that is not UTF-8");
    }

    private static boolean mayBeSent(int code) {
        return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    }

    /** A close frame to send; {@code mask} is null towards a client. */
    static byte[] close(int code, String reason, byte @Nullable [] mask) {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        int head = mask == null ? 2 : 6;
        byte[] frame = new byte[head + 2 + text.length];
        frame[0] = (byte) (0x80 | CLOSE);
        frame[1] = (byte) (2 + text.length);
        frame[head] = (byte) (code >> 8);
        frame[head + 1] = (byte) code;
        System.arraycopy(text, 0, frame, head + 2, text.length);
        if (mask != null) {
            frame[1] |= (byte) 0x80;
            System.arraycopy(mask, 0, frame, 2, 4);
            for (int i = head; i < frame.length; i++) {
                frame[i] ^= mask[(i - head) & 3];
            }
        }
        return frame;
    }

    private boolean refuse(int newCode, String why) {
        code = newCode;
        reason = why;
        return false;
    }
}
