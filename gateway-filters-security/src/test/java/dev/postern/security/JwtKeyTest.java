package dev.postern.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JwtKeyTest {
    private static final JwtKey RSA = JwtKey.of(Keys.RSA.getPublic());

    @Test
    void a_key_is_bound_to_the_algorithms_of_its_type() {
        for (JwtAlgorithm algorithm : JwtAlgorithm.values()) {
            boolean usual = algorithm == JwtAlgorithm.RS256;
            boolean same = algorithm.name().startsWith("RS") || algorithm.name().startsWith("PS");

            assertThat(RSA.allows(algorithm, Set.of()))
                    .as(algorithm + ", nothing listed")
                    .isEqualTo(usual);
            assertThat(RSA.allows(algorithm, Set.of(algorithm)))
                    .as(algorithm + " listed")
                    .isEqualTo(same);
            assertThat(RSA.withAlgorithm(JwtAlgorithm.PS384).allows(algorithm, Set.of()))
                    .as(algorithm + ", PS384 bound")
                    .isEqualTo(algorithm == JwtAlgorithm.PS384);
        }
    }

    @Test
    void a_key_refuses_an_algorithm_of_another_type() {
        assertThatThrownBy(() -> RSA.withAlgorithm(JwtAlgorithm.HS256))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("algorithm: HS256 (expected: one for keys of type RSA)");
        assertThatThrownBy(() -> JwtKey.of(Keys.P256.getPublic()).withAlgorithm(JwtAlgorithm.ES384))
                .hasMessageContaining("P256");
    }

    @Test
    void keys_of_other_kinds_are_refused() throws Exception {
        KeyPairGenerator dsa = KeyPairGenerator.getInstance("DSA");
        assertThatThrownBy(() -> JwtKey.of(dsa.generateKeyPair().getPublic()))
                .hasMessage("key: DSA (expected: RSA, EC or Ed25519)");
        KeyPairGenerator ed448 = KeyPairGenerator.getInstance("Ed448");
        assertThatThrownBy(() -> JwtKey.of(ed448.generateKeyPair().getPublic()))
                .hasMessageContaining("expected: RSA, EC or Ed25519");
    }

    @Test
    void ids_have_a_length() {
        assertThat(RSA.withId("x".repeat(256)).id()).hasSize(256);
        assertThatThrownBy(() -> RSA.withId("")).hasMessageContaining("key id: 0 characters");
        assertThatThrownBy(() -> RSA.withId("x".repeat(257))).hasMessageContaining("key id: 257 characters");
        assertThat(RSA.id()).isNull();
    }

    @Test
    void keys_are_equal_when_id_algorithm_and_key_are() {
        List<JwtKey> keys = new ArrayList<>(List.of(
                RSA,
                RSA.withId("a"),
                RSA.withId("b"),
                RSA.withAlgorithm(JwtAlgorithm.RS256),
                JwtKey.of(Keys.RSA_OTHER.getPublic()),
                JwtKey.of(Keys.P256.getPublic()),
                JwtKey.secret(Keys.SECRET),
                JwtKey.secret(new byte[32])));

        for (int i = 0; i < keys.size(); i++) {
            for (int j = 0; j < keys.size(); j++) {
                assertThat(keys.get(i).equals(keys.get(j)))
                        .as(keys.get(i) + " and " + keys.get(j))
                        .isEqualTo(i == j);
            }
        }
        assertThat(JwtKey.of(Keys.RSA.getPublic()).withId("a"))
                .isEqualTo(RSA.withId("a"))
                .hasSameHashCodeAs(RSA.withId("a"));
        assertThat(JwtKey.secret(Keys.SECRET.clone())).isEqualTo(JwtKey.secret(Keys.SECRET));
        assertThat(RSA).isNotEqualTo("key");
    }

    @Test
    void a_secret_is_copied_and_never_shown() {
        byte[] secret = Keys.SECRET.clone();
        JwtKey key = JwtKey.secret(secret);
        secret[0]++;

        assertThat(key).isEqualTo(JwtKey.secret(Keys.SECRET));
        assertThat(key.withId("2026")).hasToString("hmac key \"2026\"");
        assertThat(RSA.withId("a\nb")).hasToString("rsa key \"a\\u000ab\"");
        assertThat(RSA).hasToString("rsa key");
    }

    @Test
    void what_is_no_signature_at_all_is_none() {
        byte[] signed = {1, 2, 3};
        for (JwtKey key : List.of(
                RSA,
                JwtKey.of(Keys.P256.getPublic()),
                JwtKey.of(Keys.ED25519.getPublic()),
                JwtKey.secret(Keys.SECRET))) {
            for (JwtAlgorithm algorithm : JwtAlgorithm.values()) {
                for (int length : new int[] {0, 1, 31, 32, 63, 64, 65, 256, 1000}) {
                    if (key.allows(algorithm, Set.of(algorithm))) {
                        assertThat(key.verifies(algorithm, signed, new byte[length]))
                                .as(key + " " + algorithm + " " + length)
                                .isFalse();
                    }
                }
            }
        }
    }
}
