package dev.postern.security;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.util.Base64URL;
import dev.postern.security.JwtAlgorithm.Family;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import org.jspecify.annotations.Nullable;

/**
 * A key, what it is worth and how it verifies. Equal by digest: no comparison ever touches a secret.
 *
 * <p>Nimbus does RSA, ECDSA and HMAC. Its Ed25519 needs the Tink library, the JDK's own does not.
 */
final class KeyMaterial {
    private static final int LEAST_RSA_BITS = 2048;
    // Checking takes time in the square of the modulus and in the length of the exponent: both bound what one token
    // costs.
    private static final int MOST_RSA_BITS = 8192;
    private static final int MOST_RSA_EXPONENT_BITS = 64;

    private final Family family;
    private final Sha256 digest;
    private final int bits;
    private final @Nullable String weakness;
    private final Check check;

    /** Must tolerate any bytes. */
    private interface Check {
        boolean passes(JwtAlgorithm with, byte[] signed, byte[] signature)
                throws JOSEException, GeneralSecurityException;
    }

    private KeyMaterial(Family family, Sha256 digest, int bits, @Nullable String weakness, Check check) {
        this.family = family;
        this.digest = digest;
        this.bits = bits;
        this.weakness = weakness;
        this.check = check;
    }

    static KeyMaterial of(PublicKey key) {
        if (key instanceof RSAPublicKey rsa) {
            return rsa(rsa);
        }
        if (key instanceof ECPublicKey curve) {
            return curve(curve);
        }
        if (key instanceof EdECPublicKey edwards
                && edwards.getParams().getName().equalsIgnoreCase("Ed25519")) {
            return new KeyMaterial(Family.ED25519, Sha256.of(key.getEncoded()), 256, null, edwards(edwards));
        }
        throw new IllegalArgumentException("key: " + key.getAlgorithm() + " (expected: RSA, EC or Ed25519)");
    }

    static KeyMaterial secret(byte[] secret) {
        Check check = (with, signed, signature) -> nimbus(new MACVerifier(secret), with, signed, signature);
        return new KeyMaterial(Family.HMAC, Sha256.of(secret), secret.length * 8, null, check);
    }

    private static KeyMaterial rsa(RSAPublicKey key) {
        int bits = key.getModulus().bitLength();
        JWSVerifier verifier = new RSASSAVerifier(key);
        Check check = (with, signed, signature) -> nimbus(verifier, with, signed, signature);
        return new KeyMaterial(Family.RSA, Sha256.of(key.getEncoded()), bits, rsaWeakness(key, bits), check);
    }

    private static @Nullable String rsaWeakness(RSAPublicKey key, int bits) {
        BigInteger exponent = key.getPublicExponent();
        if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS) {
            return "has " + bits + " bits (expected: 2048 to 8192)";
        }
        if (!exponent.testBit(0) || exponent.bitLength() < 2 || exponent.bitLength() > MOST_RSA_EXPONENT_BITS) {
            return "has a public exponent of " + exponent.bitLength()
                    + " bits (expected: odd, 3 or more, up to 64 bits)";
        }
        return null;
    }

    private static KeyMaterial curve(ECPublicKey key) {
        Curve curve = Curve.forECParameterSpec(key.getParams());
        Family family;
        if (Curve.P_256.equals(curve)) {
            family = Family.P256;
        } else if (Curve.P_384.equals(curve)) {
            family = Family.P384;
        } else if (Curve.P_521.equals(curve)) {
            family = Family.P521;
        } else {
            throw new IllegalArgumentException("key: EC on curve " + curve + " (expected: P-256, P-384 or P-521)");
        }
        int fieldBits = key.getParams().getCurve().getField().getFieldSize();
        try {
            // Refuses points that are not on the curve.
            JWSVerifier verifier = new ECDSAVerifier(key);
            BigInteger order = key.getParams().getOrder();
            Check check = (with, signed, signature) ->
                    inRange(signature, (fieldBits + 7) / 8, order) && nimbus(verifier, with, signed, signature);
            return new KeyMaterial(family, Sha256.of(key.getEncoded()), fieldBits, null, check);
        } catch (JOSEException unusable) {
            throw new IllegalArgumentException("key: EC key that is not usable: " + unusable.getMessage(), unusable);
        }
    }

    /**
     * Whether both halves of an ECDSA signature are in 1 to n-1. Java 15 to 18 took zeros for a signature of anything
     * (CVE-2022-21449); checked here, the JVM need not be trusted with it.
     */
    private static boolean inRange(byte[] signature, int half, BigInteger order) {
        if (signature.length != 2 * half) {
            return false;
        }
        BigInteger r = new BigInteger(1, signature, 0, half);
        BigInteger s = new BigInteger(1, signature, half, half);
        return r.signum() > 0 && s.signum() > 0 && r.compareTo(order) < 0 && s.compareTo(order) < 0;
    }

    private static Check edwards(EdECPublicKey key) {
        return (with, signed, signature) -> {
            if (signature.length != 64) {
                return false;
            }
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(key);
            ed25519.update(signed);
            return ed25519.verify(signature);
        };
    }

    private static boolean nimbus(JWSVerifier verifier, JwtAlgorithm with, byte[] signed, byte[] signature)
            throws JOSEException {
        // A header that names the algorithm and nothing else: what the token's own header says has been judged before.
        JWSHeader header = new JWSHeader(JWSAlgorithm.parse(with.name()));
        return verifier.verify(header, signed, Base64URL.encode(signature));
    }

    Family family() {
        return family;
    }

    @Nullable
    String weakness(JwtAlgorithm with) {
        if (family != Family.HMAC) {
            return weakness;
        }
        int least = switch (with) {
            case HS384 -> 384;
            case HS512 -> 512;
            default -> 256;
        };
        return bits < least ? "has " + bits + " bits (expected: " + least + " or more for " + with + ")" : null;
    }

    boolean quick(JwtAlgorithm with) {
        return switch (with) {
            case HS256, HS384, HS512 -> true;
            // 2048 bits take about 70 microseconds, 4096 more than 200.
            case RS256, RS384, RS512 -> bits <= LEAST_RSA_BITS;
            default -> false;
        };
    }

    boolean verifies(JwtAlgorithm with, byte[] signed, byte[] signature) {
        try {
            return check.passes(with, signed, signature);
        } catch (JOSEException | GeneralSecurityException unfit) {
            // What is no signature of this type at all: providers throw for some and say no to others.
            return false;
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof KeyMaterial that && that.family == family && that.digest.equals(digest);
    }

    @Override
    public int hashCode() {
        return digest.hashCode();
    }
}
