package dev.postern.runtime;

import static dev.postern.runtime.rig.WebSocketPeer.KEY;
import static dev.postern.runtime.rig.WebSocketPeer.accept;
import static dev.postern.runtime.rig.WebSocketPeer.handshake;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.InvalidConfigException;
import dev.postern.Match;
import dev.postern.MessageHook;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.Upstream;
import dev.postern.WebSocketRules;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.rig.WebSocketPeer;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Who may open a WebSocket, and what both sides see of the handshake (reliability T017, T103; RFC 6455 4). */
class WebSocketHandshakeTest {
    private static final String ACCEPT = accept(KEY);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** Accepts every handshake with these further lines, then echoes. */
    private RawOrigin accepting(String... lines) throws Exception {
        return rig.origin((request, in, out, socket) -> {
            if (request.header("Upgrade") == null) {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain".getBytes(StandardCharsets.US_ASCII));
                return true;
            }
            out.write(accept(request, lines).getBytes(StandardCharsets.US_ASCII));
            WebSocketPeer.origin(in, out).echo();
            return false;
        });
    }

    private Running proxy(RawOrigin origin, Filter... filters) {
        return rig.proxy(
                origin,
                route -> {
                    for (Filter filter : filters) {
                        route.filter(filter);
                    }
                    return route.webSockets();
                },
                upstream -> upstream);
    }

    private static Answer open(Running running, String target, String... lines) throws Exception {
        return running.client().send(handshake(target, lines) + "\r\n").read();
    }

    private static void assertEchoes(RawClient client) throws Exception {
        WebSocketPeer peer = WebSocketPeer.client(client);
        assertThat(peer.text("ping").read().text()).isEqualTo("ping");
        peer.close(1000, "");
        assertThat(peer.read().code()).isEqualTo(1000);
        assertThat(peer.isAtEnd()).isTrue();
    }

    // ---- what the client sends

    // Status, code, what to replace in a good handshake, by what.
    private static final List<String> BAD_HANDSHAKES = List.of(
            "426 | upgrade_required | Sec-WebSocket-Version: 13 | Sec-WebSocket-Version: 8",
            "426 | upgrade_required | Sec-WebSocket-Version: 13 | Sec-WebSocket-Version: 13, 8",
            "400 | websocket.version | Sec-WebSocket-Version: 13\\r\\n | ",
            "400 | websocket.version | Sec-WebSocket-Version: 13 | Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Version: 13",
            "400 | websocket.key | Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n | ",
            "400 | websocket.key | dGhlIHNhbXBsZSBub25jZQ== | dGhlIHNhbXBsZSBub25jZR==",
            "400 | websocket.key | dGhlIHNhbXBsZSBub25jZQ== | dGhlIHNhbXBsZSBub25j",
            "400 | websocket.key | dGhlIHNhbXBsZSBub25jZQ== | dGhlIHNhbXBsZSBub25!ZQ==",
            "400 | websocket.key | Sec-WebSocket-Key: | Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\nSec-WebSocket-Key:",
            "400 | websocket.connection | Connection: Upgrade\\r\\n | ",
            "400 | websocket.connection | Connection: Upgrade | Connection: keep-alive",
            "400 | websocket.connection | Connection: Upgrade | Connection: Upgrade, close",
            "400 | websocket.connection | Connection: Upgrade | Connection: Upgrade\\r\\nContent-Length: 1",
            "400 | websocket.connection | Connection: Upgrade | Connection: Upgrade\\r\\nTransfer-Encoding: chunked",
            "400 | websocket.upgrade | Upgrade: websocket | Upgrade: h2c, websocket",
            "400 | websocket.upgrade | Upgrade: websocket | Upgrade: websocket\\r\\nUpgrade: websocket",
            "400 | websocket.method | GET / | POST /",
            "400 | websocket.protocol | Host: localhost | Host: localhost\\r\\nSec-WebSocket-Protocol: chat, chat",
            "400 | websocket.protocol | Host: localhost | Host: localhost\\r\\nSec-WebSocket-Protocol: a/b",
            "403 | origin_refused | Host: localhost | Host: localhost\\r\\nOrigin: https://evil.example",
            "403 | origin_refused | Host: localhost | Host: localhost\\r\\nOrigin: https://localhost",
            "403 | origin_refused | Host: localhost | Host: localhost\\r\\nOrigin: null");

