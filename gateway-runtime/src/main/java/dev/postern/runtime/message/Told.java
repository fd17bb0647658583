package dev.postern.runtime.message;

import java.net.Inet6Address;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What endpoints are told of the client in front of us, as text: clients send many requests, and all of them say the same.
 *
 * @param peer the address that the request came from
 * @param address the same as text, without a zone
 * @param element an element of {@code Forwarded}
 */
record Told(InetAddress peer, String host, String proto, String address, String element) {
    /** Clients that are remembered: half a megabyte at most, and whoever is not there costs two strings. */
    private static final int KNOWN_CLIENTS = 1024;

    // Written by all loops without a lock: a record is safe to share, and which of two wins does not matter.
    private static final @Nullable Told[] KNOWN = new Told[KNOWN_CLIENTS];

    static Told of(InetAddress peer, String host, String proto) {
        int place = (peer.hashCode() * 31 + host.hashCode()) & (KNOWN_CLIENTS - 1);
        Told known = KNOWN[place];
        if (known != null && known.peer.equals(peer) && known.host.equals(host) && known.proto.equals(proto)) {
            return known;
        }
        String address = text(peer);
        Told made = new Told(peer, host, proto, address, element(address, host, proto));
        KNOWN[place] = made;
        return made;
    }

    /** RFC 7239 4: IPv6 addresses stand in quotes and brackets, and a host with a port in quotes. */
    private static String element(String peer, String host, String proto) {
        StringBuilder text = new StringBuilder(64).append("for=");
        if (peer.indexOf(':') >= 0) {
            text.append("\"[").append(peer).append("]\"");
        } else {
            text.append(peer);
        }
        // Authorities are canonical: a colon is the one character of theirs that a token may not have.
        boolean quoted = host.indexOf(':') >= 0;
        text.append(";host=").append(quoted ? "\"" : "").append(host).append(quoted ? "\"" : "");
        return text.append(";proto=").append(proto).toString();
    }

    private static String text(InetAddress address) {
        String text = address.getHostAddress();
        // The zone of a link-local address means nothing to others.
        int zone = address instanceof Inet6Address ? text.indexOf('%') : -1;
        return zone < 0 ? text : text.substring(0, zone);
    }
}
