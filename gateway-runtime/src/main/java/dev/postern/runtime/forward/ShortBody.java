package dev.postern.runtime.forward;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import org.jspecify.annotations.Nullable;

/** A content that is here already, as a stream that is paused until somebody wants it. On one loop only. */
final class ShortBody implements ReadStream<Buffer> {
    private @Nullable Buffer content;
    private boolean ended;
    private boolean flowing;
    private @Nullable Handler<Buffer> handler;
    private @Nullable Handler<Void> endHandler;

    ShortBody(Buffer content) {
        this.content = content.length() == 0 ? null : content;
    }

    @Override
    public ReadStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> ignored) {
        // Nothing can happen to it any more.
        return this;
    }

    @Override
    public ReadStream<Buffer> handler(@Nullable Handler<Buffer> newHandler) {
        handler = newHandler;
        return this;
    }

    @Override
    public ReadStream<Buffer> endHandler(@Nullable Handler<Void> newHandler) {
        endHandler = newHandler;
        return this;
    }

    @Override
    public ReadStream<Buffer> pause() {
        flowing = false;
        return this;
    }

    @Override
    public ReadStream<Buffer> resume() {
        return fetch(Long.MAX_VALUE);
    }

    @Override
    public ReadStream<Buffer> fetch(long amount) {
        flowing = true;
        Buffer chunk = content;
        content = null;
        if (chunk != null && handler != null) {
            handler.handle(chunk);
        }
        // Its reader may have paused it, or asked again, within the chunk.
        if (flowing && !ended) {
            ended = true;
            if (endHandler != null) {
                endHandler.handle(null);
            }
        }
        return this;
    }
}
