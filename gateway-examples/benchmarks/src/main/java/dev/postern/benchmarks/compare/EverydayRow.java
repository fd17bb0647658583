package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.List;

/** Row 2: the same with eight filters that people have, and what each of them costs by itself. */
final class EverydayRow implements Row {
    private static final List<String> CHEAP = List.of("nothing", "header-edit", "rate-limit", "api-key");

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        bench.lineup().raw().postern("everyday=true");
        Rounds seen = bench.measure(Requests.get("/api/items/42", "X-API-Key: " + PosternPeer.KEY + "\r\n"));
        bench.ratio("GET, eight everyday filters", seen, "postern", "raw", 1.35, 1.20);
        bench.lineup().close();
        JmhTable table = JmhTable.of(Children.jmh(
                bench.folder(),
                List.of("FilterBenchmark", "-wi", "4", "-i", "5", "-p", "filter=none," + String.join(",", CHEAP))));
        for (String filter : CHEAP) {
            double nanos = table.value("answer", filter, "cpu.best") - table.value("answer", "none", "cpu.best");
            double bytes = table.value("answer", filter, "gc.alloc.rate.norm")
                    - table.value("answer", "none", "gc.alloc.rate.norm");
            bench.add(
                    "filter " + filter + ", JMH",
                    Bench.format("%.2f µs, %.0f B", nanos / 1e3, bytes),
                    Target.atMost(0.4, "µs").verdict(nanos / 1e3));
        }
    }
}
