package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.ClientInfo;
import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Pki;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mutual TLS with clients: who is let in, what is known of them, and what a change of the rules does to those inside. */
class ClientCertificateTest {
    private static final Filter WHO = Filter.named("who", (request, chain) -> {
        ClientInfo client = chain.exchange().client();
        Principal principal = chain.exchange().principal();
        return chain.answer(Response.text(
                200,
                client.certificates().size() + " "
                        + (principal == null
                                ? "nobody"
                                : principal + " " + principal.attributes().get("uri"))));
    });

    private static Pki authority;
    private static Pki stranger;
    private static X509Bundle alice;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    private Path trust;
    private Tls tls;

    @BeforeAll
    static void authorities() throws Exception {
        authority = new Pki("Test Authority");
        stranger = new Pki("Somebody Else");
        alice = authority.client("CN=alice");
    }

    @BeforeEach
    void write() throws Exception {
        trust = authority.trust(files);
        Tls.Pair pair = Pki.write(files, "server", authority.server(1, "localhost"));
        tls = Tls.pem(pair.certificate(), pair.key()).reloadEvery(Duration.ofMillis(50));
    }

    private Running asking(Tls rules) {
        return rig.start(gateway -> gateway.listen(listener(rules))
                .route(Route.builder("slow")
                        .match(Match.path("/slow"))
                        .filter(Filter.named(
                                "slow",
                                (request, chain) -> request.body()
                                        .buffer(1000)
                                        .thenCompose(body -> chain.answer(Response.text(200, body.text())))))
                        .answer(Response.of(204))
                        .build())
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(WHO)
                        .answer(Response.of(204))
                        .build()));
    }

    private static Listener listener(Tls rules) {
        return Listener.https(0, rules).host("127.0.0.1");
    }

    private static void change(Running running, UnaryOperator<Tls> rules) {
        GatewayConfig config = running.gateway().config();
        Tls now = config.listeners().get(0).tls();
        GatewayConfig next = config.toBuilder()
                .withoutListeners()
                .listen(listener(rules.apply(now)))
                .toConfig();
        assertThat(running.gateway().plan(next).problems()).isEmpty();
        running.gateway().apply(next);
    }

    private static RawClient client(Running running, X509Bundle own, String... protocols) throws Exception {
        return new RawClient(Pki.connect(authority.context(own), running.port(), null, protocols));
    }

    private static Answer get(Running running, X509Bundle own, String... protocols) throws Exception {
        try (RawClient client = client(running, own, protocols)) {
            return client.get("/").read();
        }
    }

    /** With TLS 1.3 a client learns that it was refused when it reads. */
    private static void assertRefused(Running running, X509Bundle own, String... protocols) {
        assertThatThrownBy(() -> get(running, own, protocols)).isInstanceOf(IOException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void a_required_certificate_is_verified_and_says_who_is_calling(String protocol) throws Exception {
        Running running = asking(tls.requireClientCertificate(trust));
        Answer answer = get(running, alice, protocol);
        assertThat(answer.text()).isEqualTo("1 certificate:CN=alice [spiffe://test/alice]");
        assertRefused(running, null, protocol);
        assertRefused(running, stranger.client("CN=alice"), protocol);
        assertThat(running.outcomes()).hasSize(1);
    }

    @Test
    void a_requested_certificate_may_be_missing_but_not_be_wrong() throws Exception {
        Running running = asking(tls.requestClientCertificate(trust));
        assertThat(get(running, null).text()).isEqualTo("0 nobody");
        assertThat(get(running, alice).text()).startsWith("1 certificate:CN=alice");
        assertRefused(running, stranger.client("CN=alice"), "TLSv1.2");
    }

    @Test
    void a_certificate_is_not_asked_for_unless_told() throws Exception {
        Running running = asking(tls);
        assertThat(get(running, alice).text()).isEqualTo("0 nobody");
    }

    @Test
    void upstreams_are_told_the_certificate_where_that_is_wanted_and_by_nobody_else() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Tls asking = tls.requestClientCertificate(trust);
        String[] lies = {"Client-Cert: :AAAA:", "Client-Cert-Chain: :AAAA:", "Host: localhost"};
        Running running = rig.start(gateway -> gateway.listen(listener(asking))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.any())
                        .filter(Filter.named(
                                "sets", (request, chain) -> chain.proceed(request.withHeader("Client-Cert", ":BBBB:"))))
                        .to("orders")
                        .build()));
        try (RawClient client = client(running, alice)) {
            client.request("GET", "/", "", lies).read();
            change(running, Tls::forwardClientCertificate);
            client.request("GET", "/", "", lies).read();
            change(running, Tls::forwardClientCertificateChain);
            client.request("GET", "/", "", lies).read();
        }
        try (RawClient client = client(running, null)) {
            client.request("GET", "/", "", lies).read();
        }
        String own =
                ":" + Base64.getEncoder().encodeToString(alice.getCertificate().getEncoded()) + ":";
        assertThat(origin.received())
                .extracting(request -> request.header("Client-Cert"))
                .containsExactly(":BBBB:", own, own, null);
        // An authority's own certificate is not sent by clients: there is no more to tell.
        assertThat(origin.received())
                .extracting(request -> request.header("Client-Cert-Chain"))
                .containsOnlyNulls();
    }

    @Test
    void a_principal_is_the_same_without_a_socket_and_a_proxys_certificate_is_not_its_clients() throws Exception {
        Running running = asking(tls);
        ClientInfo client = ClientInfo.local().encrypted().withCertificates(List.of(alice.getCertificate()));
        assertThat(text(running, client)).startsWith("1 certificate:CN=alice");
        ClientInfo behind = client.viaTrustedProxy().withAddress(InetAddress.getByName("192.0.2.1"));
        assertThat(text(running, behind)).isEqualTo("1 nobody");
    }

    private static String text(Running running, ClientInfo client) throws Exception {
        Response response = running.gateway()
                .handle(Request.get("/"), client)
                .toCompletableFuture()
                .get();
        return response.body().buffer(1000).toCompletableFuture().get().text();
    }

    @Test
    void stricter_rules_hold_for_connections_that_were_there_before() throws Exception {
        Running running = asking(tls.requestClientCertificate(trust));
        try (RawClient before = client(running, null);
                RawClient idle = client(running, null)) {
            assertThat(before.get("/").read().status()).isEqualTo(200);
            assertThat(idle.get("/").read().status()).isEqualTo(200);
            change(running, now -> now.requireClientCertificate(trust));
            assertThat(idle.isAtEnd()).isTrue();
            assertRefused(running, null, "TLSv1.2");
            assertThat(get(running, alice).status()).isEqualTo(200);
        }
    }

    @Test
    void a_request_under_way_ends_and_its_connection_with_it() throws Exception {
        Running running = asking(tls.requestClientCertificate(trust));
        try (RawClient before = client(running, null)) {
            before.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
            assertThat(before.read().status()).isEqualTo(200);
        }
        try (RawClient before = client(running, null)) {
            // Half a head: nobody has seen a request, so the connection is quiet, and ends.
            before.send("GET / HTTP/1.1\r\nHost: a\r\n");
            change(running, now -> now.requireClientCertificate(trust));
            assertThat(before.isAtEnd()).isTrue();
        }
    }

    @Test
    void a_connection_of_streams_is_told_to_end_when_the_rules_become_stricter() throws Exception {
        Running running = asking(tls.requestClientCertificate(trust));
        SSLSocket socket = Pki.agreeing(authority.context(null), running.port(), null, "h2");
        try (RawHttp2 client = RawHttp2.client(socket)) {
            assertThat(client.get("/").status()).isEqualTo(200);
            int open = client.next();
            client.headers(
                    open, false, ":method", "POST", ":scheme", "https", ":path", "/slow", ":authority", "localhost");
            // In order on one connection: when this one is answered the other one is under way.
            assertThat(client.get("/").status()).isEqualTo(200);
            change(running, now -> now.requireClientCertificate(trust));
            client.data(open, true, "done");
            assertThat(client.await(open).text()).isEqualTo("done");
            await().until(() -> client.read() == null);
        }
    }

    @Test
    void the_end_of_a_handshake_is_waited_for_so_long_and_no_longer() throws Exception {
        Running running = rig.start(gateway -> gateway.listen(
                        listener(tls).limits(Limits.standard().handshakeTimeout(Duration.ofSeconds(1))))
                .route(Route.builder("all")
                        .match(Match.any())
                        .answer(Response.of(204))
                        .build()));
        try (RawClient silent = running.client();
                RawClient slow = running.client();
                RawClient quick = client(running, null)) {
            // A record of a handshake that announces 512 bytes, of which one comes at a time.
            slow.send(new byte[] {22, 3, 1, 2, 0}, 0, 5);
            assertThat(silent.isAtEnd()).isTrue();
            await().pollInterval(Duration.ofMillis(20)).until(() -> {
                try {
                    return slow.send(new byte[] {1}, 0, 1).available() < 0;
                } catch (IOException closed) {
                    return true;
                }
            });
            assertThat(quick.get("/").read().status()).isEqualTo(204);
        }
    }

    @Test
    void an_authority_that_is_taken_off_the_file_vouches_for_nobody_and_no_session_is_resumed() throws Exception {
        Running running = asking(tls.requireClientCertificate(trust));
        SSLContext resuming = authority.context(alice);
        try (RawClient client = new RawClient(Pki.connect(resuming, running.port(), null))) {
            assertThat(client.get("/").read().status()).isEqualTo(200);
            stranger.trust(files);
            assertThat(client.isAtEnd()).isTrue();
        }
        assertThatThrownBy(() -> {
                    try (RawClient client = new RawClient(Pki.connect(resuming, running.port(), null))) {
                        client.get("/").read();
                    }
                })
                .isInstanceOf(IOException.class);
    }

    @Test
    void T102_another_handshake_within_the_first_is_refused() throws Exception {
        Running running = asking(tls);
        SSLSocket socket = Pki.connect(authority.context(null), running.port(), null, "TLSv1.2");
        try (RawClient client = new RawClient(socket)) {
            assertThat(client.get("/").read().status()).isEqualTo(200);
            socket.startHandshake();
            assertThatThrownBy(() -> client.get("/").read()).isInstanceOf(IOException.class);
        }
        await().until(() -> get(running, null).status() == 200);
    }
}
