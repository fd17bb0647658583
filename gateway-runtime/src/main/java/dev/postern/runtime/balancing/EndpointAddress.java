package dev.postern.runtime.balancing;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The text of an endpoint, understood: scheme, host and port, and nothing else. What a URI may have besides (a path, a
 * query, credentials) is refused with the cure, since leaving it out silently would send requests elsewhere than written.
 */
public final class EndpointAddress {
    private static final String EXAMPLE = "http://10.0.0.7:8081";
    /** RFC 1035 2.3.4. */
    private static final int MAX_NAME = 253;

    private static final int MAX_LABEL = 63;

    private final boolean secure;
    private final String host;
    private final int port;
    private final @Nullable InetAddress literal;
    private final String authority;

    private EndpointAddress(boolean secure, String host, int port, @Nullable InetAddress literal) {
        this.secure = secure;
        this.host = host;
        this.port = port;
        this.literal = literal;
        String name = host.indexOf(':') >= 0 ? '[' + host + ']' : host;
        authority = port == (secure ? 443 : 80) ? name : name + ':' + port;
    }

    /**
     * Understands {@code http://name}, {@code https://10.0.0.7:8443}, {@code http://[2001:db8::7]:8081}. The port is 80 or
     * 443 unless given; scheme and host are made lower-case; one slash at the end is allowed.
     *
     * @throws IllegalArgumentException with what is wrong and the cure in parentheses
     */
    public static EndpointAddress of(String uri) {
        String text = uri.toLowerCase(Locale.ROOT);
        boolean secure = text.startsWith("https://");
        if (!secure && !text.startsWith("http://")) {
            throw wrong(
                    uri, text.contains("://") ? "has a scheme that is not served" : "has no scheme", "http or https");
        }
        String rest = text.substring(secure ? 8 : 7);
        if (rest.endsWith("/")) {
            rest = rest.substring(0, rest.length() - 1);
        }
        refuse(uri, rest, '@', "has credentials");
        refuse(uri, rest, '?', "has a query");
        refuse(uri, rest, '#', "has a fragment");
        refuse(uri, rest, '/', "has a path");
        int end = rest.startsWith("[")
                ? rest.indexOf(']') + 1
                : rest.indexOf(':') < 0 ? rest.length() : rest.indexOf(':');
        if (rest.startsWith("[") && end == 0) {
            throw wrong(uri, "has no closing bracket", "http://[2001:db8::7]:8081");
        }
        String host = rest.substring(0, end);
        int port = port(uri, rest.substring(end), secure ? 443 : 80);
        if (host.startsWith("[")) {
            String bare = host.substring(1, host.length() - 1);
            return new EndpointAddress(secure, bare, port, ipv6(uri, bare));
        }
        return new EndpointAddress(secure, host, port, nameOrIpv4(uri, host));
    }

    /** What is wrong with the text of an endpoint, with the cure in parentheses; null when nothing is. */
    public static @Nullable String problem(String uri) {
        try {
            of(uri);
            return null;
        } catch (IllegalArgumentException wrong) {
            return wrong.getMessage();
        }
    }

    /** Whether it is spoken to over TLS. */
    public boolean secure() {
        return secure;
    }

    /** The name or address, lower-case; IPv6 without brackets. */
    public String host() {
        return host;
    }

    /** 1 to 65535. */
    public int port() {
        return port;
    }

    /** The address when the host is one, so that nothing needs to be looked up; null when it is a name. */
    public @Nullable InetAddress literal() {
        return literal;
    }

    /** What {@code Host} says: IPv6 in brackets, the port unless it is the scheme's own. */
    public String authority() {
        return authority;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof EndpointAddress that && that.secure == secure && that.authority.equals(authority);
    }

    @Override
    public int hashCode() {
        return authority.hashCode();
    }

    /** The canonical text: two texts for the same address give one. */
    @Override
    public String toString() {
        return (secure ? "https://" : "http://") + authority;
    }

    private static void refuse(String uri, String rest, char mark, String what) {
        if (rest.indexOf(mark) >= 0) {
            throw wrong(uri, what, "scheme, host and port alone: " + EXAMPLE);
        }
    }

