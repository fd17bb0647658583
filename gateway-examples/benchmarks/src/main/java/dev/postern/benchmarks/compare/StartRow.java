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
        Times raw = times(bench, "raw", RawVertxPeer.class);
        Times postern = times(bench, "postern", PosternPeer.class, "routes=100");
        long more = postern.start - raw.start;
        bench.add(
                "start with 100 routes",
                Bench.format("%d ms, raw %d ms: %+d ms", postern.start, raw.start, more),
                Target.atMost(250, 100, "ms more than raw").verdict((double) more));
        bench.add(
                "from the start of the process to the first answer",
                Bench.format("%d ms, raw %d ms: %+d ms", postern.answer, raw.answer, postern.answer - raw.answer),
                "");
    }

    /** In milliseconds. */
    private record Times(long start, long answer) {}

    private static Times times(Bench bench, String name, Class<?> main, String... properties)
            throws IOException, InterruptedException {
        List<Long> all = new ArrayList<>();
        List<Long> answers = new ArrayList<>();
        for (int i = 0; i < TIMES; i++) {
            Peer peer = bench.lineup().java(name, main, properties).peer(name);
            Matcher said =
                    SAID.matcher(Files.readString(bench.folder().resolve(name + ".log"), StandardCharsets.UTF_8));
            all.add(said.find() ? Long.parseLong(said.group(1)) : peer.readyNanos() / 1_000_000);
            answers.add(peer.readyNanos() / 1_000_000);
            bench.lineup().end(peer);
        }
        return new Times(median(all), median(answers));
    }

    private static long median(List<Long> all) {
        return all.stream().sorted().skip(TIMES / 2).findFirst().orElseThrow();
    }
}
