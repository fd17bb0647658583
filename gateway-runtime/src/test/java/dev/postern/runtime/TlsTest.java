package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.GatewayStartException;
import dev.postern.HealthCheck;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Protocol;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Http2Origin;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.tls.TlsEngine;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.math.BigInteger;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** TLS on both sides: what is shown, what is believed, what is refused. */
class TlsTest {
    private static X509Bundle authority;
    private static X509Bundle stranger;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    @BeforeAll
    static void authorities() throws Exception {
        authority = authority("CN=Test Authority");
        stranger = authority("CN=Somebody Else");
    }

    private static X509Bundle authority(String name) throws Exception {
        return new CertificateBuilder()
                .ecp256()
                .subject(name)
                .setIsCertificateAuthority(true)
                .setKeyUsage(true, CertificateBuilder.KeyUsage.keyCertSign)
                .buildSelfSigned();
    }

    private static X509Bundle server(X509Bundle issuer, String dnsName, long serial) throws Exception {
        CertificateBuilder builder = new CertificateBuilder()
                .ecp256()
                .subject("CN=" + dnsName)
                .serial(BigInteger.valueOf(serial))
                .addSanDnsName(dnsName);
        return builder.buildIssuedBy(issuer);
    }

    private Tls files(X509Bundle bundle) throws Exception {
        Path chain = files.resolve("chain.pem");
        Path key = files.resolve("key.pem");
        // Key first: a pair that does not match in between is kept out.
        Files.writeString(key, bundle.getPrivateKeyPEM());
        Files.writeString(chain, bundle.getCertificatePathPEM());
        return Tls.pem(chain, key).reloadEvery(Duration.ofMillis(50));
    }

    private Path trust(X509Bundle root) throws Exception {
        return Files.writeString(files.resolve("trust.pem"), root.getRootCertificatePEM());
    }

    private static SSLContext context(X509Bundle own, X509Bundle root) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        KeyManagerFactory keys = null;
        if (own != null) {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("own", own.getKeyPair().getPrivate(), new char[0], own.getCertificatePath());
            keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(store, new char[0]);
        }
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("root", root.getRootCertificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(roots);
        context.init(keys == null ? null : keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static SSLSocket connect(int port, String... protocols) throws Exception {
        SSLSocket socket =
                (SSLSocket) context(null, authority).getSocketFactory().createSocket("127.0.0.1", port);
        if (protocols.length > 0) {
            socket.setEnabledProtocols(protocols);
        }
        socket.startHandshake();
        return socket;
    }

    private static BigInteger serial(int port) throws Exception {
        try (SSLSocket socket = connect(port)) {
            return ((X509Certificate) socket.getSession().getPeerCertificates()[0]).getSerialNumber();
        }
    }

    private Running listening(Tls tls, RawOrigin origin) {
        return rig.start(gateway -> gateway.listen(Listener.https(0, tls).host("127.0.0.1"))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    // ---- the listener

    @Test
    void requests_come_through_tls_and_the_origin_is_told() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 1)), origin);
        for (String protocol : new String[] {"TLSv1.2", "TLSv1.3"}) {
            try (RawClient client = new RawClient(connect(running.port(), protocol))) {
                for (int i = 0; i < 3; i++) {
                    assertThat(client.request("POST", "/", "body").read().text())
                            .isEqualTo("body");
                }
                // The guard stands behind TLS.
                Answer answer = client.send("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n")
                        .read();
                assertThat(answer.status()).isEqualTo(400);
                assertThat(answer.text()).contains("framing.obs_fold");
            }
        }
        assertThat(origin.received().get(0).header("X-Forwarded-Proto")).isEqualTo("https");
        assertThat(origin.received().get(0).header("Forwarded")).contains("proto=https");
        assertThat(running.gateway().listeners().get(0).secure()).isTrue();
    }

