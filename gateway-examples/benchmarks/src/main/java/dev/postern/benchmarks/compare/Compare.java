package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Runs the gateway beside other proxies on the same origin and prints the rows of the table of {@code docs/performance.md}:
 * what was seen, its target, and whether it was met. The proxies are pinned to one processor, load and origin to another.
 *
 * <p>Arguments, all optional: {@code rows=1,2,5} of the table, {@code rounds=7}, {@code seconds=1} of a round, {@code
 * warm=200000} answers before that, {@code minutes=40} after which no further row begins, {@code out=folder} for table and
 * chart (default {@code target/compare}), {@code spring=folder} with the jars of Spring Cloud Gateway (default: where its
 * project puts them). What is not installed or fails is named and left out; a row that takes longer than six minutes is
 * cut. All rows take about 25 minutes.
 */
public final class Compare {
    private static final long ROW_MINUTES = 6;

    private static final List<Row> ROWS = List.of(
            new PlainRow(),
            new EverydayRow(),
            new RoutesRow(),
            new TokensRow(),
            new PostRow(),
            new LargeRow(),
            new Http2FrontRow(),
            new Http2BehindRow(),
            new TlsRow(),
            new LatencyRow(),
            new MemoryRow(),
            new StartRow(),
            new AllocationRow(),
            new HandleRow());

    private Compare() {}

    /** Measures; see above. */
    public static void main(String[] args) throws Exception {
        Map<String, String> options = options(args);
        List<String> wanted = Arrays.asList(options.getOrDefault("rows", "").split(","));
        Settings settings = Settings.of(options);
        Processors.moveLoadAway();
        Processors.endChildrenAtExit();
        Report report = new Report(settings);
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(settings.minutes());
        try (Origin origin = new Origin(0)) {
            for (int i = 0; i < ROWS.size(); i++) {
                String number = Integer.toString(i + 1);
                if (options.containsKey("rows") && !wanted.contains(number)) {
                    continue;
                }
                if (System.nanoTime() > end) {
                    report.add(number, "all of it", "not measured: " + settings.minutes() + " minutes are over", "");
                    continue;
                }
                run(ROWS.get(i), new Bench(number, settings, origin, report));
                report.write();
            }
        }
        System.exit(0);
    }

    private static void run(Row row, Bench bench) throws Exception {
        try (bench;
                Processors.Cut cut = Processors.cutAfter(TimeUnit.MINUTES.toSeconds(ROW_MINUTES))) {
            try {
                row.run(bench);
            } catch (IOException | RuntimeException broken) {
                bench.leaveOut("the rest of the row", broken);
            }
            if (cut.happened()) {
                bench.leaveOut("the rest of the row", new IOException("cut after " + ROW_MINUTES + " minutes"));
            }
        }
    }

    static Map<String, String> options(String[] args) {
        Map<String, String> options = new TreeMap<>();
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            options.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        return options;
    }
}
