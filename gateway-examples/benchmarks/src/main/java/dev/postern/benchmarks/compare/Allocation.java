package dev.postern.benchmarks.compare;

import com.sun.management.ThreadMXBean;
import dev.postern.Gateway;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Counts the bytes that a proxied exchange allocates on the proxy's threads: the gateway, and the floor beside it. */
public final class Allocation {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocation() {}

    /** Prints bytes for each exchange. */
    public static void main(String[] args) throws Exception {
        int exchanges = Integer.getInteger("exchanges", 20_000);
        String body = System.getProperty("body", "");
        try (MiniOrigin origin = new MiniOrigin()) {
            Set<Long> before = threads();
            Vertx raw = RawVertxPeer.start(System.getProperty("transport", "nio"), 18_081, origin.port());
            Set<Long> rawThreads = since(before);
            before = threads();
            Gateway gateway = PosternPeer.gateway(18_082, origin.port(), Integer.getInteger("routes", 0));
            gateway.start();
            Set<Long> posternThreads = since(before);
            for (int round = 0; round < 4; round++) {
                double floor = perExchange(18_081, rawThreads, exchanges, body);
                double postern = perExchange(18_082, posternThreads, exchanges, body);
                System.out.printf("raw %.0f B, postern %.0f B, %.2f x%n", floor, postern, postern / floor);
            }
            gateway.close();
            raw.close().await();
        }
    }

    private static double perExchange(int port, Set<Long> threads, int exchanges, String body) throws IOException {
        byte[] request = ((body.isEmpty() ? "GET" : "POST") + " /api/items/42?expand=parts HTTP/1.1\r\n"
                        + "Host: api.example.com\r\nUser-Agent: loadgen/1.0\r\nAccept: application/json\r\n"
                        + "Accept-Encoding: gzip\r\nAccept-Language: en\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\n"
                        + (body.isEmpty() ? "" : "Content-Length: " + body.length() + "\r\n") + "\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            exchange(socket, request, exchanges);
            long before = allocated(threads);
            exchange(socket, request, exchanges);
            return (allocated(threads) - before) / (double) exchanges;
        }
    }

    private static void exchange(Socket socket, byte[] request, int exchanges) throws IOException {
        InputStream in = socket.getInputStream();
        OutputStream out = socket.getOutputStream();
        byte[] answer = new byte[8192];
        for (int i = 0; i < exchanges; i++) {
            out.write(request);
            int end = 0;
            while (end < 4 || answer[end - 1] != '\n' || answer[end - 2] != '~') {
                int read = in.read(answer, end, answer.length - end);
                if (read < 0) {
                    throw new IOException(new String(answer, 0, end, StandardCharsets.US_ASCII));
                }
                end += read;
            }
        }
    }

    private static Set<Long> threads() {
        Set<Long> ids = new HashSet<>();
        Arrays.stream(THREADS.getAllThreadIds()).forEach(ids::add);
        return ids;
    }

    private static Set<Long> since(Set<Long> before) {
        Set<Long> ids = threads();
        ids.removeAll(before);
        return ids;
    }

    private static long allocated(Set<Long> threads) {
        long sum = 0;
        for (long bytes : THREADS.getThreadAllocatedBytes(
                threads.stream().mapToLong(id -> id).toArray())) {
            sum += Math.max(0, bytes);
        }
        return sum;
    }

    /** An origin that answers each head (and what follows it at once) with 200 bytes, on plain sockets. */
    static final class MiniOrigin implements AutoCloseable {
        private static final byte[] ANSWER =
                ("HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\n"
                                + "Content-Type: application/json\r\nCache-Control: no-store\r\nETag: \"abc\"\r\n"
                                + "Content-Length: 200\r\n\r\n" + "x".repeat(198) + "~\n")
                        .getBytes(StandardCharsets.US_ASCII);
        private final ServerSocket server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());

        MiniOrigin() throws IOException {
            Thread accept = new Thread(this::accept, "origin");
            accept.setDaemon(true);
            accept.start();
        }

        int port() {
            return server.getLocalPort();
        }

        private void accept() {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    Thread serve = new Thread(() -> serve(socket), "origin-connection");
                    serve.setDaemon(true);
                    serve.start();
                } catch (IOException closed) {
                    return;
                }
            }
        }

        private static void serve(Socket socket) {
            try (socket) {
                socket.setTcpNoDelay(true);
                byte[] bytes = new byte[8192];
                while (socket.getInputStream().read(bytes) >= 0) {
                    socket.getOutputStream().write(ANSWER);
                }
            } catch (IOException gone) {
                // The proxy closed the connection: that is how it ends.
                return;
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }
}
