package dev.postern.security;

import static dev.postern.security.Keys.AUDIENCE;
import static dev.postern.security.Keys.ED25519;
import static dev.postern.security.Keys.ISSUER;
import static dev.postern.security.Keys.NOW;
import static dev.postern.security.Keys.P256;
import static dev.postern.security.Keys.P384;
import static dev.postern.security.Keys.P521;
import static dev.postern.security.Keys.RSA;
import static dev.postern.security.Keys.RSA_OTHER;
import static dev.postern.security.Keys.base64;
import static dev.postern.security.Keys.header;
import static dev.postern.security.Keys.hmac;
import static dev.postern.security.Keys.jwk;
import static dev.postern.security.Keys.payload;
import static dev.postern.security.Keys.raw;
import static dev.postern.security.Keys.rs256;
import static dev.postern.security.Keys.sign;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens that must not be accepted by a filter that trusts {@link Keys}' issuer with the keys rsa, p256, p384, p521 and ed.
 * Each has the threat of the catalogue it stands for. Where the attack is not on the signature, the signature is good.
 */
final class HostileTokens {
    record Hostile(String threat, String what, String token) {
        @Override
        public String toString() {
            return threat + " " + what;
        }
    }

    private static final String GOOD = payload();
    private static final String GOOD_HEADER = header("RS256", "rsa");
    private static final Map<String, KeyPair> CURVES = curves();

    private final List<Hostile> all = new ArrayList<>();

    static List<Hostile> all() {
        HostileTokens corpus = new HostileTokens();
        corpus.unsigned();
        corpus.parts();
        corpus.brokenSignatures();
        corpus.confusedAlgorithms();
        corpus.curveSignatures();
        corpus.keyIds();
        corpus.embeddedKeys();
        corpus.dates();
        corpus.identities();
        corpus.types();
        corpus.extensions();
        corpus.spelling();
        corpus.encrypted();
        corpus.huge();
        return corpus.all;
    }

    private static Map<String, KeyPair> curves() {
        Map<String, KeyPair> curves = new LinkedHashMap<>();
        curves.put("ES256", P256);
        curves.put("ES384", P384);
        curves.put("ES512", P521);
        return curves;
    }

    private void add(String threat, String what, String token) {
        all.add(new Hostile(threat, what, token));
    }

    /** Signed well by the issuer, with this header. */
    private void addHeader(String threat, String what, String header) {
        add(threat, what, sign("RS256", RSA, header, GOOD));
    }

    /** Signed well by the issuer, with these claims. */
    private void addPayload(String threat, String what, String payload) {
        add(threat, what, rs256("rsa", payload));
    }

    private void unsigned() {
        List<String> algorithms = List.of(
                "\"none\"",
                "\"None\"",
                "\"NONE\"",
                "\"nOnE\"",
                "\" none\"",
                "\"none \"",
                "\"\"",
                "\" \"",
                "null",
                "0",
                "true",
                "[]",
                "[\"RS256\"]",
                "{}",
                "\"rs256\"",
                "\"Rs256\"",
                "\"RS256 \"",
                "\"RS256\\u0000\"",
                "\"HS1\"",
                "\"ES256K\"",
                "\"Ed448\"",
                "\"A128KW\"",
                "\"dir\"",
                "\"RSA-OAEP\"",
                "\"SHA256withRSA\"");
        for (String algorithm : algorithms) {
            String header = "{\"alg\":" + algorithm + ",\"kid\":\"rsa\"}";
            add("T053", "alg " + algorithm + ", no signature", base64(header) + '.' + base64(GOOD) + '.');
            addHeader("T053", "alg " + algorithm + ", signed", header);
        }
        addHeader("T053", "no alg", "{\"kid\":\"rsa\"}");
        addHeader("T053", "alg spelled Alg", "{\"Alg\":\"RS256\",\"kid\":\"rsa\"}");
    }

