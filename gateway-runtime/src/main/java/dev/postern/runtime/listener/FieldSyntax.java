package dev.postern.runtime.listener;

import io.netty.util.AsciiString;

/**
 * What a field may look like on HTTP/2: RFC 9113 8.2, stricter where a peer of ours would read something else than we do.
 * Bytes are read one by one; nothing is allocated.
 */
final class FieldSyntax {
    // RFC 9110 5.6.2, without capitals (RFC 9113 8.2.1).
    private static final boolean[] NAME = new boolean[128];

    static {
        for (char c = 'a'; c <= 'z'; c++) {
            NAME[c] = true;
        }
        for (char c = '0'; c <= '9'; c++) {
            NAME[c] = true;
        }
        for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
            NAME[c] = true;
        }
    }

    private FieldSyntax() {}

    /** Whether this is a name in lower case. */
    static boolean isName(CharSequence name) {
        if (name.length() == 0) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c >= 128 || !NAME[c]) {
                return false;
            }
        }
        return true;
    }

    /** Whether this is a token in any case (RFC 9110 5.6.2), such as a method. */
    static boolean isToken(CharSequence text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 128 || !(NAME[c] || (c >= 'A' && c <= 'Z'))) {
                return false;
            }
        }
        return text.length() > 0;
    }

    /** Whether all characters are visible ones of ASCII, and there is one. */
    static boolean isVisible(CharSequence text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c >= 0x7f) {
                return false;
            }
        }
        return text.length() > 0;
    }

    /** Whether this can be a value: no control but TAB, no blank at either end. */
    static boolean isValue(CharSequence value) {
        int length = value.length();
        if (length == 0) {
            return true;
        }
        if (isBlank(value.charAt(0)) || isBlank(value.charAt(length - 1))) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c == 0x7f) {
                return false;
            }
        }
        return true;
    }

    /** Whether a field belongs to a connection of HTTP/1.1 and must not occur here (RFC 9113 8.2.2). */
    static boolean isOfConnection(CharSequence name) {
        return switch (name.length()) {
            case 7 -> is(name, "upgrade");
            case 10 -> is(name, "connection") || is(name, "keep-alive");
            case 14 -> is(name, "http2-settings");
            case 16 -> is(name, "proxy-connection");
            case 17 -> is(name, "transfer-encoding");
            default -> false;
        };
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }

    private static boolean is(CharSequence name, String other) {
        return AsciiString.contentEquals(name, other);
    }
}
