package dev.postern.runtime;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.Headers;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/** A body in memory with trailers behind it. */
record WholeBody(BufferedBody bytes, Headers fields) implements Body {
    /** Without a wrapper when there are no trailers. */
    static Body of(byte[] bytes, Headers trailers) {
        BufferedBody body = Body.of(bytes);
        return trailers.isEmpty() ? body : new WholeBody(body, trailers);
    }

    @Override
    public long length() {
        return bytes.length();
    }

    @Override
    public boolean replayable() {
        return true;
    }

    @Override
    public Flow.Publisher<ByteBuffer> chunks() {
        return bytes.chunks();
    }

    @Override
    public CompletionStage<BufferedBody> buffer(int maxBytes) {
        return bytes.buffer(maxBytes);
    }

    @Override
    public CompletionStage<Headers> trailers() {
        return CompletableFuture.completedFuture(fields);
    }

    @Override
    public void discard() {
        bytes.discard();
    }
}
