package dev.postern.runtime.listener;

import static dev.postern.runtime.listener.FramingCases.chunked;
import static dev.postern.runtime.listener.FramingCases.get;
import static dev.postern.runtime.listener.FramingCases.post;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.transport.Transport;
import java.io.IOException;
import java.net.Socket;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The guard in front of a real Vert.x server, on a Vertx that knows nothing of it. */
class GuardedServerTest {

    private static final String WEBSOCKET =
            "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    private final BlockingQueue<Refusal> refusals = new LinkedBlockingQueue<>();
    private final Queue<ByteGuard> guards = new ConcurrentLinkedQueue<>();
    private final Queue<Channel> accepted = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<String> requests = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> failures = new LinkedBlockingQueue<>();
    private Duration idleTimeout = Duration.ofSeconds(60);
    private ListenHook.Accept accept = this::guard;
    private Handler<HttpServerRequest> handler = this::echo;
    private Vertx vertx = Vertx.vertx();

    static Stream<Transport> transports() {
        return Stream.of(Transport.NIO, Transport.EPOLL)
                .filter(transport -> transport != null && transport.available());
    }

    @AfterEach
    void stop() throws Exception {
        await(vertx.close());
    }

    // ---- cleartext

    @ParameterizedTest
    @MethodSource("transports")
    void serves_one_connection_many_times(Transport transport) throws Exception {
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            for (int i = 0; i < 20; i++) {
                assertThat(client.send(post("Content-Length: 3", "abc")).answer())
                        .startsWith("HTTP/1.1 200 OK")
                        .endsWith("abc");
                assertThat(client.send(chunked("2\r\nde\r\n1\r\nf\r\n0\r\n\r\n"))
                                .answer())
                        .endsWith("def");
            }
        }
        assertThat(guards).singleElement().extracting(ByteGuard::requestsFramed).isEqualTo(40L);
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serves_pipelined_requests_in_order_one_at_a_time(Transport transport) throws Exception {
        AtomicInteger underWay = new AtomicInteger();
        handler = request -> {
            requests.add(request.path() + " with " + underWay.getAndIncrement());
            vertx.setTimer(5, fired -> {
                underWay.decrementAndGet();
                request.response().end(request.path());
            });
        };
        int port = start(transport, options());
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            all.append("GET /").append(i).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        try (RawClient client = new RawClient(port)) {
            client.send(all.toString());
            for (int i = 0; i < 20; i++) {
                assertThat(client.answer()).endsWith("\r\n\r\n/" + i);
            }
        }
        assertThat(requests).hasSize(20).allMatch(request -> request.endsWith(" with 0"));
    }

