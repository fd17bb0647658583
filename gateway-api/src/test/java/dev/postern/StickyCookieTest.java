package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StickyCookieTest {
    private static final String SECRET = "0123456789abcdef";
    private static final StickyCookie COOKIE = LoadBalancer.stickyCookie("SRV", SECRET);
    private static final ClientInfo CLIENT = ClientInfo.of(new InetSocketAddress("127.0.0.1", 1));

    @Test
    void what_it_says_is_the_same_everywhere_and_tells_nothing_without_the_secret() {
        // HMAC-SHA256 of the four parts, its first 16 bytes: computed with another library.
        assertThat(COOKIE.value("orders", "http://10.0.0.7:8081"))
                .isEqualTo("qlVI6cxIqD7IzEg_FLvuog")
                .hasSize(22);
        Set<String> values = new HashSet<>(List.of(
                COOKIE.value("orders", "http://10.0.0.7:8081"),
                COOKIE.value("orders", "http://10.0.0.8:8081"),
                COOKIE.value("users", "http://10.0.0.7:8081"),
                LoadBalancer.stickyCookie("OTHER", SECRET).value("orders", "http://10.0.0.7:8081"),
                LoadBalancer.stickyCookie("SRV", SECRET + "x").value("orders", "http://10.0.0.7:8081")));
        assertThat(values).hasSize(5).allMatch(value -> value.matches("[A-Za-z0-9_-]{22}"));
        assertThat(COOKIE).hasToString("sticky cookie SRV, otherwise round robin");
        assertThat(COOKIE.strict().otherwise(LoadBalancer.leastRequests()))
                .hasToString("strict cookie SRV, otherwise least requests");
    }

    @Test
    void the_field_says_what_was_asked_for() {
        assertThat(COOKIE.fieldValue("x", CLIENT)).isEqualTo("SRV=x; Path=/; HttpOnly; SameSite=Lax");
        assertThat(COOKIE.fieldValue("x", CLIENT.encrypted()))
                .isEqualTo("SRV=x; Path=/; Secure; HttpOnly; SameSite=Lax");
        assertThat(COOKIE.path("/shop")
                        .maxAge(Duration.ofMillis(90_500))
                        .sameSite(StickyCookie.SameSite.NONE)
                        .alwaysSecure()
                        .readableByScripts()
                        .fieldValue("x", CLIENT))
                .isEqualTo("SRV=x; Path=/shop; Max-Age=90; Secure; SameSite=None");
        assertThat(COOKIE.sameSite(StickyCookie.SameSite.STRICT).fieldValue("x", CLIENT))
                .endsWith("; SameSite=Strict");
    }

    @Test
    void it_asks_for_what_the_balancer_behind_it_needs() {
        StickyCookie behind = COOKIE.otherwise(LoadBalancer.boundedHash(RequestKey.client(), 2));
        assertThat(behind.key()).isEqualTo(RequestKey.client());
        assertThat(behind.measures()).containsExactly(LoadBalancer.Measure.ALL_IN_FLIGHT);
        assertThat(COOKIE.key()).isNull();
        assertThat(COOKIE.name() + COOKIE.path() + COOKIE.refusesOthers()).isEqualTo("SRV/false");
    }

    @Test
    void what_makes_no_sense_is_refused_and_a_secret_is_not_repeated() {
        List.<Runnable>of(
                        () -> LoadBalancer.stickyCookie("", SECRET),
                        () -> LoadBalancer.stickyCookie("a b", SECRET),
                        () -> LoadBalancer.stickyCookie("a=b", SECRET),
                        () -> LoadBalancer.stickyCookie("a;b", SECRET),
                        () -> LoadBalancer.stickyCookie("é", SECRET),
                        () -> LoadBalancer.stickyCookie("x".repeat(65), SECRET),
                        () -> LoadBalancer.stickyCookie("SRV", "hunter2-hunter2"),
                        () -> COOKIE.otherwise(COOKIE),
                        () -> COOKIE.path("shop"),
                        () -> COOKIE.path("/; Domain=example.com"),
                        () -> COOKIE.path("/\r\n"),
                        () -> COOKIE.path("/" + "x".repeat(1024)),
                        () -> COOKIE.maxAge(Duration.ofMillis(999)),
                        () -> COOKIE.maxAge(Duration.ofDays(401)))
                .forEach(wrong -> assertThatThrownBy(wrong::run)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("(expected: ")
                        .hasMessageNotContaining("hunter2"));
    }

    @Test
    void a_name_that_browsers_take_with_another_path_only_is_a_problem() {
        assertThat(COOKIE.path("/shop").problems()).isEmpty();
        StickyCookie host = LoadBalancer.stickyCookie("__Host-SRV", SECRET).alwaysSecure();
        assertThat(host.problems()).isEmpty();
        assertThat(host.path("/shop").problems())
                .singleElement()
                .asString()
                .contains("__Host-SRV", "/shop", "(expected: ");
    }

    @Test
    void what_browsers_take_as_secure_only_is_a_problem_unless_it_always_is() {
        for (StickyCookie dropped : List.of(
                LoadBalancer.stickyCookie("__Host-SRV", SECRET),
                LoadBalancer.stickyCookie("__secure-SRV", SECRET).path("/shop"),
                COOKIE.sameSite(StickyCookie.SameSite.NONE))) {
            assertThat(dropped.problems())
                    .singleElement()
                    .asString()
                    .contains(dropped.name(), "not always Secure", "(expected: alwaysSecure(), or ");
            assertThat(dropped.alwaysSecure().problems()).isEmpty();
        }
        assertThat(LoadBalancer.stickyCookie("__Host-SRV", SECRET)
                        .path("/shop")
                        .sameSite(StickyCookie.SameSite.NONE)
                        .problems())
                .hasSize(3);
        assertThat(COOKIE.sameSite(StickyCookie.SameSite.STRICT).problems()).isEmpty();
    }

    @Test
    void the_values_of_many_are_those_of_each() {
        List<String> endpoints = List.of("http://a", "http://b", "http://c");
        assertThat(COOKIE.values("orders", endpoints))
                .containsExactlyElementsOf(endpoints.stream()
                        .map(endpoint -> COOKIE.value("orders", endpoint))
                        .toList());
        assertThat(COOKIE.values("orders", List.of())).isEmpty();
    }
}
