package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Pki;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.Running;
import io.netty.handler.ssl.OpenSsl;
import io.netty.pkitesting.CertificateBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Several certificates on one listener: who is shown which, and which hosts a connection is then good for. */
class ServerNamesTest {
    private static Pki authority;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    @BeforeAll
    static void authority() throws Exception {
        authority = new Pki("Test Authority");
    }

    private Tls pem(int serial, String... names) throws Exception {
        Tls.Pair pair = Pki.write(files, "c" + serial, authority.server(serial, names));
        return Tls.pem(pair.certificate(), pair.key()).reloadEvery(Duration.ofMillis(50));
    }

    private Tls and(Tls tls, int serial, String... names) throws Exception {
        Tls.Pair pair = Pki.write(files, "c" + serial, authority.server(serial, names));
        return tls.and(pair.certificate(), pair.key());
    }

    private Running serving(Tls tls) {
        return rig.start(gateway -> gateway.listen(Listener.https(0, tls).host("127.0.0.1"))
                .route(Route.builder("all")
                        .match(Match.any())
                        .answer(Response.of(204))
                        .build()));
    }

    private static int shown(Running running, String name, String... protocols) throws Exception {
        try (SSLSocket socket = authority.connect(running.port(), name, protocols)) {
            return Pki.shown(socket);
        }
    }

    private static Answer ask(Running running, String name, String host) throws Exception {
        try (RawClient client = new RawClient(authority.connect(running.port(), name))) {
            return client.request("GET", "/", "", "Host: " + host).read();
        }
    }

    @Test
    void the_exact_name_wins_then_the_wildcard_of_one_label_then_the_first_certificate() throws Exception {
        Running running = serving(and(
                and(pem(1, "www.example.com"), 2, "*.example.com", "example.org"),
                3,
                "api.example.com",
                "*.api.example.com"));
        Map<String, Integer> expected = Map.of(
                "www.example.com", 1,
                "api.example.com", 3,
                "a.api.example.com", 3,
                "other.example.com", 2,
                "EXAMPLE.org", 2,
                "example.com", 1,
                "a.b.example.com", 1,
                "unknown.test", 1);
        for (Map.Entry<String, Integer> each : expected.entrySet()) {
            assertThat(shown(running, each.getKey(), "TLSv1.3"))
                    .as(each.getKey())
                    .isEqualTo(each.getValue());
            assertThat(shown(running, each.getKey(), "TLSv1.2"))
                    .as(each.getKey())
                    .isEqualTo(each.getValue());
        }
        assertThat(shown(running, null)).isEqualTo(1);
    }

