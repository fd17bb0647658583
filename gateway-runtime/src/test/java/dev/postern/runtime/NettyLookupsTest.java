package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.runtime.discovery.Lookups;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Netty's resolver as we set it up, against a name server that answers as it is told. */
class NettyLookupsTest {
    private static final int A = 1;
    private static final int AAAA = 28;
    private static final int SRV = 33;
    private static final int NXDOMAIN = 3;
    private static final int SERVFAIL = 2;

    private final NettyLookups lookups = new NettyLookups();
    private NameServer server;

    @BeforeEach
    void start() throws Exception {
        server = new NameServer();
    }

    @AfterEach
    void stop() throws Exception {
        lookups.close();
        server.close();
    }

    @Test
    void addresses_of_both_kinds_come_with_their_time_to_live() throws Exception {
        server.script = (type, out) -> {
            switch (type) {
                case A -> {
                    record(out, A, 30, 10, 0, 0, 1);
                    record(out, A, 20, 10, 0, 0, 2);
                    return 2;
                }
                case AAAA -> {
                    record(out, AAAA, 60, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7);
                    return 1;
                }
                default -> throw new IllegalStateException("asked for " + type);
            }
        };
        assertThat(lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .containsExactlyInAnyOrder(
                        address("10.0.0.1", 30), address("10.0.0.2", 20), address("2001:db8::7", 60));
    }

    @Test
    void a_name_with_addresses_of_one_kind_is_no_failure() throws Exception {
        server.script = (type, out) -> {
            if (type == A) {
                record(out, A, 30, 10, 0, 0, 1);
                return 1;
            }
            return 0;
        };
        assertThat(lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .containsExactly(address("10.0.0.1", 30));
    }

    @Test
    void services_have_target_port_priority_and_weight() throws Exception {
        server.script = (type, out) -> {
            assertThat(type).isEqualTo(SRV);
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            data.writeBytes(new byte[] {0, 10, 0, 3, 0x1f, (byte) 0x91});
            name(data, "a.example.com");
            record(out, SRV, 15, data.toByteArray());
            return 1;
        };
        assertThat(lookups.services("_http._tcp.orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .containsExactly(new Lookups.Service("a.example.com", 8081, 10, 3, Duration.ofSeconds(15)));
    }

    @Test
    void a_name_that_does_not_exist_is_an_empty_answer() throws Exception {
        server.code = NXDOMAIN;
        assertThat(lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .isEmpty();
        assertThat(lookups.services("_http._tcp.orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .isEmpty();
    }

    @Test
    void a_server_that_fails_is_a_failure() {
        server.code = SERVFAIL;
        assertThatThrownBy(() -> lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(30, TimeUnit.SECONDS))
                .hasMessageContaining("orders.example.com");
    }

    @Test
    void what_does_not_fit_comes_over_tcp() throws Exception {
        server.truncated = true;
        server.script = (type, out) -> {
            if (type != A) {
                return 0;
            }
            for (int i = 0; i < 200; i++) {
                record(out, A, 30, 10, 0, 1, i);
            }
            return 200;
        };
        assertThat(lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .hasSize(200);
    }

    @Test
    void after_the_end_questions_fail() {
        lookups.close();
        assertThatThrownBy(() -> lookups.addresses("orders.example.com", server.address())
                        .toCompletableFuture()
                        .get(10, TimeUnit.SECONDS))
                .hasMessageContaining("the gateway has stopped");
    }

    private static Lookups.Address address(String text, int ttl) throws Exception {
        return new Lookups.Address(InetAddress.getByName(text), Duration.ofSeconds(ttl));
    }

    private static void record(DataOutputStream out, int type, int ttl, int... bytes) throws IOException {
        byte[] data = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            data[i] = (byte) bytes[i];
        }
        record(out, type, ttl, data);
    }

    private static void record(DataOutputStream out, int type, int ttl, byte[] data) throws IOException {
        out.writeShort(0xc00c); // the name in the question
        out.writeShort(type);
        out.writeShort(1);
        out.writeInt(ttl);
        out.writeShort(data.length);
        out.write(data);
    }

    private static void name(ByteArrayOutputStream out, String name) {
        for (String label : name.split("\\.", -1)) {
            out.write(label.length());
            out.writeBytes(label.getBytes(StandardCharsets.US_ASCII));
        }
        out.write(0);
    }

    /** Writes the records of an answer; how many. */
    private interface Script {
        int answer(int type, DataOutputStream out) throws IOException;
    }

    /** Answers over UDP, or over UDP that it does not fit and then over TCP. */
    private static final class NameServer implements AutoCloseable {
        private final DatagramSocket udp;
        private final ServerSocket tcp;
        volatile Script script = (type, out) -> 0;
        volatile int code;
        volatile boolean truncated;

        NameServer() throws IOException {
            InetAddress local = InetAddress.getByName("127.0.0.1");
            tcp = new ServerSocket(0, 10, local);
            udp = new DatagramSocket(new InetSocketAddress(local, tcp.getLocalPort()));
            thread(this::serveUdp);
            thread(this::serveTcp);
        }

        InetSocketAddress address() {
            return new InetSocketAddress(udp.getLocalAddress(), udp.getLocalPort());
        }

        private void serveUdp() {
            byte[] buffer = new byte[512];
            while (!udp.isClosed()) {
                try {
                    DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                    udp.receive(packet);
                    byte[] answer = answer(Arrays.copyOf(buffer, packet.getLength()), truncated);
                    udp.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                } catch (IOException closed) {
                    return;
                }
            }
        }

        private void serveTcp() {
            while (!tcp.isClosed()) {
                try (Socket socket = tcp.accept()) {
                    DataInputStream in = new DataInputStream(socket.getInputStream());
                    byte[] answer = answer(in.readNBytes(in.readUnsignedShort()), false);
                    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
                    out.writeShort(answer.length);
                    out.write(answer);
                } catch (IOException closed) {
                    // Netty closes what it has no more use for.
                }
            }
        }

        private byte[] answer(byte[] query, boolean cut) throws IOException {
            int end = 12;
            while (query[end] != 0) {
                end += query[end] + 1;
            }
            int type = (query[end + 1] & 0xff) << 8 | query[end + 2] & 0xff;
            ByteArrayOutputStream records = new ByteArrayOutputStream();
            int count = cut || code != 0 ? 0 : script.answer(type, new DataOutputStream(records));
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.write(query, 0, 2);
            out.writeShort(0x8180 | (cut ? 0x0200 : 0) | code);
            out.writeShort(1);
            out.writeShort(count);
            out.writeInt(0);
            out.write(query, 12, end + 5 - 12);
            out.write(records.toByteArray());
            return bytes.toByteArray();
        }

        private static void thread(Runnable work) {
            Thread thread = new Thread(work, "name-server");
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void close() throws IOException {
            udp.close();
            tcp.close();
        }
    }
}
