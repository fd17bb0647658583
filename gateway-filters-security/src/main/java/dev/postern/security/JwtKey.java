package dev.postern.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A key that verifies tokens, together with the algorithms it may be used with: these come from the key and never from
 * the token (RFC 8725 3.1).
 *
 * <p>A key made with {@link #withAlgorithm}, or from a JWK with an {@code alg}, does that algorithm only. Any other does
 * what its type is usually used for: RSA does {@code RS256}, an elliptic curve the algorithm named after it, Ed25519 does
 * {@code EdDSA}, a secret {@code HS256}; {@link JwtAuth.Builder#algorithms} may allow others of the same type.
 *
 * <p>Two keys are equal when id, algorithm and key are. Immutable; secrets are never shown.
 */
public final class JwtKey {
    private final @Nullable String id;
    private final @Nullable JwtAlgorithm algorithm;
    private final KeyMaterial material;

    private JwtKey(@Nullable String id, @Nullable JwtAlgorithm algorithm, KeyMaterial material) {
        this.id = id;
        this.algorithm = algorithm;
        this.material = material;
    }

    /**
     * A public key: RSA, elliptic curve (P-256, P-384, P-521) or Ed25519.
     *
     * @throws IllegalArgumentException when it is of another kind
     */
    public static JwtKey of(PublicKey key) {
        return new JwtKey(null, null, KeyMaterial.of(key));
    }

    /** A secret shared with the issuer, for HMAC. As long as the hash or longer: 32 bytes for {@code HS256}. Copied. */
    public static JwtKey secret(byte[] secret) {
        return new JwtKey(null, null, KeyMaterial.secret(secret.clone()));
    }

    /**
     * The keys of a JWK set in JSON (RFC 7517 5), without those that are not for verifying signatures.
     *
     * @throws IllegalArgumentException when the text is no key set
     */
    public static List<JwtKey> set(String json) {
        try {
            return JwksReader.read(json.getBytes(StandardCharsets.UTF_8));
        } catch (IOException malformed) {
            throw new IllegalArgumentException("JWK set: " + malformed.getMessage(), malformed);
        }
    }

    /** The same key under an id, which tokens name in {@code kid}: 1 to 256 characters, compared exactly. */
    public JwtKey withId(String newId) {
        if (newId.isEmpty() || newId.length() > CompactToken.MAX_KEY_ID) {
            throw new IllegalArgumentException("key id: " + newId.length() + " characters (expected: 1 to 256)");
        }
        return new JwtKey(newId, algorithm, material);
    }

    /**
     * The same key for one algorithm only.
     *
     * @throws IllegalArgumentException when a key of this type cannot do it
     */
    public JwtKey withAlgorithm(JwtAlgorithm only) {
        if (only.family() != material.family()) {
            throw new IllegalArgumentException(
                    "algorithm: " + only + " (expected: one for keys of type " + material.family() + ")");
        }
        return new JwtKey(id, only, material);
    }

    /** The id, or null. */
    public @Nullable String id() {
        return id;
    }

    /** What is too weak about this key, or null. */
    @Nullable
    String weakness() {
        return material.weakness(algorithm == null ? usual() : algorithm);
    }

    /**
     * Whether a token may use this algorithm with this key.
     *
     * @param allowed the algorithms that the filter allows; empty when it leaves them to the key
     */
    boolean allows(JwtAlgorithm wanted, Set<JwtAlgorithm> allowed) {
        if (wanted.family() != material.family() || (!allowed.isEmpty() && !allowed.contains(wanted))) {
            return false;
        }
        if (algorithm != null) {
            return wanted == algorithm;
        }
        return !allowed.isEmpty() || wanted == usual();
    }

    /** Whether checking takes so little time, below 100 microseconds, that an event loop may do it. */
    boolean quick(JwtAlgorithm with) {
        return material.quick(with);
    }

    /** Whether the signature is one of this key over these bytes. */
    boolean verifies(JwtAlgorithm with, byte[] signed, byte[] signature) {
        return material.verifies(with, signed, signature);
    }

    private JwtAlgorithm usual() {
        return switch (material.family()) {
            case RSA -> JwtAlgorithm.RS256;
            case P256 -> JwtAlgorithm.ES256;
            case P384 -> JwtAlgorithm.ES384;
            case P521 -> JwtAlgorithm.ES512;
            case ED25519 -> JwtAlgorithm.EDDSA;
            case HMAC -> JwtAlgorithm.HS256;
        };
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof JwtKey that
                && Objects.equals(that.id, id)
                && that.algorithm == algorithm
                && that.material.equals(material);
    }

    @Override
    public int hashCode() {
        return material.hashCode();
    }

    /** Type and id: {@code rsa key "2026-01"}. */
    @Override
    public String toString() {
        String type = material.family().name().toLowerCase(Locale.ROOT) + " key";
        return id == null ? type : type + " \"" + Text.shown(id) + '"';
    }
}
