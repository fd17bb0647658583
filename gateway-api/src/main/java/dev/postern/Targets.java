package dev.postern;

/** The characters that may stand in a request target and an authority (RFC 3986, RFC 9112 3.2). */
final class Targets {
    private Targets() {}

    static String path(String path) {
        if (path.isEmpty() || path.charAt(0) != '/') {
            throw new IllegalArgumentException("path: " + FieldRules.shown(path) + " (expected: begins with /)");
        }
        return visible("path", path, "?#\"<>\\^`{|}");
    }

    static String query(String query) {
        return visible("query", query, "#\"<>\\^`{}");
    }

    static String authority(String authority) {
        if (authority.isEmpty()) {
            throw new IllegalArgumentException("authority: \"\" (expected: host or host:port)");
        }
        return visible("authority", authority, "/?#@\"<>\\^`{|} ");
    }

    /** A host without a port; IPv6 addresses in brackets. */
    static String host(String host) {
        authority(host);
        if (host.indexOf(':') >= 0 && !(host.charAt(0) == '[' && host.indexOf(']') == host.length() - 1)) {
            throw new IllegalArgumentException(
                    "host: " + FieldRules.shown(host) + " (expected: a name without a port)");
        }
        return host;
    }

    private static String visible(String what, String text, String forbidden) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c >= 127 || forbidden.indexOf(c) >= 0) {
                throw new IllegalArgumentException(what + ": " + FieldRules.shown(text) + " (character 0x"
                        + Integer.toHexString(c) + " at " + i + " must be percent-encoded)");
            }
        }
        return text;
    }
}
