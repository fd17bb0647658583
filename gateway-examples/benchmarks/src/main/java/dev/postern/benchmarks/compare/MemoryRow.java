package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Row 11: memory of connections that do nothing and of WebSockets, and what a small heap costs. */
final class MemoryRow implements Row {
    private static final int IDLE = 10_000;
    private static final int SOCKETS = 1_000;
    /** Addresses to come from, so that no bound of one client and no range of ports is in the way. */
    private static final int ADDRESSES = 20;

    private static final byte[] UPGRADE = String.join(
                    "\r\n",
                    "GET /svc0/api/ws HTTP/1.1",
                    "Host: api.example.com",
                    "Upgrade: websocket",
                    "Connection: Upgrade",
                    "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                    "",
                    "")
            .getBytes(StandardCharsets.US_ASCII);

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        bench.lineup().raw().postern();
        for (Peer peer : bench.lineup().peers()) {
            Rounds.warm(
                    peer, Probe.of(Bench.closed(Requests.GET)), bench.settings().warm() / 4);
            bench.add(
                    "10,000 idle connections, " + peer.name(),
                    each(peer, IDLE, Requests.GET, "200"),
                    "%.1f KiB each",
                    Target.atMost(8, "KiB"));
            bench.lineup().end(peer);
        }
        webSockets(bench);
        bench.lineup()
                .java("heap-512m", PosternPeer.class)
                .small("heap-64m", PosternPeer.class)
                .small("raw-heap-64m", RawVertxPeer.class);
        Rounds seen = bench.measure(Requests.GET);
        bench.ratio("GET with -Xmx64m", seen, "heap-64m", "heap-512m", 1.1);
        bench.add(
                "resident memory with -Xmx64m",
                Bench.format(
                        "%.0f MiB, raw %.0f MiB",
                        bench.lineup().peer("heap-64m").residentBytes() / 1048576.0,
                        bench.lineup().peer("raw-heap-64m").residentBytes() / 1048576.0),
                "");
    }

    private static void webSockets(Bench bench) throws IOException, InterruptedException {
        try (WebSocketOrigin origin = new WebSocketOrigin();
                Lineup behind = bench.lineup(origin.port())) {
            behind.postern("websockets=true");
            bench.add(
                    "1,000 WebSockets, postern",
                    Bench.format("%.1f KiB each", each(behind.peer("postern"), SOCKETS, UPGRADE, "101")),
                    "");
        }
    }

    /** Kibibytes that each connection adds when it has had its answer. */
    private static double each(Peer peer, int count, byte[] request, String status)
            throws IOException, InterruptedException {
        long before = peer.residentBytes();
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                Socket socket = new Socket();
                open.add(socket);
                socket.bind(new InetSocketAddress("127.0.0." + (1 + i % ADDRESSES), 0));
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), peer.port()), 5_000);
                socket.setSoTimeout(5_000);
                socket.getOutputStream().write(request);
                InputStream in = socket.getInputStream();
                byte[] answer = new byte[4096];
                int read = in.read(answer);
                String line = new String(answer, 0, Math.max(0, read), StandardCharsets.ISO_8859_1);
                if (!line.startsWith("HTTP/1.1 " + status)) {
                    throw new IOException("connection " + i + " of " + peer.name() + " got: " + line);
                }
            }
            TimeUnit.SECONDS.sleep(2);
            return Math.max(0, peer.residentBytes() - before) / 1024.0 / count;
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }
}
