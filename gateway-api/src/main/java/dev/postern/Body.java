package dev.postern;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * The content of a message. A body from the network is a stream that can be read once; whoever takes a body out of a
 * message either passes it on, reads it to the end, or calls {@link #discard()}.
 *
 * <p>A filter that does not look at the content leaves the body object alone: the runtime recognises its own body on the
 * way out and moves the bytes from socket to socket, without going through {@link #chunks()}.
 *
 * <p>Whoever implements this interface to change a stream keeps three promises of the body it wraps: {@link #length()}
 * is right or -1, {@link #trailers()} are passed on, and demand reaches the wrapped publisher.
 */
public interface Body {
    /** No content; length 0. */
    static BufferedBody empty() {
        return BufferedBody.EMPTY;
    }

    /** The UTF-8 bytes of {@code text}; replayable. */
    static BufferedBody of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** These bytes; replayable. The array is not copied and must not be changed afterwards. */
    static BufferedBody of(byte[] bytes) {
        return bytes.length == 0 ? BufferedBody.EMPTY : new BufferedBody(bytes);
    }

    /**
     * The bytes of a publisher, not replayable.
     *
     * @param length the number of bytes the publisher will deliver, or -1 when it is not known. A publisher that ends
     *     earlier or goes on further breaks the message: the connection is cut, never repaired.
     */
    static Body from(Flow.Publisher<ByteBuffer> chunks, long length) {
        return new PublisherBody(chunks, length);
    }

    /** The number of bytes, or -1 when the sender did not say. */
    long length();

    /** Whether {@link #chunks()} may be subscribed to again, as a retry needs. */
    boolean replayable();

    /**
     * The content, only as fast as it is asked for. The buffers are read-only heap buffers that the receiver may keep.
     * Signals come one after the other on the exchange's event loop. Cancelling the subscription releases the
     * connection; so does an error. A body that is not replayable accepts one subscriber, later ones get {@code
     * onError(IllegalStateException)}.
     */
    Flow.Publisher<ByteBuffer> chunks();

    /**
     * Reads everything into memory.
     *
     * @param maxBytes the limit, 0 or more; past it the stage fails with a {@link GatewayException} of {@link
     *     Failure#REQUEST_BODY_TOO_LARGE} (a request) or {@link Failure#RESPONSE_BODY_TOO_LARGE} (a response) and the
     *     rest is discarded
     */
    CompletionStage<BufferedBody> buffer(int maxBytes);

    /** Trailer fields; completes when the content has been read, for most messages with an empty list. */
    default CompletionStage<Headers> trailers() {
        return CompletableFuture.completedFuture(Headers.EMPTY);
    }

    /** Gives the connection back without reading the rest. Harmless when called twice or after the end. */
    void discard();
}
