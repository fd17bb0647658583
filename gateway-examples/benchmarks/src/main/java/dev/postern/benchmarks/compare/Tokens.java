package dev.postern.benchmarks.compare;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;

/** Signed tokens of {@code https://issuer.example}, good for two hours. */
final class Tokens {
    /** Who the filter trusts. */
    static final String ISSUER = "https://issuer.example";

    private Tokens() {}

    /** Of {@code RS256} or {@code ES256}; another number is another token. */
    static String signed(PrivateKey key, String algorithm, int number) throws GeneralSecurityException {
        long now = Instant.now().getEpochSecond();
        String claims = "{\"iss\":\"" + ISSUER + "\",\"sub\":\"load-" + number + "\",\"iat\":" + now + ",\"exp\":"
                + (now + 7200) + "}";
        String text = base64(("{\"alg\":\"" + algorithm + "\"}").getBytes(StandardCharsets.UTF_8))
                + '.'
                + base64(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature =
                Signature.getInstance(algorithm.equals("ES256") ? "SHA256withECDSAinP1363Format" : "SHA256withRSA");
        signature.initSign(key);
        signature.update(text.getBytes(StandardCharsets.US_ASCII));
        return text + '.' + base64(signature.sign());
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
