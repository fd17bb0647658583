package dev.postern;

import org.jspecify.annotations.Nullable;

/** Finds one cookie among the {@code Cookie} lines (RFC 6265 4.2.1), without building a map. */
final class Cookies {
    private Cookies() {}

    static @Nullable String first(Headers headers, String name) {
        for (int i = 0; i < headers.size(); i++) {
            if (headers.name(i).equalsIgnoreCase("cookie")) {
                String value = find(headers.value(i), name);
                if (value != null) {
                    return value;
                }
            }
        }
        return null;
    }

    private static @Nullable String find(String line, String name) {
        int start = 0;
        while (start < line.length()) {
            int end = line.indexOf(';', start);
            if (end < 0) {
                end = line.length();
            }
            while (start < end && line.charAt(start) == ' ') {
                start++;
            }
            if (line.startsWith(name, start)
                    && start + name.length() < end
                    && line.charAt(start + name.length()) == '=') {
                return unquoted(line.substring(start + name.length() + 1, end).strip());
            }
            start = end + 1;
        }
        return null;
    }

    private static String unquoted(String value) {
        boolean quoted = value.length() >= 2 && value.startsWith("\"") && value.endsWith("\"");
        return quoted ? value.substring(1, value.length() - 1) : value;
    }
}
