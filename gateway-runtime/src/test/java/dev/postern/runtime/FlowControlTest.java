package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.KernelQueues;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies go as fast as the slower side, and arrive as they were. */
class FlowControlTest {
    private static final int MIB = 1 << 20;
    private static final int BIG = 64 * MIB;
    /** What Netty's queue takes before it is full, the chunk that fills it, and the rest of what was read with that. */
    private static final long HELD_BYTES = 3 * 64 * 1024;
    /** Far more than two connections hold in the kernel. */
    private static final long KERNEL_BYTES = 96L * MIB;

    private static final int ENDLESS = 1024 * MIB;
    private static final int SMALL_BUFFER = 64 * 1024;

    @RegisterExtension
    final GatewayRig rig = rig();

    GatewayRig rig() {
        return new GatewayRig();
    }

    private Running big(RawOrigin origin) {
        return rig.proxy(origin, route -> route.withoutRequestSizeLimit(), upstream -> upstream);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sixty_four_mebibytes_arrive_unchanged_in_both_directions(boolean chunked) throws Exception {
        CompletableFuture<String> atOrigin = new CompletableFuture<>();
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            out.write(("HTTP/1.1 200 OK\r\n" + (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + BIG)
                            + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            atOrigin.complete(HexFormat.of().formatHex(digest.digest(request.body())));
            Content.write(out, BIG, chunked, 7);
            return true;
        });
        Running running = big(origin);
        RawClient client = running.client();
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\n"
                + (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + BIG) + "\r\n\r\n");
        Content.write(client.socket().getOutputStream(), BIG, chunked, 3);
        RawClient.Answer answer = client.read();
        assertThat(answer.complete()).isTrue();
        assertThat(Content.digest(answer.body())).isEqualTo(Content.digest(BIG, 7));
        assertThat(atOrigin.get(10, TimeUnit.SECONDS)).isEqualTo(Content.digest(BIG, 3));
        assertThat(running.outcome().requestBytes()).isEqualTo(BIG);
        assertThat(running.outcome().responseBytes()).isEqualTo(BIG);
    }

    @Test
    void a_slow_reader_stops_the_origin() throws Exception {
        AtomicLong sent = new AtomicLong();
        RawOrigin origin = rig.close(RawOrigin.answering((request, in, out, socket) -> {
            socket.setSendBufferSize(SMALL_BUFFER);
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + ENDLESS + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            byte[] part = new byte[16 * 1024];
            for (int i = 0; i < ENDLESS / part.length; i++) {
                out.write(part);
                sent.addAndGet(part.length);
            }
            return true;
        }));
        Running running = big(origin);
        try (Socket socket = slowSocket(running.port())) {
            RawClient client = new RawClient(socket).get("/");
            long read = 0;
            for (int i = 0; i < 8; i++) {
                awaitStill(sent);
                assertHeldBack("reader", sent.get() - read, running, origin);
                read += client.skip(MIB);
            }
        }
        running.outcome();
    }

    @Test
    void a_slow_reader_gets_all_of_a_response_whose_origin_has_left() throws Exception {
        int length = 24 * MIB;
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            out.write(("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + length + "\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            Content.write(out, length, false, 5);
            return false;
        });
        Running running = big(origin);
        try (Socket socket = slowSocket(running.port())) {
            RawClient client = new RawClient(socket).get("/");
            client.skip(20);
            await().during(Duration.ofMillis(300)).until(() -> true);
            RawClient.Answer rest;
            try (RawClient other = running.client()) {
                rest = other.get("/").read();
            }
            assertThat(rest.complete()).isTrue();
            // 20 bytes of the head; what is left is a little more than the content.
            assertThat(client.skip(length)).isEqualTo(length);
        }
        assertThat(running.outcome(2).failure()).isNull();
        assertThat(running.outcome(1).failure()).isNull();
    }