    @ParameterizedTest
    @MethodSource("transports")
    void serves_a_client_that_sends_one_byte_at_a_time(Transport transport) throws Exception {
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            for (char c :
                    (chunked("3;a=b\r\nabc\r\n0\r\nX-Checksum: 1\r\n\r\n") + "\r\n" + get("A: b")).toCharArray()) {
                client.send(String.valueOf(c));
            }
            assertThat(client.answer()).endsWith("abc");
            assertThat(client.answer()).endsWith("\r\n\r\n");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void every_refused_shape_gets_one_answer_and_an_orderly_end(Transport transport) throws Exception {
        int port = start(transport, options());
        for (FramingCases.Bad bad : FramingCases.refused()) {
            requests.clear();
            try (RawClient client = new RawClient(port)) {
                client.send(bad.bytes());

                assertThat(client.rest())
                        .as(bad.what())
                        .startsWith("HTTP/1.1 " + bad.reason().status() + " ")
                        .containsOnlyOnce("HTTP/1.1")
                        .contains("\"code\":\"" + bad.reason().code() + "\"");
            }
            assertThat(refusals.poll(10, TimeUnit.SECONDS))
                    .extracting(Refusal::reason)
                    .isEqualTo(bad.reason());
            assertThat(requests).as(bad.what()).isEmpty();
        }
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void the_nearest_valid_twins_are_served(Transport transport) throws Exception {
        int port = start(transport, options());
        for (FramingCases.Bad bad : FramingCases.refused()) {
            try (RawClient client = new RawClient(port)) {
                assertThat(client.send(bad.twin()).answer()).as(bad.what()).startsWith("HTTP/1.1 200 ");
            }
        }
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void the_answer_survives_what_the_client_sends_after_its_fault(Transport transport) throws Exception {
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send(get("A : b"));
            assertThat(refusals.poll(10, TimeUnit.SECONDS)).isNotNull();
            client.send("x".repeat(32 * 1024));

            assertThat(client.rest()).contains("framing.space_before_colon");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_client_that_never_leaves_is_closed_after_a_second(Transport transport) throws Exception {
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send(get("A : b")).rest();
            assertThat(accepted)
                    .singleElement()
                    .matches(child -> child.closeFuture().awaitUninterruptibly(10_000));
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_fault_in_the_body_fails_the_request_at_once(Transport transport) throws Exception {
        handler = request -> {
            request.exceptionHandler(failure -> failures.add(String.valueOf(failure.getMessage())));
            request.handler(part -> requests.add(part.toString()));
            request.endHandler(end -> failures.add("ended"));
        };
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send(chunked("3\r\nabc\r\n"));
            assertThat(requests.poll(10, TimeUnit.SECONDS)).isEqualTo("abc");
            client.send("3 7\r\nabc\r\n0\r\n\r\n");

            assertThat(client.rest()).startsWith("HTTP/1.1 400 ").contains("framing.chunk_size");
        }
        assertThat(failures.poll(10, TimeUnit.SECONDS)).isEqualTo("framing.chunk_size");
        assertThat(failures).doesNotContain("ended");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_fault_in_the_body_cuts_an_answer_that_has_begun(Transport transport) throws Exception {
        handler = request -> {
            request.response().setChunked(true).write("begun");
            request.exceptionHandler(failure -> request.response().reset());
        };
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send(chunked("3\r\nabc\r\n"));
            String head = client.answer();
            client.send("zz\r\n");

            assertThat(head + client.rest())
                    .startsWith("HTTP/1.1 200 ")
                    .endsWith("5\r\nbegun\r\n")
                    .doesNotContain("400");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_paused_body_and_a_request_behind_it_both_arrive_whole(Transport transport) throws Exception {
        int size = 8 * 1024 * 1024;
        handler = request -> {
            request.pause();
            long[] bytes = new long[1];
            request.handler(part -> {
                bytes[0] += part.length();
                request.pause();
                vertx.runOnContext(later -> request.resume());
            });
            request.endHandler(end -> request.response().end("got " + bytes[0]));
            vertx.setTimer(200, fired -> request.resume());
        };
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            Thread sender = new Thread(() -> {
                try {
                    client.send(post("Content-Length: " + size, ""))
                            .send(new byte[size])
                            .send(get("A: b"));
                    client.send(chunked("a\r\n0123456789\r\n0\r\n\r\n").repeat(3));
                } catch (IOException e) {
                    failures.add(e.toString());
                }
            });
            sender.start();
            assertThat(client.answer()).endsWith("got " + size);
            assertThat(client.answer()).endsWith("got 0");
            for (int i = 0; i < 3; i++) {
                assertThat(client.answer()).endsWith("got 10");
            }
            sender.join(10_000);
        }
        assertThat(failures).isEmpty();
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void bytes_behind_a_request_with_close_are_never_a_request(Transport transport) throws Exception {
        handler = request -> {
            requests.add(request.path());
            // Vert.x does not take this list for a close: on its own it would keep the connection open.
            request.response().end("bye");
        };
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send(get("Connection: keep-alive, close") + get("A: b"));

            assertThat(client.rest()).containsOnlyOnce("HTTP/1.1").endsWith("bye");
        }
        assertThat(requests).containsExactly("/");
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_websocket_passes_and_so_do_frames_sent_before_the_101(Transport transport) throws Exception {
        handler = request ->
                request.toWebSocket().onSuccess(socket -> socket.textMessageHandler(socket::writeTextMessage));
        int port = start(transport, options());
        // "hi", masked with zeros.
        byte[] frame = {(byte) 0x81, (byte) 0x82, 0, 0, 0, 0, 'h', 'i'};
        try (RawClient client = new RawClient(port)) {
            client.send(WEBSOCKET).answer();
            assertThat(client.send(frame).read(4)).containsExactly(0x81, 2, 'h', 'i');
            assertThat(client.send(frame).read(4)).containsExactly(0x81, 2, 'h', 'i');
        }
        try (RawClient client = new RawClient(port)) {
            client.send(concat(WEBSOCKET.getBytes(US_ASCII), frame));
            assertThat(client.answer()).startsWith("HTTP/1.1 101 ");
            assertThat(client.read(4)).containsExactly(0x81, 2, 'h', 'i');
        }
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_raw_upgrade_passes_with_early_bytes(Transport transport) throws Exception {
        handler = request -> request.toNetSocket().onSuccess(socket -> socket.handler(socket::write));
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nGET / HTTP/9\n");
            assertThat(client.answer()).startsWith("HTTP/1.1 101 ");
            assertThat(new String(client.read(13), US_ASCII)).isEqualTo("GET / HTTP/9\n");
            assertThat(client.send("\0\n").read(2)).containsExactly(0, '\n');
        }
        assertThat(refusals).isEmpty();
    }

    // ---- listening

    @ParameterizedTest
    @MethodSource("transports")
    void four_loops_share_one_ephemeral_port(Transport transport) throws Exception {
        vertx = renewed(transport);
        Set<String> loops = ConcurrentHashMap.newKeySet();
        handler = request -> {
            loops.add(Thread.currentThread().getName());
            request.response().end();
        };
        List<HttpServer> servers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            HttpServer server = vertx.createHttpServer(options()).requestHandler(handler);
            servers.add(await(ListenHook.listen(
                    ((VertxInternal) vertx).createEventLoopContext(),
                    server,
                    SocketAddress.sharedRandomPort(4711, "127.0.0.1"),
                    child -> accept.accept(child))));
        }
        assertThat(servers)
                .extracting(HttpServer::actualPort)
                .containsOnly(servers.get(0).actualPort());
        for (int i = 0; i < 8; i++) {
            try (RawClient client = new RawClient(servers.get(0).actualPort())) {
                client.send(get("A: b")).answer();
            }
        }
        assertThat(loops).hasSize(4);
        assertThat(guards).hasSize(8).allMatch(guard -> guard.requestsFramed() == 1);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_connection_that_is_not_accepted_is_closed_without_a_word(Transport transport) throws Exception {
        accept = child -> false;
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            String said;
            try {
                said = client.rest();
            } catch (IOException reset) {
                said = "";
            }
            assertThat(said).isEmpty();
        }
        accept = this::guard;
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send(get("A: b")).answer()).startsWith("HTTP/1.1 200 ");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void the_hosts_own_servers_are_not_touched(Transport transport) throws Exception {
        start(transport, options());
        HttpServer own =
                await(vertx.createHttpServer().requestHandler(this::echo).listen(0, "127.0.0.1"));
        try (RawClient client = new RawClient(own.actualPort())) {
            // Stock leniency: a field name with an underscore.
            assertThat(client.send(get("A_b: c")).answer()).startsWith("HTTP/1.1 200 ");
        }
        assertThat(guards).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void stock_Vertx_takes_a_misspelt_length_for_the_length(Transport transport) throws Exception {
        // When this fails, Vert.x has mended its decoder: then FIELD_NAME_ALIAS may go.
        vertx = renewed(transport);
        HttpServer stock = await(vertx.createHttpServer()
                .requestHandler(request -> request.body()
                        .onSuccess(body -> request.response().end(request.getHeader("Content-Length") + " " + body)))
                .listen(0, "127.0.0.1"));
        try (RawClient client = new RawClient(stock.actualPort())) {
            assertThat(client.send(post("Content-Xength: 3", "abc")).answer()).endsWith("3 abc");
        }
    }

    @ParameterizedTest
    @MethodSource("transports")
    void requests_run_on_contexts_of_the_real_Vertx(Transport transport) throws Exception {
        handler = request -> request.response()
                .end(""
                        + (Vertx.currentContext() != null
                                && Vertx.currentContext().owner() == vertx));
        int port = start(transport, options());
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send(get("A: b")).answer()).endsWith("true");
        }
    }

    // ---- TLS and PROXY

    @ParameterizedTest
    @MethodSource("transports")
    void guards_behind_TLS_with_and_without_ALPN_and_SNI(Transport transport) throws Exception {
        for (boolean sni : new boolean[] {false, true}) {
            int port = start(transport, tls().setSni(sni));
            for (String alpn : new String[] {"", "http/1.1", "http/1.0"}) {
                try (RawClient client = new RawClient(tlsSocket(port, alpn))) {
                    assertThat(client.send(get("A: b")).answer()).startsWith("HTTP/1.1 200 ");
                    assertThat(client.send(post("Content-Length: 3", "abc")).answer())
                            .endsWith("abc");
                    assertThat(client.send(get("A : b")).rest()).contains("framing.space_before_colon");
                }
            }
        }
        assertThat(guards).hasSize(6).allMatch(guard -> guard.requestsFramed() == 2);
        assertThat(refusals).hasSize(6);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void lets_HTTP2_pass_when_TLS_negotiated_it(Transport transport) throws Exception {
        int port = start(transport, tls().setAlpnVersions(List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)));
        var client = vertx.createHttpClient(new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_2)
                .setSsl(true)
                .setUseAlpn(true)
                .setTrustAll(true)
                .setVerifyHost(false));
        String answer = await(client.request(HttpMethod.POST, port, "127.0.0.1", "/")
                .compose(request -> request.send("abc"))
                .compose(response -> response.body().map(body -> response.version() + " " + body)));
        assertThat(answer).isEqualTo("HTTP_2 abc");
        await(client.close());
        assertThat(refusals).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("transports")
    void guards_behind_a_PROXY_head(Transport transport) throws Exception {
        String proxy = "PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n";
        int port = start(transport, options().setUseProxyProtocol(true));
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send(proxy + get("A: b")).answer()).startsWith("HTTP/1.1 200 ");
            assertThat(client.send(get("A : b")).rest()).contains("framing.space_before_colon");
        }
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send(proxy).send(get("A: b")).answer()).startsWith("HTTP/1.1 200 ");
        }
        int tlsPort = start(transport, tls().setUseProxyProtocol(true));
        Socket plain = new Socket("127.0.0.1", tlsPort);
        plain.getOutputStream().write(proxy.getBytes(US_ASCII));
        try (RawClient client = new RawClient(tlsSocket(plain, tlsPort, "http/1.1"))) {
            assertThat(client.send(get("A: b")).answer()).startsWith("HTTP/1.1 200 ");
            assertThat(client.send(get("A : b")).rest()).contains("framing.space_before_colon");
        }
        assertThat(refusals).hasSize(2);
        assertThat(guards).hasSize(3).allMatch(guard -> guard.requestsFramed() == 1);
    }

