package dev.postern;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who is on the other end. {@link #address()} is the caller's as far as it can be known: the socket's peer, or, when that
 * peer is one of the listener's trusted proxies, the nearest untrusted hop that the proxies report.
 */
public final class ClientInfo {
    private static final ClientInfo LOCAL = of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));

    private final InetSocketAddress peer;
    private final InetAddress address;
    private final boolean secure;
    private final boolean trustedPeer;
    private final List<X509Certificate> certificates;
    // Made when first asked for, and kept with the connection; whoever races makes the same.
    private @Nullable String key;

    private ClientInfo(
            InetSocketAddress peer,
            InetAddress address,
            boolean secure,
            boolean trustedPeer,
            List<X509Certificate> certificates) {
        this.peer = peer;
        this.address = address;
        this.secure = secure;
        this.trustedPeer = trustedPeer;
        this.certificates = certificates;
    }

    /** A caller over cleartext, directly connected; the address must be resolved. */
    public static ClientInfo of(InetSocketAddress peer) {
        if (peer.isUnresolved()) {
            throw new IllegalArgumentException("peer: " + peer + " (expected: a resolved address)");
        }
        return new ClientInfo(peer, peer.getAddress(), false, false, List.of());
    }

    /** The host application itself: loopback, port 0. */
    public static ClientInfo local() {
        return LOCAL;
    }

    /**
     * The address and port of the socket's other end; behind a load balancer that speaks the PROXY protocol, of the socket's
     * that it passes on.
     */
    public InetSocketAddress peer() {
        return peer;
    }

    /** The caller's address, seen through trusted proxies. Limits and access rules go by this one. */
    public InetAddress address() {
        return address;
    }

    /** Whether the caller's connection, to us or to a trusted proxy, is encrypted. */
    public boolean secure() {
        return secure;
    }

    /** Whether the socket's peer is one of the listener's trusted proxies. */
    public boolean trustedPeer() {
        return trustedPeer;
    }

    /** The verified certificate chain of the peer, its own first; empty without mutual TLS. */
    public List<X509Certificate> certificates() {
        return certificates;
    }

    /** {@link RequestKey#client}. */
    String key() {
        String known = key;
        if (known == null) {
            known = address instanceof Inet6Address
                    ? HexFormat.of().formatHex(address.getAddress(), 0, 8)
                    : address.getHostAddress();
            key = known;
        }
        return known;
    }

    /** The same peer, calling for another address. */
    public ClientInfo withAddress(InetAddress newAddress) {
        Objects.requireNonNull(newAddress, "newAddress");
        return new ClientInfo(peer, newAddress, secure, trustedPeer, certificates);
    }

    /** The same caller over an encrypted connection. */
    public ClientInfo encrypted() {
        return new ClientInfo(peer, address, true, trustedPeer, certificates);
    }

    /** The same caller, whose socket belongs to a trusted proxy. */
    public ClientInfo viaTrustedProxy() {
        return new ClientInfo(peer, address, secure, true, certificates);
    }

    /** The same caller with a verified certificate chain. */
    public ClientInfo withCertificates(List<X509Certificate> chain) {
        return new ClientInfo(peer, address, secure, trustedPeer, List.copyOf(chain));
    }

    @Override
    public String toString() {
        return address.getHostAddress();
    }
}
