package dev.postern;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** A body whose bytes are all in memory: it has a length, may be read again and again, and has nothing to release. */
public final class BufferedBody implements Body {
    static final BufferedBody EMPTY = new BufferedBody(new byte[0]);

    private final byte[] bytes;

    BufferedBody(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A read-only view of the bytes, a new one at each call. */
    public ByteBuffer bytes() {
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
    }

    /** A copy of the bytes. */
    public byte[] toByteArray() {
        return bytes.clone();
    }

    /** The bytes read as UTF-8; malformed sequences become the replacement character. */
    public String text() {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Override
    public long length() {
        return bytes.length;
    }

    @Override
    public boolean replayable() {
        return true;
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return subscriber -> Publishers.one(subscriber, bytes());
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        if (bytes.length > checked(maxBytes)) {
            return CompletableFuture.failedFuture(new GatewayException(
                    Failure.REQUEST_BODY_TOO_LARGE, "body of " + bytes.length + " bytes (limit: " + maxBytes + ")"));
        }
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void discard() {
        // Nothing is held beyond the array itself.
    }

    /** Equal when the bytes are: a route that answers with a fixed text is the same route when it is configured again. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof BufferedBody that && Arrays.equals(that.bytes, bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The length only: content does not belong into logs. */
    @Override
    public String toString() {
        return "BufferedBody[" + bytes.length + " bytes]";
    }

    static int checked(int maxBytes) {
        if (maxBytes < 0) {
            throw new IllegalArgumentException("maxBytes: " + maxBytes + " (expected: >= 0)");
        }
        return maxBytes;
    }
}
