package dev.postern.runtime.edge;

import dev.postern.Failure;
import dev.postern.GatewayException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads a request target (RFC 9112 3.2): origin form; absolute form when scheme and authority say the same as the
 * connection and the {@code Host}; {@code *} for {@code OPTIONS}. Everything else is refused, fragments too.
 *
 * <p>The path becomes canonical. The query stays byte for byte, except that printable characters which no URI may hold raw
 * ({@code "<>\^`{}}) are escaped, as clients do write them.
 */
public final class TargetParser {
    private static final String NOT_IN_QUERY = "\"<>\\^`{}";

    private TargetParser() {}

    /**
     * What a request is for.
     *
     * @param path canonical; {@code /} for the asterisk form
     * @param query raw, null when there is no question mark
     * @param asterisk whether the server as a whole is meant: {@code OPTIONS *}
     */
    public record Target(String path, @Nullable String query, boolean asterisk) {}

    /**
     * Reads a target.
     *
     * @param method the method of the request
     * @param raw the target as received
     * @param scheme {@code http} or {@code https}, of the connection
     * @param authority the {@linkplain Authority#canonical canonical} {@code Host}
     * @throws GatewayException {@link Failure#BAD_REQUEST}, with a reason of {@link CanonicalPath}, {@link Authority}, or
     *     one of {@code target.empty}, {@code target.fragment}, {@code target.asterisk}, {@code target.authority_form},
     *     {@code target.scheme}, {@code target.authority_mismatch}, {@code query.control}, {@code query.blank}, {@code
     *     query.non_ascii}
     */
    public static Target parse(String method, String raw, String scheme, String authority) {
        if (raw.isEmpty()) {
            throw refused("target.empty", "is empty");
        }
        if (raw.indexOf('#') >= 0) {
            throw refused("target.fragment", "has a fragment");
        }
        if (raw.charAt(0) == '/') {
            return split(raw, 0);
        }
        if (raw.equals("*")) {
            if (!method.equals("OPTIONS")) {
                throw refused("target.asterisk", "is * and the method is not OPTIONS");
            }
            return new Target("/", null, true);
        }
        return absolute(raw, scheme, authority);
    }

    private static Target absolute(String raw, String scheme, String authority) {
        int colon = raw.indexOf("://");
        if (colon < 0) {
            throw refused("target.authority_form", "is neither a path nor an absolute URI");
        }
        if (colon != scheme.length() || !raw.regionMatches(true, 0, scheme, 0, colon)) {
            throw refused("target.scheme", "has another scheme than the connection");
        }
        int start = colon + 3;
        int end = start;
        while (end < raw.length() && raw.charAt(end) != '/' && raw.charAt(end) != '?') {
            end++;
        }
        String named = Authority.canonical(raw.substring(start, end));
        if (!withoutDefaultPort(named, scheme).equals(withoutDefaultPort(authority, scheme))) {
            throw refused("target.authority_mismatch", "names another host than the Host field");
        }
        // RFC 9112 3.2.1: an empty path is sent as a slash.
        return end < raw.length() && raw.charAt(end) == '/' ? split(raw, end) : split('/' + raw.substring(end), 0);
    }

    private static String withoutDefaultPort(String authority, String scheme) {
        int port = scheme.equals("https") ? 443 : 80;
        return Authority.port(authority) == port ? Authority.host(authority) : authority;
    }

    private static Target split(String raw, int start) {
        int mark = raw.indexOf('?', start);
        if (mark < 0) {
            return new Target(CanonicalPath.of(raw.substring(start)), null, false);
        }
        return new Target(CanonicalPath.of(raw.substring(start, mark)), query(raw.substring(mark + 1)), false);
    }

    private static String query(String raw) {
        int length = raw.length();
        int first = length;
        for (int i = length - 1; i >= 0; i--) {
            char c = raw.charAt(i);
            if (c <= ' ' || c >= 127) {
                throw refused(
                        c == ' ' ? "query.blank" : c > 127 ? "query.non_ascii" : "query.control",
                        "has a character in its query that must be percent-encoded");
            }
            first = NOT_IN_QUERY.indexOf(c) >= 0 ? i : first;
        }
        if (first == length) {
            return raw;
        }
        StringBuilder out = new StringBuilder(length + 16).append(raw, 0, first);
        for (int i = first; i < length; i++) {
            char c = raw.charAt(i);
            if (NOT_IN_QUERY.indexOf(c) >= 0) {
                out.append('%').append(Integer.toHexString(c).toUpperCase(Locale.ROOT));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static GatewayException refused(String reason, String what) {
        return new GatewayException(Failure.BAD_REQUEST, reason, "the request target " + what, null);
    }
}
