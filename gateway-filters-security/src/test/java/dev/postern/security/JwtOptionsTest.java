package dev.postern.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class JwtOptionsTest {
    private static final JwtKey RSA = JwtKey.of(Keys.RSA.getPublic());
    private static final String URL = "https://issuer.example/jwks.json";

    /** The options of a filter, through the only place that has them. */
    static JwtOptions options(JwtAuth.Builder builder) {
        return builder.options();
    }

    private static JwtAuth.Builder complete() {
        return JwtAuth.builder().issuer(Keys.ISSUER).audience(Keys.AUDIENCE).jwks(URL);
    }

    @Test
    void an_empty_builder_has_three_problems_and_each_names_its_cure() {
        assertThat(JwtAuth.builder().build().problems())
                .satisfiesExactly(
                        issuer -> assertThat(issuer)
                                .isEqualTo("issuer is missing (expected: builder.issuer(\"https://…\"))"),
                        audience -> assertThat(audience)
                                .contains("audience is missing")
                                .contains("builder.withoutAudience()"),
                        keys -> assertThat(keys).contains("keys are missing").contains("builder.jwks("));
    }

    @Test
    void complete_options_have_no_problem() {
        assertThat(complete().build().problems()).isEmpty();
        assertThat(complete().build().state()).hasSize(1);
        assertThat(JwtAuth.builder()
                        .issuer("i")
                        .withoutAudience()
                        .key(RSA)
                        .build()
                        .problems())
                .isEmpty();
        assertThat(JwtAuth.builder()
                        .issuer("i")
                        .withoutAudience()
                        .key(RSA)
                        .build()
                        .state())
                .isEmpty();
    }

    @Test
    void contradictions_are_problems() {
        assertThat(complete().key(RSA).build().problems())
                .singleElement()
                .asString()
                .contains("from a URL and from the builder");
        assertThat(complete().withoutAudience().build().problems())
                .singleElement()
                .asString()
                .contains("contradict");
        assertThat(complete().algorithms(JwtAlgorithm.HS256).build().problems())
                .singleElement()
                .asString()
                .contains("HS256 needs a secret");
        assertThat(JwtAuth.builder()
                        .issuer("i")
                        .audience("a")
                        .key(RSA)
                        .algorithms(JwtAlgorithm.ES256)
                        .build()
                        .problems())
                .singleElement()
                .asString()
                .contains("rsa key can do none of the algorithms [ES256]");
    }

    @Test
    void cleartext_key_sets_need_to_be_allowed_by_name() {
        String http = "http://127.0.0.1:8080/jwks";

        assertThat(complete().jwks(http).build().problems())
                .singleElement()
                .asString()
                .contains("builder.allowCleartextJwks()");
        assertThat(complete().jwks(http).allowCleartextJwks().build().problems())
                .isEmpty();
    }

    @Test
    void urls_of_other_forms_are_problems() {
        for (String url : List.of(
                "",
                "jwks.json",
                "/jwks",
                "ftp://h/x",
                "https:///x",
                "https://user@h/x",
                "https://h/x#y",
                "https://h/ x",
                "file:/etc/passwd",
                "https:x")) {
            assertThat(complete().jwks(url).build().problems())
                    .as(url)
                    .singleElement()
                    .asString()
                    .startsWith("jwks URL ");
            assertThat(complete().jwks(url).build().state()).as(url).isEmpty();
        }
    }

    @Test
    void weak_keys_are_problems() {
        JwtKey small = JwtKey.of(Keys.rsa(1024).getPublic()).withId("old");
        JwtKey secret = JwtKey.secret(new byte[31]);
        JwtKey longer = JwtKey.secret(new byte[47]).withAlgorithm(JwtAlgorithm.HS384);
        JwtKey longest = JwtKey.secret(new byte[63]).withAlgorithm(JwtAlgorithm.HS512);

        assertThat(JwtAuth.builder()
                        .issuer("i")
                        .audience("a")
                        .keys(List.of(small, secret, longer, longest))
                        .build()
                        .problems())
                .containsExactly(
                        "rsa key \"old\" has 1024 bits (expected: 2048 to 8192)",
                        "hmac key has 248 bits (expected: 256 or more for HS256)",
                        "hmac key has 376 bits (expected: 384 or more for HS384)",
                        "hmac key has 504 bits (expected: 512 or more for HS512)");
    }

    @Test
    void values_out_of_range_are_refused_at_once() {
        JwtAuth.Builder builder = JwtAuth.builder();

        assertThatThrownBy(() -> builder.issuer(" ")).hasMessageContaining("issuer");
        assertThatThrownBy(() -> builder.audience("")).hasMessageContaining("audience");
        assertThatThrownBy(() -> builder.clockSkew(Duration.ofSeconds(-1)))
                .hasMessage("clockSkew: PT-1S (expected: PT0S to PT5M)");
        assertThatThrownBy(() -> builder.clockSkew(Duration.ofSeconds(301))).hasMessageContaining("clockSkew");
        assertThatThrownBy(() -> builder.maxStale(Duration.ofDays(8))).hasMessageContaining("maxStale");
        assertThatThrownBy(() -> builder.maxTokenAge(Duration.ZERO)).hasMessageContaining("maxTokenAge");
        assertThatThrownBy(() -> builder.cachedTokens(-1)).hasMessageContaining("cachedTokens: -1");
        assertThatThrownBy(() -> builder.cachedTokens(1_000_001)).hasMessageContaining("cachedTokens");
        assertThatThrownBy(() -> builder.scopes("a b")).hasMessageContaining("scope: \"a b\"");
        assertThatThrownBy(() -> builder.scopes("")).hasMessageContaining("scope");
        assertThatThrownBy(() -> builder.realm("a\"b")).hasMessageContaining("realm");
        assertThatThrownBy(() -> builder.realm("a\nb")).hasMessageContaining("realm: \"a\\u000ab\"");
        assertThatThrownBy(() -> builder.claim("x", 1.5)).hasMessageContaining("claim x: a Double");
        assertThatThrownBy(() -> builder.claim("", "x")).hasMessageContaining("claim");
    }

    @Test
    void filters_are_equal_when_every_option_is() {
        List<UnaryOperator<JwtAuth.Builder>> changes = new ArrayList<>();
        changes.add(builder -> builder);
        changes.add(builder -> builder.issuer("other"));
        changes.add(builder -> builder.audience("other"));
        changes.add(builder -> builder.withoutAudience());
        changes.add(builder -> builder.jwks("https://other.example/"));
        changes.add(builder -> builder.allowCleartextJwks());
        changes.add(builder -> builder.maxStale(Duration.ZERO));
        changes.add(builder -> builder.key(RSA));
        changes.add(builder -> builder.key(RSA.withId("x")));
        changes.add(builder -> builder.key(JwtKey.secret(Keys.SECRET)));
        changes.add(builder -> builder.key(JwtKey.secret(new byte[32])));
        changes.add(builder -> builder.algorithms(JwtAlgorithm.PS256));
        changes.add(builder -> builder.scopes("a"));
        changes.add(builder -> builder.scopeClaim("a"));
        changes.add(builder -> builder.principalClaim("a"));
        changes.add(builder -> builder.claim("a", "b"));
        changes.add(builder -> builder.requireType("at+jwt"));
        changes.add(builder -> builder.clockSkew(Duration.ZERO));
        changes.add(builder -> builder.maxTokenAge(Duration.ofDays(1)));
        changes.add(builder -> builder.ignoreKeyHeaders());
        changes.add(builder -> builder.removeToken());
        changes.add(builder -> builder.alwaysOffLoop());
        changes.add(builder -> builder.cachedTokens(1));
        changes.add(builder -> builder.realm("other"));

        for (int i = 0; i < changes.size(); i++) {
            for (int j = 0; j < changes.size(); j++) {
                JwtAuth one = changes.get(i).apply(complete()).build();
                JwtAuth other = changes.get(j).apply(complete()).build();
                assertThat(one.equals(other)).as(i + " and " + j).isEqualTo(i == j);
                if (i == j) {
                    assertThat(one).hasSameHashCodeAs(other);
                }
            }
        }
        assertThat(complete().build()).isNotEqualTo("JwtAuth").hasToString("JwtAuth[https://issuer.example]");
    }
}
