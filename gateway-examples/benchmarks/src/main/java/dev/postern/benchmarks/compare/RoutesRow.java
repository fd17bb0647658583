package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Row 3: random targets among very many routes, what finding one costs, and what it costs to have them. */
final class RoutesRow implements Row {
    private static final int TARGETS = 10_000;

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        for (int count : new int[] {1, 10_000, 100_000}) {
            bench.lineup().java("routes-" + count, PosternPeer.class, "routes=" + count);
        }
        for (Peer peer : bench.lineup().peers()) {
            int count = Integer.parseInt(peer.name().substring("routes-".length()));
            probes.put(peer, Probe.of(new Plan(targets(count), Bench.CONNECTIONS, 0)));
        }
        Rounds seen = bench.measure(probes, bench.settings().warm());
        bench.ratio("random GET among 10,000 routes", seen, "routes-10000", "routes-1", 1.08, 1.03);
        bench.ratio("random GET among 100,000 routes", seen, "routes-100000", "routes-1", 1.10, 1.05);
        bench.lineup().close();
        match(bench);
        having(bench, 10_000, 1);
        having(bench, 100_000, 10);
    }

    private static List<byte[]> targets(int count) {
        Random random = new Random(count);
        List<byte[]> requests = new ArrayList<>();
        for (int i = 0; i < TARGETS; i++) {
            requests.add(Requests.get("/svc" + random.nextInt(count) + "/api/items/" + i, ""));
        }
        return requests;
    }

    private static void match(Bench bench) throws IOException, InterruptedException {
        List<String> arguments =
                List.of("RouteMatchBenchmark.spread", "-wi", "4", "-i", "5", "-p", "routes=10,10000,100000");
        JmhTable table = JmhTable.of(Children.jmh(bench.folder(), arguments));
        bench.add("match among 10,000 routes, JMH", micros(table, "10000"), "%.2f µs", Target.atMost(1, "µs"));
        bench.add("match among 100,000 routes, JMH", micros(table, "100000"), "%.2f µs", Target.atMost(1.5, "µs"));
    }

    private static double micros(JmhTable table, String routes) {
        return table.value("spread", routes, "cpu.best") / 1e3;
    }

    private static void having(Bench bench, int routes, int seconds) throws IOException, InterruptedException {
        String[] said =
                Children.run(RouteBuild.class, "routes=" + routes).strip().split(" ");
        String many = Bench.format("%,d routes", routes);
        bench.add(
                many + ", built and analysed",
                Double.parseDouble(said[0]) / 1e3,
                "%.2f s",
                Target.atMost(seconds, "s"));
        bench.add(many + ", heap of each", Double.parseDouble(said[1]) / 1024, "%.2f KiB", Target.atMost(2, "KiB"));
    }
}
