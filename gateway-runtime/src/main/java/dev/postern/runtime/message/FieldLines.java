package dev.postern.runtime.message;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import io.vertx.core.MultiMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The header lines of a request as the decoder has them, for one reader that goes through them once: names that were seen
 * before are the same strings again, and there is one object for all lines instead of one for each. A line must not be kept.
 */
@SuppressWarnings("IterableAndIterator") // one object for each request instead of two; it is gone through once
public final class FieldLines
        implements Iterable<Map.Entry<String, String>>, Iterator<Map.Entry<String, String>>, Map.Entry<String, String> {
    /** Names of fields that are in use anywhere: some hundreds. */
    private static final int NAMES = 1024;
    /** Longer ones are nobody's everyday names. */
    private static final int MAX_KEPT_LENGTH = 40;

    // Written by all loops without a lock: a string is safe to share, and which of two wins does not matter.
    private static final @Nullable String[] KNOWN = new String[NAMES];

    private final Iterator<Map.Entry<CharSequence, CharSequence>> lines;
    private Map.@Nullable Entry<CharSequence, CharSequence> line;

    private FieldLines(Iterator<Map.Entry<CharSequence, CharSequence>> lines) {
        this.lines = lines;
    }

    /** The lines of these headers, in their order. */
    public static Iterable<Map.Entry<String, String>> of(MultiMap headers) {
        Object decoded = headers;
        // HTTP/1.1: Vert.x's map is one of Netty's.
        return decoded instanceof HttpHeaders fields ? new FieldLines(fields.iteratorCharSequence()) : headers;
    }

    @Override
    public Iterator<Map.Entry<String, String>> iterator() {
        return this;
    }

    @Override
    public boolean hasNext() {
        return lines.hasNext();
    }

    @Override
    public Map.Entry<String, String> next() {
        line = lines.next();
        return this;
    }

    private Map.Entry<CharSequence, CharSequence> line() {
        Map.Entry<CharSequence, CharSequence> current = line;
        if (current == null) {
            throw new IllegalStateException("next() was not called");
        }
        return current;
    }

    @Override
    public String getKey() {
        return name(line().getKey());
    }

    @Override
    public String getValue() {
        return line().getValue().toString();
    }

    @Override
    public String setValue(String value) {
        throw new UnsupportedOperationException("a line as it was received");
    }

    /** As it is spelled: {@code Accept} and {@code accept} are two strings. */
    static String name(CharSequence decoded) {
        if (!(decoded instanceof AsciiString ascii) || ascii.length() > MAX_KEPT_LENGTH) {
            return decoded.toString();
        }
        int place = ascii.hashCode() & (NAMES - 1);
        String known = KNOWN[place];
        if (known != null && ascii.contentEquals(known)) {
            return known;
        }
        String made = ascii.toString();
        KNOWN[place] = made;
        return made;
    }
}
