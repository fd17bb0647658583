package dev.postern.security;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JWK set (RFC 7517). The set must be well-formed as a whole; a key in it that is for another purpose, of an
 * unknown type, too weak or malformed is left out, so that an issuer may add new kinds of keys without breaking anybody.
 *
 * <p>Symmetric keys are left out too: a secret that can be fetched is none. So are keys published with their private half.
 */
final class JwksReader {
    private static final Set<String> PRIVATE = Set.of("d", "p", "q", "dp", "dq", "qi", "oth", "k");

    private JwksReader() {}

    /** @throws IOException when the bytes are no key set */
    static List<JwtKey> read(byte[] json) throws IOException {
        if (!(StrictJson.object(json).get("keys") instanceof List<?> entries)) {
            throw new IOException("no key set: no array called keys");
        }
        List<JwtKey> keys = new ArrayList<>();
        for (Object entry : entries) {
            if (!(entry instanceof Map<?, ?> members)) {
                throw new IOException("no key set: a key is not an object");
            }
            JwtKey key = key(members);
            if (key != null && key.weakness() == null) {
                keys.add(key);
            }
        }
        return List.copyOf(keys);
    }

    private static @Nullable JwtKey key(Map<?, ?> members) {
        if (!forSignatures(members)) {
            return null;
        }
        try {
            PublicKey material = material(members);
            if (material == null) {
                return null;
            }
            JwtKey key = JwtKey.of(material);
            if (members.get("kid") instanceof String id) {
                key = key.withId(id);
            }
            Object named = members.get("alg");
            if (named == null) {
                return key;
            }
            JwtAlgorithm algorithm = named instanceof String name ? JwtAlgorithm.named(name) : null;
            return algorithm == null ? null : key.withAlgorithm(algorithm);
        } catch (ParseException
                | JOSEException
                | GeneralSecurityException
                | IllegalArgumentException
                | IllegalStateException unusable) {
            // Whatever Nimbus or the JDK find wrong with it: a key that cannot be used is as good as absent.
            return null;
        }
    }

    private static boolean forSignatures(Map<?, ?> members) {
        Object use = members.get("use");
        Object operations = members.get("key_ops");
        return (use == null || use.equals("sig"))
                && (operations == null || (operations instanceof List<?> list && list.contains("verify")))
                && PRIVATE.stream().noneMatch(members::containsKey);
    }

    private static @Nullable PublicKey material(Map<?, ?> members)
            throws ParseException, JOSEException, GeneralSecurityException {
        Map<String, Object> material = new HashMap<>();
        for (String name : List.of("kty", "n", "e", "crv", "x", "y")) {
            if (members.get(name) instanceof String text) {
                material.put(name, text);
            }
        }
        Object type = material.get("kty");
        if ("RSA".equals(type)) {
            return RSAKey.parse(material).toRSAPublicKey();
        }
        if ("EC".equals(type)) {
            return ECKey.parse(material).toECPublicKey();
        }
        if ("OKP".equals(type) && "Ed25519".equals(material.get("crv")) && material.get("x") instanceof String x) {
            return ed25519(x);
        }
        return null;
    }

    /** RFC 8032 5.1.2: little-endian y, the top bit saying whether x is odd. */
    private static PublicKey ed25519(String x) throws GeneralSecurityException {
        byte[] encoded = Base64Url.decode(x);
        if (encoded == null || encoded.length != 32) {
            throw new IllegalArgumentException("Ed25519 key that is not 32 bytes");
        }
        boolean odd = (encoded[31] & 0x80) != 0;
        encoded[31] &= 0x7f;
        byte[] bigEndian = new byte[32];
        for (int i = 0; i < 32; i++) {
            bigEndian[i] = encoded[31 - i];
        }
        EdECPoint point = new EdECPoint(odd, new BigInteger(1, bigEndian));
        return KeyFactory.getInstance("Ed25519")
                .generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, point));
    }
}
