package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.runtime.rig.Figures;
import dev.postern.runtime.rig.GatewayProcess;
import dev.postern.runtime.rig.KernelQueues;
import dev.postern.runtime.rig.RawOrigin;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Streams that are much larger than the memory, through a gateway of 64 MiB. Opt-in, since it takes minutes: {@code
 * -Dpostern.it.streaming=true}.
 */
@EnabledIfSystemProperty(named = "postern.it.streaming", matches = "true")
class StreamingIT {
    private static final int MIB = 1 << 20;
    private static final long TWO_GIB = 2L << 30;
    private static final String[] SMALL = {"-Xmx64m", "-XX:MaxDirectMemorySize=64m"};

    private static byte[] block() {
        byte[] block = new byte[256 * 1024];
        for (int i = 0; i < block.length; i++) {
            block[i] = (byte) (i * 31 + (i >> 8));
        }
        return block;
    }

    private static long write(OutputStream out, long bytes) throws IOException {
        byte[] block = block();
        CRC32C sum = new CRC32C();
        for (long sent = 0; sent < bytes; sent += block.length) {
            out.write(block);
            sum.update(block);
        }
        out.flush();
        return sum.getValue();
    }

    private static long read(InputStream in, long bytes) throws IOException {
        byte[] part = new byte[256 * 1024];
        CRC32C sum = new CRC32C();
        for (long got = 0; got < bytes; ) {
            int n = in.read(part, 0, (int) Math.min(part.length, bytes - got));
            if (n < 0) {
                throw new IOException("ended after " + got);
            }
            sum.update(part, 0, n);
            got += n;
        }
        return sum.getValue();
    }

    private static void skipHead(InputStream in) throws IOException {
        int state = 0;
        while (state < 4) {
            int c = in.read();
            if (c < 0) {
                throw new IOException("no head");
            }
            state = c == (state % 2 == 0 ? '\r' : '\n') ? state + 1 : c == '\r' ? 1 : 0;
        }
    }

    @Test
    void two_gibibytes_go_up_and_come_down_through_64_mebibytes() throws Exception {
        AtomicLong above = new AtomicLong();
        AtomicLong below = new AtomicLong();
        try (RawOrigin origin = RawOrigin.answering((request, in, out, socket) -> {
                    above.set(read(in, TWO_GIB));
                    out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + TWO_GIB + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
                    below.set(write(out, TWO_GIB));
                    return true;
                });
                GatewayProcess gateway = GatewayProcess.to(origin.url(), SMALL);
                Socket client = new Socket("127.0.0.1", gateway.port())) {
            long start = System.nanoTime();
            client.getOutputStream()
                    .write(("POST / HTTP/1.1\r\nHost: localhost\r\nX-Script-Reads-Body: 1\r\nContent-Length: " + TWO_GIB
                                    + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            long sent = write(client.getOutputStream(), TWO_GIB);
            skipHead(client.getInputStream());
            long up = System.nanoTime();
            long received = read(client.getInputStream(), TWO_GIB);
            long down = System.nanoTime();
            Figures.seen(
                    "2 GiB up in %.1f s, down in %.1f s, at most %d MiB resident",
                    (up - start) / 1e9, (down - up) / 1e9, gateway.peakKibibytes() / 1024);
            assertThat(above).hasValue(sent);
            assertThat(received).isEqualTo(below.get());
            assertThat(gateway.isAlive()).isTrue();
        }
    }

    @Test
    void a_reader_of_100_kilobytes_a_second_holds_the_origin_back_for_a_minute() throws Exception {
        AtomicLong sent = new AtomicLong();
        try (RawOrigin origin = RawOrigin.answering((request, in, out, socket) -> {
                    // What waits in its own kernel is not sent yet, and counted all the same.
                    socket.setSendBufferSize(64 * 1024);
                    out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + (1L << 30) + "\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
                    byte[] part = new byte[16 * 1024];
                    for (int i = 0; i < (1 << 30) / part.length; i++) {
                        out.write(part);
                        sent.addAndGet(part.length);
                    }
                    return true;
                });
                GatewayProcess gateway = GatewayProcess.to(origin.url(), SMALL);
                Socket client = new Socket()) {
            client.connect(new InetSocketAddress("127.0.0.1", gateway.port()));
            client.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            skipHead(client.getInputStream());
            long read = 0;
            long start = System.nanoTime();
            long memory = -1;
            for (int tick = 1; tick <= 600; tick++) {
                read += client.getInputStream().readNBytes(10_000).length;
                long next = start + tick * 100_000_000L;
                await().pollInterval(Duration.ofMillis(5)).until(() -> System.nanoTime() >= next);
                if (tick == 50) {
                    memory = gateway.residentKibibytes();
                }
            }
            long queued = KernelQueues.bytes(gateway.port(), origin.port());
            long grown = gateway.residentKibibytes() - memory;
            long ahead = sent.get() - read;
            Figures.seen(
                    "read %d kB; the origin is %d KiB ahead, %d KiB of them in the kernel; resident %d KiB, %d KiB more"
                            + " than after 5 s",
                    read / 1000, ahead / 1024, queued / 1024, memory, grown);
            assertThat(read).isEqualTo(6_000_000);
            assertThat(ahead).as("sent ahead of the reader").isLessThanOrEqualTo(MIB);
            assertThat(grown).isLessThanOrEqualTo(2048);
        }
    }
}
