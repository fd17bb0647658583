package dev.postern.runtime.routing;

import dev.postern.GatewayException;
import dev.postern.runtime.edge.Authority;
import dev.postern.runtime.edge.IpLiteral;
import java.net.IDN;
import org.jspecify.annotations.Nullable;

/** A host name, or every name below one: {@code *.example.com} takes one label or more, never {@code example.com} itself. */
record HostPattern(String name, boolean wildcard) {
    /**
     * Reads a host.
     *
     * @throws IllegalArgumentException when no request can have it; the message says what to write
     */
    static HostPattern parse(String text) {
        boolean wildcard = text.startsWith("*.");
        String name = wildcard ? text.substring(2) : text;
        if (text.equals("*")) {
            throw bad(text, "(leave the host out to take every host)");
        }
        if (name.indexOf('*') >= 0) {
            throw bad(text, "(expected: a star only as the whole first label, *.example.com)");
        }
        String canonical;
        try {
            canonical = Authority.canonical(name);
        } catch (GatewayException refused) {
            throw bad(text, cure(text, name, refused));
        }
        if (Authority.port(canonical) >= 0) {
            throw bad(text, "(leave the port out: ports do not count)");
        }
        boolean address = canonical.startsWith("[") || IpLiteral.v4(canonical, 0, canonical.length()) >= 0;
        if (wildcard && address) {
            throw bad(text, "(expected: no star before an address)");
        }
        return new HostPattern(canonical, wildcard);
    }

    private static String cure(String text, String name, GatewayException refused) {
        if (name.chars().anyMatch(c -> c > 127)) {
            try {
                return "(write \"" + (text.startsWith("*.") ? "*." : "") + IDN.toASCII(name) + "\")";
            } catch (IllegalArgumentException notAName) {
                return "(" + refused.getMessage() + ")";
            }
        }
        return "(" + refused.getMessage() + ")";
    }

    private static IllegalArgumentException bad(String text, String what) {
        return new IllegalArgumentException("host \"" + text + "\" can match no request " + what);
    }

    /** What both take, or null when they have no host in common. */
    @Nullable
    HostPattern and(HostPattern other) {
        if (covers(other)) {
            return other;
        }
        return other.covers(this) ? this : null;
    }

    boolean covers(HostPattern other) {
        return equals(other) || (wildcard && other.name.endsWith('.' + name));
    }

    /** Whether it takes the first {@code end} characters of a canonical authority. */
    boolean matches(String authority, int end) {
        if (!wildcard) {
            return end == name.length() && authority.startsWith(name);
        }
        int start = end - name.length();
        return start > 1 && authority.startsWith(name, start) && authority.charAt(start - 1) == '.';
    }

    @Override
    public String toString() {
        return wildcard ? "*." + name : name;
    }
}
