package dev.postern.runtime.observe;

import org.jspecify.annotations.Nullable;

/**
 * Writes one JSON object (RFC 8259) on one line, in visible ASCII whatever the values hold: nothing in it can end the line,
 * close a string, move a terminal's cursor, turn the direction of text, or be taken for a look-up by a logging library.
 *
 * <p>What is cut or cannot be encoded (halves of surrogate pairs) is replaced, never an error.
 */
final class JsonLine {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private final StringBuilder out;
    private boolean first = true;

    JsonLine() {
        // Most lines have 400 to 600 characters.
        out = new StringBuilder(640).append('{');
    }

    /** A string member, cut after {@code limit} characters; left out when the value is null. */
    void text(String name, @Nullable String value, int limit) {
        if (value != null) {
            name(name);
            out.append('"');
            escape(value, limit);
            out.append('"');
        }
    }

    void number(String name, long value) {
        name(name);
        out.append(value);
    }

    /** Nanoseconds as milliseconds with three decimals; less than none counts as none. */
    void millis(String name, long nanos) {
        long micros = Math.max(0, nanos) / 1000;
        int rest = (int) (micros % 1000);
        name(name);
        out.append(micros / 1000).append('.');
        out.append((char) ('0' + rest / 100))
                .append((char) ('0' + rest / 10 % 10))
                .append((char) ('0' + rest % 10));
    }

    void flag(String name, boolean value) {
        name(name);
        out.append(value);
    }

    /** Begins an object as a member. */
    void open(String name) {
        name(name);
        out.append('{');
        first = true;
    }

    /** Ends the object begun last. */
    void close() {
        out.append('}');
        first = false;
    }

    /** The line, without a line end. */
    String end() {
        return out.append('}').toString();
    }

    private void name(String name) {
        if (!first) {
            out.append(',');
        }
        first = false;
        out.append('"');
        escape(name, Integer.MAX_VALUE);
        out.append("\":");
    }

    private void escape(String value, int limit) {
        int end = Math.min(value.length(), limit);
        // What needs no escape goes out in runs: nearly all of it.
        int from = 0;
        for (int i = 0; i < end; i++) {
            char c = value.charAt(i);
            if (isPlain(c) && !(c == '$' && i + 1 < value.length() && value.charAt(i + 1) == '{')) {
                continue;
            }
            out.append(value, from, i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (Character.isSurrogate(c)) {
                i = surrogates(value, i, end);
            } else {
                // Also the $ of ${…}, CVE-2021-44228: some logging libraries look names up in what they are given to
                // print.
                unicode(c);
            }
            from = i + 1;
        }
        out.append(value, from, end);
        if (end < value.length()) {
            unicode('…');
        }
    }

    private static boolean isPlain(char c) {
        return c >= ' ' && c <= '~' && c != '"' && c != '\\';
    }

    /** Writes a pair as it is and a half as U+FFFD, which every parser takes; gives the index of what was read last. */
    private int surrogates(String value, int at, int end) {
        char c = value.charAt(at);
        if (Character.isHighSurrogate(c) && at + 1 < end && Character.isLowSurrogate(value.charAt(at + 1))) {
            unicode(c);
            unicode(value.charAt(at + 1));
            return at + 1;
        }
        unicode('\ufffd');
        return at;
    }

    private void unicode(char c) {
        out.append("\\u")
                .append(HEX[c >> 12])
                .append(HEX[c >> 8 & 15])
                .append(HEX[c >> 4 & 15])
                .append(HEX[c & 15]);
    }
}