    @Test
    void a_bad_handshake_is_refused_and_nobody_hears_of_it() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(origin);
        int count = 0;
        for (String line : BAD_HANDSHAKES) {
            String[] parts = parts(line);
            String handshake = handshake("/") + "\r\n";
            String changed = handshake.replace(parts[2], parts[3]);
            assertThat(changed).as(line).isNotEqualTo(handshake);
            RawClient client = running.client();
            String body = changed.contains("Content-Length") ? "x" : changed.contains("chunked") ? "0\r\n\r\n" : "";
            Answer answer = client.send(changed + body).read();
            assertThat(answer.status()).as("%s: %s", line, answer).isEqualTo(Integer.parseInt(parts[0]));
            assertThat(answer.text()).as(line).contains("\"code\":\"" + parts[1] + '"');
            assertThat(client.isAtEnd()).as(line).isTrue();
            if (answer.status() == 426) {
                assertThat(answer.header("Sec-WebSocket-Version")).isEqualTo("13");
                assertThat(answer.header("Upgrade")).isEqualTo("websocket");
                assertThat(answer.header("Connection")).isEqualTo("close, Upgrade");
            }
            assertThat(running.outcome(++count).status()).isEqualTo(answer.status());
        }
        assertThat(origin.received()).isEmpty();
    }

    private static String[] parts(String line) {
        return line.replace("\\r\\n", "\r\n").split(" \\| ?", -1);
    }

    @Test
    void connection_is_a_list_and_may_name_more() throws Exception {
        Running running = proxy(accepting());
        for (String line : List.of(
                "Connection: keep-alive, Upgrade",
                "Connection: Upgrade, HTTP2-Settings",
                "connection: UPGRADE",
                "Connection: keep-alive\r\nConnection: Upgrade")) {
            RawClient client = running.client();
            String handshake =
                    handshake("/").replace("Connection: Upgrade", line).replace("websocket", "WebSocket");
            Answer answer = client.send(handshake + "\r\n").read();
            assertThat(answer.status()).as(line).isEqualTo(101);
            assertThat(answer.header("Sec-WebSocket-Accept")).isEqualTo(ACCEPT);
            assertThat(answer.headers("Upgrade")).containsExactly("websocket");
            assertThat(answer.headers("Connection")).containsExactly("Upgrade");
            assertThat(answer.header("Content-Length")).isNull();
            assertThat(answer.header("Transfer-Encoding")).isNull();
            assertEchoes(client);
        }
    }

    @Test
    void t017_without_the_leave_of_the_route_the_wish_is_dropped() throws Exception {
        RawOrigin origin = accepting();
        Running running = rig.proxy(origin);
        RawClient client = running.client();
        Answer answer = client.send(handshake("/") + "\r\n").read();
        assertThat(answer.text()).isEqualTo("plain");
        assertThat(origin.received().get(0).header("Upgrade")).isNull();
        assertThat(origin.received().get(0).header("Connection")).isNull();
        assertThat(client.get("/").read().status()).as("the connection goes on").isEqualTo(200);
    }

    @Test
    void t017_other_protocols_are_never_offered() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(origin);
        for (String protocol : List.of("h2c", "TLS/1.0", "irc/6.9, h2c", "websockets")) {
            Answer answer = running.client()
                    .request(
                            "GET",
                            "/",
                            "",
                            "Connection: Upgrade, HTTP2-Settings",
                            "Upgrade: " + protocol,
                            "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
                    .read();
            assertThat(answer.text()).as(protocol).isEqualTo("plain");
        }
        assertThat(origin.received())
                .hasSize(4)
                .allSatisfy(seen ->
                        assertThat(seen.head().toLowerCase(Locale.ROOT)).doesNotContain("upgrade", "http2-settings"));
    }

    @Test
    void t103_a_browser_may_connect_from_its_own_pages_and_those_that_are_named() throws Exception {
        RawOrigin origin = accepting();
        WebSocketRules rules = WebSocketRules.standard().origins("https://app.example:443", "https://app.example:8443");
        Running running = rig.proxy(origin, route -> route.webSockets(rules), upstream -> upstream);
        for (String page :
                List.of("http://localhost", "HTTP://LOCALHOST:80", "https://app.example", "https://app.example:8443")) {
            assertThat(open(running, "/", "Origin: " + page).status()).as(page).isEqualTo(101);
        }
        assertThat(origin.received().get(0).header("Origin")).isEqualTo("http://localhost");
        for (String page : List.of("https://other.example", "https://app.example:444", "http://localhost.evil")) {
            assertThat(open(running, "/", "Origin: " + page).status()).as(page).isEqualTo(403);
        }
    }

    @Test
    void t103_any_page_may_connect_where_the_route_says_so() throws Exception {
        Running running = rig.proxy(
                accepting(), route -> route.webSockets(WebSocketRules.standard().anyOrigin()), upstream -> upstream);
        assertThat(open(running, "/", "Origin: null").status()).isEqualTo(101);
    }

    // ---- what the origin sees and says

    @Test
    void the_origin_gets_a_handshake_of_the_gateways_own_making() throws Exception {
        RawOrigin origin = accepting("Sec-WebSocket-Protocol: v2", "Set-Cookie: a=b", "X-Origin: raw");
        Running running = proxy(origin);
        Answer answer = open(
                running,
                "/room?x=1",
                "Sec-WebSocket-Protocol: v1",
                "Sec-WebSocket-Protocol: v2, v3",
                "Sec-WebSocket-Accept: forged",
                "Cookie: session=1",
                "X-Forwarded-For: 6.6.6.6");
        assertThat(answer.header("Sec-WebSocket-Protocol")).isEqualTo("v2");
        assertThat(answer.header("Set-Cookie")).isEqualTo("a=b");
        assertThat(answer.header("X-Origin")).isEqualTo("raw");
        assertThat(answer.header("Date")).isNotNull();
        RawOrigin.Received seen = origin.received().get(0);
        assertThat(seen.line()).isEqualTo("GET /room?x=1 HTTP/1.1");
        assertThat(seen.headers("Upgrade")).containsExactly("websocket");
        assertThat(seen.headers("Connection")).containsExactly("Upgrade");
        assertThat(seen.headers("Sec-WebSocket-Key")).containsExactly(KEY);
        assertThat(seen.headers("Sec-WebSocket-Version")).containsExactly("13");
        assertThat(seen.headers("Sec-WebSocket-Protocol")).containsExactly("v1, v2, v3");
        assertThat(seen.headers("Sec-WebSocket-Accept")).isEmpty();
        assertThat(seen.headers("X-Forwarded-For")).containsExactly("127.0.0.1");
        assertThat(seen.header("Cookie")).isEqualTo("session=1");
        assertThat(seen.header("Transfer-Encoding")).isNull();
        assertThat(seen.header("Content-Length")).isNull();
    }

    @Test
    void compression_is_agreed_between_the_ends_and_nothing_else_is_offered() throws Exception {
        RawOrigin origin = accepting("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover");
        Running running = proxy(origin);
        Answer answer = open(
                running,
                "/",
                "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate; client_max_window_bits=\"10\"",
                "Sec-WebSocket-Extensions: permessage-deflate, bbf-usp-protocol; eid=\"a, b\"");
        assertThat(answer.header("Sec-WebSocket-Extensions"))
                .isEqualTo("permessage-deflate; server_no_context_takeover");
        assertThat(origin.received().get(0).headers("Sec-WebSocket-Extensions"))
                .containsExactly("permessage-deflate; client_max_window_bits=\"10\", permessage-deflate");
    }

    @Test
    void what_a_hook_is_to_read_is_not_compressed() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(origin, Filter.named("reader", (request, chain) -> {
            chain.exchange().onMessage((direction, message) -> MessageHook.Verdict.pass());
            return chain.proceed(request);
        }));
        RawClient client = running.client();
        client.send(handshake("/", "Sec-WebSocket-Extensions: permessage-deflate") + "\r\n");
        assertThat(client.read().status()).isEqualTo(101);
        assertThat(origin.received().get(0).header("Sec-WebSocket-Extensions")).isNull();
        assertEchoes(client);
    }

    @Test
    void t017_a_refusal_of_the_origin_is_passed_on_and_nothing_behind_it_is_served() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n"
                + "Content-Length: 6\r\nX-Why: token\r\n\r\nlogin!"));
        Running running = proxy(origin);
        RawClient client = running.client();
        client.send(handshake("/") + "\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Answer answer = client.read();
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("WWW-Authenticate")).isEqualTo("Bearer");
        assertThat(answer.header("X-Why")).isEqualTo("token");
        assertThat(answer.text()).isEqualTo("login!");
        assertThat(answer.header("Connection")).isEqualTo("close");
        assertThat(client.isAtEnd()).isTrue();
        assertThat(origin.received()).hasSize(1);
        await().untilAsserted(() -> assertThat(origin.open()).as("never pooled").isZero());
        assertThat(running.outcome().failure()).isNull();
    }

    // Code, what to replace in a good answer, by what.
    private static final List<String> BAD_ACCEPTANCES = List.of(
            "websocket.accept | Sec-WebSocket-Accept: [^\\r]*\\r\\n | ",
            "websocket.accept | Sec-WebSocket-Accept: .* | Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "websocket.accept | (Sec-WebSocket-Accept: .*) | $1\\r\\n$1",
            "websocket.not_upgraded | Upgrade: websocket\\r\\n | ",
            "websocket.not_upgraded | Upgrade: websocket | Upgrade: h2c",
            "websocket.not_upgraded | Connection: Upgrade | Connection: keep-alive",
            "websocket.protocol | (Upgrade: websocket) | $1\\r\\nSec-WebSocket-Protocol: v9",
            "websocket.protocol | (Upgrade: websocket) | $1\\r\\nSec-WebSocket-Protocol: v1\\r\\nSec-WebSocket-Protocol: v1",
            "websocket.extension | (Upgrade: websocket) | $1\\r\\nSec-WebSocket-Extensions: permessage-deflate",
            "websocket.extension | (Upgrade: websocket) | $1\\r\\nSec-WebSocket-Extensions: x-other",
            "response_malformed | (Upgrade: websocket) | $1\\r\\nContent-Length: 5");

    @Test
    void t017_an_acceptance_that_is_none_is_a_502() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            String[] parts = parts(BAD_ACCEPTANCES.get(Integer.parseInt(request.header("X-Case"))));
            String sound = accept(request);
            String changed = sound.replaceFirst(parts[1], parts[2]);
            out.write((changed.equals(sound) ? "broken test" : changed).getBytes(StandardCharsets.US_ASCII));
            out.flush();
            return in.read() >= 0;
        });
        Running running = proxy(origin);
        for (int i = 0; i < BAD_ACCEPTANCES.size(); i++) {
            Answer answer = open(running, "/", "Sec-WebSocket-Protocol: v1", "X-Case: " + i);
            assertThat(answer.status())
                    .as("%s: %s", BAD_ACCEPTANCES.get(i), answer)
                    .isEqualTo(502);
            assertThat(answer.text()).contains(parts(BAD_ACCEPTANCES.get(i))[0]);
        }
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    @Test
    void an_origin_that_cannot_be_reached_is_a_502_and_its_silence_a_504() throws Exception {
        RawOrigin gone = rig.origin(RawOrigin.ok(""));
        gone.close();
        Running running = proxy(gone);
        assertThat(open(running, "/").status()).isEqualTo(502);
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        Running impatient = rig.proxy(
                silent,
                route -> route.webSockets(),
                upstream -> upstream.firstByteTimeout(java.time.Duration.ofMillis(150)));
        assertThat(open(impatient, "/").status()).isEqualTo(504);
        await().untilAsserted(() -> assertThat(silent.open()).isZero());
    }

    // ---- filters

    @Test
    void a_filter_sees_a_handshake_as_what_it_is_and_can_refuse_it() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(
                origin,
                Filter.named(
                        "members",
                        (request, chain) ->
                                chain.exchange().kind() == Exchange.Kind.WEBSOCKET && request.header("X-Member") == null
                                        ? chain.answer(Response.text(403, "members only"))
                                        : chain.proceed(request)));
        assertThat(open(running, "/").text()).isEqualTo("members only");
        assertThat(origin.received()).isEmpty();
        assertThat(running.client().get("/").read().status())
                .as("not a handshake")
                .isEqualTo(200);
        assertThat(open(running, "/", "X-Member: 1").status()).isEqualTo(101);
    }

    @Test
    void a_filter_edits_both_heads_but_not_the_agreement() throws Exception {
        RawOrigin origin = accepting("Sec-WebSocket-Protocol: v1");
        Running running = proxy(
                origin,
                Filter.named(
                        "edit",
                        (request, chain) -> chain.proceed(request.withHeader("Sec-WebSocket-Protocol", "v1")
                                        .withHeader("Sec-WebSocket-Key", "forged")
                                        .withHeader("X-To-Origin", "1"))
                                .thenApply(response -> response.withHeader("X-To-Client", "2")
                                        .withHeader("Sec-WebSocket-Accept", "forged")
                                        .withHeader("Sec-WebSocket-Protocol", "v7"))));
        RawClient client = running.client();
        Answer answer = client.send(handshake("/", "Sec-WebSocket-Protocol: v0, v1") + "\r\n")
                .read();
        assertThat(answer.header("X-To-Client")).isEqualTo("2");
        assertThat(answer.headers("Sec-WebSocket-Accept")).containsExactly(ACCEPT);
        assertThat(answer.headers("Sec-WebSocket-Protocol")).containsExactly("v1");
        assertThat(origin.received().get(0).header("X-To-Origin")).isEqualTo("1");
        assertThat(origin.received().get(0).headers("Sec-WebSocket-Key")).containsExactly(KEY);
        assertThat(origin.received().get(0).header("Sec-WebSocket-Protocol")).isEqualTo("v1");
        assertEchoes(client);
    }

    @Test
    void a_handshake_that_a_filter_has_spoilt_fails_at_once_and_names_the_route() throws Exception {
        Running running = proxy(
                accepting(),
                Filter.named(
                        "spoil",
                        (request, chain) -> chain.proceed(request.withHeader("Sec-WebSocket-Protocol", "a b"))));
        assertThat(open(running, "/").status()).isEqualTo(500);
        assertThat(rig.warnings()).anyMatch(line -> line.contains("route \"all\"") && line.contains("subprotocol"));
    }

    @Test
    void an_accepted_upgrade_can_still_be_refused() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(
                origin,
                Filter.named(
                        "late",
                        (request, chain) -> chain.proceed(request).thenApply(response -> {
                            response.body().discard();
                            return Response.text(403, "changed my mind");
                        })));
        assertThat(open(running, "/").text()).isEqualTo("changed my mind");
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
        assertThat(running.outcome().status()).isEqualTo(403);
    }

    @Test
    void what_a_filter_must_not_do_with_an_upgrade_is_a_500() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(origin, Filter.named("misuse", (request, chain) -> switch (String.valueOf(
                request.header("X-Case"))) {
            case "replaces the body" -> chain.proceed(request).thenApply(response -> response.withBody(Body.of("x")));
            case "wraps 200 around it" -> chain.proceed(request).thenApply(response -> response.withStatus(200));
            case "reads it" ->
                chain.proceed(request)
                        .thenApply(response ->
                                response.withBody(Body.from(response.body().chunks(), -1)));
            case "buffers it" ->
                chain.proceed(request)
                        .thenCompose(response -> response.body().buffer(10).thenApply(response::withBody));
            case "proceeds again" -> chain.proceed(request).thenCompose(response -> chain.proceed(request));
            default -> chain.answer(Response.of(101));
        }));
        for (String misuse : List.of(
                "replaces the body",
                "wraps 200 around it",
                "reads it",
                "buffers it",
                "proceeds again",
                "invents one")) {
            Answer answer = open(running, "/", "X-Case: " + misuse);
            assertThat(answer.status()).as("%s: %s", misuse, answer).isEqualTo(500);
            assertThat(answer.text()).contains("filter_failed");
        }
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
    }

    @Test
    void an_upgrade_that_nobody_asked_for_is_not_made_of_an_ordinary_request() throws Exception {
        Running running =
                proxy(accepting(), Filter.named("invents", (request, chain) -> chain.answer(Response.of(101))));
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).isEqualTo(500);
    }

    @Test
    void a_hook_comes_before_the_handshake_or_not_at_all() throws Exception {
        AtomicInteger tooLate = new AtomicInteger();
        Running running = proxy(
                accepting(),
                Filter.named(
                        "late",
                        (request, chain) -> chain.proceed(request).thenApply(response -> {
                            try {
                                chain.exchange().onMessage((direction, message) -> MessageHook.Verdict.pass());
                            } catch (IllegalStateException expected) {
                                tooLate.incrementAndGet();
                            }
                            return response;
                        })));
        assertThat(open(running, "/").status()).isEqualTo(101);
        assertThat(tooLate).hasValue(1);
    }

    // ---- where there is no socket, or not ours

    @Test
    void without_a_socket_filters_run_and_the_last_step_says_why_it_cannot() throws Exception {
        RawOrigin origin = accepting();
        AtomicInteger asked = new AtomicInteger();
        Running running = proxy(origin, Filter.named("count", (request, chain) -> {
            assertThat(chain.exchange().kind()).isEqualTo(Exchange.Kind.WEBSOCKET);
            asked.incrementAndGet();
            return chain.proceed(request);
        }));
        Request request = Request.get("/")
                .withHeader("Connection", "Upgrade")
                .withHeader("Upgrade", "websocket")
                .withHeader("Sec-WebSocket-Version", "13")
                .withHeader("Sec-WebSocket-Key", KEY);
        Response response = running.gateway()
                .handle(request, ClientInfo.local())
                .toCompletableFuture()
                .get(5, TimeUnit.SECONDS);
        assertThat(response.status()).isEqualTo(400);
        assertThat(running.outcome().reason()).isEqualTo("websocket.no_socket");
        assertThat(asked).hasValue(1);
        assertThat(origin.received()).isEmpty();
    }

    @Test
    void a_server_of_the_host_can_take_them_too() throws Exception {
        Vertx vertx = rig.vertx();
        RawOrigin origin = accepting();
        Running running = rig.prepare(
                gateway -> gateway.upstream(Upstream.builder("orders")
                                .endpoints(origin.url())
                                .build())
                        .route(Route.builder("all").to("orders").webSockets().build()),
                VertxRuntime.using(vertx));
        running.gateway().start();
        HttpServer server = vertx.createHttpServer()
                .requestHandler(VertxRuntime.requestHandler(running.gateway()))
                .listen(0, "127.0.0.1")
                .await(10, TimeUnit.SECONDS);
        try (RawClient client = new RawClient(server.actualPort())) {
            assertThat(client.send(handshake("/") + "\r\n").read().status()).isEqualTo(101);
            assertEchoes(client);
        }
        assertThat(running.outcome().failure()).isNull();
    }

    // ---- configuration

    @Test
    void a_route_that_takes_them_must_lead_to_endpoints() {
        Upstream local = Upstream.local("mine", (request, exchange) -> null);
        Upstream remote =
                Upstream.builder("far").endpoints("http://127.0.0.1:1").build();
        Upstream multiplexed = Upstream.builder("fast")
                .endpoints("http://127.0.0.1:1")
                .protocol(Protocol.HTTP_2)
                .build();
        assertThatThrownBy(() -> Gateway.builder()
                        .upstream(local)
                        .upstream(multiplexed)
                        .upstream(remote)
                        .route(Route.builder("a")
                                .match(Match.path("/a"))
                                .to("mine")
                                .webSockets()
                                .build())
                        .route(Route.builder("b")
                                .match(Match.path("/b"))
                                .to(Split.to("far", 1).and("mine", 1))
                                .webSockets()
                                .build())
                        .route(Route.builder("c")
                                .match(Match.path("/c"))
                                .answer(Response.of(200))
                                .webSockets()
                                .build())
                        .route(Route.builder("d")
                                .match(Match.path("/d"))
                                .to("far")
                                .webSockets()
                                .build())
                        .route(Route.builder("e")
                                .match(Match.path("/e"))
                                .to("fast")
                                .webSockets()
                                .build())
                        .build())
                .isInstanceOfSatisfying(
                        InvalidConfigException.class,
                        broken -> assertThat(broken.getMessage())
                                .contains(
                                        "route \"a\": takes WebSockets",
                                        "route \"b\": takes",
                                        "route \"c\": takes",
                                        "route \"e\": takes")
                                .doesNotContain("route \"d\""));
    }

    @Test
    void rules_are_compared_as_values_and_shown_in_a_plan() throws Exception {
        RawOrigin origin = accepting();
        Running running = proxy(origin);
        var config = running.gateway().config();
        Route route = config.routes().get(0);
        var same = route.toBuilder().webSockets(WebSocketRules.standard()).build();
        assertThat(same).isEqualTo(route);
        var next = Gateway.builder()
                .listen(config.listeners().get(0))
                .upstream(config.upstreams().get(0))
                .route(route.toBuilder()
                        .webSockets(WebSocketRules.standard().maxMessageBytes(9))
                        .build())
                .toConfig();
        assertThat(running.gateway().plan(next).toString())
                .contains(
                        "webSockets origins same; messages of 262144 bytes in 100 frames; 50 control frames/s → origins"
                                + " same; messages of 9 bytes");
    }
}
