package dev.postern.runtime.listener;

import io.netty.buffer.ByteBuf;

/**
 * Reads the heads of HTTP/2 frames (RFC 9113 4.1) as bytes pass by, before anything is decoded: so frames are seen that
 * nobody is told of later, of streams that are over and of unknown kinds, and header blocks that do not come to an end.
 * Allocates nothing and holds nothing, however the bytes are cut.
 */
final class FrameWatch {
    /** Frame types of RFC 9113 6. */
    static final int DATA = 0;

    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;
    static final int CONTINUATION = 9;

    private static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;
    private static final int HEAD_BYTES = 9;

    /** What is seen. */
    interface Listener {
        /** The head of a frame is complete. Returns whether the connection goes on. */
        boolean frame(int type, int flags, int length, int stream);

        /** The error code of RST_STREAM or GOAWAY is complete. */
        default void code(int type, int stream, long code) {}
    }

    private final Listener listener;
    private int preface;
    private int headRead;
    private int length;
    private int type;
    private int flags;
    private int stream;
    private int payloadLeft;
    private int codeAt;
    private long code;
    private boolean blockOpen;
    private int continuations;

    /**
     * A watch at the beginning of a connection.
     *
     * @param preface bytes before the first frame
     */
    FrameWatch(int preface, Listener listener) {
        this.preface = preface;
        this.listener = listener;
    }

    /** Looks at bytes; nothing is consumed. False when the listener has had enough. */
    boolean pass(ByteBuf bytes) {
        int at = bytes.readerIndex();
        int end = bytes.writerIndex();
        while (at < end) {
            if (preface > 0) {
                int skipped = Math.min(end - at, preface);
                preface -= skipped;
                at += skipped;
            } else if (payloadLeft > 0) {
                at += payload(bytes, at, end);
            } else {
                head(bytes.getUnsignedByte(at++));
                if (headRead == HEAD_BYTES && !begin()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether a head or trailer section has begun and not ended. */
    boolean isWithinBlock() {
        return blockOpen;
    }

    /** CONTINUATION frames of the present header block. */
    int continuations() {
        return continuations;
    }

    private void head(int octet) {
        switch (headRead++) {
            case 0 -> length = octet;
            case 1, 2 -> length = length << 8 | octet;
            case 3 -> type = octet;
            case 4 -> flags = octet;
            case 5 -> stream = octet & 0x7f;
            default -> stream = stream << 8 | octet;
        }
    }

    private boolean begin() {
        headRead = 0;
        payloadLeft = length;
        code = 0;
        codeAt = type == RST_STREAM ? 4 : type == GOAWAY ? 8 : 0;
        if (type == HEADERS) {
            blockOpen = true;
            continuations = 0;
        } else if (type == CONTINUATION) {
            continuations++;
        }
        boolean fine = listener.frame(type, flags, length, stream);
        if (payloadLeft == 0) {
            end();
        }
        return fine;
    }

    private int payload(ByteBuf bytes, int at, int end) {
        int taken = Math.min(end - at, payloadLeft);
        for (int i = at; i < at + taken && codeAt > 0; i++) {
            code = (code << 8 | bytes.getUnsignedByte(i)) & 0xffff_ffffL;
            if (--codeAt == 0) {
                listener.code(type, stream, code);
            }
        }
        payloadLeft -= taken;
        if (payloadLeft == 0) {
            end();
        }
        return taken;
    }

    private void end() {
        if (blockOpen && (type == HEADERS || type == CONTINUATION) && (flags & END_HEADERS) != 0) {
            blockOpen = false;
        }
    }

    /** Whether a frame of this kind says that nothing follows on its stream. */
    static boolean isLast(int flags) {
        return (flags & END_STREAM) != 0;
    }
}
