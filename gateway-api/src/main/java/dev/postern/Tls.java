package dev.postern;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The certificate a listener presents. TLS 1.2 and 1.3, nothing older. The files are looked at every minute and read
 * again when they have changed; a pair that cannot be used is logged and the old one stays.
 */
public final class Tls {
    private final Path certificate;
    private final Path key;
    private final Duration reloadEvery;

    private Tls(Path certificate, Path key, Duration reloadEvery) {
        this.certificate = certificate;
        this.key = key;
        this.reloadEvery = reloadEvery;
    }

    /** A certificate chain, our own first, and its PKCS#8 key, both PEM. */
    public static Tls pem(Path chain, Path key) {
        return new Tls(
                Objects.requireNonNull(chain, "chain"), Objects.requireNonNull(key, "key"), Duration.ofMinutes(1));
    }

    /** How often the files are looked at, more than zero. */
    public Tls reloadEvery(Duration interval) {
        return new Tls(certificate, key, Durations.positive("reloadEvery", interval));
    }

    /** The file of the certificate chain. */
    public Path certificate() {
        return certificate;
    }

    /** The file of the key. */
    public Path key() {
        return key;
    }

    /** How often the files are looked at. */
    public Duration reloadEvery() {
        return reloadEvery;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Tls that
                && that.certificate.equals(certificate)
                && that.key.equals(key)
                && that.reloadEvery.equals(reloadEvery);
    }

    @Override
    public int hashCode() {
        return certificate.hashCode();
    }

    @Override
    public String toString() {
        return "TLS " + certificate;
    }
}