    private void parts() {
        String good = rs256("rsa", GOOD);
        String[] parts = good.split("\\.");
        add("T053", "nothing", "");
        add("T053", "a blank", " ");
        add("T053", "one part", parts[0]);
        add("T053", "two parts", parts[0] + '.' + parts[1]);
        add("T053", "empty signature", parts[0] + '.' + parts[1] + '.');
        add("T053", "empty header", '.' + parts[1] + '.' + parts[2]);
        add("T053", "empty payload", parts[0] + ".." + parts[2]);
        add("T053", "dots", "..");
        add("T053", "more dots", "....");
        add("T053", "dot before", '.' + good);
        add("T053", "dot after", good + '.');
        add("T053", "four parts", good + ".AAAA");
        add("T053", "signature twice", good + '.' + parts[2]);
        add("T053", "two tokens", good + ',' + good);
        add("T053", "two tokens, blank", good + ' ' + good);
        add("T053", "payload of nothing signed", parts[0] + '.' + base64("") + '.' + parts[2]);
        add("T053", "parts swapped", parts[1] + '.' + parts[0] + '.' + parts[2]);
    }

    private void brokenSignatures() {
        Map<String, String> good = new LinkedHashMap<>();
        good.put("RS256", rs256("rsa", GOOD));
        CURVES.forEach((algorithm, pair) ->
                good.put(algorithm, sign(algorithm, pair, header(algorithm, kid(algorithm)), GOOD)));
        good.put("EdDSA", sign("EdDSA", ED25519, header("EdDSA", "ed"), GOOD));
        good.forEach((algorithm, token) -> {
            int dot = token.lastIndexOf('.');
            byte[] signature = Base64.getUrlDecoder().decode(token.substring(dot + 1));
            add("T053", algorithm + " first bit flipped", token.substring(0, dot + 1) + base64(flipped(signature, 0)));
            add(
                    "T053",
                    algorithm + " last bit flipped",
                    token.substring(0, dot + 1) + base64(flipped(signature, signature.length - 1)));
            add(
                    "T053",
                    algorithm + " signature cut",
                    token.substring(0, dot + 1) + base64(Arrays.copyOf(signature, signature.length - 1)));
            add(
                    "T053",
                    algorithm + " signature longer",
                    token.substring(0, dot + 1) + base64(Arrays.copyOf(signature, signature.length + 1)));
            add(
                    "T053",
                    algorithm + " signature of zeros",
                    token.substring(0, dot + 1) + base64(new byte[signature.length]));
            add("T053", algorithm + " one byte", token.substring(0, dot + 1) + "AA");
            String other = base64(payload("sub", "root"));
            add(
                    "T053",
                    algorithm + " other payload",
                    token.substring(0, token.indexOf('.') + 1) + other + token.substring(dot));
        });
        add("T053", "signed by somebody else", sign("RS256", RSA_OTHER, GOOD_HEADER, GOOD));
        add("T053", "RS512 with a key for RS256", sign("RS512", RSA, header("RS512", "rsa"), GOOD));
        add("T053", "RS384 with a key for RS256", sign("RS384", RSA, header("RS384", "rsa"), GOOD));
        add("T053", "PS256 with a key for RS256", sign("PS256", RSA, header("PS256", "rsa"), GOOD));
        add("T053", "RS256 that is RS512", sign("RS512", RSA, GOOD_HEADER, GOOD));
        add("T053", "ES256 with a key for ES384", sign("ES256", P256, header("ES256", "p384"), GOOD));
        add("T053", "ES384 with a key for ES256", sign("ES384", P384, header("ES384", "p256"), GOOD));
        add("T053", "RS256 with a curve", sign("RS256", RSA, header("RS256", "p256"), GOOD));
        add("T053", "EdDSA with a curve", sign("EdDSA", ED25519, header("EdDSA", "p256"), GOOD));
    }

    private void confusedAlgorithms() {
        RSAPublicKey rsa = (RSAPublicKey) RSA.getPublic();
        byte[] der = rsa.getEncoded();
        String pem = "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END PUBLIC KEY-----";
        Map<String, byte[]> secrets = new LinkedHashMap<>();
        secrets.put("DER", der);
        secrets.put("PEM", ascii(pem));
        secrets.put("PEM with a line end", ascii(pem + '\n'));
        secrets.put("JWK", ascii(jwk(RSA, "rsa")));
        secrets.put("modulus", rsa.getModulus().toByteArray());
        secrets.put("curve DER", P256.getPublic().getEncoded());
        secrets.put("Ed25519 DER", ED25519.getPublic().getEncoded());
        secrets.put("one zero", new byte[1]);
        secrets.put("key id", ascii("rsa"));
        secrets.forEach((name, secret) -> {
            for (String algorithm : List.of("HS256", "HS384", "HS512")) {
                add("T054", algorithm + " with " + name, hmac(algorithm, secret, header(algorithm, "rsa"), GOOD));
            }
            add("T054", "HS256 with " + name + ", no kid", hmac("HS256", secret, header("HS256", null), GOOD));
            add("T054", "RS256 that is HS256 with " + name, hmac("HS256", secret, GOOD_HEADER, GOOD));
        });
    }

