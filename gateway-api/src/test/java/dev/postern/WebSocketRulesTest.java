package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebSocketRulesTest {
    private final WebSocketRules standard = WebSocketRules.standard();

    @Test
    void the_defaults_are_for_the_open_internet() {
        assertThat(standard.origins()).isEmpty();
        assertThat(standard.allowsAnyOrigin()).isFalse();
        assertThat(standard.maxMessageBytes()).isEqualTo(256 * 1024);
        assertThat(standard.maxFragments()).isEqualTo(100);
        assertThat(standard.maxControlFrames()).isEqualTo(50);
    }

    @Test
    void each_method_gives_a_changed_copy() {
        WebSocketRules all = standard.origins("https://B.example", "http://localhost:3000")
                .origins("https://a.example", "https://[::1]:8443")
                .maxMessageBytes(1)
                .maxFragments(2)
                .maxControlFrames(3)
                .anyOrigin();

        assertThat(all.origins())
                .containsExactly(
                        "http://localhost:3000", "https://[::1]:8443", "https://a.example", "https://b.example");
        assertThat(all.allowsAnyOrigin()).isTrue();
        assertThat(all.maxMessageBytes()).isEqualTo(1);
        assertThat(all.maxFragments()).isEqualTo(2);
        assertThat(all.maxControlFrames()).isEqualTo(3);
        assertThat(standard).isEqualTo(WebSocketRules.standard()).isNotEqualTo(all);
    }

    @Test
    void they_are_values_and_say_what_they_allow() {
        List<WebSocketRules> different = List.of(
                standard,
                standard.origins("https://a.example"),
                standard.anyOrigin(),
                standard.maxMessageBytes(7),
                standard.maxFragments(7),
                standard.maxControlFrames(7));
        for (WebSocketRules rules : different) {
            assertThat(different.stream().filter(rules::equals)).hasSize(1);
            assertThat(different.stream().map(Object::toString).filter(rules.toString()::equals))
                    .hasSize(1);
        }
        assertThat(standard.maxFragments(7)).hasSameHashCodeAs(standard.maxFragments(7));
        assertThat(standard).hasToString("origins same; messages of 262144 bytes in 100 frames; 50 control frames/s");
        assertThat(standard.origins("https://a.example")).asString().startsWith("origins same, https://a.example;");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a.example",
                "https://a.example/",
                "https://*.example",
                "null",
                "https://a.example:port",
                "",
                "https://a b"
            })
    void what_is_no_origin_is_refused(String origin) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> standard.origins(origin))
                .withMessage("origin: \"" + origin + "\" (expected: scheme and host, such as https://app.example)");
    }

    @Test
    void limits_are_at_least_one() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> standard.maxMessageBytes(0))
                .withMessage("maxMessageBytes: 0 (expected: >= 1)");
        assertThatIllegalArgumentException().isThrownBy(() -> standard.maxFragments(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> standard.maxControlFrames(0));
    }

    @Test
    void a_route_takes_web_sockets_only_when_it_says_so() {
        Route route = Route.builder("r").to("u").build();
        assertThat(route.webSockets()).isNull();
        Route open = route.toBuilder().webSockets().build();
        assertThat(open.webSockets()).isEqualTo(standard);
        assertThat(open.toBuilder().build()).isEqualTo(open).isNotEqualTo(route);
    }
}
