package dev.postern;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads parameters out of a raw query: {@code &} separates them, the first {@code =} ends the name, {@code +} is a blank
 * (application/x-www-form-urlencoded). A semicolon is an ordinary character: readers who split on it disagree with
 * upstreams that do not.
 */
final class QueryString {
    private QueryString() {}

    static @Nullable String first(String query, String name) {
        int start = 0;
        while (start <= query.length()) {
            int end = end(query, start);
            int equals = equals(query, start, end);
            if (nameIs(query, start, equals, name)) {
                return equals == end ? "" : decode(query, equals + 1, end);
            }
            start = end + 1;
        }
        return null;
    }

    static List<String> all(String query, String name) {
        List<String> values = new ArrayList<>(2);
        int start = 0;
        while (start <= query.length()) {
            int end = end(query, start);
            int equals = equals(query, start, end);
            if (nameIs(query, start, equals, name)) {
                values.add(equals == end ? "" : decode(query, equals + 1, end));
            }
            start = end + 1;
        }
        return values;
    }

    private static int end(String query, int start) {
        int amp = query.indexOf('&', start);
        return amp < 0 ? query.length() : amp;
    }

    private static int equals(String query, int start, int end) {
        // Not indexOf, which would look through the rest of the query for each parameter without a value.
        int equals = start;
        while (equals < end && query.charAt(equals) != '=') {
            equals++;
        }
        return equals;
    }

    private static boolean nameIs(String query, int start, int end, String name) {
        for (int i = start; i < end; i++) {
            char c = query.charAt(i);
            if (c == '%' || c == '+') {
                return decode(query, start, end).equals(name);
            }
        }
        // Only a name without an escape is its own decoded form: %61 is called a, not %61.
        return end - start == name.length() && query.startsWith(name, start);
    }

    private static String decode(String query, int start, int end) {
        byte[] out = new byte[end - start];
        int size = 0;
        for (int i = start; i < end; i++) {
            char c = query.charAt(i);
            if (c == '+') {
                out[size++] = ' ';
            } else if (c == '%' && i + 2 < end && hex(query, i + 1) >= 0 && hex(query, i + 2) >= 0) {
                out[size++] = (byte) (hex(query, i + 1) << 4 | hex(query, i + 2));
                i += 2;
            } else {
                out[size++] = (byte) c;
            }
        }
        return new String(out, 0, size, StandardCharsets.UTF_8);
    }

    private static int hex(String text, int at) {
        return at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
    }
}