    private void curveSignatures() {
        CURVES.forEach((algorithm, pair) -> {
            ECPublicKey key = (ECPublicKey) pair.getPublic();
            int half = (key.getParams().getCurve().getField().getFieldSize() + 7) / 8;
            BigInteger n = key.getParams().getOrder();
            String input = base64(header(algorithm, kid(algorithm))) + '.' + base64(GOOD);
            byte[] good = Keys.signature(algorithm, pair, input);
            BigInteger r = new BigInteger(1, Arrays.copyOf(good, half));
            BigInteger s = new BigInteger(1, Arrays.copyOfRange(good, half, 2 * half));
            BigInteger zero = BigInteger.ZERO;
            add("T055", algorithm + " r = s = 0", input + '.' + base64(halves(zero, zero, half)));
            add("T055", algorithm + " r = 0", input + '.' + base64(halves(zero, s, half)));
            add("T055", algorithm + " s = 0", input + '.' + base64(halves(r, zero, half)));
            add("T055", algorithm + " r = s = n", input + '.' + base64(halves(n, n, half)));
            add("T055", algorithm + " r = n", input + '.' + base64(halves(n, s, half)));
            add("T055", algorithm + " s = n", input + '.' + base64(halves(r, n, half)));
            add("T055", algorithm + " r = s = 1", input + '.' + base64(halves(BigInteger.ONE, BigInteger.ONE, half)));
            add("T055", algorithm + " all ones", input + '.' + base64(ones(2 * half)));
            add("T055", algorithm + " DER", input + '.' + base64(Keys.der(good)));
            add("T055", algorithm + " DER of zeros", input + '.' + base64(new byte[] {0x30, 6, 2, 1, 0, 2, 1, 0}));
            add("T055", algorithm + " zero before", input + '.' + base64(prepended(good)));
        });
    }

    private void keyIds() {
        List<String> ids = List.of(
                "../../../../dev/null",
                "/dev/null",
                "file:///etc/passwd",
                "' OR '1'='1",
                "rsa'; DROP TABLE keys--",
                "rsa; sleep 10",
                "|id",
                "${jndi:ldap://x/a}",
                "#{7*7}",
                "http://evil.example/jwks.json",
                "RSA",
                "rsa ",
                " rsa",
                "rsa/",
                "rsa\\u0000",
                "r\\u00ADsa",
                "\\u0440sa",
                "p256",
                "ed",
                "",
                "0",
                "null",
                "*",
                "%72sa",
                "r".repeat(257),
                "r".repeat(5000));
        for (String id : ids) {
            addHeader("T056", "kid " + Text.shown(id), "{\"alg\":\"RS256\",\"kid\":\"" + id + "\"}");
        }
        for (String json : List.of("1", "true", "[]", "[\"rsa\"]", "{\"rsa\":1}", "null")) {
            addHeader("T056", "kid as " + json, "{\"alg\":\"RS256\",\"kid\":" + json + "}");
        }
    }

    private void embeddedKeys() {
        String own = jwk(RSA_OTHER, "evil");
        Map<String, String> members = new LinkedHashMap<>();
        members.put("jwk", own);
        members.put("jku", "\"https://evil.example/jwks.json\"");
        members.put("jku of the issuer", "\"" + ISSUER + "/jwks.json\"");
        members.put("x5u", "\"https://evil.example/cert.pem\"");
        members.put("x5c", "[\"MIIB\"]");
        members.forEach((name, value) -> {
            String member = ",\"" + name.split(" ")[0] + "\":" + value + "}";
            addHeader("T057", name + " besides a good signature", "{\"alg\":\"RS256\",\"kid\":\"rsa\"" + member);
            for (String kid : List.of("rsa", "evil")) {
                String header = "{\"alg\":\"RS256\",\"kid\":\"" + kid + "\"" + member;
                add("T057", name + ", kid " + kid, sign("RS256", RSA_OTHER, header, GOOD));
            }
        });
    }

