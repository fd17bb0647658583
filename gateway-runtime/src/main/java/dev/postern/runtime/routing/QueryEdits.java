package dev.postern.runtime.routing;

import dev.postern.Rewrite;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sets, adds and removes parameters of a raw query. Parameters that no edit names stay where they are, byte for byte; what
 * is written is percent-encoded down to the unreserved characters, so that every reader reads the same.
 */
final class QueryEdits {
    private static final String HEX = "0123456789ABCDEF";

    private final List<Rewrite.Edit> edits;

    QueryEdits(List<Rewrite.Edit> edits) {
        this.edits = List.copyOf(edits);
    }

    boolean isEmpty() {
        return edits.isEmpty();
    }

    /** The query after all edits; null when the last parameter went. */
    @Nullable
    String apply(@Nullable String query) {
        String result = query;
        for (Rewrite.Edit edit : edits) {
            result = switch (edit.action()) {
                case SET -> set(result, edit.name(), edit.value());
                case ADD -> joined(result, pair(edit.name(), edit.value()));
                case REMOVE -> without(result, edit.name(), null);
            };
        }
        return result;
    }

    private static String set(@Nullable String query, String name, String value) {
        String pair = pair(name, value);
        if (query == null || !has(query, name)) {
            return joined(query, pair);
        }
        String replaced = without(query, name, pair);
        return replaced == null ? pair : replaced;
    }

    private static String joined(@Nullable String query, String pair) {
        return query == null || query.isEmpty() ? pair : query + '&' + pair;
    }

    private static boolean has(String query, String name) {
        for (int start = 0; start <= query.length(); start = end(query, start) + 1) {
            if (isCalled(query, start, end(query, start), name)) {
                return true;
            }
        }
        return false;
    }

    /** Drops the parameters called {@code name}; the first gives its place to {@code replacement}, if there is one. */
    private static @Nullable String without(@Nullable String query, String name, @Nullable String replacement) {
        if (query == null || !has(query, name)) {
            return query;
        }
        StringBuilder kept = new StringBuilder(query.length());
        String next = replacement;
        boolean first = true;
        for (int start = 0; start <= query.length(); start = end(query, start) + 1) {
            int end = end(query, start);
            boolean called = isCalled(query, start, end, name);
            if (called && next == null) {
                continue;
            }
            kept.append(first ? "" : "&").append(called ? next : query.substring(start, end));
            next = called ? null : next;
            first = false;
        }
        return first ? null : kept.toString();
    }

    private static int end(String query, int start) {
        int amp = query.indexOf('&', start);
        return amp < 0 ? query.length() : amp;
    }

    private static boolean isCalled(String query, int start, int end, String name) {
        // Not indexOf, which would look through the rest of the query for each parameter without a value.
        int nameEnd = start;
        while (nameEnd < end && query.charAt(nameEnd) != '=') {
            nameEnd++;
        }
        return decoded(query, start, nameEnd).equals(name);
    }

    // As application/x-www-form-urlencoded reads names; malformed escapes stand for themselves.
    private static String decoded(String query, int start, int end) {
        byte[] out = new byte[end - start];
        int size = 0;
        for (int i = start; i < end; i++) {
            char c = query.charAt(i);
            if (c == '%' && i + 2 < end && hex(query, i + 1) >= 0 && hex(query, i + 2) >= 0) {
                out[size++] = (byte) (hex(query, i + 1) << 4 | hex(query, i + 2));
                i += 2;
            } else {
                out[size++] = (byte) (c == '+' ? ' ' : c);
            }
        }
        return new String(out, 0, size, StandardCharsets.UTF_8);
    }

    private static int hex(String text, int at) {
        return Character.digit(text.charAt(at), 16);
    }

    private static String pair(String name, String value) {
        StringBuilder pair = new StringBuilder(name.length() + value.length() + 1);
        encode(name, pair);
        encode(value, pair.append('='));
        return pair.toString();
    }

    private static void encode(String text, StringBuilder out) {
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            boolean letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');
            if (letter || "-._~".indexOf(b) >= 0) {
                out.append((char) b);
            } else {
                out.append('%').append(HEX.charAt(b >> 4 & 15)).append(HEX.charAt(b & 15));
            }
        }
    }
}
