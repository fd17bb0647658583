package dev.postern.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StrictReadingTest {
    private static Map<String, Object> read(String json) throws IOException {
        return StrictJson.object(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void objects_are_read_to_immutable_values() throws IOException {
        Map<String, Object> read = read(
                " {\"a\":\"\\u00e9\\ud83d\\ude00\",\"b\":[1,-2,3.5,true,false,null,{}],\"c\":{\"d\":null,\"e\":99999999999999999999}} ");

        assertThat(read)
                .containsExactly(
                        Map.entry("a", "é😀"),
                        Map.entry("b", List.of(1L, -2L, 3.5, true, false, Map.of())),
                        Map.entry("c", Map.of("e", new BigInteger("99999999999999999999"))));
        assertThatThrownBy(() -> read.put("x", 1)).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> uncheckedList(read.get("b")).add(1)).isInstanceOf(UnsupportedOperationException.class);
    }

    @SuppressWarnings("unchecked")
    private static List<Object> uncheckedList(Object value) {
        return (List<Object>) value;
    }

    @Test
    void nesting_ends_at_32_levels() throws IOException {
        assertThat(read("{\"a\":" + "[".repeat(31) + "]".repeat(31) + "}")).hasSize(1);
        assertThatThrownBy(() -> read("{\"a\":" + "[".repeat(32) + "]".repeat(32) + "}"))
                .isInstanceOf(IOException.class);
    }

    @Test
    void messages_do_not_quote_what_was_read() {
        for (String json : List.of(
                "{\"secret\":tru}", "{\"secret\":\"secret\",\"secret\":1}", "{\"secret\":1}secret", "secret", "")) {
            assertThatThrownBy(() -> read(json))
                    .as(json)
                    .isInstanceOf(IOException.class)
                    .hasNoCause()
                    .hasMessageNotContaining("secret");
        }
    }

    @Test
    void nulls_are_left_out_or_refused() throws IOException {
        byte[] json = "{\"a\":null,\"b\":{\"c\":null}}".getBytes(StandardCharsets.UTF_8);

        assertThat(StrictJson.object(json)).containsExactly(Map.entry("b", Map.of()));
        assertThatThrownBy(() -> StrictJson.objectOfValues(json)).hasMessage("a member is null");
    }

    @Test
    void base64url_has_one_spelling_for_each_byte_string() {
        Random random = new Random(7);
        for (int length = 0; length < 100; length++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            String text = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);

            assertThat(Base64Url.decode(text)).as(text).isEqualTo(bytes);
            int spellings = 0;
            for (char last = 0; last < 256 && length > 0; last++) {
                byte[] decoded = Base64Url.decode(text.substring(0, text.length() - 1) + last);
                spellings += Arrays.equals(decoded, bytes) ? 1 : 0;
            }
            assertThat(spellings).as(text).isEqualTo(length == 0 ? 0 : 1);
        }
        for (String text : List.of("A", "AA=", "AA==", "A A", "AB", "AAB", "+AAA", "/AAA", "AA\n", "ÄAAA", "AAAA=")) {
            assertThat(Base64Url.decode(text)).as(text).isNull();
        }
    }

    @Test
    void digests_are_read_from_hexadecimal_digits_and_not_shown() {
        String hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

        assertThat(Sha256.of("hello"))
                .isEqualTo(Sha256.parse(hex))
                .isEqualTo(Sha256.parse(hex.toUpperCase()))
                .hasToString("***");
        assertThat(Sha256.of("hello").hex()).isEqualTo(hex);
        assertThatThrownBy(() -> Sha256.parse("secret"))
                .hasMessageContaining("6 characters")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> Sha256.parse("s".repeat(64))).hasNoCause().hasMessageNotContaining("ssss");
    }

    @Test
    void hostile_text_is_fit_for_one_line() {
        assertThat(Text.shown("a\r\nb\u2028\"")).isEqualTo("a\\u000d\\u000ab\\u2028\"");
        assertThat(Text.shown("x".repeat(100))).hasSize(65).endsWith("…");
    }

    @Test
    void good_tokens_changed_at_one_place_are_never_accepted() {
        JwtOptions options = JwtOptionsTest.options(
                JwtAuth.builder().issuer(Keys.ISSUER).audience(Keys.AUDIENCE).key(JwtKey.secret(Keys.SECRET)));
        TokenVerifier verifier = new TokenVerifier(options, new FixedKeys(options.keys()), null);
        String good = Keys.hmac("HS256", Keys.SECRET, Keys.header("HS256", null), Keys.payload());
        Instant now = Instant.ofEpochSecond(Keys.NOW);
        Random random = new Random(42);

        assertThat(verifier.verify(good, now, work -> null).join()).isInstanceOf(Verdict.Accepted.class);
        for (int i = 0; i < 50_000; i++) {
            StringBuilder changed = new StringBuilder(good);
            int at = random.nextInt(good.length());
            switch (random.nextInt(3)) {
                case 0 -> changed.setCharAt(at, (char) random.nextInt(256));
                case 1 -> changed.deleteCharAt(at);
                default -> changed.insert(at, (char) random.nextInt(256));
            }
            if (!changed.toString().equals(good)) {
                assertThat(verifier.verify(changed.toString(), now, work -> null)
                                .join())
                        .as(changed.toString())
                        .isInstanceOf(Verdict.Refused.class);
            }
        }
    }
}