    @Test
    void a_slow_origin_stops_the_client() throws Exception {
        AtomicLong taken = new AtomicLong();
        CountDownLatch[] steps = new CountDownLatch[8];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = new CountDownLatch(1);
        }
        RawOrigin origin = rig.origin((request, in, out, socket) -> {
            socket.setReceiveBufferSize(SMALL_BUFFER);
            for (CountDownLatch step : steps) {
                step.await(10, TimeUnit.SECONDS);
                taken.addAndGet(in.readNBytes(MIB).length);
            }
            return false;
        });
        Running running = big(origin);
        AtomicLong sent = new AtomicLong();
        try (Socket socket = slowSocket(running.port())) {
            RawClient client = new RawClient(socket);
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: " + ENDLESS
                    + "\r\n\r\n");
            Thread sender = new Thread(() -> {
                byte[] part = new byte[16 * 1024];
                try {
                    while (true) {
                        socket.getOutputStream().write(part);
                        sent.addAndGet(part.length);
                    }
                } catch (IOException end) {
                    // The origin has had enough, or the test has.
                }
            });
            sender.start();
            for (CountDownLatch step : steps) {
                awaitStill(sent);
                assertThat(sent.get() - taken.get())
                        .as("sent ahead of the origin")
                        .isLessThan(KERNEL_BYTES);
                long before = taken.get();
                step.countDown();
                await().until(() -> taken.get() == before + MIB);
            }
            sender.join(10_000);
        }
        running.outcome();
    }

    private static void assertHeldBack(String by, long ahead, Running running, RawOrigin origin) throws IOException {
        assertThat(ahead).as("sent ahead of the %s", by).isLessThan(KERNEL_BYTES);
        if (KernelQueues.areKnown()) {
            long queued = KernelQueues.bytes(running.port(), origin.port());
            assertThat(ahead - queued).as("held by the gateway for the %s", by).isLessThanOrEqualTo(HELD_BYTES);
        }
    }

    private static Socket slowSocket(int port) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(SMALL_BUFFER);
        socket.setSendBufferSize(SMALL_BUFFER);
        socket.connect(new InetSocketAddress("127.0.0.1", port));
        return socket;
    }

    /** Waits until a count has not moved for 150 ms. */
    private static void awaitStill(AtomicLong count) {
        long[] last = {-1, System.nanoTime()};
        BooleanSupplier still = () -> {
            if (count.get() != last[0]) {
                last[0] = count.get();
                last[1] = System.nanoTime();
            }
            return last[0] > 0 && System.nanoTime() - last[1] > 150_000_000L;
        };
        await().pollInterval(Duration.ofMillis(10))
                .atMost(Duration.ofSeconds(20))
                .until(still::getAsBoolean);
    }

    /** Bytes that can be told apart and made again. */
    static final class Content {
        private Content() {}

        static byte[] block(long offset, int length, int seed) {
            byte[] block = new byte[length];
            for (int i = 0; i < length; i++) {
                long at = offset + i;
                block[i] = (byte) (at * 31 + (at >> 8) * 17 + (at >> 16) * seed + seed);
            }
            return block;
        }

        static void write(java.io.OutputStream out, int length, boolean chunked, int seed) throws IOException {
            int size = 128 * 1024;
            for (int offset = 0; offset < length; offset += size) {
                byte[] block = block(offset, Math.min(size, length - offset), seed);
                if (chunked) {
                    out.write((Integer.toHexString(block.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
                }
                out.write(block);
                if (chunked) {
                    out.write("\r\n".getBytes(StandardCharsets.UTF_8));
                }
            }
            if (chunked) {
                out.write("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            }
            out.flush();
        }

        static String digest(int length, int seed) throws Exception {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            int size = 128 * 1024;
            for (int offset = 0; offset < length; offset += size) {
                digest.update(block(offset, Math.min(size, length - offset), seed));
            }
            return HexFormat.of().formatHex(digest.digest());
        }

        static String digest(byte[] bytes) throws Exception {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        }
    }
}
