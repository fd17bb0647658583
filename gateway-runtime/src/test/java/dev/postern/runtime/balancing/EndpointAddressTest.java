package dev.postern.runtime.balancing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointAddressTest {
    @ParameterizedTest
    @CsvSource({
        "http://10.0.0.7:8081,          false, 10.0.0.7,        8081, http://10.0.0.7:8081",
        "http://10.0.0.7,               false, 10.0.0.7,        80,   http://10.0.0.7",
        "http://10.0.0.7:80/,           false, 10.0.0.7,        80,   http://10.0.0.7",
        "HTTPS://Orders.Internal,       true,  orders.internal, 443,  https://orders.internal",
        "https://orders.internal:443,   true,  orders.internal, 443,  https://orders.internal",
        "https://orders:80,             true,  orders,          80,   https://orders:80",
        "http://my_service.default:1,   false, my_service.default, 1, http://my_service.default:1",
        "http://[2001:DB8::7]:8081,     false, 2001:db8::7,     8081, http://[2001:db8::7]:8081",
        "http://[::1],                  false, ::1,             80,   http://[::1]",
        "http://[::ffff:10.0.0.7]:65535, false, ::ffff:10.0.0.7, 65535, http://[::ffff:10.0.0.7]:65535",
        "http://1and1.example,          false, 1and1.example,   80,   http://1and1.example",
    })
    void understands_scheme_host_and_port(String uri, boolean secure, String host, int port, String canonical) {
        EndpointAddress address = EndpointAddress.of(uri);
        assertThat(address.secure()).isEqualTo(secure);
        assertThat(address.host()).isEqualTo(host);
        assertThat(address.port()).isEqualTo(port);
        assertThat(address).hasToString(canonical).isEqualTo(EndpointAddress.of(canonical));
        assertThat(address.hashCode()).isEqualTo(EndpointAddress.of(canonical).hashCode());
        assertThat(EndpointAddress.problem(uri)).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "10.0.0.7:8081            | has no scheme (expected: http or https)",
                "ftp://10.0.0.7           | has a scheme that is not served",
                "http://10.0.0.7/orders   | has a path (expected: scheme, host and port alone: http://10.0.0.7:8081)",
                "http://10.0.0.7//        | has a path",
                "http://10.0.0.7?a=b      | has a query",
                "http://10.0.0.7#top      | has a fragment",
                "http://me:pw@10.0.0.7    | has credentials",
                "http://                  | has no host",
                "http://:80               | has no host",
                "http://10.0.0.7:         | has a bad port (expected: 1 to 65535)",
                "http://10.0.0.7:0        | has a bad port",
                "http://10.0.0.7:65536    | has a bad port",
                "http://10.0.0.7:99999999999 | has a bad port",
                "http://10.0.0.7:+80      | has a bad port",
                "http://10.0.0.7:80:80    | has a bad port",
                "http://10.0.0.256        | has a bad IPv4 address",
                "http://10.0.0            | has a bad IPv4 address",
                "http://10.0.0.010        | has a bad IPv4 address",
                "http://2130706433        | has a bad IPv4 address",
                "http://10.0..7           | has a bad IPv4 address",
                "http://a..b              | has a bad host name",
                "http://-a.b              | has a bad host name",
                "http://a-.b              | has a bad host name",
                "http://a b               | has a bad host name",
                "http://ä.example         | has a bad host name",
                "http://a%2e.example      | has a bad host name",
                "http://a.                | has a bad host name",
                "http://[2001:db8::7      | has no closing bracket",
                "http://[]                | has a bad IPv6 address",
                "http://[fe80::1%eth0]    | has a bad IPv6 address (expected: http://[2001:db8::7]:8081, without a zone)",
                "http://[1:2]             | has a bad IPv6 address",
                "http://[::1]x            | has a bad port",
            })
    void refuses_everything_else_with_the_cure(String uri, String problem) {
        assertThat(EndpointAddress.problem(uri)).startsWith("endpoint \"").contains(problem);
        assertThatThrownBy(() -> EndpointAddress.of(uri)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void literal_addresses_need_no_look_up() {
        assertThat(EndpointAddress.of("http://10.0.0.7").literal().getAddress()).containsExactly(10, 0, 0, 7);
        assertThat(EndpointAddress.of("http://[::1]").literal().isLoopbackAddress())
                .isTrue();
        assertThat(EndpointAddress.of("http://localhost").literal()).isNull();
    }

    @Test
    void secrets_and_control_characters_do_not_reach_the_log() {
        assertThat(EndpointAddress.problem("http://me:hunter2@host"))
                .doesNotContain("hunter2")
                .contains("…@host");
        assertThat(EndpointAddress.problem("http://a\r\nb")).contains("a\\u000d\\u000ab");
        assertThat(EndpointAddress.problem("x".repeat(5_000))).hasSizeLessThan(200);
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 254})
    void names_keep_to_the_lengths_of_dns(int length) {
        String name = length == 64 ? "a".repeat(64) : ("a".repeat(49) + '.').repeat(5) + "aaaa";
        assertThat(name).hasSize(length);
        assertThat(EndpointAddress.problem("http://" + name)).contains("bad host name");
        assertThat(EndpointAddress.problem("http://" + name.substring(1))).isNull();
    }
}
