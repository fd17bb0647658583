package dev.postern.runtime.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.GatewayException;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorityTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "example.com",
                "a-b.example.com:8443",
                "_dmarc.example.com",
                "10.0.0.1",
                "10.0.0.1:65535",
                "[::1]",
                "[2001:db8::7]:8080",
                "1.example",
                "0x.example",
                "a"
            })
    void a_canonical_authority_is_returned_as_it_is(String authority) {
        assertThat(Authority.canonical(authority)).isSameAs(authority);
    }

    @ParameterizedTest
    @CsvSource({
        "EXAMPLE.com, example.com",
        "example.com., example.com",
        "Example.COM.:443, example.com:443",
        "[2001:DB8:0:0:0:0:0:7], [2001:db8::7]",
        "[0:0:0:0:0:0:0:0]:80, [::]:80",
        "[::ffff:a00:1], [::ffff:10.0.0.1]",
    })
    void an_authority_has_one_spelling(String raw, String canonical) {
        assertThat(Authority.canonical(raw)).isEqualTo(canonical);
    }

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "user@example.com,host.bad_character",
                "example.com/path,host.bad_character",
                "example.com?q,host.bad_character",
                "a b,host.bad_character",
                " example.com,host.bad_character",
                "ex%61mple.com,host.bad_character",
                "bücher.example,host.bad_character",
                "a\\b,host.bad_character",
                "example.com:80:80,host.bad_port",
                "example.com:,host.bad_port",
                "example.com:0,host.bad_port",
                "example.com:65536,host.bad_port",
                "example.com:080,host.bad_port",
                "example.com:99999999999,host.bad_port",
                "example.com:8o,host.bad_port",
                "example.com:-1,host.bad_port",
                "[::1]80,host.bad_port",
                "[::1]:,host.bad_port",
                ".,host.bad_name",
                ".example.com,host.bad_name",
                "a..b,host.bad_name",
                "example.com..,host.bad_name",
                ":80,host.bad_name",
                "127.1,host.bad_address",
                "2130706433,host.bad_address",
                "0x7f.1,host.bad_address",
                "0x7f000001,host.bad_address",
                "256.0.0.1,host.bad_address",
                "010.0.0.1,host.bad_address",
                "1.2.3.4.5,host.bad_address",
                "[::1,host.bad_address",
                "[],host.bad_address",
                "[1.2.3.4],host.bad_address",
                "[fe80::1%25eth0],host.bad_address",
                "[v1.x],host.bad_address",
                "::1,host.bad_name",
            })
    void anything_else_is_refused_with_a_stable_reason(String raw, String reason) {
        assertThatThrownBy(() -> Authority.canonical(raw))
                .isInstanceOfSatisfying(
                        GatewayException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(reason));
    }

    @Test
    void a_list_of_hosts_is_refused() {
        assertThatThrownBy(() -> Authority.canonical("a.example,b.example")).isInstanceOf(GatewayException.class);
        assertThatThrownBy(() -> Authority.canonical("")).isInstanceOf(GatewayException.class);
    }

    @Test
    void names_and_labels_have_a_longest_length() {
        String label = "a".repeat(63);
        String longest = String.join(".", label, label, label, "a".repeat(61));
        assertThat(Authority.canonical(longest)).isSameAs(longest);
        assertThatThrownBy(() -> Authority.canonical(longest + "a")).hasMessageContaining("253");
        assertThatThrownBy(() -> Authority.canonical(label + "a")).hasMessageContaining("63");
    }

    @Test
    void host_and_port_are_read_apart() {
        assertThat(Authority.host("example.com:8080")).isEqualTo("example.com");
        assertThat(Authority.host("[::1]")).isEqualTo("[::1]");
        assertThat(Authority.host("[::1]:81")).isEqualTo("[::1]");
        assertThat(Authority.port("[::1]:81")).isEqualTo(81);
        assertThat(Authority.port("[::1]")).isEqualTo(-1);
        assertThat(Authority.port("example.com:8080")).isEqualTo(8080);
    }

    @Test
    void the_locale_of_the_host_does_not_change_names() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(new Locale("tr"));
            assertThat(Authority.canonical("INFO.EXAMPLE")).isEqualTo("info.example");
        } finally {
            Locale.setDefault(before);
        }
    }
}