    private void dates() {
        List<String> never = List.of(
                "\"" + (NOW + 600) + "\"",
                (NOW + 600) + ".5",
                (NOW + 600) + ".0",
                "1.7e9",
                "1e400",
                "-1",
                "-9223372036854775809",
                (NOW + 600) + "000",
                "31556889864403199",
                "9223372036854775807",
                "99999999999999999999",
                "253402300800",
                "true",
                "[]",
                "[" + (NOW + 600) + "]",
                "{}",
                "\"\"",
                "\"never\"");
        for (String date : never) {
            for (String claim : List.of("exp", "nbf", "iat")) {
                addPayload("T060", claim + " " + date, payload(claim, raw(date)));
            }
        }
        addPayload("T060", "number of 100 digits", payload("exp", raw("9".repeat(100))));
        addPayload("T060", "no exp", payload("exp", null));
        addPayload("T060", "exp null", payload("exp", raw("null")));
        addPayload("T060", "exp 0", payload("exp", 0L));
        addPayload("T060", "expired beyond the skew", payload("exp", NOW - 60));
        addPayload("T060", "expired long ago", payload("exp", NOW - 86_400));
        addPayload("T060", "nbf beyond the skew", payload("nbf", NOW + 61));
        addPayload("T060", "iat in the future", payload("iat", NOW + 3600));
        addPayload("T060", "EXP", payload("exp", null, "EXP", NOW + 600));
    }

    private void identities() {
        List<String> issuers = List.of(
                ISSUER + '/',
                ISSUER + ".evil.example",
                ISSUER + "/tenant",
                "https://issuer.exampl",
                "http://issuer.example",
                "HTTPS://issuer.example",
                "https://ISSUER.example",
                " " + ISSUER,
                ISSUER + ' ',
                "https://evil.example",
                "",
                "https://issuer.example:443",
                "issuer.example");
        for (String issuer : issuers) {
            addPayload("T061", "iss " + issuer, payload("iss", issuer));
            addPayload("T061", "aud " + issuer, payload("aud", issuer));
        }
        List<String> wrong =
                List.of("null", "1", "true", "{}", "[]", "[[\"" + ISSUER + "\"]]", "{\"" + ISSUER + "\":1}");
        for (String json : wrong) {
            addPayload("T061", "iss " + json, payload("iss", raw(json)));
            addPayload("T061", "aud " + json, payload("aud", raw(json)));
            addPayload("T061", "sub " + json, payload("sub", raw(json)));
        }
        addPayload("T061", "iss as a list", payload("iss", List.of(ISSUER)));
        addPayload("T061", "no iss", payload("iss", null));
        addPayload("T061", "no aud", payload("aud", null));
        addPayload("T061", "no sub", payload("sub", null));
        addPayload("T061", "blank sub", payload("sub", "  "));
        addPayload("T061", "aud of others", payload("aud", List.of("https://a.example", "https://b.example")));
        addPayload("T061", "aud list with a number", payload("aud", raw("[\"" + AUDIENCE + "\",1]")));
        addPayload("T061", "aud two in one", payload("aud", AUDIENCE + " https://a.example"));
        addPayload("T061", "scope as a number", payload("scope", 1));
        addPayload("T061", "scope as an object", payload("scope", raw("{\"admin\":true}")));
        addPayload("T061", "scope list with an object", payload("scope", raw("[{}]")));
    }

    private void types() {
        List<String> types = List.of(
                "\"dpop+jwt\"",
                "\"logout+jwt\"",
                "\"secevent+jwt\"",
                "\"oauth-authz-req+jwt\"",
                "\"id_token\"",
                "\"JOSE\"",
                "\"\"",
                "1",
                "[]",
                "[\"JWT\"]",
                "\"JWT \"",
                "\"text/jwt\"",
                "\"application/application/jwt\"");
        for (String type : types) {
            addHeader("T061", "typ " + type, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":" + type + "}");
        }
    }

