package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Seen;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * Visits every proxy once a round, in another order each time: what disturbs the machine disturbs all of them, and a ratio
 * within one round means more than two numbers of two minutes. "Paired" is the median of the ratios of the rounds, "best"
 * the ratio of the least disturbed rounds of both.
 */
final class Rounds {
    private static final int MAX_WARM_SECONDS = 90;

    private final Random random = new Random(7);
    private final Map<String, List<Seen>> seen = new LinkedHashMap<>();

    /** Measures; each peer has its own plan. Warm is who has given this many answers, or has had its time. */
    void run(Map<Peer, Load.Plan> peers, int rounds, double seconds, long warmAnswers) throws IOException {
        long window = (long) (seconds * 1e9);
        for (Map.Entry<Peer, Load.Plan> peer : peers.entrySet()) {
            warm(peer.getKey(), peer.getValue(), warmAnswers);
        }
        List<Map.Entry<Peer, Load.Plan>> order = new ArrayList<>(peers.entrySet());
        for (int i = 0; i < rounds; i++) {
            Collections.shuffle(order, random);
            for (Map.Entry<Peer, Load.Plan> each : order) {
                Peer peer = each.getKey();
                Seen one = Load.run(
                        peer.port(), each.getValue(), TimeUnit.MILLISECONDS.toNanos(300), window, peer::cpuNanos);
                seen.computeIfAbsent(peer.name(), name -> new ArrayList<>()).add(one);
            }
        }
    }

    /** Not by time alone: on a busy machine a compiler gets as little of it as the rest. */
    static void warm(Peer peer, Load.Plan plan, long answers) throws IOException {
        long given = 0;
        for (int i = 0; i < MAX_WARM_SECONDS && given < answers; i++) {
            given += Load.run(peer.port(), plan, 0, TimeUnit.SECONDS.toNanos(1), () -> 0)
                    .answers();
        }
    }

    List<String> names() {
        return List.copyOf(seen.keySet());
    }

    /** Microseconds of processor time per answer, in the median round. */
    double cpu(String name) {
        return median(values(name, Rounds::cpuEach));
    }

    double answersPerSecond(String name) {
        return median(values(name, one -> one.answers() * 1e9 / one.nanos()));
    }

    /** A latency in microseconds, of the best round. */
    double bestLatency(String name, double share) {
        return Arrays.stream(values(name, one -> one.latency(share) / 1e3))
                .min()
                .orElse(0);
    }

    long failures(String name) {
        return seen.getOrDefault(name, List.of()).stream()
                .mapToLong(Seen::failures)
                .sum();
    }

    /** The median of the ratios of processor time of each round. */
    double paired(String name, String base) {
        double[] mine = values(name, Rounds::cpuEach);
        double[] other = values(base, Rounds::cpuEach);
        double[] ratios = new double[Math.min(mine.length, other.length)];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = mine[i] / other[i];
        }
        return median(ratios);
    }

    /** The ratio of the least disturbed rounds. */
    double best(String name, String base) {
        return Arrays.stream(values(name, Rounds::cpuEach)).min().orElse(Double.NaN)
                / Arrays.stream(values(base, Rounds::cpuEach)).min().orElse(Double.NaN);
    }

    private static double cpuEach(Seen one) {
        return one.cpuNanos() / 1e3 / Math.max(1, one.answers());
    }

    private double[] values(String name, ToDoubleFunction<Seen> of) {
        return seen.getOrDefault(name, List.of()).stream().mapToDouble(of).toArray();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0 ? Double.NaN : (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
    }
}
