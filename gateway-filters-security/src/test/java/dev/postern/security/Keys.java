package dev.postern.security;

import com.nimbusds.jose.crypto.impl.ECDSA;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Key pairs of a test issuer, and tokens signed with them by the JDK alone. Made once: generating keys takes long. */
final class Keys {
    static final String ISSUER = "https://issuer.example";
    static final String AUDIENCE = "https://api.example";
    /** Where ManualTime begins: 2026-01-01T00:00:00Z. */
    static final long NOW = 1_767_225_600L;

    static final KeyPair RSA = rsa(2048);
    static final KeyPair RSA_OTHER = rsa(2048);
    static final KeyPair RSA_3072 = rsa(3072);
    static final KeyPair P256 = ec("secp256r1");
    static final KeyPair P384 = ec("secp384r1");
    static final KeyPair P521 = ec("secp521r1");
    static final KeyPair ED25519 = pair("Ed25519");
    static final byte[] SECRET =
            "a secret of 64 bytes, as HS512 wants it; HS256 takes 32 of them.".getBytes(StandardCharsets.US_ASCII);

    private Keys() {}

    static KeyPair rsa(int bits) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
            generator.initialize(bits);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static KeyPair ec(String curve) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec(curve));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static KeyPair pair(String algorithm) {
        try {
            return KeyPairGenerator.getInstance(algorithm).generateKeyPair();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** The claims of a good token, to be changed. */
    static Map<String, Object> claims() {
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", ISSUER);
        claims.put("aud", AUDIENCE);
        claims.put("sub", "alice");
        claims.put("iat", NOW - 10);
        claims.put("exp", NOW + 600);
        return claims;
    }

    /** {@link #claims} with some of them other; null takes one away. */
    static String payload(Object... changes) {
        Map<String, Object> claims = claims();
        for (int i = 0; i < changes.length; i += 2) {
            if (changes[i + 1] == null) {
                claims.remove((String) changes[i]);
            } else {
                claims.put((String) changes[i], changes[i + 1]);
            }
        }
        return json(claims);
    }

    static String header(String algorithm, String kid) {
        return kid == null
                ? "{\"alg\":\"" + algorithm + "\"}"
                : "{\"alg\":\"" + algorithm + "\",\"kid\":\"" + kid + "\"}";
    }

    /** A token of {@link #RSA}. */
    static String rs256(String kid, String payload) {
        return sign("RS256", RSA, header("RS256", kid), payload);
    }

    /** Whatever the header says, signed as {@code algorithm} says. */
    static String sign(String algorithm, KeyPair key, String header, String payload) {
        return sign(algorithm, key, header.getBytes(StandardCharsets.UTF_8), payload.getBytes(StandardCharsets.UTF_8));
    }

    static String sign(String algorithm, KeyPair key, byte[] header, byte[] payload) {
        String input = base64(header) + '.' + base64(payload);
        return input + '.' + base64(signature(algorithm, key, input));
    }

    static byte[] signature(String algorithm, KeyPair key, String input) {
        try {
            Signature signature = switch (algorithm) {
                case "RS256" -> Signature.getInstance("SHA256withRSA");
                case "RS384" -> Signature.getInstance("SHA384withRSA");
                case "RS512" -> Signature.getInstance("SHA512withRSA");
                case "PS256" -> pss("SHA-256", 32);
                case "PS384" -> pss("SHA-384", 48);
                case "PS512" -> pss("SHA-512", 64);
                case "ES256" -> Signature.getInstance("SHA256withECDSAinP1363Format");
                case "ES384" -> Signature.getInstance("SHA384withECDSAinP1363Format");
                case "ES512" -> Signature.getInstance("SHA512withECDSAinP1363Format");
                case "EdDSA" -> Signature.getInstance("Ed25519");
                default -> throw new AssertionError(algorithm);
            };
            signature.initSign(key.getPrivate());
            signature.update(input.getBytes(StandardCharsets.US_ASCII));
            return signature.sign();
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    private static Signature pss(String hash, int salt) throws GeneralSecurityException {
        Signature signature = Signature.getInstance("RSASSA-PSS");
        signature.setParameter(new PSSParameterSpec(hash, "MGF1", new MGF1ParameterSpec(hash), salt, 1));
        return signature;
    }

    static String hmac(String algorithm, byte[] secret, String header, String payload) {
        String input = base64(header) + '.' + base64(payload);
        try {
            Mac mac = Mac.getInstance("HmacSHA" + algorithm.substring(2));
            mac.init(new SecretKeySpec(secret, "HMAC"));
            return input + '.' + base64(mac.doFinal(input.getBytes(StandardCharsets.US_ASCII)));
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** An ECDSA signature in DER, as other protocols have it. */
    static byte[] der(byte[] concatenated) {
        try {
            return ECDSA.transcodeSignatureToDER(concatenated);
        } catch (com.nimbusds.jose.JOSEException impossible) {
            throw new AssertionError(impossible);
        }
    }

    static String base64(String text) {
        return base64(text.getBytes(StandardCharsets.UTF_8));
    }

    static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** A JWK of an RSA key, with more members: {@code "use", "sig"}. */
    static String jwk(KeyPair pair, String kid, String... more) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (pair.getPublic() instanceof RSAPublicKey rsa) {
            members.putAll(new RSAKey.Builder(rsa).build().toJSONObject());
        } else if (pair.getPublic() instanceof ECPublicKey ec) {
            members.putAll(new ECKey.Builder(Curve.forECParameterSpec(ec.getParams()), ec)
                    .build()
                    .toJSONObject());
        } else {
            // The last 32 bytes of the X.509 encoding are the raw key.
            byte[] encoded = pair.getPublic().getEncoded();
            members.put("kty", "OKP");
            members.put("crv", "Ed25519");
            members.put("x", base64(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length)));
        }
        if (kid != null) {
            members.put("kid", kid);
        }
        for (int i = 0; i < more.length; i += 2) {
            members.put(more[i], more[i + 1]);
        }
        return json(members);
    }

    static String set(String... jwks) {
        return "{\"keys\":[" + String.join(",", jwks) + "]}";
    }

    static String json(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(separator);
                write(entry.getKey(), out);
                out.append(':');
                write(entry.getValue(), out);
                separator = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> list) {
            out.append('[');
            String separator = "";
            for (Object element : list) {
                out.append(separator);
                write(element, out);
                separator = ",";
            }
            out.append(']');
        } else if (value instanceof Raw raw) {
            out.append(raw.json());
        } else if (value instanceof String text) {
            out.append('"')
                    .append(text.replace("\\", "\\\\").replace("\"", "\\\""))
                    .append('"');
        } else {
            out.append(value);
        }
    }

    /** JSON to be written as it is. */
    record Raw(String json) {}

    static Raw raw(String json) {
        return new Raw(json);
    }
}
