package dev.postern.runtime;

import static dev.postern.runtime.rig.WebSocketPeer.BINARY;
import static dev.postern.runtime.rig.WebSocketPeer.PING;
import static dev.postern.runtime.rig.WebSocketPeer.PONG;
import static dev.postern.runtime.rig.WebSocketPeer.TEXT;
import static dev.postern.runtime.rig.WebSocketPeer.accept;
import static dev.postern.runtime.rig.WebSocketPeer.handshake;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Filter;
import dev.postern.MessageHook;
import dev.postern.WebSocketRules;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.KernelQueues;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import dev.postern.runtime.rig.WebSocketPeer;
import dev.postern.runtime.rig.WebSocketPeer.Frame;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Echoes messages of random size, kind and fragmentation through filters while one side reads only when nobody can write any
 * more. {@code -Dpostern.websocket.messages=10000} is the long run.
 */
class WebSocketEchoTest {
    private static final int MESSAGES = Integer.getInteger("postern.websocket.messages", 300);
    private static final long SEED = Long.getLong("postern.websocket.seed", 20_260_811);
    private static final int SMALL_BUFFER = 64 * 1024;
    /** How often a reader waits until everything stands still; each time takes a tenth of a second. */
    private static final int STOPS = 4;
    /** Both directions together: what was read ahead, what waits to be written, and a message for hooks. */
    private static final long HELD_BYTES = 1 << 20;

    @RegisterExtension
    final GatewayRig rig = new GatewayRig();

    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicBoolean allSent = new AtomicBoolean();

