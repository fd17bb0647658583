package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Authorization",
                "Proxy-Authorization",
                "Cookie",
                "Set-Cookie",
                "X-Api-Key",
                "Api-Key",
                "X-Auth-Token",
                "X-Amz-Security-Token",
                "X-CSRF-Token",
                "X-XSRF-TOKEN",
                "DPoP",
                "X-Vault-Token",
                "X-Hub-Signature-256",
                "X-Forwarded-Client-Cert",
                "Client-Cert",
                "X-Goog-IAP-JWT-Assertion",
                "X-Amzn-Oidc-Data",
                "X-MS-Client-Principal",
                "X-Session-Id",
                "X-Db-Password",
                "X-OTP",
                "Private-Token"
            })
    void fields_that_carry_credentials_are_hidden_by_their_name(String name) {
        assertThat(Redaction.header(name.toLowerCase(Locale.ROOT), "value")).isEqualTo("***");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer abc",
                "bearer abc",
                "Basic dXNlcjpwYXNz",
                "DPoP abc",
                "Negotiate YII",
                "token abc",
                "eyJhbGciOiJub25lIn0.e30.",
                "jwt=eyJhbGciOiJub25lIn0.e30."
            })
    void values_that_look_like_credentials_are_hidden_whatever_the_field_is_called(String value) {
        assertThat(Redaction.header("x-harmless", value)).isEqualTo("***");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Mozilla/5.0 (X11; Linux)", "application/json", "", "basically nothing", "Bearer", "a b"})
    void ordinary_values_are_shown(String value) {
        assertThat(Redaction.header("user-agent", value)).isEqualTo(value);
    }

    @ParameterizedTest
    @CsvSource({
        "https://a.example/b?c=d#e, https://a.example/b",
        "https://a.example/b#e?c, https://a.example/b",
        "https://user:pass@a.example/b@c, https://a.example/b@c",
        "https://user:pass@a.example, https://a.example",
        "https://a.example/b;jsessionid=1, https://a.example/b;jsessionid=***",
        "//user@a.example/, //a.example/",
        "/b?c=d, /b",
        "nothing, nothing",
    })
    void links_lose_user_query_and_fragment(String link, String shown) {
        assertThat(Redaction.header("referer", link)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({
        "/, /",
        "/a/b, /a/b",
        "/a;jsessionid=1234/b, /a;jsessionid=***/b",
        "/a;x=1;y=2/b;z=3, /a;x=***;y=***/b;z=***",
        "/a;1234/b, /a;***/b",
        "/a;/b;, /a;/b;",
        "/a;x=/b=c, /a;x=***/b=c",
        "/a;b/c=d, /a;***/c=d",
        "/a;=x, /a;=***",
    })
    void values_of_path_parameters_are_hidden(String path, String shown) {
        assertThat(Redaction.path(path)).isEqualTo(shown);
    }

    @ParameterizedTest
    @CsvSource({
        "page=1, page",
        "page=1&sort=name, page&sort",
        "page=1&page=2, page&page",
        "secret, *",
        "c2VjcmV0==, *",
        "c2VjcmV0=, *",
        "=x&a=b, *&a",
        "a=b&, a&*",
        "a=b=c, a",
    })
    void of_a_query_only_names_are_shown_and_only_where_they_are_names(String query, String shown) {
        assertThat(Redaction.queryNames(query)).isEqualTo(shown);
    }

    @Test
    void names_in_a_query_are_cut_and_so_is_their_number() {
        assertThat(Redaction.queryNames("n".repeat(100) + "=1")).isEqualTo("n".repeat(64));
        assertThat(Redaction.queryNames("a=1&".repeat(40) + "z=1")).isEqualTo("a&".repeat(31) + "a&…");
    }
}
