package dev.postern.runtime.message;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.streams.ReadStream;
import java.util.function.Consumer;

/** A stream that can give its bytes as they were read, without a copy. */
public interface ByteStream extends ReadStream<Buffer> {
    /** In the place of a {@link #handler}: whoever is given bytes has to release them. */
    void bytesHandler(Consumer<ByteBuf> handler);

    /** Releases bytes and gives a copy of them that nobody has to release. */
    static Buffer copy(ByteBuf bytes) {
        ByteBuf copy = Unpooled.buffer(bytes.readableBytes()).writeBytes(bytes);
        bytes.release();
        return BufferInternal.buffer(copy);
    }
}
