package dev.postern.runtime.edge;

import dev.postern.Failure;
import dev.postern.GatewayException;
import java.util.Locale;

/**
 * The one valid spelling of a {@code Host} or {@code :authority}: a name, an IPv4 address or an IPv6 address in brackets,
 * lower-case and without a trailing dot, with a port from 1 to 65535 or none. Userinfo, paths, lists, percent escapes and
 * characters outside letters, digits, {@code -}, {@code _} and {@code .} are refused; so are names that other readers take
 * for numbers ({@code 0x7f.1}, {@code 127.1}).
 */
public final class Authority {
    // RFC 1035 2.3.4.
    private static final int MAX_NAME = 253;
    private static final int MAX_LABEL = 63;

    private Authority() {}

    /**
     * The canonical spelling.
     *
     * @return {@code raw} itself when it is canonical
     * @throws GatewayException {@link Failure#BAD_REQUEST}, with one of the reasons {@code host.empty}, {@code
     *     host.bad_character}, {@code host.bad_name}, {@code host.bad_address}, {@code host.bad_port}
     */
    public static String canonical(String raw) {
        if (raw.isEmpty()) {
            throw refused("host.empty", "is empty");
        }
        return raw.charAt(0) == '[' ? bracketed(raw) : named(raw);
    }

    /** Where the host of a canonical authority ends and its port, if it has one, begins with a colon. */
    public static int hostEnd(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon > authority.lastIndexOf(']') ? colon : authority.length();
    }

    /** The host of a canonical authority, without port; addresses of version 6 keep their brackets. */
    public static String host(String authority) {
        return authority.substring(0, hostEnd(authority));
    }

    /** The port of a canonical authority, or -1 when it names none. */
    public static int port(String authority) {
        int end = hostEnd(authority);
        return end == authority.length() ? -1 : Integer.parseInt(authority, end + 1, authority.length(), 10);
    }

    private static String bracketed(String raw) {
        int close = raw.indexOf(']');
        long[] bits = new long[2];
        if (close < 0 || !IpLiteral.v6(raw, 1, close, bits)) {
            throw refused("host.bad_address", "is not an IPv6 address in brackets");
        }
        checkPort(raw, close + 1);
        String canonical = '[' + IpLiteral.v6(bits[0], bits[1]) + raw.substring(close);
        return canonical.equals(raw) ? raw : canonical;
    }

    private static String named(String raw) {
        int length = raw.length();
        int label = 0;
        int end = 0;
        boolean upper = false;
        while (end < length && raw.charAt(end) != ':') {
            char c = raw.charAt(end);
            if (c == '.') {
                checkLabel(label, end);
                label = end + 1;
            } else if (c >= 'A' && c <= 'Z') {
                upper = true;
            } else if (!isNameCharacter(c)) {
                throw refused("host.bad_character", "has a character that names do not have at " + end);
            }
            end++;
        }
        // A dot at the end only says that the name is complete.
        boolean rooted = label == end && end > 0;
        int nameEnd = rooted ? end - 1 : end;
        if (!rooted) {
            checkLabel(label, end);
        }
        if (nameEnd > MAX_NAME) {
            throw refused("host.bad_name", "is longer than " + MAX_NAME + " characters");
        }
        if (endsInNumber(raw, nameEnd) && IpLiteral.v4(raw, 0, nameEnd) < 0) {
            throw refused("host.bad_address", "ends in a number and is not an IPv4 address");
        }
        checkPort(raw, end);
        if (!rooted && !upper) {
            return raw;
        }
        return (raw.substring(0, nameEnd) + raw.substring(end)).toLowerCase(Locale.ROOT);
    }

    private static void checkLabel(int start, int end) {
        if (start == end || end - start > MAX_LABEL) {
            throw refused("host.bad_name", "has a label that is empty or longer than " + MAX_LABEL + " characters");
        }
    }

    private static boolean isNameCharacter(char c) {
        return (c >= 'a' && c <= 'z') || IpLiteral.isDigit(c) || c == '-' || c == '_';
    }

    // WHATWG URL, "ends in a number": what inet_aton takes for an address must be one to us, or nothing.
    private static boolean endsInNumber(String raw, int end) {
        int start = raw.lastIndexOf('.', end - 1) + 1;
        boolean hex = raw.startsWith("0x", start) || raw.startsWith("0X", start);
        for (int i = hex ? start + 2 : start; i < end; i++) {
            char c = raw.charAt(i);
            if (!IpLiteral.isDigit(c) && !(hex && Character.digit(c, 16) >= 0)) {
                return false;
            }
        }
        return true;
    }

    private static void checkPort(String raw, int at) {
        int length = raw.length();
        if (at == length) {
            return;
        }
        int port = 0;
        int digits = at + 1;
        for (int i = digits; i < length && i - digits < 6; i++) {
            char c = raw.charAt(i);
            port = IpLiteral.isDigit(c) ? port * 10 + c - '0' : 1 << 20;
        }
        boolean leadingZero = digits < length && raw.charAt(digits) == '0';
        if (raw.charAt(at) != ':' || leadingZero || port < 1 || port > 65535 || length - digits > 5) {
            throw refused("host.bad_port", "has a port that is not a number from 1 to 65535");
        }
    }

    private static GatewayException refused(String reason, String what) {
        return new GatewayException(Failure.BAD_REQUEST, reason, "the host " + what, null);
    }
}
