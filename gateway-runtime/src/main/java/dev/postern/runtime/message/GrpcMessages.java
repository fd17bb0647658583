package dev.postern.runtime.message;

import io.vertx.core.buffer.Buffer;

/**
 * Looks at the lengths of gRPC messages as they pass ("Length-Prefixed-Message": a flag, four bytes of length, the message).
 * Keeps nothing of them.
 */
final class GrpcMessages {
    private static final int PREFIX_BYTES = 5;

    private final long most;
    private int prefixRead;
    private long length;
    private long left;

    /** For messages of up to so many bytes. */
    GrpcMessages(long most) {
        this.most = most;
    }

    long most() {
        return most;
    }

    /** Looks at the next bytes; false when a message is announced that is too large. */
    boolean pass(Buffer chunk) {
        int at = 0;
        int end = chunk.length();
        while (at < end) {
            if (left > 0) {
                int skipped = (int) Math.min(left, end - at);
                left -= skipped;
                at += skipped;
                continue;
            }
            int octet = chunk.getUnsignedByte(at++);
            length = prefixRead == 0 ? 0 : length << 8 | octet;
            if (++prefixRead == PREFIX_BYTES) {
                if (length > most) {
                    return false;
                }
                prefixRead = 0;
                left = length;
            }
        }
        return true;
    }
}
