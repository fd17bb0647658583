package dev.postern.runtime.listener;

import dev.postern.ClientInfo;
import dev.postern.runtime.edge.IpLiteral;
import dev.postern.runtime.edge.RequestHead.Reported;
import dev.postern.runtime.message.Tokens;
import dev.postern.runtime.routing.Cidr;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who is calling. Identity fields count only when the socket's peer is a trusted proxy; then {@code X-Forwarded-For} is
 * read from the right, and the first address that is not trusted is the caller (T040).
 */
final class Callers {
    private final List<Cidr> trusted;

    Callers(List<String> networks) {
        List<Cidr> parsed = new ArrayList<>();
        for (String network : networks) {
            parsed.add(Cidr.parse(network));
        }
        trusted = List.copyOf(parsed);
    }

    /** Whether this peer's word counts. */
    boolean trusts(InetAddress address) {
        for (Cidr network : trusted) {
            if (network.contains(address)) {
                return true;
            }
        }
        return false;
    }

    /** The caller that a trusted peer reports. */
    ClientInfo behind(ClientInfo peer, Reported reported) {
        ClientInfo client = peer.viaTrustedProxy();
        if ("https".equalsIgnoreCase(reported.forwardedProto())) {
            client = client.encrypted();
        }
        InetAddress caller = reported.forwardedFor() == null ? null : caller(reported.forwardedFor());
        return caller == null ? client : client.withAddress(caller);
    }

    private @Nullable InetAddress caller(String forwardedFor) {
        List<String> hops = Tokens.of(forwardedFor);
        InetAddress nearest = null;
        for (int i = hops.size() - 1; i >= 0; i--) {
            InetAddress hop = address(withoutPort(hops.get(i)));
            if (hop == null) {
                // What a trusted proxy cannot have written ends the chain; what stood right of it still counts.
                return nearest;
            }
            nearest = hop;
            if (!trusts(hop)) {
                return hop;
            }
        }
        return nearest;
    }

    /** A literal only: a name would be looked up, and the client chooses the name. */
    private static @Nullable InetAddress address(String text) {
        try {
            long v4 = IpLiteral.v4(text, 0, text.length());
            if (v4 >= 0) {
                return InetAddress.getByAddress(
                        new byte[] {(byte) (v4 >>> 24), (byte) (v4 >>> 16), (byte) (v4 >>> 8), (byte) v4});
            }
            long[] bits = new long[2];
            if (IpLiteral.v6(text, 0, text.length(), bits)) {
                return InetAddress.getByAddress(ByteBuffer.allocate(16)
                        .putLong(bits[0])
                        .putLong(bits[1])
                        .array());
            }
            return null;
        } catch (UnknownHostException impossible) {
            throw new IllegalStateException("an address of 4 or 16 bytes was refused", impossible);
        }
    }

    /** {@code 192.0.2.1:4711} and {@code [2001:db8::1]:4711} occur; a bare IPv6 address has colons of its own. */
    private static String withoutPort(String hop) {
        if (hop.startsWith("[")) {
            int end = hop.indexOf(']');
            return end < 0 ? hop : hop.substring(1, end);
        }
        int colon = hop.indexOf(':');
        return colon >= 0 && colon == hop.lastIndexOf(':') ? hop.substring(0, colon) : hop;
    }
}
