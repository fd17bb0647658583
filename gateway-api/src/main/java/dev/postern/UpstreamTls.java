package dev.postern;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How certificates of {@code https} endpoints are judged. The default verifies the chain against the JVM's trust store
 * and the name against the endpoint's host.
 */
public final class UpstreamTls {
    private static final UpstreamTls DEFAULT = new UpstreamTls(null, null, null, null, false, Duration.ofMinutes(1));

    private final @Nullable Path trust;
    private final @Nullable Path certificate;
    private final @Nullable Path key;
    private final @Nullable String serverName;
    private final boolean insecure;
    private final Duration reloadEvery;

    private UpstreamTls(
            @Nullable Path trust,
            @Nullable Path certificate,
            @Nullable Path key,
            @Nullable String serverName,
            boolean insecure,
            Duration reloadEvery) {
        this.trust = trust;
        this.certificate = certificate;
        this.key = key;
        this.serverName = serverName;
        this.insecure = insecure;
        this.reloadEvery = reloadEvery;
    }

    /** Verification against the JVM's trust store. */
    public static UpstreamTls verified() {
        return DEFAULT;
    }

    /** Trusts the certificates in this PEM file instead of the JVM's. */
    public UpstreamTls trust(Path pem) {
        return new UpstreamTls(Objects.requireNonNull(pem, "pem"), certificate, key, serverName, insecure, reloadEvery);
    }

    /** Presents a certificate of our own (PEM chain and PKCS#8 key). */
    public UpstreamTls certificate(Path chainPem, Path keyPem) {
        return new UpstreamTls(
                trust,
                Objects.requireNonNull(chainPem, "chainPem"),
                Objects.requireNonNull(keyPem, "keyPem"),
                serverName,
                insecure,
                reloadEvery);
    }

    /** Asks for and verifies this name instead of the endpoint's host. */
    public UpstreamTls serverName(String newServerName) {
        return new UpstreamTls(trust, certificate, key, Targets.host(newServerName), insecure, reloadEvery);
    }

    /** Believes any certificate: for tests only. The gateway warns at every start. */
    public UpstreamTls insecureTrustAnything() {
        return new UpstreamTls(trust, certificate, key, serverName, true, reloadEvery);
    }

    /**
     * How old what was read of the files may be when a connection is made, more than zero; the default is a minute. Older
     * than that, they are looked at again: changed files are used from that connection on. Connections that are open stay.
     */
    public UpstreamTls reloadEvery(Duration interval) {
        return new UpstreamTls(
                trust, certificate, key, serverName, insecure, Durations.positive("reloadEvery", interval));
    }

    /** The PEM file of trusted certificates, or null for the JVM's. */
    public @Nullable Path trust() {
        return trust;
    }

    /** Our certificate chain, or null. */
    public @Nullable Path certificate() {
        return certificate;
    }

    /** Our key, or null. */
    public @Nullable Path key() {
        return key;
    }

    /** The name to ask for, or null for the endpoint's host. */
    public @Nullable String serverName() {
        return serverName;
    }

    /** How often the files are looked at. */
    public Duration reloadEvery() {
        return reloadEvery;
    }

    /** Whether nothing is verified. */
    public boolean insecure() {
        return insecure;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof UpstreamTls that
                && Objects.equals(that.trust, trust)
                && Objects.equals(that.certificate, certificate)
                && Objects.equals(that.key, key)
                && Objects.equals(that.serverName, serverName)
                && that.insecure == insecure
                && that.reloadEvery.equals(reloadEvery);
    }

    @Override
    public int hashCode() {
        return Objects.hash(trust, certificate, key, serverName, insecure, reloadEvery);
    }

    /** {@code verified by ca.pem, as "orders.internal", with certificate client.pem}. Files are named, never shown. */
    @Override
    public String toString() {
        return (insecure ? "not verified" : "verified" + (trust == null ? "" : " by " + trust))
                + (serverName == null ? "" : ", as \"" + serverName + '"')
                + (certificate == null ? "" : ", with certificate " + certificate);
    }
}
