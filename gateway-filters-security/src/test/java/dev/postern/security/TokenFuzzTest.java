package dev.postern.security;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;

/** Mutated inputs for every parser of this module: none breaks, none accepts two spellings of one thing. */
class TokenFuzzTest {
    private static final String HEADER = encoded("{\"alg\":\"RS256\",\"kid\":\"a\",\"typ\":\"at+jwt\"}");
    private static final String CLAIMS = encoded("{\"iss\":\"i\",\"aud\":[\"a\"],\"exp\":1,\"n\":{\"m\":[1.5,null]}}");

    private static String encoded(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(byte[] input) {
        return new String(input, StandardCharsets.ISO_8859_1);
    }

    @Test
    void tokens() throws Exception {
        Mutations.run(
                "token",
                input -> {
                    try {
                        CompactToken token = CompactToken.parse(text(input));
                        return 100 + token.claims().size();
                    } catch (RefusedToken refused) {
                        return String.valueOf(refused.getMessage()).hashCode() & 63;
                    }
                },
                HEADER + '.' + CLAIMS + ".c2ln",
                encoded("{\"alg\":\"none\"}") + ".e30.",
                encoded("{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}") + ".e30.AAAA");
    }

    @Test
    void strict_json() throws Exception {
        Mutations.run(
                "strict-json",
                input -> {
                    try {
                        return 10 + StrictJson.object(input).size();
                    } catch (IOException refused) {
                        return String.valueOf(refused.getMessage()).hashCode() & 7;
                    }
                },
                "{\"a\":1,\"b\":[true,null,-1.5e3],\"c\":{\"d\":\"\\u00e4\\n\"}}",
                "{\"a\":1,\"a\":2}",
                "[[[[[[[[1]]]]]]]]");
    }

    @Test
    void key_sets() throws Exception {
        Mutations.run(
                "jwks",
                input -> {
                    try {
                        return JwksReader.read(input).size();
                    } catch (IOException refused) {
                        return -1;
                    }
                },
                "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\",\"use\":\"sig\","
                        + "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
                "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                        + "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\",\"alg\":\"ES256\"}]}",
                "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}");
    }

    @Test
    void base64_has_one_spelling() throws Exception {
        Mutations.run(
                "base64url",
                input -> {
                    String text = text(input);
                    byte[] bytes = Base64Url.decode(text);
                    if (bytes == null) {
                        return -1;
                    }
                    String again = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
                    if (!again.equals(text)) {
                        throw new IllegalStateException(again);
                    }
                    return bytes.length;
                },
                "AQAB",
                "__-_AA",
                "AAA=");
    }

    @Test
    void urls_of_key_sets() throws Exception {
        Mutations.run(
                "jwks-url",
                input -> {
                    try {
                        JwksUrl url = JwksUrl.parse(text(input));
                        url.request();
                        url.endpoint();
                        return url.cleartext() ? 1 : 2;
                    } catch (IllegalArgumentException refused) {
                        return 0;
                    }
                },
                "https://a.example/keys?x=1",
                "http://[::1]:80/k",
                "https://u:p@a/%2e%2e/#f");
    }
}