    @Test
    void a_changed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 11)), origin);
        try (RawClient before = new RawClient(connect(running.port()))) {
            assertThat(serial(running.port())).isEqualTo(BigInteger.valueOf(11));
            files(server(authority, "localhost", 12));
            await().until(() -> serial(running.port()).intValue() == 12);
            Files.writeString(files.resolve("chain.pem"), "not a certificate");
            await().untilAsserted(() ->
                    assertThat(rig.warnings()).anyMatch(line -> line.contains("the old certificates stay")));
            assertThat(serial(running.port())).isEqualTo(BigInteger.valueOf(12));
            assertThat(before.request("POST", "/", "still").read().text()).isEqualTo("still");
            files(server(authority, "localhost", 13));
            await().until(() -> serial(running.port()).intValue() == 13);
            try (SSLSocket later = agreeing(running.port(), "h2")) {
                assertThat(later.getApplicationProtocol()).isEqualTo("h2");
            }
        }
    }

    @Test
    void a_certificate_that_cannot_be_used_stops_the_start() throws Exception {
        Tls tls = files(server(authority, "localhost", 1));
        Running running = rig.prepare(gateway -> gateway.listen(
                        Listener.https(0, tls).host("127.0.0.1").name("edge"))
                .route(Route.builder("all")
                        .match(Match.any())
                        .answer(Response.of(204))
                        .build()));
        // It was good when the gateway was built.
        Files.writeString(
                files.resolve("key.pem"), server(authority, "localhost", 2).getPrivateKeyPEM());
        assertThatThrownBy(() -> running.gateway().start())
                .isInstanceOf(GatewayStartException.class)
                .hasMessageContaining("edge");
    }

    @Test
    void cleartext_on_a_tls_port_gets_no_answer_and_harms_nobody() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 1)), origin);
        assertThat(running.client().get("/").isAtEnd()).isTrue();
        try (RawClient client = new RawClient(connect(running.port()))) {
            assertThat(client.get("/").read().status()).isEqualTo(200);
        }
    }

    @Test
    void old_versions_of_tls_are_refused() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 1)), origin);
        assertThatThrownBy(() -> connect(running.port(), "TLSv1.1")).isInstanceOf(SSLHandshakeException.class);
    }

    private static SSLSocket agreeing(int port, String... alpn) throws Exception {
        SSLSocket socket =
                (SSLSocket) context(null, authority).getSocketFactory().createSocket("127.0.0.1", port);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(alpn);
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        return socket;
    }

    @Test
    void clients_choose_between_http2_and_http1() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 1)), origin);
        SSLSocket both = agreeing(running.port(), "h2", "http/1.1");
        assertThat(both.getApplicationProtocol()).isEqualTo("h2");
        try (RawHttp2 client = RawHttp2.client(both)) {
            assertThat(client.post("/", new byte[] {'h', 'i'}).text()).isEqualTo("hi");
            assertThat(origin.received().get(0).header("X-Forwarded-Proto")).isEqualTo("https");
        }
        try (RawClient client = new RawClient(agreeing(running.port(), "http/1.1"))) {
            assertThat(client.request("POST", "/", "body").read().text()).isEqualTo("body");
        }
    }

    @Test
    void the_guard_of_http2_stands_behind_TLS_too() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = listening(files(server(authority, "localhost", 1)), origin);
        try (RawHttp2 client = RawHttp2.client(agreeing(running.port(), "h2"))) {
            int bad = client.next();
            client.headers(bad, true, RawHttp2.request("GET", "/"));
            assertThat(client.await(bad).reset()).as(":scheme http over TLS").isEqualTo(RawHttp2.PROTOCOL_ERROR);
            assertThat(client.get("/").status()).isEqualTo(200);
            byte[] pings = new byte[17 * 2000];
            for (int i = 0; i < 2000; i++) {
                System.arraycopy(RawHttp2.frame(RawHttp2.PING, 0, 0, new byte[8]), 0, pings, 17 * i, 17);
            }
            client.bytes(pings);
            assertThat(client.awaitEnd()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
        }
        assertThat(origin.received()).hasSize(1);
    }

    @Test
    void a_listener_of_one_protocol_agrees_on_no_other() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Tls tls = files(server(authority, "localhost", 1));
        Running running = rig.start(gateway -> gateway.listen(
                        Listener.https(0, tls).host("127.0.0.1").name("new").protocols(Protocol.HTTP_2))
                .listen(Listener.https(0, tls).host("127.0.0.1").name("old").protocols(Protocol.HTTP_1_1))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        int newer = running.gateway().listeners().get(0).port();
        int older = running.gateway().listeners().get(1).port();
        if (TlsEngine.isNative()) {
            // BoringSSL goes on without a protocol, and whoever speaks what is not spoken here is refused then.
            try (SSLSocket old = agreeing(newer, "http/1.1");
                    RawClient client = new RawClient(old)) {
                assertThat(old.getApplicationProtocol()).isEmpty();
                assertThat(client.get("/").isAtEnd()).isTrue();
            }
            try (SSLSocket young = agreeing(older, "h2");
                    RawClient client = new RawClient(young)) {
                assertThat(young.getApplicationProtocol()).isEmpty();
                Answer answer = client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").read();
                assertThat(answer.status()).as("%s", answer).isGreaterThanOrEqualTo(400);
                assertThat(client.isAtEnd()).isTrue();
            }
        } else {
            assertThatThrownBy(() -> agreeing(newer, "http/1.1")).isInstanceOf(SSLHandshakeException.class);
            assertThatThrownBy(() -> agreeing(older, "h2")).isInstanceOf(SSLHandshakeException.class);
        }
        try (RawClient silent = new RawClient(connect(newer))) {
            assertThat(silent.get("/").isAtEnd()).isTrue();
        }
        assertThat(origin.received()).isEmpty();
    }

    // ---- to upstreams

    private Running to(RawOrigin origin, UpstreamTls tls) {
        return rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints("https://localhost:" + origin.port())
                        .tls(tls)
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
    }

    @Test
    void an_origin_of_http2_is_agreed_with_and_one_that_does_not_agree_is_a_failure() throws Exception {
        X509Bundle certificate = server(authority, "localhost", 5);
        Http2Origin origin =
                rig.close(Http2Origin.secure(context(certificate, authority), Http2Origin.echo(), "h2", "http/1.1"));
        Http2Origin older =
                rig.close(Http2Origin.secure(context(certificate, authority), Http2Origin.echo(), "http/1.1"));
        UpstreamTls tls = UpstreamTls.verified().trust(trust(authority));
        Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints(origin.url())
                        .tls(tls)
                        .protocol(Protocol.HTTP_2)
                        .build())
                .upstream(Upstream.builder("old")
                        .endpoints(older.url())
                        .tls(tls)
                        .protocol(Protocol.HTTP_2)
                        .build())
                .route(Route.builder("new")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build())
                .route(Route.builder("old")
                        .match(Match.prefix("/old"))
                        .to("old")
                        .build()));
        assertThat(running.client().request("POST", "/", "body").read().text()).isEqualTo("body");
        assertThat(origin.received().get(0).header(":scheme")).isEqualTo("https");
        assertThat(origin.received().get(0).header(":authority")).startsWith("localhost:");
        Answer answer = running.client().request("POST", "/old", "body").read();
        assertThat(answer.status()).isEqualTo(502);
        assertThat(answer.text()).contains("tls_failed");
    }

    private RawOrigin secure(X509Bundle certificate) throws Exception {
        return rig.close(RawOrigin.secure(context(certificate, authority), RawOrigin.echo()));
    }

    @Test
    void an_origin_with_a_good_certificate_is_believed_and_its_connection_kept() throws Exception {
        RawOrigin origin = secure(server(authority, "localhost", 1));
        RawClient client =
                to(origin, UpstreamTls.verified().trust(trust(authority))).client();
        for (int i = 0; i < 5; i++) {
            assertThat(client.request("POST", "/", "body" + i).read().text()).isEqualTo("body" + i);
        }
        assertThat(origin.connections()).isEqualTo(1);
    }

    @Test
    void a_client_that_leaves_a_long_answer_of_a_secure_origin_lets_everything_go() throws Exception {
        byte[] all = "a".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
        RawOrigin origin = rig.close(RawOrigin.secure(
                context(server(authority, "localhost", 1), authority), (request, in, out, socket) -> {
                    int times = request.line().contains("short") ? 1 : 50;
                    out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + times * all.length + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
                    for (int i = 0; i < times; i++) {
                        out.write(all);
                    }
                    return true;
                }));
        Running running = to(origin, UpstreamTls.verified().trust(trust(authority)));
        for (int i = 0; i < 6; i += 2) {
            assertThat(running.client().get("/short").read().text()).hasSize(1 << 20);
            try (RawClient client = running.client().get("/long")) {
                client.skip(1 << 20);
            }
            assertThat(running.outcome(i + 2).failure()).isEqualTo(Failure.CLIENT_GONE);
        }
    }

    @Test
    void an_origin_of_another_name_or_another_authority_is_refused() throws Exception {
        assertRefused(
                secure(server(authority, "other.example", 1)),
                UpstreamTls.verified().trust(trust(authority)));
        assertRefused(
                secure(server(authority, "localhost", 1)),
                UpstreamTls.verified().trust(trust(stranger)));
        assertRefused(secure(server(authority, "localhost", 1)), UpstreamTls.verified());
    }

    @Test
    void health_checks_believe_what_their_upstream_believes() throws Exception {
        RawOrigin origin = secure(server(authority, "inner.example", 1));
        Path root = trust(authority);
        rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints("https://localhost:" + origin.port())
                        .tls(UpstreamTls.verified().trust(root).serverName("inner.example"))
                        .healthCheck(HealthCheck.http("/health"))
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        await().untilAsserted(() -> assertThat(origin.received()).isNotEmpty());
        assertThat(origin.received().get(0).line()).isEqualTo("GET /health HTTP/1.1");
    }

    @Test
    void trust_and_certificate_for_upstreams_follow_their_files_and_what_is_unusable_does_not_replace_them()
            throws Exception {
        X509Bundle first = server(stranger, "localhost", 41);
        X509Bundle second = server(stranger, "localhost", 42);
        SSLContext asking = context(server(authority, "localhost", 1), stranger);
        List<BigInteger> shown = new CopyOnWriteArrayList<>();
        RawOrigin origin = rig.close(RawOrigin.secureAsking(asking, (request, in, out, socket) -> {
            X509Certificate client =
                    (X509Certificate) ((SSLSocket) socket).getSession().getPeerCertificates()[0];
            shown.add(client.getSerialNumber());
            out.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return false;
        }));
        Path trust = trust(stranger);
        Path chain = Files.writeString(files.resolve("own.pem"), first.getCertificatePathPEM());
        Path key = Files.writeString(files.resolve("own.key"), first.getPrivateKeyPEM());
        RawClient client = to(
                        origin,
                        UpstreamTls.verified()
                                .trust(trust)
                                .certificate(chain, key)
                                .reloadEvery(Duration.ofMillis(1)))
                .client();
        assertThat(client.get("/").read().text()).contains("tls_failed");
        trust(authority);
        await().untilAsserted(() -> assertThat(client.get("/").read().status()).isEqualTo(204));
        // Half of a pair is none.
        Files.writeString(chain, second.getCertificatePathPEM());
        assertThat(client.get("/").read().status()).isEqualTo(204);
        Files.writeString(key, second.getPrivateKeyPEM());
        assertThat(client.get("/").read().status()).isEqualTo(204);
        assertThat(shown).endsWith(BigInteger.valueOf(41), BigInteger.valueOf(41), BigInteger.valueOf(42));
    }

    private void assertRefused(RawOrigin origin, UpstreamTls tls) throws Exception {
        Answer answer = to(origin, tls).client().request("POST", "/", "secret").read();
        assertThat(answer.status()).as("%s", answer).isEqualTo(502);
        assertThat(answer.text()).contains("tls_failed");
        assertThat(origin.received()).isEmpty();
    }

    @Test
    void another_name_can_be_asked_for_and_anything_believed_only_on_purpose() throws Exception {
        RawOrigin origin = secure(server(authority, "inner.example", 1));
        Answer answer = to(
                        origin, UpstreamTls.verified().trust(trust(authority)).serverName("inner.example"))
                .client()
                .request("POST", "/", "named")
                .read();
        assertThat(answer.text()).isEqualTo("named");
        answer = to(origin, UpstreamTls.verified().insecureTrustAnything())
                .client()
                .request("POST", "/", "trusting")
                .read();
        assertThat(answer.text()).isEqualTo("trusting");
    }

    @Test
    void a_handshake_that_never_ends_is_bounded_by_the_connect_timeout() throws Exception {
        ServerSocket silent = rig.close(new ServerSocket(0));
        Running running = rig.start(gateway -> gateway.upstream(Upstream.builder("orders")
                        .endpoints("https://localhost:" + silent.getLocalPort())
                        .connectTimeout(Duration.ofMillis(300))
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("orders")
                        .build()));
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(504);
        assertThat(answer.text()).contains("connect_timeout");
    }
}
