package dev.postern.runtime.forward;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.streams.WriteStream;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where a short body goes: out with its head if it comes in one piece. If it does not, the request becomes Vert.x's as soon
 * as a part of it has to go out. On the connection's loop only.
 */
final class ShortUpload implements WriteStream<Buffer> {
    private final Consumer<Buffer> whole;
    private final Supplier<@Nullable HttpClientRequest> inParts;
    private @Nullable HttpClientRequest request;

    /**
     * An upload, of which nothing is out.
     *
     * @param whole sends all of it
     * @param inParts begins a request whose head is complete and not sent; null when that cannot be done
     */
    ShortUpload(Consumer<Buffer> whole, Supplier<@Nullable HttpClientRequest> inParts) {
        this.whole = whole;
        this.inParts = inParts;
    }

    @Override
    public Future<Void> end(Buffer last) {
        if (request == null) {
            whole.accept(last);
            return Future.succeededFuture();
        }
        return request.end(last);
    }

    @Override
    public Future<Void> end() {
        HttpClientRequest begun = begun();
        return begun == null ? gone() : begun.end();
    }

    @Override
    public Future<Void> write(Buffer part) {
        HttpClientRequest begun = begun();
        return begun == null ? gone() : begun.write(part);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // a failure is told to the attempt
    void writeHead() {
        HttpClientRequest begun = begun();
        if (begun != null) {
            begun.writeHead();
        }
    }

    private @Nullable HttpClientRequest begun() {
        if (request == null) {
            request = inParts.get();
        }
        return request;
    }

    private static Future<Void> gone() {
        return Future.failedFuture(new HttpClosedException("Connection was closed"));
    }

    @Override
    public boolean writeQueueFull() {
        return request != null && request.writeQueueFull();
    }

    @Override
    public WriteStream<Buffer> drainHandler(@Nullable Handler<Void> handler) {
        if (request != null) {
            request.drainHandler(handler);
        }
        return this;
    }

    @Override
    public WriteStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> handler) {
        throw new UnsupportedOperationException("failures are the attempt's");
    }

    @Override
    public WriteStream<Buffer> setWriteQueueMaxSize(int size) {
        throw new UnsupportedOperationException("a short body has no queue");
    }
}
