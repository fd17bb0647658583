package dev.postern.traffic;

import dev.postern.Body;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * The body of a gRPC response on its way to a client of gRPC-Web: the messages as they are, then the trailers as one more
 * frame. Watches the heads of the frames, so that the service cannot say what only the gateway may: a frame of trailers.
 */
final class GrpcFrames implements Reframed.Step {
    private static final int HEAD = 5;

    private final Body body;
    private final Headers early;
    private final boolean text;

    private int headBytes;
    private long length;
    private long left;

    /**
     * The frames of a body.
     *
     * @param early the status, if it stood in the head of the response
     * @param text whether each chunk becomes Base64, padded: none waits for the next
     */
    GrpcFrames(Body body, Headers early, boolean text) {
        this.body = body;
        this.early = early;
        this.text = text;
    }

    @Override
    public ByteBuffer next(ByteBuffer chunk) {
        check(chunk.duplicate());
        return written(chunk);
    }

    private void check(ByteBuffer chunk) {
        while (chunk.hasRemaining()) {
            if (left > 0) {
                int skipped = (int) Math.min(left, chunk.remaining());
                left -= skipped;
                chunk.position(chunk.position() + skipped);
                continue;
            }
            int next = chunk.get() & 0xff;
            if (headBytes == 0) {
                if (next > 1) {
                    throw broken("a frame with flags " + next);
                }
                length = 0;
            } else {
                length = length << 8 | next;
            }
            headBytes++;
            if (headBytes == HEAD) {
                headBytes = 0;
                left = length;
            }
        }
    }

    @Override
    public CompletionStage<ByteBuffer> last() {
        if (headBytes > 0 || left > 0) {
            return CompletableFuture.failedFuture(broken("half a message"));
        }
        return body.trailers().thenApply(late -> written(GrpcWeb.trailerFrame(status(late))));
    }

    private Headers status(Headers late) {
        Headers trailers = early.isEmpty() ? late : early;
        if (trailers.contains("grpc-status")) {
            return trailers;
        }
        // A client would wait for it: 2 is UNKNOWN.
        return trailers.edit(
                fields -> fields.set("grpc-status", "2").set("grpc-message", "the service gave no status"));
    }

    private ByteBuffer written(ByteBuffer bytes) {
        return text ? Base64.getEncoder().encode(bytes) : bytes;
    }

    private static GatewayException broken(String what) {
        return new GatewayException(
                Failure.RESPONSE_BODY_BROKEN, "grpc_web.frame", "the service answered with " + what, null);
    }
}