    private static int port(String uri, String text, int otherwise) {
        if (text.isEmpty()) {
            return otherwise;
        }
        int port = 0;
        // At most five digits, so the number cannot overflow.
        boolean good = text.charAt(0) == ':' && text.length() > 1 && text.length() <= 6;
        for (int i = 1; good && i < text.length(); i++) {
            good = isDigit(text.charAt(i));
            port = port * 10 + (text.charAt(i) - '0');
        }
        if (!good || port < 1 || port > 65535) {
            throw wrong(uri, "has a bad port", "1 to 65535");
        }
        return port;
    }

    private static InetAddress ipv6(String uri, String bare) {
        for (int i = 0; i < bare.length(); i++) {
            char c = bare.charAt(i);
            if (c != ':' && c != '.' && Character.digit(c, 16) < 0) {
                throw wrong(uri, "has a bad IPv6 address", "http://[2001:db8::7]:8081, without a zone");
            }
        }
        try {
            // Only digits, colons and dots: the JDK parses it and looks nothing up.
            return InetAddress.getByName('[' + bare + ']');
        } catch (UnknownHostException notAnAddress) {
            throw wrong(uri, "has a bad IPv6 address", "http://[2001:db8::7]:8081");
        }
    }

    private static @Nullable InetAddress nameOrIpv4(String uri, String host) {
        if (host.isEmpty()) {
            throw wrong(uri, "has no host", EXAMPLE);
        }
        String[] labels = host.split("\\.", -1);
        // As in the URL standard: what ends in a number is an address, never a name.
        String last = labels[labels.length - 1];
        if (!last.isEmpty() && last.chars().allMatch(c -> isDigit((char) c))) {
            return ipv4(uri, labels);
        }
        boolean good = host.length() <= MAX_NAME;
        for (String label : labels) {
            good = good && isLabel(label);
        }
        if (!good) {
            throw wrong(uri, "has a bad host name", "letters, digits, hyphens, underscores and dots");
        }
        return null;
    }

    private static InetAddress ipv4(String uri, String[] parts) {
        byte[] bytes = new byte[4];
        boolean good = parts.length == 4;
        for (int i = 0; good && i < 4; i++) {
            String part = parts[i];
            // No leading zeros: some parsers take 010 for 8.
            good = !part.isEmpty() && part.length() <= 3 && (part.length() == 1 || part.charAt(0) != '0');
            int value = 0;
            for (int j = 0; good && j < part.length(); j++) {
                good = isDigit(part.charAt(j));
                value = value * 10 + (part.charAt(j) - '0');
            }
            good = good && value <= 255;
            bytes[i] = (byte) value;
        }
        if (!good) {
            throw wrong(uri, "has a bad IPv4 address", "four numbers from 0 to 255: " + EXAMPLE);
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("four bytes are an address", impossible);
        }
    }

    private static boolean isLabel(String label) {
        int length = label.length();
        if (length == 0 || length > MAX_LABEL || label.charAt(0) == '-' || label.charAt(length - 1) == '-') {
            return false;
        }
        for (int i = 0; i < length; i++) {
            char c = label.charAt(i);
            // Underscores are no host names by RFC 952, but container networks are full of them.
            if (!isDigit(c) && (c < 'a' || c > 'z') && c != '-' && c != '_') {
                return false;
            }
        }
        return true;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static IllegalArgumentException wrong(String uri, String what, String expected) {
        return new IllegalArgumentException("endpoint " + shown(uri) + ' ' + what + " (expected: " + expected + ')');
    }

    /** Fit for one line of a log, whatever it is: discoveries bring in text from outside. */
    private static String shown(String uri) {
        StringBuilder out = new StringBuilder("\"");
        for (int i = 0; i < uri.length() && i < 100; i++) {
            char c = uri.charAt(i);
            if (c < ' ' || c > 126) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        // A password must not get into a log by way of its refusal.
        String text = out.append(uri.length() > 100 ? "…\"" : "\"").toString();
        return text.replaceFirst("//[^/@\"]*@", "//…@");
    }
}