    @ParameterizedTest
    @CsvSource({"client, false", "client, true", "origin, false", "origin, true"})
    void t107_all_arrives_as_it_was_sent_however_slowly_one_side_reads(String slow, boolean hooked) throws Exception {
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            socket.setReceiveBufferSize(SMALL_BUFFER);
            String extension = request.header("Sec-WebSocket-Extensions");
            out.write((extension == null
                            ? accept(request)
                            : accept(request, "Sec-WebSocket-Extensions: permessage-deflate"))
                    .getBytes(StandardCharsets.US_ASCII));
            WebSocketPeer.origin(slow.equals("origin") ? new Reluctant(in) : in, out)
                    .echo();
            return false;
        });
        AtomicLong seen = new AtomicLong();
        Running running = rig.proxy(
                origin,
                route -> {
                    route.webSockets(WebSocketRules.standard().maxControlFrames(1_000_000))
                            .filter(Filter.onResponse("stamp", response -> response.withHeader("X-Edge", "eu")))
                            .filter(Filter.named(
                                    "wait",
                                    (request, chain) -> chain.exchange()
                                            .delay(Duration.ofMillis(5))
                                            .thenCompose(waited -> chain.proceed(request))));
                    if (hooked) {
                        route.filter(Filter.named("count", (request, chain) -> {
                            chain.exchange().onMessage((direction, message) -> {
                                seen.incrementAndGet();
                                return MessageHook.Verdict.pass();
                            });
                            return chain.proceed(request);
                        }));
                    }
                    return route;
                },
                upstream -> upstream);
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(SMALL_BUFFER);
            socket.connect(new InetSocketAddress("127.0.0.1", running.port()));
            RawClient client = new RawClient(socket);
            client.send(handshake("/", "Sec-WebSocket-Extensions: permessage-deflate") + "\r\n");
            assertThat(client.read().status()).isEqualTo(101);
            WebSocketPeer peer = WebSocketPeer.client(client);
            CompletableFuture<Void> writer = CompletableFuture.runAsync(() -> write(peer, !hooked));
            Random same = new Random(SEED);
            long stopAt = 0;
            int stops = 0;
            for (int i = 0; i < MESSAGES; i++) {
                List<Frame> frames = message(same, !hooked);
                for (Frame expected : hooked ? asHooksLetThrough(frames) : frames) {
                    if (slow.equals("client") && stops < STOPS && received.get() >= stopAt) {
                        stops++;
                        stopAt = received.get() + (1 << 20);
                        awaitStill();
                        assertLittleIsHeld(running, origin);
                    }
                    Frame echoed = peer.read();
                    assertSame(expected, echoed);
                    received.addAndGet(echoed.payload().length);
                }
            }
            writer.get(10, TimeUnit.SECONDS);
            peer.close(1000, "");
            assertThat(peer.read().code()).isEqualTo(1000);
            assertThat(peer.isAtEnd()).isTrue();
        }
        assertThat(running.outcome().failure()).isNull();
        assertThat(seen.get()).isEqualTo(hooked ? 2L * MESSAGES : 0);
    }

    private void write(WebSocketPeer peer, boolean compressed) {
        Random random = new Random(SEED);
        try {
            for (int i = 0; i < MESSAGES; i++) {
                for (Frame frame : message(random, compressed)) {
                    peer.raw(peer.frame(frame.fin(), frame.rsv(), frame.opcode(), frame.payload()));
                    sent.addAndGet(frame.payload().length);
                }
            }
            allSent.set(true);
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }

    /** The frames of a message, pings between them. */
    private static List<Frame> message(Random random, boolean compressed) {
        int shape = random.nextInt(10);
        int length = random.nextInt(shape < 5 ? 200 : shape < 8 ? 4_000 : 150_000);
        int fragments = 1 + random.nextInt(shape == 0 ? 8 : 2);
        int opcode = random.nextBoolean() ? TEXT : BINARY;
        int rsv = compressed && random.nextBoolean() ? 4 : 0;
        List<Frame> frames = new ArrayList<>();
        int left = length;
        for (int i = 0; i < fragments; i++) {
            boolean last = i == fragments - 1;
            byte[] payload = new byte[last ? left : left == 0 ? 0 : random.nextInt(left)];
            left -= payload.length;
            if (opcode == TEXT) {
                // Hooks read text; these bytes are text wherever they are cut.
                java.util.Arrays.fill(payload, (byte) ('a' + random.nextInt(26)));
            } else {
                random.nextBytes(payload);
            }
            frames.add(new Frame(last, i == 0 ? rsv : 0, i == 0 ? opcode : 0, true, payload));
            if (random.nextInt(5) == 0) {
                byte[] ping = new byte[random.nextInt(126)];
                random.nextBytes(ping);
                frames.add(new Frame(true, 0, PING, true, ping));
            }
        }
        return frames;
    }

    /** A message waits for its last frame; pings do not wait for it. */
    private static List<Frame> asHooksLetThrough(List<Frame> frames) {
        List<Frame> through = new ArrayList<>();
        List<Frame> held = new ArrayList<>();
        for (Frame frame : frames) {
            (frame.opcode() == PING ? through : held).add(frame);
            if (frame.opcode() != PING && frame.fin()) {
                through.addAll(held);
            }
        }
        return through;
    }

    private static void assertSame(Frame expected, Frame echoed) {
        boolean same = echoed.fin() == expected.fin()
                && echoed.rsv() == expected.rsv()
                && echoed.opcode() == (expected.opcode() == PING ? PONG : expected.opcode())
                && !echoed.masked()
                && java.util.Arrays.equals(echoed.payload(), expected.payload());
        if (!same) {
            throw new AssertionError("expected " + expected + ", got " + echoed);
        }
    }

    private void assertLittleIsHeld(Running running, RawOrigin origin) throws IOException {
        if (KernelQueues.areKnown() && !allSent.get()) {
            long held = sent.get() - received.get() - KernelQueues.bytes(running.port(), origin.port());
            assertThat(held).as("held by the gateway").isLessThan(HELD_BYTES);
        }
    }

    /** Waits until the writer has not come forward for 100 ms, or is through. */
    private void awaitStill() {
        long[] last = {-1, System.nanoTime()};
        await().pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(20))
                .until(() -> {
                    if (sent.get() != last[0]) {
                        last[0] = sent.get();
                        last[1] = System.nanoTime();
                    }
                    return allSent.get() || System.nanoTime() - last[1] > 100_000_000L;
                });
    }

    /** Reads on only when the client cannot write any more. */
    private final class Reluctant extends java.io.FilterInputStream {
        private long read;
        private long stopAt = 10_000;
        private int stops;

        Reluctant(java.io.InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (stops < STOPS && read >= stopAt) {
                stops++;
                stopAt = read + (1 << 20);
                awaitStill();
            }
            int count = super.read(bytes, offset, length);
            read += Math.max(0, count);
            return count;
        }
    }
}
