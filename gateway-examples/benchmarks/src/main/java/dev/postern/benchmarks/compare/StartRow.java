package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Row 12: from the first line of main() to the bound port, with 100 routes, beside bare Vert.x; the median of five. */
final class StartRow implements Row {
    private static final int TIMES = 5;
    private static final Pattern SAID = Pattern.compile("started in ([0-9]+) ms");

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        double raw = millis(bench, "raw", RawVertxPeer.class);
        double postern = millis(bench, "postern", PosternPeer.class, "routes=100");
        bench.add(
                "start with 100 routes",
                Bench.format("%.0f ms, raw %.0f ms: %+.0f ms", postern, raw, postern - raw),
                Target.atMost(250, 100, "ms more than raw").verdict(postern - raw));
    }

    private static double millis(Bench bench, String name, Class<?> main, String... properties)
            throws IOException, InterruptedException {
        List<Long> all = new ArrayList<>();
        for (int i = 0; i < TIMES; i++) {
            Peer peer = bench.lineup().java(name, main, properties).peer(name);
            Matcher said =
                    SAID.matcher(Files.readString(bench.folder().resolve(name + ".log"), StandardCharsets.UTF_8));
            all.add(said.find() ? Long.parseLong(said.group(1)) : peer.readyNanos() / 1_000_000);
            bench.lineup().end(peer);
        }
        return all.stream().sorted().skip(TIMES / 2).findFirst().orElseThrow();
    }
}
