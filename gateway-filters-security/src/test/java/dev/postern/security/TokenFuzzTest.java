package dev.postern.security;

import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.testing.FakeChain;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
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
    void credentials() throws Exception {
        byte[] secret = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
        JwtAuth jwt = JwtAuth.builder()
                .issuer("i")
                .audience("a")
                .key(JwtKey.secret(secret))
                .build();
        String signed = encoded("{\"alg\":\"HS256\"}")
                + '.'
                + encoded("{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"exp\":253402300799}");
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        String token = signed
                + '.'
                + Base64.getUrlEncoder()
                        .withoutPadding()
                        .encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII)));
        // Nobody gets in by anything but the token itself, once.
        Mutations.run(
                "authorization",
                input -> {
                    Request request = Request.of("GET", "/");
                    String[] lines = text(input).split("\n", -1);
                    try {
                        request = request.withHeaders(Headers.EMPTY.edit(headers -> {
                            for (String line : lines) {
                                headers.add("Authorization", line);
                            }
                        }));
                    } catch (IllegalArgumentException noField) {
                        return 0;
                    }
                    FakeChain chain = FakeChain.answering(Response.of(200));
                    int status = chain.run(jwt, request).status();
                    String[] words = lines[0].strip().split(" +");
                    boolean good = lines.length == 1
                            && words.length == 2
                            && words[0].equalsIgnoreCase("bearer")
                            && words[1].equals(token);
                    check(status == (good ? 200 : 401), status + " for " + lines[0]);
                    check(chain.proceeded().size() == (good ? 1 : 0), "proceeded");
                    return status * 64
                            + (String.valueOf(chain.exchange().get(JwtAuth.REJECTION))
                                            .hashCode()
                                    & 63);
                },
                "Bearer " + token,
                "bearer   " + token,
                "Bearer " + token + "\nBearer " + token,
                "Basic YTpi",
                "\n");
    }

    @Test
    void api_keys() throws Exception {
        String key = "key-0123456789abcdef";
        ApiKeyAuth filter = ApiKeyAuth.builder()
                .key(key, ApiKey.of("alice"))
                .queryParameter("key")
                .build();
        // A field on the first line, a query on the second: one key, and it does not go on.
        Mutations.run(
                "api-key",
                input -> {
                    String[] lines = text(input).split("\n", 2);
                    Request request;
                    try {
                        request = Request.of("GET", "/").withQuery(lines.length > 1 ? lines[1] : null);
                        request = lines[0].isEmpty() ? request : request.withHeader("X-API-Key", lines[0]);
                    } catch (IllegalArgumentException refused) {
                        return 0;
                    }
                    List<String> given = new ArrayList<>(request.headers().all("X-API-Key"));
                    given.addAll(request.queryParameters("key"));
                    FakeChain chain = FakeChain.answering(Response.of(200));
                    int status = chain.run(filter, request).status();
                    check(status == (given.equals(List.of(key)) ? 200 : 401), status + " for " + given);
                    for (Request behind : chain.proceeded()) {
                        check(behind.header("X-API-Key") == null && behind.queryParameter("key") == null, "kept");
                        check(behind.queryParameters("a").equals(request.queryParameters("a")), behind.target());
                    }
                    return status * 64
                            + given.size() * 4
                            + request.queryParameters("a").size();
                },
                key + "\n",
                "\na=b&key=" + key + "&c",
                "\n%6bey=key%2D0123456789abcdef&a=%zz&&a",
                key + "\nkey=x");
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
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
