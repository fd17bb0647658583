package dev.postern.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A signed token taken apart, nothing of it believed yet: the compact serialisation of RFC 7515 3.1 only, at most 8 KiB,
 * strict base64url, strict JSON. Encrypted tokens, the JSON serialisations and every extension named by {@code crit} are
 * refused.
 *
 * <p>Which keys the token names by {@code jku}, {@code x5u}, {@code jwk} or {@code x5c} is never looked at.
 */
final class CompactToken {
    /** Before anything is decoded. */
    static final int MAX_LENGTH = 8 * 1024;

    static final int MAX_KEY_ID = 256;

    private static final List<String> EMBEDDED_KEYS = List.of("jwk", "jku", "x5u", "x5c");
    private static final List<String> ENCRYPTION = List.of("enc", "zip");

    private final JwtAlgorithm algorithm;
    private final @Nullable String keyId;
    private final Map<String, Object> header;
    private final Map<String, Object> claims;
    private final byte[] signed;
    private final byte[] signature;

    private CompactToken(
            JwtAlgorithm algorithm,
            @Nullable String keyId,
            Map<String, Object> header,
            Map<String, Object> claims,
            byte[] signed,
            byte[] signature) {
        this.algorithm = algorithm;
        this.keyId = keyId;
        this.header = header;
        this.claims = claims;
        this.signed = signed;
        this.signature = signature;
    }

    static CompactToken parse(String token) throws RefusedToken {
        if (token.length() > MAX_LENGTH) {
            throw new RefusedToken(Rejection.TOO_LONG);
        }
        int first = token.indexOf('.');
        int second = token.indexOf('.', first + 1);
        if (first <= 0 || second <= first + 1 || second == token.length() - 1 || token.indexOf('.', second + 1) >= 0) {
            throw new RefusedToken(Rejection.MALFORMED);
        }
        Map<String, Object> header = header(token.substring(0, first));
        JwtAlgorithm algorithm = algorithm(header);
        refuseExtensions(header);
        String keyId = keyId(header);
        Map<String, Object> claims = claims(token.substring(first + 1, second));
        byte[] signature = bytes(token.substring(second + 1));
        byte[] signed = token.substring(0, second).getBytes(StandardCharsets.US_ASCII);
        return new CompactToken(algorithm, keyId, header, claims, signed, signature);
    }

    private static JwtAlgorithm algorithm(Map<String, Object> header) throws RefusedToken {
        JwtAlgorithm algorithm = header.get("alg") instanceof String name ? JwtAlgorithm.named(name) : null;
        if (algorithm == null) {
            throw new RefusedToken(Rejection.ALGORITHM);
        }
        return algorithm;
    }

    /** RFC 7515 4.1.11: whoever does not understand an extension that is named critical must refuse. */
    private static void refuseExtensions(Map<String, Object> header) throws RefusedToken {
        boolean detached = header.containsKey("b64") && !Boolean.TRUE.equals(header.get("b64"));
        if (header.containsKey("crit") || detached || ENCRYPTION.stream().anyMatch(header::containsKey)) {
            throw new RefusedToken(Rejection.EXTENSION);
        }
    }

    private static @Nullable String keyId(Map<String, Object> header) throws RefusedToken {
        Object id = header.get("kid");
        if (id == null) {
            return null;
        }
        if (!(id instanceof String text) || text.length() > MAX_KEY_ID) {
            throw new RefusedToken(Rejection.MALFORMED);
        }
        return text;
    }

    private static Map<String, Object> header(String part) throws RefusedToken {
        try {
            return StrictJson.objectOfValues(bytes(part));
        } catch (IOException malformed) {
            throw new RefusedToken(Rejection.MALFORMED);
        }
    }

    private static Map<String, Object> claims(String part) throws RefusedToken {
        try {
            return StrictJson.object(bytes(part));
        } catch (IOException malformed) {
            throw new RefusedToken(Rejection.MALFORMED);
        }
    }

    private static byte[] bytes(String part) throws RefusedToken {
        byte[] bytes = Base64Url.decode(part);
        if (bytes == null) {
            throw new RefusedToken(Rejection.MALFORMED);
        }
        return bytes;
    }

    JwtAlgorithm algorithm() {
        return algorithm;
    }

    /** What the token calls its key, or null. */
    @Nullable
    String keyId() {
        return keyId;
    }

    /** Whether the header brings or points to a key. */
    boolean namesOwnKey() {
        return EMBEDDED_KEYS.stream().anyMatch(header::containsKey);
    }

    /** The {@code typ} without {@code application/}, in lower case (RFC 7515 4.1.9); null without one. */
    @Nullable
    String type() throws RefusedToken {
        Object type = header.get("typ");
        if (type == null) {
            return null;
        }
        if (!(type instanceof String text)) {
            throw new RefusedToken(Rejection.TYPE);
        }
        return typeOf(text);
    }

    static String typeOf(String type) {
        String lower = type.toLowerCase(Locale.ROOT);
        return lower.startsWith("application/") ? lower.substring("application/".length()) : lower;
    }

    Map<String, Object> claims() {
        return claims;
    }

    /** Whether this signature was made with that key. */
    boolean signedWith(JwtKey key) {
        return key.verifies(algorithm, signed, signature);
    }
}
