package dev.postern.security;

import static dev.postern.security.Keys.ED25519;
import static dev.postern.security.Keys.P256;
import static dev.postern.security.Keys.RSA;
import static dev.postern.security.Keys.base64;
import static dev.postern.security.Keys.jwk;
import static dev.postern.security.Keys.set;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.security.interfaces.RSAPublicKey;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JwksReaderTest {
    @Test
    void keys_are_what_was_published() {
        List<JwtKey> keys = JwtKey.set(set(
                jwk(RSA, "r"),
                jwk(P256, "p", "alg", "ES256"),
                jwk(ED25519, "e", "use", "sig"),
                jwk(RSA, null, "alg", "PS512")));

        assertThat(keys)
                .containsExactly(
                        JwtKey.of(RSA.getPublic()).withId("r"),
                        JwtKey.of(P256.getPublic()).withId("p").withAlgorithm(JwtAlgorithm.ES256),
                        JwtKey.of(ED25519.getPublic()).withId("e"),
                        JwtKey.of(RSA.getPublic()).withAlgorithm(JwtAlgorithm.PS512));
    }

    @Test
    void keys_for_other_purposes_and_of_other_kinds_are_left_out() {
        String good = jwk(RSA, "good");
        String modulus = base64(((RSAPublicKey) RSA.getPublic()).getModulus().toByteArray());
        Map<String, String> others = Map.ofEntries(
                Map.entry("for encryption", jwk(RSA, "x", "use", "enc")),
                Map.entry("for wrapping", "{\"key_ops\":[\"wrapKey\"]," + good.substring(1)),
                Map.entry("operations as text", "{\"key_ops\":\"verify\"," + good.substring(1)),
                Map.entry("with its private half", jwk(RSA, "x", "d", "AQAB")),
                Map.entry("of another algorithm", jwk(RSA, "x", "alg", "RSA-OAEP")),
                Map.entry("of no algorithm", jwk(RSA, "x", "alg", "none")),
                Map.entry("of an algorithm for others", jwk(RSA, "x", "alg", "ES256")),
                Map.entry("of HMAC with an RSA key", jwk(RSA, "x", "alg", "HS256")),
                Map.entry("algorithm as a number", "{\"alg\":1," + good.substring(1)),
                Map.entry("symmetric", "{\"kty\":\"oct\",\"k\":\"" + base64(Keys.SECRET) + "\",\"kid\":\"s\"}"),
                Map.entry("of an unknown type", "{\"kty\":\"PQC\",\"kid\":\"s\"}"),
                Map.entry("without type", "{\"kid\":\"s\"}"),
                Map.entry("empty", "{}"),
                Map.entry("too small", jwk(Keys.rsa(1024), "x")),
                Map.entry("id too long", jwk(RSA, "x".repeat(257))),
                Map.entry("empty id", jwk(RSA, "")),
                Map.entry("exponent 1", "{\"kty\":\"RSA\",\"n\":\"" + modulus + "\",\"e\":\"AQ\"}"),
                Map.entry("even exponent", "{\"kty\":\"RSA\",\"n\":\"" + modulus + "\",\"e\":\"Ag\"}"),
                Map.entry("huge exponent", "{\"kty\":\"RSA\",\"n\":\"" + modulus + "\",\"e\":\"" + modulus + "\"}"),
                Map.entry(
                        "huge modulus",
                        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
                                + base64(BigInteger.TWO
                                        .pow(8200)
                                        .subtract(BigInteger.ONE)
                                        .toByteArray()) + "\"}"),
                Map.entry("RSA without modulus", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}"),
                Map.entry("modulus as a number", "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":5}"),
                Map.entry(
                        "off its curve",
                        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" + base64(new byte[32]) + "\",\"y\":\""
                                + base64(new byte[32]) + "\"}"),
                Map.entry("curve of bitcoin", "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}"),
                Map.entry("curve unknown", "{\"kty\":\"EC\",\"crv\":\"P-1\",\"x\":\"AA\",\"y\":\"AA\"}"),
                Map.entry("Ed448", "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\"}"),
                Map.entry("X25519", "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" + base64(new byte[32]) + "\"}"),
                Map.entry("Ed25519 too short", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"),
                Map.entry("Ed25519 misspelt", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"*\"}"));

        others.forEach((what, jwk) -> assertThat(JwtKey.set(set(jwk, good)))
                .as(what)
                .containsExactly(JwtKey.of(RSA.getPublic()).withId("good")));
    }

    @Test
    void what_is_no_key_set_is_refused_as_a_whole() {
        for (String json :
                List.of("", "{}", "[]", "{\"keys\":null}", "{\"keys\":\"\"}", "{\"keys\":[[]]}", "{\"keys\":[]}{}")) {
            assertThatThrownBy(() -> JwtKey.set(json))
                    .as(json)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("JWK set: ");
        }
        assertThat(JwtKey.set("{\"keys\":[]}")).isEmpty();
    }
}
