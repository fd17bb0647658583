package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not one request, understood in one way, is answered, ends the connection and reaches no origin. */
class EdgeTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private static final String HOST = "Host: localhost\r\n";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | GET / HTTP/1.1\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a b\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: user@a\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nX : y\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nX_Y: z\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nX: a\\r\\n b\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nAuthorization: a\\r\\nAuthorization: b\\r\\n\\r\\n",
                "400 | POST / HTTP/1.1\\r"
                        + "\\n"
                        + "Host: a\\r"
                        + "\\n"
                        + "Content-Length: 3\\r"
                        + "\\n"
                        + "Transfer-Encoding: chunked\\r"
                        + "\\n"
                        + "\\r"
                        + "\\n"
                        + "0\\r"
                        + "\\n"
                        + "\\r"
                        + "\\n",
                "400 | POST / HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: xchunked\\r\\n\\r\\n0\\r\\n\\r\\n",
                "400 | POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 03\\r\\n\\r\\nabc",
                "400 | POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 3\\r\\nContent-Length: 3\\r\\n\\r\\nabc",
                "400 | GET /../etc HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET /a%2fb HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET /a%00b HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET /a;b HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET /a%zz HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET http://other/ HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "405 | CONNECT a:80 HTTP/1.1\\r\\nHost: a:80\\r\\n\\r\\n",
                "405 | TRACE / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "400 | get / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",
                "505 | GET / HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n",
                "505 | GET / HTTP/1.2\\r\\nHost: a\\r\\n\\r\\n",
                "400 | GET / HTTP/1.1\\r\\nHost: a\\r\\nSec-WebSocket-Key1: x\\r\\n\\r\\n12345678",
                "417 | POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 1\\r\\nExpect: y 100-continue\\r\\n\\r\\na",
                "417 | GET / HTTP/1.1\\r\\nHost: a\\r\\nExpect: 100-continue\\r\\n\\r\\n",
            })
    void a_malformed_head_is_refused_and_reaches_nobody(int status, String bytes) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(origin);
        String smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
        RawClient client = running.client().send(bytes.replace("\\r", "\r").replace("\\n", "\n") + smuggled);
        Answer answer = client.read();
        assertThat(answer.status()).as("%s", answer).isEqualTo(status);
        assertThat(answer.header("Connection")).isEqualTo("close");
        assertThat(answer.header("X-Request-Id")).matches("[0-9a-f]{32}");
        assertThat(answer.complete()).isTrue();
        assertThat(client.isAtEnd()).isTrue();
        assertThat(origin.connections()).isZero();
    }

    @Test
    void too_many_and_too_large_fields_are_a_431_and_a_long_target_a_414() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.ok("ok"));
        Running running = rig.proxy(origin);
        assertThat(running.client()
                        .send("GET / HTTP/1.1\r\n" + HOST + "X: 1\r\n".repeat(101) + "\r\n")
                        .read()
                        .status())
                .isEqualTo(431);
        assertThat(running.client()
                        .send("GET / HTTP/1.1\r\n" + HOST + "X: " + "a".repeat(17_000) + "\r\n\r\n")
                        .read()
                        .status())
                .isEqualTo(431);
        assertThat(running.client()
                        .send("GET /" + "a".repeat(9_000) + " HTTP/1.1\r\n" + HOST + "\r\n")
                        .read()
                        .status())
                .isEqualTo(414);
        assertThat(origin.connections()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"3 7\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "3\r\nabcXX0\r\n\r\n", "zz\r\n"})
    void a_malformed_chunk_ends_the_exchange_on_both_sides(String body) throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(origin);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\n" + HOST + "X-Script-Reads-Body: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "1\r\nx\r\n");
        await().until(() -> origin.received().size() == 1);
        client.send(body + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        try {
            assertThat(client.read().status()).isEqualTo(400);
        } catch (EOFException closed) {
            // The connection may end without a word: the request was being forwarded.
        }
        assertThat(running.outcome().failure()).isIn(Failure.REQUEST_BODY_BROKEN, Failure.CLIENT_GONE);
        await().until(() -> origin.open() == 0);
        assertThat(origin.received().stream().filter(r -> r.line().contains("smuggled")))
                .isEmpty();
    }

    @Test
    void a_body_larger_than_the_route_takes_is_a_413() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> in.readAllBytes().length < 0);
        Running running = rig.proxy(origin, route -> route.maxRequestBytes(10), upstream -> upstream);
        Answer answer = running.client().request("POST", "/", "x".repeat(11)).read();
        assertThat(answer.status()).isEqualTo(413);
        assertThat(origin.connections()).isZero();
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\n" + HOST + "X-Script-Reads-Body: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n");
        answer = client.read();
        assertThat(answer.status()).as("%s", answer).isEqualTo(413);
        assertThat(answer.header("Connection")).isEqualTo("close");
        assertThat(client.isAtEnd()).isTrue();
        await().until(() -> origin.open() == 0);
        assertThat(running.outcome(2).failure()).isEqualTo(Failure.REQUEST_BODY_TOO_LARGE);
    }

    @Test
    void a_body_that_grows_too_large_while_the_response_flows_cuts_it_and_lets_go() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                    .getBytes(StandardCharsets.UTF_8));
            out.flush();
            return in.readAllBytes().length < 0;
        });
        Running running = rig.proxy(origin, route -> route.maxRequestBytes(10), upstream -> upstream);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\n" + HOST + "X-Script-Reads-Body: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "6\r\nabcdef\r\n");
        client.skip(15);
        client.send("6\r\nabcdef\r\n0\r\n\r\n");
        running.outcome();
        running.checkNothingHeld();
        await().until(() -> origin.open() == 0);
        assertThat(running.gateway().upstream("orders").endpoints().get(0).inFlight())
                .isZero();
    }

    @Test
    void a_health_question_is_answered_before_any_route_and_keeps_the_connection() throws Exception {
        Running running = rig.start(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").healthPath("/healthz"))
                        .filter((request, chain) -> chain.answer(Response.of(401)))
                        .route(Route.builder("all")
                                .match(Match.any())
                                .answer(Response.of(204))
                                .build()));
        RawClient client = running.client();
        assertThat(client.get("/healthz").read().text()).isEqualTo("ready\n");
        assertThat(client.request("HEAD", "/healthz", "").readHead().status()).isEqualTo(200);
        assertThat(client.request("POST", "/healthz", "").read().status()).isEqualTo(401);
        assertThat(client.get("/healthz?x").read().header("Date")).endsWith("GMT");
        assertThat(running.client().get("/").read().status()).isEqualTo(401);
    }

    @Test
    void a_health_question_with_a_body_does_not_block_what_follows() throws Exception {
        Running running = rig.start(
                gateway -> gateway.listen(Listener.http(0).host("127.0.0.1").healthPath("/healthz"))
                        .route(Route.builder("all")
                                .match(Match.any())
                                .answer(Response.of(204))
                                .build()));
        RawClient client = running.client();
        Answer answer = client.request("GET", "/healthz", "body").read();
        assertThat(answer.status()).isEqualTo(200);
        if (answer.header("Connection") == null) {
            assertThat(client.get("/next").read().status()).isEqualTo(204);
        } else {
            assertThat(client.isAtEnd()).isTrue();
        }
    }

    @Test
    void an_answer_that_needs_no_body_keeps_the_connection_if_little_is_left() throws Exception {
        Running running = rig.start(gateway -> gateway.route(Route.builder("all")
                .match(Match.path("/a"))
                .answer(Response.text(200, "fixed"))
                .build()));
        for (String path : new String[] {"/a", "/b"}) {
            RawClient client = running.client();
            Answer answer = client.request("POST", path, "small body").read();
            assertThat(answer.status()).isIn(200, 404);
            if (answer.header("Connection") == null) {
                assertThat(client.request("POST", path, "again").read().status())
                        .isEqualTo(answer.status());
            } else {
                assertThat(client.isAtEnd()).isTrue();
            }
        }
    }

    @Test
    void more_connections_than_allowed_are_closed() throws Exception {
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().maxConnections(3)))
                .route(Route.builder("all")
                        .match(Match.any())
                        .answer(Response.of(204))
                        .build()));
        RawClient[] clients = new RawClient[3];
        await().until(() -> {
            // The canary's connection may still count.
            for (int i = 0; i < 3; i++) {
                clients[i] = running.client();
                try {
                    if (clients[i].get("/").read().status() != 204) {
                        return false;
                    }
                } catch (IOException refused) {
                    return false;
                }
            }
            return true;
        });
        assertThat(running.client().isAtEnd()).isTrue();
        clients[0].close();
        await().until(() -> {
            try {
                return running.client().get("/").read().status() == 204;
            } catch (IOException refused) {
                return false;
            }
        });
    }

    /** Mutations of good requests: whatever they are, there is an answer or an end, and nothing stays behind. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void no_bytes_make_the_gateway_hang_or_leak(long seed) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.echo());
        Running running = rig.start(gateway -> gateway.upstream(
                        Upstream.builder("orders").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofSeconds(3))
                        .idleTimeout(Duration.ofSeconds(2))
                        .to("orders")
                        .build()));
        Random random = new Random(seed);
        String[] bases = {
            "GET /a/b?c=d HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
            "POST /a HTTP/1.1\r\n"
                    + "Host: localhost\r\n"
                    + "Transfer-Encoding: chunked\r\n"
                    + "Connection: close\r\n\r\n"
                    + "5\r\n"
                    + "abcde\r\n"
                    + "0\r\n\r\n",
            "HEAD /x HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\nCookie: a=b\r\nConnection: close\r\n\r\n",
        };
        String alphabet = "\r\n\t :;,/%?#\\\"'()<>@[]{}=&*+-_.!~^|`$0123456789abcXYZ\u0000\u007f\u00e9\u00ff";
        for (int i = 0; i < 150; i++) {
            StringBuilder bytes = new StringBuilder(bases[random.nextInt(bases.length)]);
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                int at = random.nextInt(bytes.length());
                char c = alphabet.charAt(random.nextInt(alphabet.length()));
                switch (random.nextInt(3)) {
                    case 0 -> bytes.insert(at, c);
                    case 1 -> bytes.setCharAt(at, c);
                    default -> bytes.deleteCharAt(at);
                }
            }
            try (RawClient client = running.client()) {
                client.send(bytes.toString());
                client.socket().shutdownOutput();
                client.socket().setSoTimeout(5000);
                client.in().readAllBytes();
            } catch (java.net.SocketException reset) {
                // An end as well.
            } catch (java.net.SocketTimeoutException hangs) {
                throw new AssertionError("no answer and no end for: " + bytes, hangs);
            }
        }
        running.checkNothingHeld();
    }
}
