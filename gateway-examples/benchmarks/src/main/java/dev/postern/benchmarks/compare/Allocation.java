package dev.postern.benchmarks.compare;

import com.sun.management.ThreadMXBean;
import dev.postern.Gateway;
import dev.postern.benchmarks.compare.RawVertxPeer.Floor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Counts the bytes that a proxied exchange allocates on the proxy's threads: the gateway, and the floor beside it. Such a
 * count does not depend on how busy the machine is. With {@code -XX:TieredStopAtLevel=1} it does not depend on what the
 * optimising compiler has made of the code so far either, and is an upper bound.
 */
public final class Allocation {
    private static final int SPANS = 5;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @SuppressWarnings("StringConcatToTextBlock") // the ends of its lines are not those of this file
    private static final String HEAD = " /api/items/42?expand=parts HTTP/1.1\r\n"
            + "Host: api.example.com\r\nUser-Agent: loadgen/1.0\r\nAccept: application/json\r\n"
            + "Accept-Encoding: gzip\r\nAccept-Language: en\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\n";

    private static final byte[] GET = ascii("GET" + HEAD + "\r\n");
    private static final byte[] POST = ascii("POST" + HEAD + "Content-Length: 1024\r\n\r\n" + "y".repeat(1024));

    private Allocation() {}

    /** Prints a line for each kind of exchange: its name, bytes of the floor, bytes of the gateway, the ratio. */
    public static void main(String[] args) throws Exception {
        int exchanges = Integer.getInteger("exchanges", 20_000);
        try (MiniOrigin origin = new MiniOrigin()) {
            measure("get", origin, GET, 0, exchanges);
            measure("get-8-filters", origin, GET, 8, exchanges);
            measure("post-1-kib", origin, POST, 0, exchanges);
        }
    }

    private static void measure(String name, MiniOrigin origin, byte[] request, int filters, int exchanges)
            throws IOException {
        Set<Long> before = threads();
        Floor raw = RawVertxPeer.start(System.getProperty("transport", "nio"), 0, origin.port());
        Set<Long> rawThreads = since(before);
        before = threads();
        Gateway gateway = PosternPeer.gateway(0, origin.port(), 0, filters);
        gateway.start();
        Set<Long> posternThreads = since(before);
        double floor = perExchange(raw.port(), rawThreads, exchanges, request);
        double postern = perExchange(gateway.listeners().get(0).port(), posternThreads, exchanges, request);
        System.out.printf("%s %.0f %.0f %.2f%n", name, floor, postern, postern / floor);
        gateway.close();
        raw.vertx().close().await();
    }

    private static double perExchange(int port, Set<Long> threads, int exchanges, byte[] request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setTcpNoDelay(true);
            exchange(socket, request, exchanges);
            // What happens once (a class, a larger table, a timer of a second) falls into one span or another.
            long least = Long.MAX_VALUE;
            for (int span = 0; span < SPANS; span++) {
                long before = allocated(threads);
                exchange(socket, request, exchanges);
                least = Math.min(least, allocated(threads) - before);
            }
            return least / (double) exchanges;
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

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
