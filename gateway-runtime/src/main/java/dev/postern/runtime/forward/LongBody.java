package dev.postern.runtime.forward;

import dev.postern.runtime.message.ByteStream;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The content of an answer to a {@link ShortCall} that is too long to be waited for: pieces as they were read, paused until
 * somebody wants them. While nobody does, the socket is not read. On the connection's loop only.
 */
final class LongBody implements ByteStream {
    private final Channel channel;
    private final ArrayDeque<ByteBuf> waiting = new ArrayDeque<>(2);
    private long demand;
    private boolean delivering;
    private boolean complete;
    private boolean broken;
    private boolean over;
    private @Nullable Consumer<ByteBuf> bytesHandler;
    private @Nullable Handler<Void> endHandler;
    private @Nullable Handler<Throwable> exceptionHandler;

    /** One whose socket is read on until {@link #readOn} says otherwise. */
    LongBody(Channel channel) {
        this.channel = channel;
    }

    /** {@code count} bytes from {@code at} on are the next of it, and the last if it says so. */
    void add(ByteBuf source, int at, int count, boolean last) {
        if (over) {
            return;
        }
        if (count > 0) {
            waiting.add(piece(source, at, count));
        }
        complete = last;
        deliver();
    }

    /** What waits is counted by its bytes: a buffer that is nearly empty would weigh many times what is said. */
    private static ByteBuf piece(ByteBuf source, int at, int count) {
        return count < source.capacity() / 2
                ? source.alloc().directBuffer(count).writeBytes(source, at, count)
                : source.retainedSlice(at, count);
    }

    /** Nothing more comes. */
    void broke(Throwable cause) {
        broken = true;
        if (!over && exceptionHandler != null) {
            // It takes what is still here, and then the news.
            exceptionHandler.handle(cause);
        }
        letGo();
    }

    /** Nobody wants what is still here or to come. */
    void letGo() {
        over = true;
        while (!waiting.isEmpty()) {
            waiting.remove().release();
        }
    }

    /** Lets the socket be read while somebody wants it to be; and behind the last byte, where nothing is to come (T024). */
    void readOn() {
        if (!over && !broken) {
            channel.config().setAutoRead(complete || demand > 0);
        }
    }

    private void deliver() {
        // Who asks for more while it is given some is served by the loop here.
        if (delivering) {
            return;
        }
        delivering = true;
        try {
            while (demand > 0 && !waiting.isEmpty()) {
                demand = demand == Long.MAX_VALUE ? demand : demand - 1;
                give(waiting.remove());
            }
        } finally {
            delivering = false;
        }
        if (complete && !over && waiting.isEmpty()) {
            // For what the connection carries next.
            readOn();
            over = true;
            if (endHandler != null) {
                endHandler.handle(null);
            }
        }
    }

    private void give(ByteBuf piece) {
        if (bytesHandler == null) {
            piece.release();
        } else {
            bytesHandler.accept(piece);
        }
    }

    @Override
    public void bytesHandler(Consumer<ByteBuf> handler) {
        bytesHandler = handler;
    }

    @Override
    public ReadStream<Buffer> handler(@Nullable Handler<Buffer> handler) {
        bytesHandler = handler == null ? null : bytes -> handler.handle(ByteStream.copy(bytes));
        return this;
    }

    @Override
    public ReadStream<Buffer> endHandler(@Nullable Handler<Void> handler) {
        endHandler = handler;
        return this;
    }

    @Override
    public ReadStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> handler) {
        exceptionHandler = handler;
        return this;
    }

    @Override
    public ReadStream<Buffer> pause() {
        demand = 0;
        readOn();
        return this;
    }

    @Override
    public ReadStream<Buffer> resume() {
        return fetch(Long.MAX_VALUE);
    }

    @Override
    public ReadStream<Buffer> fetch(long amount) {
        demand = demand + amount < 0 ? Long.MAX_VALUE : demand + amount;
        deliver();
        readOn();
        return this;
    }
}
