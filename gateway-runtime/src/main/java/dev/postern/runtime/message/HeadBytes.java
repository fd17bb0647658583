package dev.postern.runtime.message;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A message of HTTP/1.1 on its way into one buffer, and so into one system call. What is not ASCII in a value goes out as
 * ISO-8859-1, as it came (RFC 9110 5.5); what could end a line does not go out at all.
 *
 * <p>One for each event loop: from the first line to {@link #build} nobody else writes there.
 */
public final class HeadBytes implements FieldSink {
    /** Longer heads are rare: their room is not kept. */
    private static final int USUAL_BYTES = 4096;

    private static final FastThreadLocal<HeadBytes> MINE = new FastThreadLocal<>() {
        @Override
        protected HeadBytes initialValue() {
            return new HeadBytes();
        }
    };

    private byte[] bytes = new byte[USUAL_BYTES];
    private int length;

    private HeadBytes() {}

    /**
     * Begins the head of a request.
     *
     * @param target the target in origin form
     * @param host what {@code Host} says
     */
    public static HeadBytes ofRequest(String method, String target, String host) {
        HeadBytes mine = begin();
        mine.ensure(method.length() + target.length() + 16);
        mine.text(method);
        mine.bytes[mine.length++] = ' ';
        mine.text(target);
        mine.text(" HTTP/1.1");
        mine.lineEnd();
        mine.add("Host", host);
        return mine;
    }

    /**
     * The head of a response that has a content of a declared length, and its end with it; null for any other, which the
     * encoder knows better.
     *
     * @param response its fields were looked at when they were added
     */
    public static @Nullable HeadBytes ofWhole(FullHttpResponse response) {
        int status = response.status().code();
        if (status < 200
                || status == 204
                || status == 205
                || status == 304
                || !response.trailingHeaders().isEmpty()) {
            return null;
        }
        HeadBytes mine = begin();
        mine.text(response.protocolVersion().text());
        mine.bytes[mine.length++] = ' ';
        mine.text(response.status().codeAsText());
        mine.bytes[mine.length++] = ' ';
        String reason = response.status().reasonPhrase();
        mine.ensure(reason.length() + 2);
        mine.text(reason);
        mine.lineEnd();
        boolean sized = false;
        Iterator<Map.Entry<CharSequence, CharSequence>> fields =
                response.headers().iteratorCharSequence();
        while (fields.hasNext()) {
            Map.Entry<CharSequence, CharSequence> field = fields.next();
            CharSequence name = field.getKey();
            if (Fields.ofResponse(name) == Fields.Kind.TRANSFER_ENCODING) {
                return null;
            }
            sized |= Fields.ofResponse(name) == Fields.Kind.CONTENT_LENGTH;
            mine.line(name, field.getValue());
        }
        return sized ? mine : null;
    }

    private static HeadBytes begin() {
        HeadBytes mine = MINE.get();
        if (mine.bytes.length > USUAL_BYTES) {
            mine.bytes = new byte[USUAL_BYTES];
        }
        mine.length = 0;
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
        line(name, value);
    }

    /** Bytes so far. */
    public int size() {
        return length;
    }

    /** Ends the head and puts the content behind it, which stays the caller's. */
    public ByteBuf build(ByteBufAllocator allocator, ByteBuf content) {
        ensure(2);
        lineEnd();
        int more = content.readableBytes();
        return allocator
                .directBuffer(length + more)
                .writeBytes(bytes, 0, length)
                .writeBytes(content, content.readerIndex(), more);
    }

    private void line(CharSequence name, CharSequence value) {
        ensure(name.length() + value.length() + 4);
        known(name);
        bytes[length++] = ':';
        bytes[length++] = ' ';
        known(value);
        lineEnd();
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
    private void known(CharSequence text) {
        if (text instanceof String string) {
            string.getBytes(0, string.length(), bytes, length);
            length += string.length();
        } else {
            text(text);
        }
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