    @ParameterizedTest
    @MethodSource("transports")
    void a_client_that_says_nothing_is_closed_behind_a_PROXY_head_too(Transport transport) throws Exception {
        idleTimeout = Duration.ofMillis(50);
        int port = start(transport, options().setUseProxyProtocol(true));
        try (RawClient client = new RawClient(port)) {
            client.send("PROXY TCP4 192.0.2.7 192.0.2.8 1234 80\r\n");
            assertThat(client.rest()).isEmpty();
        }
        int plain = start(transport, options());
        try (RawClient client = new RawClient(plain)) {
            assertThat(client.rest()).isEmpty();
        }
    }

    // ---- plumbing

    private int start(Transport transport, HttpServerOptions options) throws Exception {
        vertx = renewed(transport);
        HttpServer server = vertx.createHttpServer(options).requestHandler(request -> handler.handle(request));
        SocketAddress any = SocketAddress.inetSocketAddress(0, "127.0.0.1");
        return await(ListenHook.listen(
                        ((VertxInternal) vertx).createEventLoopContext(), server, any, child -> accept.accept(child)))
                .actualPort();
    }

    private Vertx renewed(Transport transport) throws Exception {
        await(vertx.close());
        return Vertx.builder().withTransport(transport).build();
    }

    private boolean guard(Channel child) {
        ByteGuard guard = new ByteGuard(
                FramingGuard.http11(HeadLimits.DEFAULTS),
                Duration.ofSeconds(10),
                idleTimeout,
                () -> "id-1",
                refusals::add);
        guards.add(guard);
        accepted.add(child);
        GuardInstaller.install(child, guard);
        return true;
    }

