package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Row 6: responses of one mebibyte, and what it costs to hold one for a client that does not read. */
final class LargeRow implements Row {
    private static final int CONNECTIONS = 8;
    private static final int SLOW = 50;

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        bench.lineup().raw().postern().nginx();
        // Before anything large has passed: later its memory would already be there.
        for (Peer peer : bench.lineup().peers()) {
            Rounds.warm(
                    peer, Probe.of(Bench.closed(Requests.GET)), bench.settings().warm() / 20);
            bench.add(
                    "each of " + SLOW + " slow readers, " + peer.name(),
                    slowReaders(peer),
                    "%.0f KiB",
                    Target.atMost(600, 256, "KiB"));
        }
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        for (Peer peer : bench.lineup().peers()) {
            probes.put(peer, Probe.of(new Plan(List.of(Requests.LARGE), CONNECTIONS, 0)));
        }
        Rounds seen = bench.measure(probes, bench.settings().warm() / 40);
        bench.ratio("1 MiB responses", seen, "postern", "nginx", 1.0, 0.8);
        bench.ratio("1 MiB responses", seen, "postern", "raw", 1.0);
    }

    /** Kibibytes of resident memory that each adds. */
    private static double slowReaders(Peer peer) throws IOException, InterruptedException {
        long before = peer.residentBytes();
        List<SocketChannel> readers = new ArrayList<>();
        try {
            for (int i = 0; i < SLOW; i++) {
                SocketChannel reader =
                        SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), peer.port()));
                readers.add(reader);
                reader.write(ByteBuffer.wrap(Requests.LARGE));
            }
            TimeUnit.SECONDS.sleep(3);
            return Math.max(0, peer.residentBytes() - before) / 1024.0 / SLOW;
        } finally {
            for (SocketChannel reader : readers) {
                reader.close();
            }
        }
    }
}
