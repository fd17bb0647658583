package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Row 10: what a request waits at 5,000 a second that come when they come, in the best rounds. */
final class LatencyRow implements Row {
    private static final int RATE = 5_000;

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        bench.lineup().raw().postern().nginx();
        for (Peer peer : bench.lineup().peers()) {
            Rounds.warm(
                    peer, Probe.of(Bench.closed(Requests.GET)), bench.settings().warm());
        }
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        Plan plan = new Plan(List.of(Requests.GET), Bench.CONNECTIONS, RATE);
        bench.lineup().peers().forEach(peer -> probes.put(peer, Probe.of(plan)));
        Rounds seen = bench.measure(probes, RATE);
        for (String name : seen.names()) {
            System.out.println(Bench.format(
                    "   %-22s p50 %6.0f µs  p99 %7.0f µs (best rounds)",
                    name, seen.bestLatency(name, 0.5), seen.bestLatency(name, 0.99)));
        }
        bench.add(
                "p50 at 5,000 a second",
                seen.bestLatency("postern", 0.5) - seen.bestLatency("raw", 0.5),
                "raw %+.0f µs",
                Target.atMost(15, "µs more than raw"));
        double p99 = seen.bestLatency("postern", 0.99);
        bench.add(
                "p99 at 5,000 a second",
                p99 / seen.bestLatency("raw", 0.99),
                "%.2f × raw",
                Target.atMost(1.5, "× raw"));
        bench.add(
                "p99 at 5,000 a second: the stretch",
                p99 / seen.bestLatency("nginx", 0.99),
                "%.2f × nginx",
                Target.atMost(1, "× nginx"));
    }
}
