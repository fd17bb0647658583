package dev.postern.runtime;

import static dev.postern.runtime.rig.WebSocketPeer.BINARY;
import static dev.postern.runtime.rig.WebSocketPeer.CLOSE;
import static dev.postern.runtime.rig.WebSocketPeer.PING;
import static dev.postern.runtime.rig.WebSocketPeer.PONG;
import static dev.postern.runtime.rig.WebSocketPeer.TEXT;
import static dev.postern.runtime.rig.WebSocketPeer.accept;
import static dev.postern.runtime.rig.WebSocketPeer.handshake;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.MessageHook;
import dev.postern.MessageHook.Verdict;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.WebSocketRules;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.rig.WebSocketPeer;
import dev.postern.runtime.rig.WebSocketPeer.Frame;
import dev.postern.testing.ManualTime;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What passes through a WebSocket, and how it ends (reliability T104 to T108; RFC 6455 5 and 7). */
class WebSocketTest {
    private static final Duration SHORT = Duration.ofMillis(200);

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    /** What an origin does with an accepted WebSocket. */
    private interface Talk {
        void with(WebSocketPeer client, InputStream in, OutputStream out, Socket socket) throws Exception;
    }

    private RawOrigin origin(Talk talk, String... lines) throws Exception {
        return rig.origin((request, in, out, socket) -> {
            out.write(accept(request, lines).getBytes(StandardCharsets.US_ASCII));
            talk.with(WebSocketPeer.origin(in, out), in, out, socket);
            return false;
        });
    }

    private RawOrigin echo() throws Exception {
        return origin((client, in, out, socket) -> client.echo());
    }

    /** An origin that keeps the frames it gets, and answers the last. */
    private RawOrigin keeping(BlockingQueue<Frame> frames) throws Exception {
        return origin((client, in, out, socket) -> {
            Frame frame = client.read();
            for (; frame.opcode() != CLOSE; frame = client.read()) {
                frames.add(frame);
            }
            client.close(frame.code(), "");
            frames.add(frame);
        });
    }

    private Running proxy(RawOrigin origin) {
        return proxy(origin, route -> route);
    }

    private Running proxy(RawOrigin origin, UnaryOperator<Route.Builder> route) {
        return rig.proxy(origin, builder -> route.apply(builder.webSockets()), upstream -> upstream);
    }

    private static WebSocketPeer open(Running running, String... lines) throws Exception {
        RawClient client = running.client();
        assertThat(client.send(handshake("/", lines) + "\r\n").read().status()).isEqualTo(101);
        return WebSocketPeer.client(client);
    }

    private static Filter hook(String name, MessageHook hook) {
        return Filter.named(name, (request, chain) -> {
            chain.exchange().onMessage(hook);
            return chain.proceed(request);
        });
    }

    private static void assertClosed(WebSocketPeer peer, int code, String reason) throws Exception {
        Frame last = peer.read();
        assertThat(last.opcode()).as("%s", last).isEqualTo(CLOSE);
        assertThat(last.code()).isEqualTo(code);
        assertThat(last.reason()).contains(reason);
    }

    private static Frame next(BlockingQueue<Frame> frames) throws InterruptedException {
        Frame frame = frames.poll(10, TimeUnit.SECONDS);
        assertThat(frame).as("a frame").isNotNull();
        return frame;
    }

    // ---- what passes

    @Test
    void messages_go_both_ways_and_the_end_is_agreed() throws Exception {
        RawOrigin origin = echo();
        Running running = proxy(origin);
        WebSocketPeer peer = open(running);
        assertThat(peer.text("hello").read().text()).isEqualTo("hello");
        peer.close(3001, "bye");
        assertClosed(peer, 3001, "bye");
        assertThat(peer.isAtEnd()).isTrue();
        Outcome outcome = running.outcome();
        assertThat(outcome.failure()).isNull();
        assertThat(outcome.status()).isEqualTo(101);
        // Heads of 2 bytes, masks of 4 from the client; close frames have a code.
        assertThat(outcome.requestBytes()).isEqualTo(6 + 5 + 6 + 5);
        assertThat(outcome.responseBytes()).isEqualTo(2 + 5 + 2 + 5);
        assertThat(outcome.attempts()).isEqualTo(1);
        assertThat(running.attempts())
                .singleElement()
                .satisfies(attempt -> assertThat(attempt.status()).isEqualTo(101));
        await().untilAsserted(() -> assertThat(origin.open()).as("not pooled").isZero());
    }

