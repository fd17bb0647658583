package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Row 7: HTTP/2 without TLS in front, 16 connections of ten streams each, HTTP/1.1 behind. Needs h2load. */
final class Http2FrontRow implements Row {
    private static final Pattern ANSWERS = Pattern.compile("([0-9]+) succeeded");

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        if (!Contestants.isInstalled("h2load")) {
            throw new IOException("h2load is not installed");
        }
        bench.lineup()
                .raw("front=h2")
                .postern("front=h2")
                .java("postern-io_uring", PosternPeer.class, "front=h2", "transport=io_uring")
                .nginx("http2", "");
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        bench.lineup()
                .peers()
                .forEach(peer -> probes.put(peer, Probe.tool(seconds -> command(peer, seconds), ANSWERS)));
        Rounds seen = bench.measure(probes, bench.settings().warm());
        bench.ratio("HTTP/2 in front, HTTP/1.1 behind", seen, "postern", "nginx", 1.3);
        bench.ratio("HTTP/2 in front, io_uring", seen, "postern-io_uring", "nginx", 1.0, 0.8);
        bench.ratio("the floor beside nginx", seen, "raw", "nginx", 1.3);
    }

    private static List<String> command(Peer peer, long seconds) {
        return List.of(
                "h2load",
                "-t1",
                "-c16",
                "-m10",
                "-D",
                Long.toString(seconds),
                "http://127.0.0.1:" + peer.port() + "/api/items/42");
    }
}