    private void extensions() {
        List<String> members = List.of(
                "\"crit\":[\"b64\"],\"b64\":false",
                "\"b64\":false",
                "\"b64\":\"false\"",
                "\"b64\":0",
                "\"crit\":[]",
                "\"crit\":[\"exp\"],\"exp\":1",
                "\"crit\":[\"http://openbanking.org.uk/iat\"]",
                "\"crit\":\"b64\"",
                "\"crit\":null",
                "\"crit\":{}",
                "\"crit\":[\"alg\"]",
                "\"crit\":true",
                "\"zip\":\"DEF\"",
                "\"enc\":\"A128GCM\"");
        for (String member : members) {
            addHeader("T062", member, "{\"alg\":\"RS256\",\"kid\":\"rsa\"," + member + "}");
        }
        for (String twice :
                List.of("\"alg\":\"none\"", "\"alg\":\"RS256\"", "\"\\u0061lg\":\"none\"", "\"kid\":\"p256\"")) {
            addHeader("T062", "header twice " + twice, "{\"alg\":\"RS256\",\"kid\":\"rsa\"," + twice + "}");
        }
        for (String twice : List.of(
                "\"sub\":\"root\"",
                "\"iss\":\"x\"",
                "\"exp\":9999999999",
                "\"\\u0073ub\":\"root\"",
                "\"aud\":\"x\"",
                "\"sub\":null")) {
            addPayload("T062", "claim twice " + twice, GOOD.substring(0, GOOD.length() - 1) + ',' + twice + '}');
        }
        addPayload("T062", "member twice inside", payload("act", raw("{\"sub\":\"a\",\"sub\":\"b\"}")));
        addPayload("T062", "null and value", "{\"x\":null,\"x\":1," + GOOD.substring(1));
    }