    @Test
    void all_that_may_come_in_frames_arrives_byte_for_byte() throws Exception {
        CompletableFuture<byte[]> seen = new CompletableFuture<>();
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        for (int rsv : new int[] {0, 4}) {
            sent.writeBytes(WebSocketPeer.frame(false, rsv, TEXT, "frag".getBytes(), true));
            sent.writeBytes(WebSocketPeer.frame(true, 0, PING, "between".getBytes(), true));
            sent.writeBytes(WebSocketPeer.frame(false, 0, 0, new byte[0], true));
            sent.writeBytes(WebSocketPeer.frame(true, 0, 0, "ment".getBytes(), true));
            for (int length : new int[] {0, 1, 125, 126, 127, 65_535, 65_536, 100_000}) {
                sent.writeBytes(WebSocketPeer.frame(true, rsv, BINARY, new byte[length], true));
            }
            sent.writeBytes(WebSocketPeer.frame(true, 0, PONG, new byte[125], true));
        }
        byte[] all = sent.toByteArray();
        RawOrigin origin = origin(
                (client, in, out, socket) -> {
                    seen.complete(in.readNBytes(all.length));
                    client.close(1000, "");
                    client.read();
                },
                "Sec-WebSocket-Extensions: permessage-deflate");
        Running running = proxy(origin);
        RawClient client = running.client();
        client.send(handshake("/", "Sec-WebSocket-Extensions: permessage-deflate") + "\r\n");
        assertThat(client.read().status()).isEqualTo(101);
        // In every possible way to cut the small frames, and in large pieces.
        int small = 64;
        for (int i = 0; i < small; i++) {
            client.send(all, i, 1);
        }
        client.send(all, small, all.length - small);
        assertThat(seen.get(10, TimeUnit.SECONDS)).isEqualTo(all);
        WebSocketPeer peer = WebSocketPeer.client(client);
        assertClosed(peer, 1000, "");
        peer.close(1000, "");
        assertThat(running.outcome().failure()).isNull();
    }