    @Test
    void a_client_gets_the_kind_of_key_that_it_understands() throws Exception {
        // BoringSSL does not ask us which one the client can use, see docs/concepts/tls.md.
        assumeFalse(OpenSsl.isAvailable());
        Tls.Pair rsa =
                Pki.write(files, "rsa", authority.server(CertificateBuilder.Algorithm.rsa2048, 2, "www.example.com"));
        Running running = serving(pem(1, "www.example.com").and(rsa.certificate(), rsa.key()));
        for (String name : new String[] {"www.example.com", null}) {
            try (SSLSocket socket =
                    (SSLSocket) authority.context(null).getSocketFactory().createSocket("127.0.0.1", running.port())) {
                socket.setEnabledProtocols(new String[] {"TLSv1.2"});
                socket.setEnabledCipherSuites(new String[] {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"});
                socket.startHandshake();
                assertThat(Pki.shown(socket)).isEqualTo(2);
            }
            assertThat(shown(running, name)).isEqualTo(1);
        }
    }

    @Test
    void unknown_names_and_none_are_refused_on_demand() throws Exception {
        Running running = serving(pem(1, "www.example.com").refuseUnknownNames());
        assertThat(shown(running, "www.example.com")).isEqualTo(1);
        assertThatThrownBy(() -> shown(running, "unknown.test")).isInstanceOf(SSLException.class);
        assertThatThrownBy(() -> shown(running, null)).isInstanceOf(SSLException.class);
        assertThat(ask(running, "www.example.com", "www.example.com").status()).isEqualTo(204);
        assertThat(ask(running, "www.example.com", "unknown.test").status()).isEqualTo(421);
    }

    @Test
    void a_listener_with_wildcards_only_starts_and_refuses_too() throws Exception {
        Running running = serving(pem(1, "*.example.com").refuseUnknownNames());
        assertThat(shown(running, "a.example.com")).isEqualTo(1);
        assertThatThrownBy(() -> shown(running, "example.com")).isInstanceOf(SSLException.class);
    }

    @Test
    void a_host_that_another_certificate_is_for_is_misdirected() throws Exception {
        Running running = serving(and(pem(1, "www.example.com"), 2, "*.example.net"));
        // The same certificate: connections may be shared (RFC 9113 9.1.1).
        assertThat(ask(running, "a.example.net", "b.example.net:8443").status()).isEqualTo(204);
        assertThat(ask(running, "www.example.com", "WWW.example.com").status()).isEqualTo(204);
        assertThat(ask(running, null, "www.example.com").status()).isEqualTo(204);
        assertThat(ask(running, "www.example.com", "unknown.test").status()).isEqualTo(204);
        assertThat(ask(running, null, "127.0.0.1").status()).isEqualTo(204);
        // Domain fronting: the name in the handshake says one thing, the request another.
        for (String[] pair : new String[][] {
            {"www.example.com", "a.example.net"},
            {"a.example.net", "www.example.com"},
            {"a.example.net", "unknown.test"},
            {null, "a.example.net"}
        }) {
            Answer answer = ask(running, pair[0], pair[1]);
            assertThat(answer.status()).as("%s → %s", pair[0], pair[1]).isEqualTo(421);
            assertThat(answer.text()).contains("host.misdirected");
        }
    }

    @Test
    void T069_streams_of_one_connection_cannot_reach_the_host_of_another_certificate() throws Exception {
        Running running = serving(and(pem(1, "www.example.com", "img.example.com"), 2, "api.example.com"));
        SSLSocket socket = Pki.agreeing(authority.context(null), running.port(), "www.example.com", "h2");
        try (RawHttp2 client = RawHttp2.client(socket)) {
            for (String host : new String[] {"www.example.com", "img.example.com", "api.example.com"}) {
                int id = client.next();
                client.headers(
                        id, true, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", host + ":443");
                assertThat(client.await(id).status()).as(host).isEqualTo(host.startsWith("api") ? 421 : 204);
            }
        }
    }

    @Test
    void one_certificate_is_for_all_hosts() throws Exception {
        Running running = serving(pem(1, "www.example.com"));
        assertThat(ask(running, "www.example.com", "unknown.test").status()).isEqualTo(204);
        assertThat(ask(running, "unknown.test", "www.example.com").status()).isEqualTo(204);
    }

    @Test
    void all_files_change_together_or_not_at_all_and_a_bad_one_is_told_once() throws Exception {
        Running running = serving(and(pem(1, "www.example.com"), 2, "api.example.com"));
        try (RawClient old = new RawClient(authority.connect(running.port(), "api.example.com"))) {
            Files.writeString(files.resolve("c2.pem"), "not a certificate");
            Pki.write(files, "c1", authority.server(11, "www.example.com"));
            await().untilAsserted(() ->
                    assertThat(rig.warnings()).anyMatch(line -> line.contains("c2.pem holds no certificate")));
            for (int i = 0; i < 5; i++) {
                assertThat(shown(running, "www.example.com")).isEqualTo(1);
            }
            // Looked at every 50 ms. There were three states: the bad file, the other key, the other certificate.
            assertThat(rig.warnings().stream().filter(line -> line.contains("holds no certificate")))
                    .hasSizeLessThanOrEqualTo(3);
            Pki.write(files, "c2", authority.server(12, "api.example.com"));
            await().until(() -> shown(running, "www.example.com") == 11);
            assertThat(shown(running, "api.example.com")).isEqualTo(12);
            assertThat(old.request("GET", "/", "", "Host: api.example.com")
                            .read()
                            .status())
                    .isEqualTo(204);
        }
    }
}
