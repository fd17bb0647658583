package dev.postern.runtime.message;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A request of HTTP/1.1 on its way into one buffer. What is not ASCII in a value goes out as ISO-8859-1, as it came (RFC
 * 9110 5.5); what could end a line does not go out at all.
 *
 * <p>One for each event loop: from {@link #begin} to {@link #build} nobody else writes there.
 */
public final class RequestBytes implements FieldSink {
    /** Longer heads are rare: their room is not kept. */
    private static final int USUAL_BYTES = 4096;

    private static final FastThreadLocal<RequestBytes> MINE = new FastThreadLocal<>() {
        @Override
        protected RequestBytes initialValue() {
            return new RequestBytes();
        }
    };

    private byte[] bytes = new byte[USUAL_BYTES];
    private int length;

    private RequestBytes() {}

    /**
     * Begins the head of a request.
     *
     * @param target the target in origin form
     * @param host what {@code Host} says
     */
    public static RequestBytes begin(String method, String target, String host) {
        RequestBytes mine = MINE.get();
        if (mine.bytes.length > USUAL_BYTES) {
            mine.bytes = new byte[USUAL_BYTES];
        }
        mine.length = 0;
        mine.ensure(method.length() + target.length() + 16);
        mine.text(method);
        mine.bytes[mine.length++] = ' ';
        mine.text(target);
        mine.text(" HTTP/1.1");
        mine.lineEnd();
        mine.add("Host", host);
        return mine;
    }

    @Override
    public void add(CharSequence name, CharSequence value) {
        ensure(name.length() + value.length() + 4);
        text(name);
        bytes[length++] = ':';
        bytes[length++] = ' ';
        text(value);
        lineEnd();
    }

    @Override
    public void pass(String name, String value) {
        ensure(name.length() + value.length() + 4);
        known(name);
        bytes[length++] = ':';
        bytes[length++] = ' ';
        known(value);
        lineEnd();
    }

    /** Ends the head and puts the content behind it. */
    public ByteBuf build(ByteBufAllocator allocator, @Nullable Buffer content) {
        ensure(2);
        lineEnd();
        int more = content == null ? 0 : content.length();
        ByteBuf out = allocator.directBuffer(length + more).writeBytes(bytes, 0, length);
        if (content != null) {
            writeContent(out, content);
        }
        return out;
    }

    private static void writeContent(ByteBuf out, Buffer content) {
        if (content instanceof BufferInternal inner) {
            ByteBuf from = inner.getByteBuf();
            out.writeBytes(from, from.readerIndex(), from.readableBytes());
        } else {
            out.writeBytes(content.getBytes());
        }
    }

    private void text(CharSequence text) {
        if (text instanceof AsciiString ascii) {
            System.arraycopy(ascii.array(), ascii.arrayOffset(), bytes, length, ascii.length());
            length += ascii.length();
            return;
        }
        int count = text.length();
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if ((c < ' ' && c != '\t') || c == 127 || c > 255) {
                throw new IllegalArgumentException("character 0x" + Integer.toHexString(c) + " at " + i
                        + " of a request's head (expected: visible characters, blanks and tabs, RFC 9110 5.5)");
            }
            bytes[length++] = (byte) c;
        }
    }

    /** Text that was judged before: at most 255 each, and no control but the tab. */
    @SuppressWarnings("deprecation") // takes the low byte of each character, which is all there is of them
    private void known(String text) {
        text.getBytes(0, text.length(), bytes, length);
        length += text.length();
    }

    private void lineEnd() {
        bytes[length++] = '\r';
        bytes[length++] = '\n';
    }

    private void ensure(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }
}
