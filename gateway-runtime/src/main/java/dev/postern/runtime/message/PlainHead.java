package dev.postern.runtime.message;

import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;

/**
 * The head of a response as nearly all are: HTTP/1.1, tokens for names, ASCII for values, a line for each field, nothing to
 * be mended. Of any other it says so, and leaves it to the decoder.
 *
 * <p>One for each event loop, good until the next is read there; a line must not be kept.
 */
@SuppressWarnings("IterableAndIterator") // gone through once for each head, without an object for each line
public final class PlainHead
        implements Iterable<Map.Entry<String, String>>, Iterator<Map.Entry<String, String>>, Map.Entry<String, String> {
    /** A usual head is a third of this; what is longer is the decoder's. */
    public static final int MAX_BYTES = 2048;

    private static final byte[] BEGIN = "HTTP/1.1 ".getBytes(StandardCharsets.US_ASCII);

    private static final byte TOKEN = 1;
    private static final byte VALUE = 2;
    private static final byte[] KINDS = kinds();

    private static final FastThreadLocal<PlainHead> MINE = new FastThreadLocal<>() {
        @Override
        protected PlainHead initialValue() {
            return new PlainHead();
        }
    };

    private final byte[] bytes = new byte[MAX_BYTES];
    // Where names and values begin and end: four numbers for each line.
    private int[] places = new int[4 * 32];
    private int lines;
    private int at;
    private int status;

    private PlainHead() {}

    /** That of this thread. */
    public static PlainHead mine() {
        return MINE.get();
    }

    /** Where the bytes of a head are to be put, from 0 on. */
    public byte[] bytes() {
        return bytes;
    }

    /** Reads {@code length} bytes, with the empty line at their end; false when they are not plain. */
    public boolean read(int length) {
        lines = 0;
        int from = statusLine(length);
        while (from > 0 && bytes[from] != '\r') {
            from = line(from, length);
        }
        return from > 0 && from == length - 2 && bytes[from + 1] == '\n';
    }

    /** The status. */
    public int status() {
        return status;
    }

    /** The fields in their order; once for each head. */
    @Override
    public Iterator<Map.Entry<String, String>> iterator() {
        at = -1;
        return this;
    }

    @Override
    public boolean hasNext() {
        return at + 1 < lines;
    }

    @Override
    public Map.Entry<String, String> next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no line behind the last");
        }
        at++;
        return this;
    }

    @Override
    public String getKey() {
        int from = places[4 * at];
        return FieldLines.name(new AsciiString(bytes, from, places[4 * at + 1] - from, false));
    }

    @Override
    public String getValue() {
        int from = places[4 * at + 2];
        return new String(bytes, from, places[4 * at + 3] - from, StandardCharsets.ISO_8859_1);
    }

    @Override
    public String setValue(String value) {
        throw new UnsupportedOperationException("a line as it was received");
    }

    /** {@code HTTP/1.1 200 OK}: returns where the next line begins, or -1. */
    private int statusLine(int length) {
        int reason = BEGIN.length + 3;
        if (length < reason + 4 || !Arrays.equals(bytes, 0, BEGIN.length, BEGIN, 0, BEGIN.length)) {
            return -1;
        }
        status = 0;
        for (int i = BEGIN.length; i < reason; i++) {
            int digit = bytes[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            status = status * 10 + digit;
        }
        return bytes[reason] == ' ' || bytes[reason] == '\r' ? behind(run(reason, length, VALUE), length) : -1;
    }

    /** {@code Name: value}: returns where the next line begins, or -1. */
    private int line(int from, int length) {
        int colon = run(from, length, TOKEN);
        if (colon == from || colon >= length || bytes[colon] != ':') {
            return -1;
        }
        int value = colon + 1;
        while (value < length && isBlank(bytes[value])) {
            value++;
        }
        int end = run(value, length, VALUE);
        int next = behind(end, length);
        while (end > value && isBlank(bytes[end - 1])) {
            end--;
        }
        if (4 * lines + 4 > places.length) {
            places = Arrays.copyOf(places, 2 * places.length);
        }
        int place = 4 * lines++;
        places[place] = from;
        places[place + 1] = colon;
        places[place + 2] = value;
        places[place + 3] = end;
        return next;
    }

    /** What stands behind the end of a line that is to be here; -1 if it is not, or if the line goes on behind it. */
    private int behind(int end, int length) {
        boolean whole = end + 2 < length && bytes[end] == '\r' && bytes[end + 1] == '\n' && !isBlank(bytes[end + 2]);
        return whole ? end + 2 : -1;
    }

    private int run(int from, int length, byte kind) {
        int i = from;
        while (i < length && bytes[i] >= 0 && (KINDS[bytes[i]] & kind) != 0) {
            i++;
        }
        return i;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    private static byte[] kinds() {
        byte[] kinds = new byte[128];
        Arrays.fill(kinds, ' ', 127, VALUE);
        kinds['\t'] = VALUE;
        String tokens = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (int i = 0; i < tokens.length(); i++) {
            kinds[tokens.charAt(i)] |= TOKEN;
        }
        return kinds;
    }
}