    /** Answers with the request's body; notes requests only when they are complete. */
    private void echo(HttpServerRequest request) {
        request.connection().exceptionHandler(failure -> failures.add(String.valueOf(failure.getMessage())));
        request.body().onSuccess(body -> {
            requests.add(request.path());
            request.response().end(body);
        });
    }

    private static HttpServerOptions options() {
        return new HttpServerOptions()
                .setHttp2ClearTextEnabled(false)
                .setMaxInitialLineLength(8192)
                .setMaxHeaderSize(16384)
                .setPerMessageWebSocketCompressionSupported(false)
                .setPerFrameWebSocketCompressionSupported(false);
    }

    private static HttpServerOptions tls() throws Exception {
        X509Bundle bundle = new CertificateBuilder()
                .subject("CN=localhost")
                .addSanDnsName("localhost")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        return options()
                .setSsl(true)
                .setUseAlpn(true)
                .setAlpnVersions(List.of(HttpVersion.HTTP_1_1, HttpVersion.HTTP_1_0))
                .setKeyCertOptions(new PemKeyCertOptions()
                        .addKeyValue(Buffer.buffer(bundle.getPrivateKeyPEM()))
                        .addCertValue(Buffer.buffer(bundle.getCertificatePathPEM())));
    }

    private static Socket tlsSocket(int port, String alpn) throws Exception {
        return tlsSocket(new Socket("127.0.0.1", port), port, alpn);
    }

    private static Socket tlsSocket(Socket plain, int port, String alpn) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustAnybody()}, null);
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", port, true);
        if (!alpn.isEmpty()) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {alpn});
            socket.setSSLParameters(parameters);
        }
        socket.startHandshake();
        assertThat(socket.getApplicationProtocol()).isEqualTo(alpn);
        return socket;
    }

    private static <T> T await(Future<T> future) throws Exception {
        return future.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }

    private static byte[] concat(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static final class TrustAnybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
