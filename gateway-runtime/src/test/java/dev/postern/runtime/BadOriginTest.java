package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.Failure;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawClient.Answer;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Origins that answer early, in part, twice, or nonsense. */
class BadOriginTest {
    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    // ---- heads nobody can read

    @ParameterizedTest
    @ValueSource(
            strings = {
                "garbage\r\n\r\n",
                "\r\n\r\n\r\n\r\nHELO\r\n\r\n",
                "HTTP/1.1\r\n\r\n",
                "HTTP/1.1 abc OK\r\n\r\n",
                "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 700 High\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: a\u0000b\r\nContent-Length: 0\r\n\r\n",
                "SIP/2.0 200 OK\r\n\r\n",
                "HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
            })
    void a_head_that_cannot_be_understood_is_a_502(String bytes) throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.lastBytes(bytes));
        Running running = rig.proxy(origin);
        Answer answer = running.client().get("/").read();
        assertThat(answer.status()).as("%s", answer).isEqualTo(502);
        assertThat(answer.text()).contains("response_malformed");
        assertThat(running.client().get("/").read().status()).isEqualTo(502);
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_MALFORMED);
    }

    @Test
    void a_head_too_large_is_a_502() throws Exception {
        for (String head : List.of(
                "HTTP/1.1 200 OK\r\nX: " + "a".repeat(70_000) + "\r\n\r\n",
                "HTTP/1.1 200 OK\r\n" + "X: 1\r\n".repeat(201) + "Content-Length: 0\r\n\r\n",
                "HTTP/1.1 200 " + "O".repeat(10_000) + "\r\n\r\n")) {
            RawOrigin origin = rig.origin(RawOrigin.lastBytes(head));
            Answer answer = rig.proxy(origin).client().get("/").read();
            assertThat(answer.status()).isEqualTo(502);
            assertThat(answer.text()).contains("response_malformed");
        }
    }

    @Test
    void an_origin_that_closes_without_a_word_is_a_502() throws Exception {
        for (String bytes : List.of("", "HTTP/1.1 200 OK\r\nContent-Le")) {
            RawOrigin origin = rig.origin(RawOrigin.lastBytes(bytes));
            Running running = rig.proxy(origin);
            Answer answer = running.client().request("POST", "/", "x").read();
            assertThat(answer.status()).as("%s", answer).isEqualTo(502);
            assertThat(answer.text()).contains("reset_before_head");
            running.checkNothingHeld();
        }
    }

    // ---- interim responses

    @Test
    void interim_responses_are_swallowed() throws Exception {
        RawOrigin origin = rig.origin(RawOrigin.bytes("HTTP/1.1 100 Continue\r\n\r\n"
                + "HTTP/1.1 102 Processing\r\n\r\n"
                + "HTTP/1.1 103 Early Hints\r\n"
                + "Link: </a>; rel=preload\r\n\r\n"
                + "HTTP/1.1 100 Continue\r\n\r\n"
                + "HTTP/1.1 200 OK\r\n"
                + "Content-Length: 2\r\n\r\n"
                + "ok"));
        RawClient client = rig.proxy(origin).client();
        for (int i = 0; i < 3; i++) {
            Answer answer = client.get("/").read();
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.text()).isEqualTo("ok");
        }
        assertThat(origin.connections()).isEqualTo(1);
    }

    // ---- early answers

    @ParameterizedTest
    @ValueSource(strings = {"413 Content Too Large", "200 OK"})
    void an_answer_before_the_body_ended_arrives_and_ends_both_connections(String status) throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            in.readNBytes(10);
            out.write(("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\n\r\nearly").getBytes(StandardCharsets.UTF_8));
            out.flush();
            // Stays open: whether the connection is used again is the gateway's decision.
            return in.read() >= 0 && in.readAllBytes().length < 0;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 1000\r\n\r\n"
                        + "x".repeat(100));
        Answer answer = client.read();
        assertThat(answer.status()).isEqualTo(Integer.parseInt(status.substring(0, 3)));
        assertThat(answer.text()).isEqualTo("early");
        assertThat(answer.header("Connection")).isEqualTo("close");
        assertThat(client.isAtEnd()).isTrue();
        assertThat(running.outcome().failure()).isNull();
        running.checkNothingHeld();
        assertThat(running.client().get("/").send("x").available()).isZero();
        assertThat(origin.received()).hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void after_an_early_answer_the_connection_to_the_origin_is_not_lent_again() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly".getBytes(StandardCharsets.UTF_8));
            return true;
        });
        Running running = rig.proxy(origin);
        Answer answer = running.client()
                .send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: 1000\r\n\r\nx")
                .read();
        assertThat(answer.text()).isEqualTo("early");
        assertThat(running.client().get("/").read().text()).isEqualTo("early");
        assertThat(origin.connections()).isEqualTo(2);
    }

    @Test
    void a_request_that_is_not_yet_in_the_socket_when_it_is_answered_does_not_stand_before_another() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly".getBytes(StandardCharsets.UTF_8));
            out.flush();
            if (request.line().startsWith("POST")) {
                // Reads nothing more, and keeps the connection.
                answered.await();
            }
            return true;
        });
        Running running = rig.proxy(origin, route -> route.maxRequestBytes(100_000_000), upstream -> upstream);
        // In one piece, so that all of it is handed over before the answer comes, and more than sockets hold.
        SubmissionPublisher<ByteBuffer> chunks = new SubmissionPublisher<>(Runnable::run, 1);
        Request large = Request.of("POST", "/")
                .withHeader("X-Script-Reads-Body", "1")
                .withBody(Body.from(
                        reader -> {
                            chunks.subscribe(reader);
                            chunks.submit(ByteBuffer.allocate(64 * 1024 * 1024));
                            chunks.close();
                        },
                        64 * 1024 * 1024));
        for (Request request : List.of(large, Request.of("GET", "/"))) {
            Response answer = running.gateway()
                    .handle(request, ClientInfo.local())
                    .toCompletableFuture()
                    .get(10, TimeUnit.SECONDS);
            assertThat(answer.status()).isEqualTo(200);
            answer.body().buffer(10).toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
        answered.countDown();
        assertThat(origin.connections()).isEqualTo(2);
    }

    // ---- answers that break off

    @ParameterizedTest
    @CsvSource({"0", "1", "500", "999"})
    void a_response_cut_within_its_length_is_visibly_cut(int bytes) throws Exception {
        RawOrigin origin =
                rig.origin(RawOrigin.lastBytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + "x".repeat(bytes)));
        Running running = rig.proxy(origin);
        RawClient client = running.client().get("/");
        Answer answer = client.read();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.complete()).isFalse();
        assertThat(answer.body()).hasSize(bytes);
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
        assertThat(running.outcome().truncated()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "5\r\nab",
                "5\r\nabcde",
                "5\r\nabcde\r\n",
                "5\r\nabcde\r\n0",
                "5\r\nabcde\r\n0\r\n",
                "zz\r\n",
                "5\r\nabcdeXX"
            })
    void a_chunked_response_that_breaks_off_is_visibly_cut(String part) throws Exception {
        RawOrigin origin =
                rig.origin(RawOrigin.lastBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + part));
        Running running = rig.proxy(origin);
        Answer answer = running.client().get("/").read();
        // What breaks before the head has left becomes an answer of ours.
        assertThat(answer.complete()).as("%s", answer).isEqualTo(answer.status() == 502);
        // Junk that was read together with its head has spoiled that, too.
        assertThat(running.outcome().failure()).isIn(Failure.RESPONSE_BODY_BROKEN, Failure.RESPONSE_MALFORMED);
    }

    @Test
    void a_reset_in_the_middle_is_visibly_a_cut() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc".getBytes(StandardCharsets.UTF_8));
            out.flush();
            socket.setSoLinger(true, 0);
            return false;
        });
        Running running = rig.proxy(origin);
        assertThat(running.client().get("/").read().complete()).isFalse();
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_BROKEN);
    }

    // ---- more than was asked for

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                "HTTP/1.1 200 OK\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + "4\r\n"
                        + "good\r\n"
                        + "0\r\n\r\n"
                        + "HTTP/1.1 200 OK\r\n"
                        + "Content-Length: 4\r\n\r\n"
                        + "evil",
                "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodjunk",
            })
    void what_comes_behind_a_response_is_never_the_answer_to_another_request(String bytes) throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            if (request.line().contains("/first")) {
                waiting.await(5, TimeUnit.SECONDS);
                out.write(bytes.getBytes(StandardCharsets.UTF_8));
            } else {
                out.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine".getBytes(StandardCharsets.UTF_8));
            }
            return true;
        });
        Running running = rig.proxy(
                origin, route -> route, upstream -> upstream.maxConnections(1).poolTimeout(Duration.ofSeconds(5)));
        List<RawClient> clients = new ArrayList<>();
        RawClient first = running.client().get("/first");
        await().until(() -> origin.received().size() == 1);
        for (int i = 0; i < 8; i++) {
            clients.add(running.client().get("/second"));
        }
        await().until(() -> running.gateway().upstream("orders").pending() == 8);
        waiting.countDown();
        assertThat(first.read().text()).isIn("good", "");
        for (RawClient client : clients) {
            assertThat(client.read().text()).isEqualTo("mine");
        }
    }

    @Test
    void bytes_that_come_while_a_connection_is_idle_end_it() throws Exception {
        CountDownLatch idle = new CountDownLatch(1);
        CountDownLatch sent = new CountDownLatch(1);
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood".getBytes(StandardCharsets.UTF_8));
            out.flush();
            if (request.line().contains("/first")) {
                Thread late = new Thread(() -> spit(socket, idle, sent), "late");
                late.setDaemon(true);
                late.start();
            }
            return true;
        });
        Running running = rig.proxy(origin);
        RawClient client = running.client();
        assertThat(client.get("/first").read().text()).isEqualTo("good");
        running.checkNothingHeld();
        idle.countDown();
        sent.await(5, TimeUnit.SECONDS);
        assertThat(client.get("/second").read().text()).isEqualTo("good");
        assertThat(client.get("/third").read().text()).isEqualTo("good");
    }

    private static void spit(Socket socket, CountDownLatch when, CountDownLatch sent) {
        try {
            when.await(5, TimeUnit.SECONDS);
            socket.getOutputStream()
                    .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
        } catch (Exception broken) {
            throw new IllegalStateException(broken);
        } finally {
            sent.countDown();
        }
    }
}
