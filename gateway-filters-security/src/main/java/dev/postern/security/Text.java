package dev.postern.security;

/** Small rules about texts that end up in header fields or logs. */
final class Text {
    private Text() {}

    /** Fit for one line of a log: what is not visible ASCII escaped, cut at 64 characters. */
    static String shown(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length() && i < 64; i++) {
            char c = text.charAt(i);
            out.append(c < ' ' || c > '~' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        }
        return out.append(text.length() > 64 ? "…" : "").toString();
    }

    /** A realm: visible ASCII and blanks without quotation marks and backslashes, so that it needs no escapes. */
    static String realm(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || c == '"' || c == '\\') {
                throw new IllegalArgumentException(
                        "realm: \"" + shown(text) + "\" (expected: visible ASCII without \" and \\)");
            }
        }
        return text;
    }

    /** A scope as RFC 6749 3.3 has it. */
    static String scope(String text) {
        boolean token = !text.isEmpty();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            token &= c > ' ' && c <= '~' && c != '"' && c != '\\';
        }
        if (!token) {
            throw new IllegalArgumentException(
                    "scope: \"" + shown(text) + "\" (expected: visible ASCII without blanks, \" and \\)");
        }
        return text;
    }

    /** A challenge for {@code WWW-Authenticate}: {@code Bearer realm="api", error="invalid_token"}. */
    static String challenge(String scheme, String realm, String... parameters) {
        StringBuilder out =
                new StringBuilder(scheme).append(" realm=\"").append(realm).append('"');
        for (int i = 0; i < parameters.length; i += 2) {
            out.append(", ")
                    .append(parameters[i])
                    .append("=\"")
                    .append(parameters[i + 1])
                    .append('"');
        }
        return out.toString();
    }
}