    private void spelling() {
        String good = rs256("rsa", GOOD);
        String[] parts = good.split("\\.");
        add("T062", "padding", parts[0] + "=." + parts[1] + '.' + parts[2]);
        add("T062", "padding of the signature", good + "==");
        add("T062", "line end inside", good.substring(0, 10) + '\n' + good.substring(10));
        add("T062", "blank inside", good.substring(0, 10) + ' ' + good.substring(10));
        add("T062", "tab inside", good.substring(0, 50) + '\t' + good.substring(50));
        add(
                "T062",
                "plain base64",
                parts[0] + '.' + parts[1] + '.' + parts[2].replace('-', '+').replace('_', '/') + '+');
        add("T062", "other alphabet", parts[0] + '.' + parts[1] + '.' + "é" + parts[2].substring(1));
        add("T062", "left-over bits", good.substring(0, good.length() - 1) + next(good.charAt(good.length() - 1)));
        add("T053", "one character more", good + 'A');
        add("T062", "quoted", '"' + good + '"');
        add("T062", "percent-encoded", good.replace(".", "%2E"));
        add(
                "T062",
                "JSON serialisation",
                "{\"payload\":\"" + parts[1] + "\",\"protected\":\"" + parts[0] + "\",\"signature\":\"" + parts[2]
                        + "\"}");
        add("T062", "JSON around", "{\"" + parts[0] + "." + parts[1] + "." + parts[2] + "\":1}");
        List<String> headers = List.of(
                "[]",
                "\"RS256\"",
                "null",
                "{}",
                "{\"alg\":\"RS256\",}",
                "{'alg':'RS256'}",
                "{alg:\"RS256\"}",
                "{\"alg\":\"RS256\"}{}",
                "{\"alg\":\"RS256\"} x",
                "{\"alg\":\"RS256\"/**/}",
                "{\"alg\":\"RS256\"",
                "\uFEFF{\"alg\":\"RS256\"}",
                "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":NaN}",
                "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":01}",
                "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":null}",
                "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":\"\\ud800\"}");
        for (String header : headers) {
            addHeader("T062", "header " + header, header);
        }
        List<String> payloads = List.of(
                "[]",
                "\"alice\"",
                "1",
                "null",
                "",
                "{}",
                "alice",
                GOOD + GOOD,
                GOOD + ' ' + '1',
                GOOD.replace("}", ",}"),
                GOOD.replace('"', '\''),
                "\uFEFF" + GOOD,
                payload("x", raw("+1")),
                payload("x", raw(".5")),
                payload("x", raw("Infinity")),
                payload("x", raw("\"\\udc00\"")),
                payload("x", raw("\"\\x\"")),
                payload("x", raw("\"\u0001\"")),
                payload("x", raw("tru")));
        for (String payload : payloads) {
            addPayload("T062", "payload " + Text.shown(payload), payload);
        }
        byte[] notUtf8 = payload("sub", "al\u0001ce").getBytes(StandardCharsets.ISO_8859_1);
        for (int i = 0; i < notUtf8.length; i++) {
            notUtf8[i] = notUtf8[i] == 1 ? (byte) 0xff : notUtf8[i];
        }
        add("T062", "payload not UTF-8", sign("RS256", RSA, ascii(GOOD_HEADER), notUtf8));
        byte[] overlong = notUtf8.clone();
        for (int i = 0; i < overlong.length - 1; i++) {
            if (overlong[i] == (byte) 0xff) {
                overlong[i] = (byte) 0xc0;
                overlong[i + 1] = (byte) 0xaf;
            }
        }
        add("T062", "payload in overlong UTF-8", sign("RS256", RSA, ascii(GOOD_HEADER), overlong));
    }

    private void encrypted() {
        List<String> headers = List.of(
                "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}",
                "{\"alg\":\"dir\",\"enc\":\"A128GCM\",\"zip\":\"DEF\"}",
                "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A128GCM\",\"p2c\":1000000000,\"p2s\":\"AAAA\"}",
                "{\"alg\":\"RS256\",\"enc\":\"A128GCM\",\"cty\":\"JWT\"}");
        for (String header : headers) {
            add("T063", "JWE " + header, base64(header) + ".AAAA.AAAA.AAAA.AAAA");
            add("T063", "JWE in three parts " + header, base64(header) + ".AAAA.AAAA");
        }
        String nested = rs256("rsa", GOOD);
        for (int i = 0; i < 5; i++) {
            nested = sign("RS256", RSA, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"cty\":\"JWT\"}", nested);
            add("T063", "nested " + (i + 1), nested);
        }
    }

    private void huge() {
        add("T064", "1 MiB of dots", ".".repeat(1 << 20));
        add("T064", "1 MiB of letters", "A".repeat(1 << 20));
        addPayload("T064", "1 MiB of claims", payload("x", "x".repeat(1 << 20)));
        addPayload("T064", "just too long", payload("x", "x".repeat(6000)));
        addPayload("T064", "nested 33 deep", payload("x", raw("[".repeat(33) + "]".repeat(33))));
        addPayload("T064", "nested 2,000 deep", payload("x", raw("[".repeat(2000) + "]".repeat(2000))));
        addPayload("T064", "objects 500 deep", payload("x", raw("{\"a\":".repeat(500) + "1" + "}".repeat(500))));
        addPayload("T064", "open arrays", "{\"x\":" + "[".repeat(5000));
        addPayload("T064", "number of 5,000 digits", payload("x", raw("9".repeat(5000))));
        addPayload("T064", "name of 5,000 characters", payload("x".repeat(5000), 1));
        addHeader(
                "T064",
                "header nested deep",
                "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"x\":" + "[".repeat(1000) + "]".repeat(1000) + "}");
    }

    private static String kid(String algorithm) {
        return switch (algorithm) {
            case "ES256" -> "p256";
            case "ES384" -> "p384";
            default -> "p521";
        };
    }

    private static byte[] halves(BigInteger r, BigInteger s, int half) {
        byte[] out = new byte[2 * half];
        put(r, out, half);
        put(s, out, 2 * half);
        return out;
    }

    private static void put(BigInteger value, byte[] out, int end) {
        byte[] bytes = value.toByteArray();
        for (int i = 0; i < bytes.length && i < out.length / 2; i++) {
            out[end - 1 - i] = bytes[bytes.length - 1 - i];
        }
    }

    private static byte[] ones(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 0xff);
        return bytes;
    }

    private static byte[] prepended(byte[] bytes) {
        byte[] longer = new byte[bytes.length + 1];
        System.arraycopy(bytes, 0, longer, 1, bytes.length);
        return longer;
    }

    private static byte[] flipped(byte[] bytes, int at) {
        byte[] other = bytes.clone();
        other[at] ^= 1;
        return other;
    }

    private static char next(char c) {
        return c == 'Q' ? 'R' : c == 'A' ? 'B' : c == 'g' ? 'h' : 'x';
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
