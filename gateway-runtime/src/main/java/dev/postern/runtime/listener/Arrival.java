package dev.postern.runtime.listener;

import dev.postern.ClientInfo;
import dev.postern.Tls;
import dev.postern.runtime.edge.Authority;
import dev.postern.runtime.message.ClientCertificate;
import dev.postern.runtime.tls.ReloadingTls;
import dev.postern.runtime.tls.ServerTls;
import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** One accepted connection, as known from its socket and its handshake. On the loop of the connection, but for its making. */
final class Arrival {
    private InetSocketAddress peer;
    private final @Nullable ReloadingTls tls;
    private final int judgement;
    private final boolean trial;
    private @Nullable SSLSession session;
    // Made for the first request that is told of it: one encoding for all of a connection.
    private @Nullable ClientCertificate told;
    private boolean toldChain;

    /**
     * An arrival, on the acceptor's thread.
     *
     * @param tls the listener's, or null
     * @param trial whether the listener is not open yet: then nothing is served, and no client certificate asked for
     */
    Arrival(Channel channel, @Nullable ReloadingTls tls, boolean trial) {
        // A domain socket has no address; whoever can open it is on this machine.
        peer = channel.remoteAddress() instanceof InetSocketAddress address
                ? address
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        this.tls = tls;
        // Before the handler for the handshake is made: it judges by these rules, or by newer ones.
        judgement = tls == null ? 0 : tls.judgement();
        this.trial = trial;
    }

    /** Whether it came before the listener was found to be in order. */
    boolean isTrial() {
        return trial;
    }

    /** A load balancer that may say so has said who the other end is. */
    void comesFrom(InetSocketAddress source) {
        peer = source;
    }

    /** The address of the other end. */
    InetSocketAddress peer() {
        return peer;
    }

    /** The handshake is over. */
    void secured(SSLSession agreed) {
        session = agreed;
    }

    /** The other end. */
    ClientInfo client() {
        ClientInfo client = ClientInfo.of(peer);
        SSLSession agreed = session;
        return agreed == null ? client : client.encrypted().withCertificates(certificates(agreed));
    }

    /** What upstreams are told of the certificate of the other end; null where they are told nothing at all. */
    @Nullable
    ClientCertificate told() {
        Tls config = tls == null ? null : tls.current().config();
        if (config == null || !config.forwardsClientCertificate()) {
            return null;
        }
        ClientCertificate known = told;
        if (known == null || toldChain != config.forwardsClientCertificateChain()) {
            SSLSession agreed = session;
            toldChain = config.forwardsClientCertificateChain();
            known = agreed == null ? ClientCertificate.NONE : ClientCertificate.of(certificates(agreed), toldChain);
            told = known;
        }
        return known;
    }

    /** Whether the other end was judged by rules that are not in force any more: then it has to come again. */
    boolean isOutdated() {
        return tls != null && tls.judgement() != judgement;
    }

    /** Whether the certificate that was shown is for this host (RFC 9110 15.5.20). */
    boolean isFor(String authority) {
        SSLSession agreed = session;
        if (tls == null || agreed == null) {
            return true;
        }
        ServerTls current = tls.current();
        return !current.hasSeveral() || current.isFor(agreed, Authority.host(authority));
    }

    /** The chain that the other end was verified by; empty when it has shown none. */
    static List<X509Certificate> certificates(SSLSession session) {
        try {
            List<X509Certificate> chain = new ArrayList<>();
            for (Certificate certificate : session.getPeerCertificates()) {
                chain.add((X509Certificate) certificate);
            }
            return chain;
        } catch (SSLPeerUnverifiedException none) {
            return List.of();
        }
    }
}
