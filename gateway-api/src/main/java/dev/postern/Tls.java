package dev.postern;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The certificates of a listener, and whether clients have to show some. TLS 1.2 with authenticated encryption and TLS
 * 1.3, nothing older; no renegotiation, no early data.
 *
 * <p>All files are looked at every minute and read again when one has changed, together: what cannot be used is logged
 * once, and everything stays as it was. Immutable; each method gives a changed copy.
 */
public final class Tls {
    private final List<Pair> pairs;
    private final boolean refusesUnknownNames;
    private final @Nullable Path clientTrust;
    private final boolean requiresClientCertificate;
    private final boolean forwardsClientCertificate;
    private final boolean forwardsClientCertificateChain;
    private final Duration reloadEvery;

    private Tls(Draft draft) {
        pairs = List.copyOf(draft.pairs);
        refusesUnknownNames = draft.refusesUnknownNames;
        clientTrust = draft.clientTrust;
        requiresClientCertificate = draft.requiresClientCertificate;
        forwardsClientCertificate = draft.forwardsClientCertificate;
        forwardsClientCertificateChain = draft.forwardsClientCertificateChain;
        reloadEvery = draft.reloadEvery;
    }

    /** The values of the next one, while one of them is changed. */
    private static final class Draft {
        private List<Pair> pairs = List.of();
        private boolean refusesUnknownNames;
        private @Nullable Path clientTrust;
        private boolean requiresClientCertificate;
        private boolean forwardsClientCertificate;
        private boolean forwardsClientCertificateChain;
        private Duration reloadEvery = Duration.ofMinutes(1);

        Draft(Pair first) {
            pairs = List.of(first);
        }

        Draft(Tls from) {
            pairs = from.pairs;
            refusesUnknownNames = from.refusesUnknownNames;
            clientTrust = from.clientTrust;
            requiresClientCertificate = from.requiresClientCertificate;
            forwardsClientCertificate = from.forwardsClientCertificate;
            forwardsClientCertificateChain = from.forwardsClientCertificateChain;
            reloadEvery = from.reloadEvery;
        }
    }

    /**
     * A certificate and its key.
     *
     * @param certificate the file of the chain, its own certificate first, PEM
     * @param key the file of the PKCS#8 key, PEM
     */
    public record Pair(Path certificate, Path key) {
        /** Checks that both are there. */
        public Pair {
            Objects.requireNonNull(certificate, "certificate");
            Objects.requireNonNull(key, "key");
        }

        @Override
        public String toString() {
            return certificate + " (key " + key + ')';
        }
    }

    private Tls with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new Tls(draft);
    }

    /** A certificate chain, our own first, and its PKCS#8 key, both PEM. */
    public static Tls pem(Path chain, Path key) {
        return new Tls(new Draft(new Pair(chain, key)));
    }

    /**
     * One more certificate. A client gets the one whose alternative names have the host it asks for: exactly, else with
     * {@code *} for the first label, else the first one of all. Two for the same names are good with keys of two kinds.
     *
     * <p>A request for a host that another certificate is for is answered 421: it belongs on a connection of its own.
     */
    public Tls and(Path chain, Path key) {
        List<Pair> more = new ArrayList<>(pairs);
        more.add(new Pair(chain, key));
        return with(draft -> draft.pairs = more);
    }

    /**
     * Refuses the handshake of clients that ask for a host none of the certificates is for, or for no host; the default
     * is to show them the first certificate. Requests for such hosts are answered 421.
     */
    public Tls refuseUnknownNames() {
        return with(draft -> draft.refusesUnknownNames = true);
    }

    /**
     * Demands a certificate of every client, issued by one of the authorities in this PEM file; the default is to ask for
     * none. It is then in {@link ClientInfo#certificates()}, and the caller's {@link Exchange#principal()}.
     */
    public Tls requireClientCertificate(Path authoritiesPem) {
        Objects.requireNonNull(authoritiesPem, "authoritiesPem");
        return with(draft -> {
            draft.clientTrust = authoritiesPem;
            draft.requiresClientCertificate = true;
        });
    }

    /**
     * Asks clients for a certificate and serves those without one too: filters decide. One that is shown has to be issued
     * by one of the authorities in this PEM file, as if it were demanded.
     */
    public Tls requestClientCertificate(Path authoritiesPem) {
        Objects.requireNonNull(authoritiesPem, "authoritiesPem");
        return with(draft -> {
            draft.clientTrust = authoritiesPem;
            draft.requiresClientCertificate = false;
        });
    }

    /**
     * Tells upstreams the certificate of the client in {@code Client-Cert} (RFC 9440); the default is not to. Upstreams
     * must then be reachable through the gateway only: they believe the header. What a client sends by that name is
     * removed in any case.
     */
    public Tls forwardClientCertificate() {
        return with(draft -> draft.forwardsClientCertificate = true);
    }

    /** The same, and the certificates between the client's and its authority's in {@code Client-Cert-Chain}. */
    public Tls forwardClientCertificateChain() {
        return with(draft -> {
            draft.forwardsClientCertificate = true;
            draft.forwardsClientCertificateChain = true;
        });
    }

    /** How often the files are looked at, more than zero; the default is a minute. */
    public Tls reloadEvery(Duration interval) {
        return with(draft -> draft.reloadEvery = Durations.positive("reloadEvery", interval));
    }

    /** The file of the first certificate chain. */
    public Path certificate() {
        return pairs.get(0).certificate();
    }

    /** The file of the first key. */
    public Path key() {
        return pairs.get(0).key();
    }

    /** All certificates; the first one is for hosts that none is for. */
    public List<Pair> pairs() {
        return pairs;
    }

    /** Whether hosts that no certificate is for are refused. */
    public boolean refusesUnknownNames() {
        return refusesUnknownNames;
    }

    /** The file of the authorities that clients' certificates are issued by, or null when none are asked for. */
    public @Nullable Path clientTrust() {
        return clientTrust;
    }

    /** Whether clients without a certificate are refused. */
    public boolean requiresClientCertificate() {
        return requiresClientCertificate;
    }

    /** Whether upstreams are told the certificate of the client. */
    public boolean forwardsClientCertificate() {
        return forwardsClientCertificate;
    }

    /** Whether upstreams are told the rest of its chain too. */
    public boolean forwardsClientCertificateChain() {
        return forwardsClientCertificateChain;
    }

    /** How often the files are looked at. */
    public Duration reloadEvery() {
        return reloadEvery;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Tls that
                && that.pairs.equals(pairs)
                && that.refusesUnknownNames == refusesUnknownNames
                && Objects.equals(that.clientTrust, clientTrust)
                && that.requiresClientCertificate == requiresClientCertificate
                && that.forwardsClientCertificate == forwardsClientCertificate
                && that.forwardsClientCertificateChain == forwardsClientCertificateChain
                && that.reloadEvery.equals(reloadEvery);
    }

    @Override
    public int hashCode() {
        return pairs.hashCode();
    }

    @Override
    public String toString() {
        return "TLS " + certificate() + (pairs.size() > 1 ? " and " + (pairs.size() - 1) + " more" : "");
    }
}
