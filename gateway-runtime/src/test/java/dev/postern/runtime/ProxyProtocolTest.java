package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Filter;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Protocol;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.Pki;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawHttp2;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Clients behind load balancers that speak the PROXY protocol, and those who would like to be taken for one. */
class ProxyProtocolTest {
    private static final String HEAD = "PROXY TCP4 192.0.2.7 10.0.0.1 56599 443\r\n";
    private static final String GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static final Filter WHO = Filter.named("who", (request, chain) -> {
        var client = chain.exchange().client();
        return chain.answer(Response.text(
                200, client.address().getHostAddress() + " " + client.peer().getPort()));
    });

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    @TempDir
    Path files;

    private static Listener balanced() {
        return Listener.http(0).host("127.0.0.1").proxyProtocolOnly("127.0.0.1");
    }

    private Running asking(Listener listener) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        return rig.start(gateway -> gateway.listen(listener)
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(dev.postern.Match.path("/"))
                        .filter(WHO)
                        .answer(Response.of(204))
                        .build()));
    }

    @Test
    void the_client_is_who_the_header_says() throws Exception {
        Running running = asking(balanced());
        RawClient one = running.client().send(HEAD + GET);
        assertThat(one.read().text()).isEqualTo("192.0.2.7 56599");
        assertThat(one.send(GET).read().text()).isEqualTo("192.0.2.7 56599");
        // The same of version 2, byte by byte.
        RawClient two = running.client();
        byte[] head = HexFormat.of().parseHex("0d0a0d0a000d0a515549540a2111000cc00002080a000001dd1701bb");
        for (int i = 0; i < head.length; i++) {
            two.send(head, i, 1);
        }
        assertThat(two.send(GET).read().text()).isEqualTo("192.0.2.8 56599");
        // A question of the balancer itself.
        assertThat(running.client().send("PROXY UNKNOWN\r\n" + GET).read().text())
                .startsWith("127.0.0.1 ");
    }

    @Test
    void origins_are_told_the_client_and_trusted_proxies_stand_behind_the_balancer() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.start(gateway -> gateway.listen(balanced().trustedProxies("192.0.2.7"))
                .upstream(Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(dev.postern.Match.prefix("/"))
                        .to("orders")
                        .build()));
        String forwarded = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n";
        assertThat(running.client()
                        .send("PROXY TCP4 192.0.2.9 10.0.0.1 1 2\r\n" + forwarded)
                        .read()
                        .status())
                .isEqualTo(200);
        assertThat(origin.received().get(0).header("X-Forwarded-For")).isEqualTo("192.0.2.9");
        assertThat(origin.received().get(0).header("Forwarded")).startsWith("for=192.0.2.9;");
        assertThat(running.client().send(HEAD + forwarded).read().status()).isEqualTo(200);
        assertThat(origin.received().get(1).header("X-Forwarded-For")).isEqualTo("198.51.100.1, 192.0.2.7");
    }

    @Test
    void it_stands_before_tls_and_before_http2() throws Exception {
        Pki authority = new Pki("Test Authority");
        Tls.Pair pair = Pki.write(files, "server", authority.server(1, "localhost"));
        Listener secure = Listener.https(
                        0, Tls.pem(pair.certificate(), pair.key()).requireClientCertificate(authority.trust(files)))
                .host("127.0.0.1")
                .proxyProtocol("127.0.0.1");
        Running running = asking(secure);
        Socket plain = new Socket("127.0.0.1", running.port());
        plain.getOutputStream().write(HEAD.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        SSLSocket socket = (SSLSocket) authority
                .context(authority.client("CN=alice"))
                .getSocketFactory()
                .createSocket(plain, "localhost", running.port(), true);
        try (RawClient client = new RawClient(socket)) {
            assertThat(client.get("/").read().text()).isEqualTo("192.0.2.7 56599");
        }
        Running cleartext = asking(Listener.http2Cleartext(0).host("127.0.0.1").proxyProtocol("127.0.0.1"));
        Socket both = new Socket("127.0.0.1", cleartext.port());
        both.getOutputStream().write(HEAD.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        try (RawHttp2 client = RawHttp2.client(both)) {
            assertThat(client.get("/").text()).isEqualTo("192.0.2.7 56599");
        }
        assertThat(secure.protocols()).contains(Protocol.HTTP_2);
    }

    @Test
    void a_balancer_without_a_header_is_closed_without_a_word() throws Exception {
        Running running = asking(balanced().limits(Limits.standard().handshakeTimeout(Duration.ofMillis(300))));
        for (String bad : new String[] {GET, "PROXY TCP4 nobody\r\n" + GET, "PROXY", ""}) {
            RawClient client = running.client();
            if (!bad.isEmpty()) {
                client.send(bad);
            }
            assertThat(client.isAtEnd()).as(bad).isTrue();
        }
        assertThat(running.outcomes()).isEmpty();
    }

    @Test
    void T040_a_header_of_somebody_else_is_nothing_but_a_bad_request() throws Exception {
        Running running = asking(Listener.http(0).host("127.0.0.1").proxyProtocol("192.0.2.0/24"));
        assertThat(running.client().send(HEAD + GET).read().status()).isEqualTo(400);
        assertThat(running.client().send(GET).read().text()).startsWith("127.0.0.1 ");
        // A client behind the balancer that sends a second one.
        Running behind = asking(balanced());
        assertThat(behind.client()
                        .send(HEAD + "PROXY TCP4 127.0.0.1 10.0.0.1 1 2\r\n" + GET)
                        .read()
                        .status())
                .isEqualTo(400);
    }

    @Test
    void nobody_else_may_come_where_only_balancers_may() throws Exception {
        Running running = asking(Listener.http(0).host("127.0.0.1").proxyProtocolOnly("192.0.2.0/24"));
        RawClient client = running.client();
        try {
            client.send(HEAD + GET);
        } catch (IOException reset) {
            assertThat(reset).isNotNull();
        }
        assertThat(client.isAtEnd()).isTrue();
        assertThat(running.outcomes()).isEmpty();
    }

    @Test
    void T101_clients_behind_a_balancer_are_counted_one_by_one() throws Exception {
        Running running = asking(balanced().limits(Limits.standard().maxConnectionsPerClient(1)));
        RawClient first = running.client().send(HEAD + GET);
        assertThat(first.read().status()).isEqualTo(200);
        assertThat(running.client().send(HEAD + GET).isAtEnd()).isTrue();
        assertThat(running.client()
                        .send("PROXY TCP4 192.0.2.8 10.0.0.1 1 2\r\n" + GET)
                        .read()
                        .status())
                .isEqualTo(200);
        first.close();
        await().until(() -> !running.client().send(HEAD + GET).isAtEnd());
    }

    @Test
    void T101_connections_of_one_client_are_bounded_and_a_swap_changes_the_bound() throws Exception {
        Listener two =
                Listener.http(0).host("127.0.0.1").limits(Limits.standard().maxConnectionsPerClient(2));
        Running running = asking(two);
        await().until(() -> whoComes(running, "127.0.0.1") == 2);
        // Another client is another client.
        assertThat(whoComes(running, "127.0.0.2")).isEqualTo(2);
        running.gateway()
                .apply(running.gateway().config().toBuilder()
                        .withoutListeners()
                        .listen(two.limits(Limits.standard().maxConnectionsPerClient(3)))
                        .toConfig());
        assertThat(whoComes(running, "127.0.0.3")).isEqualTo(3);
    }

    /** How many of four connections of a client are served at the same time. */
    private static int whoComes(Running running, String address) throws IOException {
        RawClient[] clients = new RawClient[4];
        int served = 0;
        for (int i = 0; i < clients.length; i++) {
            clients[i] = new RawClient(
                    new Socket(InetAddress.getByName("127.0.0.1"), running.port(), InetAddress.getByName(address), 0));
            try {
                served += clients[i].get("/").read().status() == 200 ? 1 : 0;
            } catch (IOException closed) {
                served += 0;
            }
        }
        for (RawClient client : clients) {
            client.close();
        }
        return served;
    }
}
