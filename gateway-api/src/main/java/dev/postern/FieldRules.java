package dev.postern;

/** The grammar of field names and values (RFC 9110 5.1 and 5.5), as one table look-up per character. */
final class FieldRules {
    private static final boolean[] TOKEN = new boolean[128];

    static {
        for (char c = '0'; c <= '9'; c++) {
            TOKEN[c] = true;
        }
        for (char c = 'a'; c <= 'z'; c++) {
            TOKEN[c] = true;
            TOKEN[c - 'a' + 'A'] = true;
        }
        for (char c : "!#$%&'*+-.^_`|~".toCharArray()) {
            TOKEN[c] = true;
        }
    }

    private FieldRules() {}

    static boolean isToken(String text) {
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c >= 128 || !TOKEN[c]) {
                return false;
            }
        }
        return length > 0;
    }

    static String name(String name) {
        if (!isToken(name)) {
            throw new IllegalArgumentException("header name: " + shown(name) + " (expected: a token, RFC 9110 5.6.2)");
        }
        return name;
    }

    static String value(String name, String value) {
        int length = value.length();
        for (int i = 0; i < length; i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c == 127 || c > 255) {
                throw new IllegalArgumentException("value of header " + name + ": character 0x" + Integer.toHexString(c)
                        + " at " + i + " (expected: visible characters, blanks and tabs, RFC 9110 5.5)");
            }
        }
        if (length > 0 && (isBlank(value.charAt(0)) || isBlank(value.charAt(length - 1)))) {
            throw new IllegalArgumentException(
                    "value of header " + name + ": blank at an end (expected: none at either end, RFC 9110 5.5)");
        }
        return value;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }

    /** Makes hostile text fit for one line of a message: controls escaped, cut at 64 characters. */
    static String shown(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < text.length() && i < 64; i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > 126) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append(text.length() > 64 ? "…\"" : "\"").toString();
    }
}