    @Test
    void what_comes_right_behind_the_handshake_is_not_lost_on_either_side() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            ByteArrayOutputStream together = new ByteArrayOutputStream();
            together.writeBytes(accept(request).getBytes(StandardCharsets.US_ASCII));
            together.writeBytes(WebSocketPeer.frame(true, 0, TEXT, "welcome".getBytes(), false));
            together.writeBytes(Arrays.copyOf(WebSocketPeer.frame(true, 0, TEXT, "half".getBytes(), false), 3));
            out.write(together.toByteArray());
            out.flush();
            out.write("alf".getBytes(StandardCharsets.US_ASCII));
            WebSocketPeer.origin(in, out).echo();
            return false;
        });
        Running running = proxy(origin);
        RawClient client = running.client();
        ByteArrayOutputStream together = new ByteArrayOutputStream();
        together.writeBytes((handshake("/") + "\r\n").getBytes(StandardCharsets.US_ASCII));
        together.writeBytes(WebSocketPeer.frame(true, 0, TEXT, "eager".getBytes(), true));
        together.writeBytes(new byte[] {(byte) 0x82});
        client.send(together.toByteArray(), 0, together.size());
        assertThat(client.read().status()).isEqualTo(101);
        WebSocketPeer peer = WebSocketPeer.client(client);
        assertThat(peer.read().text()).isEqualTo("welcome");
        assertThat(peer.read().text()).isEqualTo("half");
        assertThat(peer.read().text()).isEqualTo("eager");
        peer.raw(Arrays.copyOfRange(WebSocketPeer.frame(true, 0, BINARY, "rest".getBytes(), true), 1, 10));
        assertThat(peer.read().text()).isEqualTo("rest");
    }

    @Test
    void an_origin_that_answers_and_leaves_at_once_is_heard_to_the_end() throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            ByteArrayOutputStream together = new ByteArrayOutputStream();
            together.writeBytes(accept(request).getBytes(StandardCharsets.US_ASCII));
            together.writeBytes(WebSocketPeer.frame(true, 0, BINARY, new byte[200_000], false));
            together.writeBytes(WebSocketPeer.frame(true, 0, CLOSE, new byte[] {3, (byte) 0xe9}, false));
            out.write(together.toByteArray());
            return false;
        });
        Running running = proxy(
                origin,
                route -> route.filter(Filter.named(
                        "slow",
                        (request, chain) -> chain.proceed(request)
                                .thenCompose(response -> chain.exchange()
                                        .delay(Duration.ofMillis(50))
                                        .thenApply(waited -> response)))));
        WebSocketPeer peer = open(running);
        assertThat(peer.read().payload()).hasSize(200_000);
        assertClosed(peer, 1001, "");
        assertThat(peer.isAtEnd()).isTrue();
        assertThat(running.outcome().failure()).isNull();
    }

    // ---- T105: what does not pass

    private record Bad(String what, int code, byte[]... frames) {}

    private static List<Bad> violations(boolean masked) {
        byte[] utf8 = {3, (byte) 0xe8, (byte) 0xc3, 0x28};
        byte[] wide = {(byte) 0x82, (byte) (masked ? 0xfe : 126), 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        byte[] negative = {(byte) 0x82, (byte) (masked ? 0xff : 127), -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        byte[] huge = {(byte) 0x82, (byte) (masked ? 0xff : 127), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
        byte[] longPing = {(byte) 0x89, (byte) (masked ? 0xfe : 126), 0, 126, 0, 0, 0, 0};
        byte[] open = WebSocketPeer.frame(false, 0, TEXT, "a".getBytes(), masked);
        byte[] more = WebSocketPeer.frame(false, 0, 0, "a".getBytes(), masked);
        return List.of(
                new Bad("reserved bit 1", 1002, WebSocketPeer.frame(true, 4, TEXT, new byte[1], masked)),
                new Bad("reserved bit 2", 1002, WebSocketPeer.frame(true, 2, TEXT, new byte[1], masked)),
                new Bad("reserved bit 3", 1002, WebSocketPeer.frame(true, 1, PING, new byte[1], masked)),
                new Bad("opcode 3", 1002, WebSocketPeer.frame(true, 0, 3, new byte[1], masked)),
                new Bad("opcode 11", 1002, WebSocketPeer.frame(true, 0, 11, new byte[1], masked)),
                new Bad("opcode 15", 1002, WebSocketPeer.frame(true, 0, 15, new byte[0], masked)),
                new Bad("the wrong mask", 1002, WebSocketPeer.frame(true, 0, TEXT, new byte[1], !masked)),
                new Bad("ping in fragments", 1002, WebSocketPeer.frame(false, 0, PING, new byte[1], masked)),
                new Bad("long ping", 1002, longPing),
                new Bad("continuation of nothing", 1002, WebSocketPeer.frame(true, 0, 0, new byte[1], masked)),
                new Bad(
                        "message within a message",
                        1002,
                        open,
                        WebSocketPeer.frame(true, 0, TEXT, new byte[1], masked)),
                new Bad("length in two bytes", 1002, wide),
                new Bad("negative length", 1002, negative),
                new Bad("close with one byte", 1002, WebSocketPeer.frame(true, 0, CLOSE, new byte[1], masked)),
                new Bad(
                        "close with 1005",
                        1002,
                        WebSocketPeer.frame(true, 0, CLOSE, new byte[] {3, (byte) 0xed}, masked)),
                new Bad("close with 0", 1002, WebSocketPeer.frame(true, 0, CLOSE, new byte[2], masked)),
                new Bad("close that is not UTF-8", 1007, WebSocketPeer.frame(true, 0, CLOSE, utf8, masked)),
                new Bad("large message", 1009, WebSocketPeer.frame(true, 0, BINARY, new byte[2001], masked)),
                new Bad("huge message", 1009, huge),
                new Bad(
                        "large message in two frames",
                        1009,
                        WebSocketPeer.frame(false, 0, BINARY, new byte[2000], masked),
                        WebSocketPeer.frame(true, 0, 0, new byte[1], masked)),
                new Bad("four frames", 1008, open, more, more, more));
    }

    private static final WebSocketRules TIGHT =
            WebSocketRules.standard().maxMessageBytes(2000).maxFragments(3).maxControlFrames(5);

    @Test
    void t105_a_client_that_breaks_the_protocol_is_closed_and_the_origin_gets_no_byte_of_it() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        RawOrigin origin = keeping(frames);
        Running running = proxy(origin, route -> route.webSockets(TIGHT));
        int count = 0;
        for (Bad bad : violations(true)) {
            WebSocketPeer peer = open(running);
            peer.text("good");
            for (byte[] frame : bad.frames()) {
                peer.raw(frame);
            }
            Frame last = peer.read();
            assertThat(last.code()).as("%s: %s", bad.what(), last).isEqualTo(bad.code());
            assertThat(next(frames).text()).isEqualTo("good");
            for (int i = 0; i < bad.frames().length - 1; i++) {
                assertThat(next(frames).opcode()).as(bad.what()).isLessThanOrEqualTo(BINARY);
            }
            assertThat(next(frames).code()).as(bad.what()).isEqualTo(1001);
            assertThat(peer.isAtEnd()).isTrue();
            assertThat(running.outcome(++count).failure().party()).isEqualTo(Failure.Party.CLIENT);
            assertThat(running.outcome(count).reason()).startsWith("websocket.");
        }
    }

    @Test
    void t105_an_origin_that_breaks_the_protocol_is_closed_and_the_client_gets_no_byte_of_it() throws Exception {
        List<Bad> violations = violations(false);
        AtomicLong turn = new AtomicLong();
        BlockingQueue<Frame> answers = new LinkedBlockingQueue<>();
        RawOrigin origin = origin((client, in, out, socket) -> {
            for (byte[] frame : violations.get((int) turn.getAndIncrement()).frames()) {
                client.raw(frame);
            }
            answers.add(client.read());
        });
        Running running = proxy(origin, route -> route.webSockets(TIGHT));
        int count = 0;
        for (Bad bad : violations) {
            WebSocketPeer peer = open(running);
            for (int i = 0; i < bad.frames().length - 1; i++) {
                assertThat(peer.read().opcode()).as(bad.what()).isLessThanOrEqualTo(BINARY);
            }
            assertThat(peer.read().code()).as(bad.what()).isEqualTo(1011);
            assertThat(next(answers).code()).as(bad.what()).isEqualTo(bad.code());
            peer.close(1011, "");
            assertThat(running.outcome(++count).failure().party()).isEqualTo(Failure.Party.UPSTREAM);
        }
    }

    @Test
    void t105_a_flood_of_pings_is_closed() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        Running running = proxy(keeping(frames), route -> route.webSockets(TIGHT));
        WebSocketPeer peer = open(running);
        // They may fall into two seconds.
        for (int i = 0; i < 11; i++) {
            peer.send(true, PING, new byte[0]);
        }
        assertClosed(peer, 1008, "flood");
        peer.close(1008, "");
        assertThat(running.outcome().reason()).isEqualTo("websocket.flood");
        int pings = 0;
        for (Frame frame = next(frames); frame.opcode() == PING; frame = next(frames)) {
            pings++;
        }
        assertThat(pings).isBetween(5, 10);
    }

    // ---- hooks

    @Test
    void hooks_see_whole_messages_and_say_what_becomes_of_them() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        RawOrigin origin = echo();
        Running running = proxy(
                origin,
                route -> route.filter(hook("first", (direction, message) -> {
                            seen.add("1 " + direction + ' ' + message.text());
                            return message.text().equals("secret") ? Verdict.drop() : Verdict.pass();
                        }))
                        .filter(hook("second", (direction, message) -> {
                            seen.add("2 " + direction + ' ' + message);
                            return message.text().equals("enough") ? Verdict.close(4001, "enough") : Verdict.pass();
                        })));
        WebSocketPeer peer = open(running);
        peer.send(false, TEXT, "gr".getBytes()).send(true, PING, "now".getBytes());
        assertThat(peer.read().opcode()).as("does not wait for the message").isEqualTo(PONG);
        peer.send(true, 0, "üße".getBytes(StandardCharsets.UTF_8));
        Frame first = peer.read();
        assertThat(first.fin()).as("in the fragments in which it was sent").isFalse();
        assertThat(first.text() + peer.read().text()).isEqualTo("grüße");
        peer.text("secret").send(true, BINARY, new byte[] {65});
        assertThat(peer.read().text()).isEqualTo("A");
        assertThat(seen)
                .containsExactly(
                        "1 TO_UPSTREAM grüße",
                        "2 TO_UPSTREAM text message of 7 bytes",
                        "2 TO_CLIENT text message of 7 bytes",
                        "1 TO_CLIENT grüße",
                        "1 TO_UPSTREAM secret",
                        "1 TO_UPSTREAM A",
                        "2 TO_UPSTREAM binary message of 1 bytes",
                        "2 TO_CLIENT binary message of 1 bytes",
                        "1 TO_CLIENT A");
        peer.text("enough");
        assertClosed(peer, 4001, "enough");
        peer.close(4001, "");
        assertThat(running.outcome().reason()).isEqualTo("websocket.hook");
        assertThat(running.outcome().failure()).isEqualTo(Failure.STREAM_ENDED);
    }

    @Test
    void a_hook_that_fails_ends_its_own_connection_only() throws Exception {
        RawOrigin origin = echo();
        Running running = proxy(
                origin,
                route -> route.filter(hook("hook", (direction, message) -> {
                    if (message.text().equals("null")) {
                        return null;
                    }
                    if (message.text().equals("throw")) {
                        throw new IllegalStateException("on purpose");
                    }
                    return Verdict.pass();
                })));
        WebSocketPeer other = open(running);
        for (String bad : List.of("null", "throw")) {
            WebSocketPeer peer = open(running);
            assertClosed(peer.text(bad), 1011, "");
            peer.close(1011, "");
        }
        assertThat(running.outcome(2).reason()).isEqualTo("websocket.hook_failed");
        assertThat(other.text("still here").read().text()).isEqualTo("still here");
        assertThat(rig.warnings()).anyMatch(line -> line.contains("a message hook of route \"all\" failed"));
    }

    @Test
    void t105_text_that_is_none_is_refused_and_does_not_pass() throws Exception {
        byte[] good = "grüße, 𝄞".getBytes(StandardCharsets.UTF_8);
        byte[] overlong = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', (byte) 0xc0, (byte) 0x80};
        byte[] surrogate = {(byte) 0xed, (byte) 0xa0, (byte) 0x80};
        byte[] half = {'x', (byte) 0xf0, (byte) 0x9d, (byte) 0x84};
        for (boolean hooked : new boolean[] {false, true}) {
            BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
            Running running = proxy(
                    keeping(frames),
                    route -> hooked ? route.filter(hook("hook", (direction, message) -> Verdict.pass())) : route);
            int count = 0;
            for (byte[] bad : List.of(overlong, surrogate, half)) {
                WebSocketPeer peer = open(running);
                // A character may be cut by frames, and bytes that are not text may be data.
                peer.send(false, TEXT, Arrays.copyOf(good, 3))
                        .send(true, PING, bad)
                        .send(true, 0, Arrays.copyOfRange(good, 3, good.length))
                        .send(true, BINARY, bad)
                        .send(true, TEXT, bad)
                        .text("too late");
                assertClosed(peer, 1007, "UTF-8");
                assertThat(next(frames).payload()).isEqualTo(hooked ? bad : Arrays.copyOf(good, 3));
                assertThat(next(frames).payload()).isEqualTo(hooked ? Arrays.copyOf(good, 3) : bad);
                assertThat(next(frames).payload()).isEqualTo(Arrays.copyOfRange(good, 3, good.length));
                assertThat(next(frames).opcode()).isEqualTo(BINARY);
                assertThat(next(frames).code()).isEqualTo(1001);
                peer.close(1007, "");
                assertThat(running.outcome(++count).reason()).isEqualTo("websocket.frame");
            }
        }
    }

    @Test
    void t105_behind_half_a_frame_nothing_is_said_and_nobody_is_kept() throws Exception {
        CompletableFuture<byte[]> first = new CompletableFuture<>();
        CompletableFuture<byte[]> rest = new CompletableFuture<>();
        Running running = proxy(origin((client, in, out, socket) -> {
            first.complete(in.readNBytes(20));
            rest.complete(in.readAllBytes());
        }));
        RawClient client = running.client();
        client.send(handshake("/") + "\r\n").read();
        WebSocketPeer peer = WebSocketPeer.client(client);
        byte[] frame =
                peer.frame(true, 0, TEXT, "a message that goes wrong at its \u0000".getBytes(StandardCharsets.UTF_8));
        frame[frame.length - 1] ^= (byte) 0xff;
        client.send(frame, 0, 20);
        assertThat(first.get(10, TimeUnit.SECONDS)).isEqualTo(Arrays.copyOf(frame, 20));
        client.send(frame, 20, frame.length - 20);
        assertClosed(peer, 1007, "UTF-8");
        assertThat(rest.get(10, TimeUnit.SECONDS)).isEmpty();
        assertThat(running.outcome().reason()).isEqualTo("websocket.frame");
    }

    // ---- the end

    @Test
    void a_client_that_leaves_without_a_word_takes_the_origin_with_it() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        RawOrigin origin = keeping(frames);
        Running running = proxy(origin);
        RawClient client = running.client();
        client.send(handshake("/") + "\r\n").read();
        WebSocketPeer.client(client).text("last words");
        client.close();
        assertThat(next(frames).text()).isEqualTo("last words");
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
        assertThat(frames).as("no word that nobody has said").isEmpty();
        assertThat(running.outcome().failure()).isEqualTo(Failure.CLIENT_GONE);
    }

    @Test
    void an_origin_that_leaves_without_a_word_takes_the_client_with_it() throws Exception {
        RawOrigin origin = origin((client, in, out, socket) -> client.text("last words"));
        Running running = proxy(origin);
        WebSocketPeer peer = open(running);
        assertThat(peer.read().text()).isEqualTo("last words");
        assertThat(peer.isAtEnd()).isTrue();
        assertThat(running.outcome().reason()).isEqualTo("websocket.upstream_gone");
        assertThat(running.outcome().failure().party()).isEqualTo(Failure.Party.UPSTREAM);
    }

    @Test
    void silence_of_both_sides_ends_it_and_a_ping_is_no_silence() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        RawOrigin origin = keeping(frames);
        Running running = proxy(origin, route -> route.idleTimeout(Duration.ofMillis(400)));
        WebSocketPeer peer = open(running);
        for (int i = 0; i < 4; i++) {
            await().during(Duration.ofMillis(150)).until(() -> true);
            peer.send(true, PING, new byte[0]);
            assertThat(next(frames).opcode()).isEqualTo(PING);
        }
        assertClosed(peer, 1001, "silent");
        assertThat(next(frames).code()).isEqualTo(1001);
        peer.close(1001, "");
        await().untilAsserted(() -> assertThat(running.outcomes()).isNotEmpty());
        assertThat(running.outcome().reason()).isEqualTo("stream.idle");
    }

    @Test
    void the_deadline_of_the_route_ends_with_the_handshake_and_its_maximal_duration_counts() throws Exception {
        Running running = proxy(echo(), route -> route.timeout(SHORT).maxDuration(Duration.ofMillis(600)));
        WebSocketPeer peer = open(running);
        await().during(Duration.ofMillis(300)).until(() -> true);
        assertThat(peer.text("past the deadline").read().text()).isEqualTo("past the deadline");
        assertClosed(peer, 1001, "");
        peer.close(1001, "");
        assertThat(running.outcome().reason()).isEqualTo("stream.max_duration");
    }

    @Test
    void t104_what_was_proven_until_a_time_ends_then() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        RawOrigin origin = keeping(frames);
        Running running = proxy(
                origin,
                route -> route.filter(Filter.named("login", (request, chain) -> {
                    chain.exchange()
                            .authenticate(new Principal("alice", "test", Set.of(), Map.of())
                                    .withExpiry(chain.exchange().time().now().plusMillis(300)));
                    return chain.proceed(request);
                })));
        WebSocketPeer peer = open(running);
        assertClosed(peer, 1008, "expired");
        assertThat(next(frames).code()).isEqualTo(1001);
        peer.close(1008, "");
        assertThat(peer.isAtEnd()).isTrue();
        await().untilAsserted(() -> assertThat(origin.open()).isZero());
        assertThat(running.outcome().reason()).isEqualTo("stream.expired");
        assertThat(running.outcome().failure()).isEqualTo(Failure.STREAM_ENDED);
    }

    @Test
    void t108_a_drain_says_going_away_to_both_sides_and_takes_no_more() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        RawOrigin origin = keeping(frames);
        Running running = proxy(origin);
        WebSocketPeer one = open(running);
        WebSocketPeer two = open(running);
        RawClient late = running.client();
        var stopped = running.gateway().stopAsync(Duration.ofSeconds(3));
        await().until(() -> !running.gateway().health().ready());
        assertThat(late.send(handshake("/") + "\r\n").read().status()).isEqualTo(503);
        for (WebSocketPeer peer : List.of(one, two)) {
            assertClosed(peer, 1001, "stops");
            peer.close(1001, "");
            assertThat(next(frames).code()).isEqualTo(1001);
        }
        stopped.toCompletableFuture().get(10, TimeUnit.SECONDS);
        assertThat(running.outcomes().stream().map(Outcome::reason))
                .containsExactlyInAnyOrder("not_running", "stream.draining", "stream.draining");
    }

    @Test
    void t108_a_gateway_that_stops_at_once_says_so() throws Exception {
        BlockingQueue<Frame> frames = new LinkedBlockingQueue<>();
        Running running = proxy(keeping(frames));
        WebSocketPeer peer = open(running);
        running.gateway().stop(Duration.ZERO);
        assertClosed(peer, 1001, "stops");
        assertThat(peer.isAtEnd()).isTrue();
        assertThat(next(frames).code()).isEqualTo(1001);
    }

    @Test
    void close_is_said_between_two_frames_never_within_one() throws Exception {
        RawOrigin origin = origin((client, in, out, socket) -> {
            byte[] frame = WebSocketPeer.frame(true, 0, BINARY, new byte[1000], false);
            client.raw(Arrays.copyOf(frame, 500));
            // The other side breaks the protocol now, and learns of it behind this frame.
            assertThat(client.read().code()).isEqualTo(1001);
            client.raw(Arrays.copyOfRange(frame, 500, frame.length)).text("too late");
            client.close(1001, "");
            client.isAtEnd();
        });
        Running running = proxy(origin);
        RawClient client = running.client();
        client.send(handshake("/") + "\r\n").read();
        WebSocketPeer peer = WebSocketPeer.client(client);
        await().until(() -> client.available() > 0);
        peer.raw(new byte[] {(byte) 0x83, (byte) 0x80});
        assertThat(peer.read().payload()).hasSize(1000);
        assertClosed(peer, 1002, "opcode");
        assertThat(peer.isAtEnd()).isTrue();
    }

    @Test
    void who_does_not_answer_close_is_not_waited_for() throws Exception {
        RawOrigin origin = origin((client, in, out, socket) -> {
            while (in.read() >= 0) {
                // Says nothing.
            }
        });
        ManualTime time = ManualTime.create();
        Running running = rig.start(gateway -> gateway.time(time)
                .upstream(Upstream.builder("chat").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .to("chat")
                        .webSockets()
                        .maxDuration(SHORT)
                        .build()));
        WebSocketPeer peer = open(running);
        time.advance(SHORT);
        assertClosed(peer, 1001, "");
        assertThat(running.outcomes()).isEmpty();
        time.advance(Duration.ofSeconds(5));
        assertThat(peer.isAtEnd()).isTrue();
        assertThat(running.outcome().duration()).isEqualTo(SHORT.plusSeconds(5));
    }

    // ---- T107: back-pressure

    @Test
    void t107_a_client_that_reads_nothing_stops_the_origin_and_is_cut() throws Exception {
        AtomicLong sent = new AtomicLong();
        RawOrigin origin = origin((client, in, out, socket) -> {
            byte[] message = WebSocketPeer.frame(true, 0, BINARY, new byte[16 * 1024], false);
            for (int i = 0; i < 10_000; i++) {
                client.raw(message);
                sent.addAndGet(message.length);
            }
        });
        Running running = rig.start(gateway -> gateway.listen(Listener.http(0)
                        .host("127.0.0.1")
                        .limits(Limits.standard().writeTimeout(Duration.ofMillis(500))))
                .upstream(Upstream.builder("chat").endpoints(origin.url()).build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("chat")
                        .webSockets()
                        .build()));
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(64 * 1024);
            socket.connect(new InetSocketAddress("127.0.0.1", running.port()));
            RawClient client = new RawClient(socket);
            client.send(handshake("/") + "\r\n").read();
            Outcome outcome = running.outcome();
            assertThat(outcome.failure()).isEqualTo(Failure.CLIENT_STALLED);
            assertThat(sent).hasValueLessThan(32L << 20);
        }
    }

    @Test
    void t107_an_origin_that_reads_nothing_stops_the_client_and_is_cut() throws Exception {
        CompletableFuture<Void> end = new CompletableFuture<>();
        RawOrigin origin = origin((client, in, out, socket) -> end.join());
        Running running = proxy(origin, route -> route.idleTimeout(Duration.ofMillis(500)));
        RawClient client = running.client();
        client.send(handshake("/") + "\r\n").read();
        WebSocketPeer peer = WebSocketPeer.client(client);
        byte[] message = peer.frame(true, 0, BINARY, new byte[16 * 1024]);
        CompletableFuture<Long> writer = CompletableFuture.supplyAsync(() -> {
            long sent = 0;
            try {
                for (int i = 0; i < 10_000; i++) {
                    peer.raw(message);
                    sent += message.length;
                }
            } catch (java.io.IOException cut) {
                return sent;
            }
            return sent;
        });
        assertThat(running.outcome().failure()).isEqualTo(Failure.RESPONSE_BODY_STALLED);
        assertThat(writer.get(10, TimeUnit.SECONDS)).isLessThan(32L << 20);
        end.complete(null);
    }
}
