package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.testing.FakeExchange;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is calling, and by what callers are told apart. */
class CallersTest {
    private static final Request REQUEST =
            Request.get("/").withHeader("X-Tenant", "acme").withHeader("Cookie", "s=7");

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException impossible) {
            throw new IllegalArgumentException(text, impossible);
        }
    }

    private static FakeExchange from(String address) {
        return new FakeExchange().client(ClientInfo.of(new InetSocketAddress(address(address), 4711)));
    }

    @Test
    void a_caller_is_the_peer_until_a_trusted_proxy_says_otherwise() {
        InetSocketAddress peer = new InetSocketAddress(address("10.0.0.1"), 4711);
        ClientInfo direct = ClientInfo.of(peer);
        ClientInfo behind =
                direct.withAddress(address("192.0.2.9")).viaTrustedProxy().encrypted();

        assertThat(direct)
                .returns(peer, ClientInfo::peer)
                .returns(address("10.0.0.1"), ClientInfo::address)
                .returns(false, ClientInfo::secure)
                .returns(false, ClientInfo::trustedPeer)
                .returns(List.of(), ClientInfo::certificates)
                .hasToString("10.0.0.1");
        assertThat(behind)
                .returns(peer, ClientInfo::peer)
                .returns(address("192.0.2.9"), ClientInfo::address)
                .returns(true, ClientInfo::secure)
                .returns(true, ClientInfo::trustedPeer)
                .hasToString("192.0.2.9");
        assertThat(direct.withCertificates(List.of()).certificates()).isEmpty();
        assertThat(ClientInfo.local().address().isLoopbackAddress()).isTrue();
        assertThat(ClientInfo.local().peer().getPort()).isZero();
    }

    @Test
    void an_address_that_was_not_resolved_is_nobody() {
        InetSocketAddress peer = InetSocketAddress.createUnresolved("host.example", 80);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ClientInfo.of(peer))
                .withMessageStartingWith("peer: host.example")
                .withMessageEndingWith("(expected: a resolved address)");
        assertThatNullPointerException().isThrownBy(() -> ClientInfo.local().withAddress(null));
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.9, 192.0.2.9",
        // one /64 is one caller
        "2001:db8:1:2:3:4:5:6, 20010db800010002",
        "2001:db8:1:2::1, 20010db800010002",
        "2001:db8:1:3::1, 20010db800010003",
        // an IPv4 caller on an IPv6 socket is that IPv4 caller
        "::ffff:192.0.2.9, 192.0.2.9",
        "::1, 0000000000000000",
    })
    void callers_are_told_apart_by_address(String address, String key) {
        assertThat(RequestKey.client().of(REQUEST, from(address))).isEqualTo(key);
    }

    @Test
    void callers_are_told_apart_by_what_they_send() {
        FakeExchange exchange = new FakeExchange()
                .pathVariable("id", "7")
                .route(Route.builder("r").to("u").build());

        assertThat(RequestKey.header("x-tenant").of(REQUEST, exchange)).isEqualTo("acme");
        assertThat(RequestKey.header("x-other").of(REQUEST, exchange)).isNull();
        assertThat(RequestKey.cookie("s").of(REQUEST, exchange)).isEqualTo("7");
        assertThat(RequestKey.cookie("t").of(REQUEST, exchange)).isNull();
        assertThat(RequestKey.pathVariable("id").of(REQUEST, exchange)).isEqualTo("7");
        assertThat(RequestKey.pathVariable("no").of(REQUEST, exchange)).isNull();
        assertThat(exchange.pathVariable("id")).isEqualTo("7");
        assertThat(exchange.pathVariable("no")).isNull();
        assertThat(RequestKey.route().of(REQUEST, exchange)).isEqualTo("r");
        assertThat(RequestKey.named("m", (request, in) -> request.method()).of(REQUEST, exchange))
                .isEqualTo("GET");
    }

    @Test
    void callers_are_told_apart_by_who_they_were_proven_to_be() {
        FakeExchange exchange = new FakeExchange();

        assertThat(RequestKey.principal().of(REQUEST, exchange)).isNull();
        exchange.authenticate(new Principal("alice", "jwt", Set.of(), Map.of()));
        assertThat(RequestKey.principal().of(REQUEST, exchange)).isEqualTo("alice");
    }

    @Test
    void keys_of_one_name_are_taken_for_the_same() {
        assertThat(RequestKey.named("m", (request, exchange) -> "a"))
                .isEqualTo(RequestKey.named("m", (request, exchange) -> "b"));
    }

    @Test
    void a_principal_shows_how_and_who_and_nothing_personal() {
        Set<String> scopes = new HashSet<>(Set.of("read"));
        Map<String, Object> attributes = new HashMap<>(Map.of("email", "alice@example.com"));
        Principal principal = new Principal("alice", "jwt", scopes, attributes);

        scopes.add("write");
        attributes.clear();

        assertThat(principal).hasToString("jwt:alice");
        assertThat(principal.scopes()).containsExactly("read");
        assertThat(principal.attributes()).containsEntry("email", "alice@example.com");
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> principal.attributes().clear());
    }
}
