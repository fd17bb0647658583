package dev.postern.security;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The signature algorithms that tokens may use (RFC 7518 3.1, RFC 8037). There is no {@code none} among them. */
public enum JwtAlgorithm {
    /** RSA PKCS #1 v1.5 with SHA-256. */
    RS256(Family.RSA),
    /** RSA PKCS #1 v1.5 with SHA-384. */
    RS384(Family.RSA),
    /** RSA PKCS #1 v1.5 with SHA-512. */
    RS512(Family.RSA),
    /** RSA PSS with SHA-256. */
    PS256(Family.RSA),
    /** RSA PSS with SHA-384. */
    PS384(Family.RSA),
    /** RSA PSS with SHA-512. */
    PS512(Family.RSA),
    /** ECDSA on P-256 with SHA-256. */
    ES256(Family.P256),
    /** ECDSA on P-384 with SHA-384. */
    ES384(Family.P384),
    /** ECDSA on P-521 with SHA-512. */
    ES512(Family.P521),
    /** Ed25519; tokens may also call it {@code Ed25519} (RFC 9864). */
    EDDSA(Family.ED25519),
    /** HMAC with SHA-256: whoever can check tokens can make them. */
    HS256(Family.HMAC),
    /** HMAC with SHA-384. */
    HS384(Family.HMAC),
    /** HMAC with SHA-512. */
    HS512(Family.HMAC);

    /** What kind of key an algorithm needs: the reason why a public RSA key can never be taken for an HMAC secret. */
    enum Family {
        RSA,
        P256,
        P384,
        P521,
        ED25519,
        HMAC
    }

    private static final Map<String, JwtAlgorithm> BY_NAME = byName();

    private final Family family;

    JwtAlgorithm(Family family) {
        this.family = family;
    }

    /** The algorithm that a token calls {@code name}, case-sensitive, or null. */
    static @Nullable JwtAlgorithm named(String name) {
        return BY_NAME.get(name);
    }

    private static Map<String, JwtAlgorithm> byName() {
        Map<String, JwtAlgorithm> all = new HashMap<>();
        for (JwtAlgorithm algorithm : values()) {
            all.put(algorithm == EDDSA ? "EdDSA" : algorithm.name(), algorithm);
        }
        all.put("Ed25519", EDDSA);
        return Map.copyOf(all);
    }

    Family family() {
        return family;
    }
}
