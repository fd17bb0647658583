package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Row 13: bytes that an exchange allocates beside the floor's. */
final class AllocationRow implements Row {
    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        Map<String, String[]> lines = new LinkedHashMap<>();
        for (String line :
                Children.run(Allocation.class, "exchanges=40000").lines().toList()) {
            String[] words = line.split(" ");
            if (words.length == 4) {
                lines.put(words[0], words);
            }
        }
        for (String[] words : lines.values()) {
            bench.add(
                    "bytes allocated, " + words[0],
                    words[2] + " B, raw " + words[1] + " B: " + words[3] + " ×",
                    words[0].equals("get")
                            ? Target.atMost(1.4, 1.15, "× raw").verdict(Double.parseDouble(words[3]))
                            : "");
        }
        String[] none = lines.get("get");
        String[] eight = lines.get("get-8-filters");
        if (none != null && eight != null) {
            bench.add(
                    "bytes of a filter that lets pass",
                    (Double.parseDouble(eight[2]) - Double.parseDouble(none[2])) / 8,
                    "%.0f B",
                    Target.atMost(200, "B"));
        }
        crowd(bench);
    }

    /** 63 routes of the same path that do not match, and one that does, against that one alone. */
    private static void crowd(Bench bench) throws IOException, InterruptedException {
        JmhTable table = JmhTable.of(Children.jmh(
                bench.folder(),
                List.of("RouteMatchBenchmark.(crowded|alone)", "-wi", "2", "-i", "2", "-p", "routes=10")));
        double more =
                table.value("crowded", "10", "gc.alloc.rate.norm") - table.value("alone", "10", "gc.alloc.rate.norm");
        bench.add(
                "bytes of a route that does not match, JMH",
                Math.rint(Math.max(0, more) / 63 * 100) / 100,
                "%.2f B",
                Target.atMost(0, "B"));
    }
}
