package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Seen;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleBinaryOperator;
import java.util.function.ToDoubleFunction;

/**
 * Visits every proxy once a round, in another order each time: what disturbs the machine disturbs all of them, and a ratio
 * within one round means more than two numbers of two minutes. "Paired" is the median of the ratios of the rounds, "best"
 * the ratio of the least disturbed rounds of both. A proxy that breaks is left out from there on, with all it has shown.
 */
final class Rounds {
    /** For all of a row together, so that a slow machine does not warm proxies until nothing is left of its time. */
    private static final double MAX_WARM_SECONDS = 180;

    private static final double MAX_WARM_SECONDS_EACH = 60;

    private final Bench bench;
    private final Random random = new Random(7);
    private final Map<String, List<Seen>> seen = new LinkedHashMap<>();

    Rounds(Bench bench) {
        this.bench = bench;
    }

    /** Measures; each peer has its own probe. Warm is who has given this many answers, or has had its time. */
    void run(Map<Peer, Probe> peers, int rounds, double seconds, long warmAnswers) {
        List<Map.Entry<Peer, Probe>> order = new ArrayList<>(peers.entrySet());
        order.forEach(each -> seen.put(each.getKey().name(), new ArrayList<>()));
        double most = Math.min(MAX_WARM_SECONDS_EACH, MAX_WARM_SECONDS / Math.max(1, order.size()));
        order.removeIf(each -> !holds(each.getKey(), () -> warm(each.getKey(), each.getValue(), warmAnswers, most)));
        for (int i = 0; i < rounds; i++) {
            Collections.shuffle(order, random);
            order.removeIf(each -> !holds(each.getKey(), () -> {
                Seen one = each.getValue().ask(each.getKey(), seconds);
                seen.computeIfAbsent(each.getKey().name(), name -> new ArrayList<>())
                        .add(one);
            }));
        }
    }

    private interface Visit {
        void go() throws IOException;
    }

    private boolean holds(Peer peer, Visit visit) {
        try {
            visit.go();
            return true;
        } catch (IOException | UncheckedIOException broken) {
            bench.leaveOut(peer.name(), broken);
            seen.remove(peer.name());
            return false;
        }
    }

    /** Not by time alone: on a busy machine a compiler gets as little of it as the rest. */
    static void warm(Peer peer, Probe probe, long answers) throws IOException {
        warm(peer, probe, answers, MAX_WARM_SECONDS_EACH);
    }

    private static void warm(Peer peer, Probe probe, long answers, double seconds) throws IOException {
        long given = 0;
        long begun = System.nanoTime();
        while (given < answers && System.nanoTime() - begun < seconds * 1e9) {
            given += probe.ask(peer, 1).answers();
        }
    }

    List<String> names() {
        return List.copyOf(seen.keySet());
    }

    /** Whether it was there in all rounds and answered all but one of a thousand requests with 200. */
    boolean isSound(String name) {
        List<Seen> all = seen.getOrDefault(name, List.of());
        long answers = all.stream().mapToLong(Seen::answers).sum();
        return !all.isEmpty() && all.stream().allMatch(one -> one.answers() > 0) && failures(name) <= answers / 1000;
    }

    /** Microseconds of processor time per answer, in the median round. */
    double cpu(String name) {
        return median(values(name, Rounds::cpuEach));
    }

    /** The same in the least disturbed round. */
    double bestCpu(String name) {
        return Arrays.stream(values(name, Rounds::cpuEach)).min().orElse(Double.NaN);
    }

    double answersPerSecond(String name) {
        return median(values(name, one -> one.answers() * 1e9 / one.nanos()));
    }

    /** A latency in microseconds, of the best round. */
    double bestLatency(String name, double share) {
        return Arrays.stream(values(name, one -> one.latency(share) / 1e3))
                .min()
                .orElse(Double.NaN);
    }

    long failures(String name) {
        return seen.getOrDefault(name, List.of()).stream()
                .mapToLong(Seen::failures)
                .sum();
    }

    /** The median of the ratios of processor time of each round. */
    double paired(String name, String base) {
        return median(between(name, base, (mine, other) -> mine / other));
    }

    /** The median of the differences of processor time of each round, in microseconds. */
    double more(String name, String base) {
        return median(between(name, base, (mine, other) -> mine - other));
    }

    private double[] between(String name, String base, DoubleBinaryOperator of) {
        double[] mine = values(name, Rounds::cpuEach);
        double[] other = values(base, Rounds::cpuEach);
        double[] both = new double[Math.min(mine.length, other.length)];
        Arrays.setAll(both, i -> of.applyAsDouble(mine[i], other[i]));
        return both;
    }

    /** The ratio of the least disturbed rounds. */
    double best(String name, String base) {
        return bestCpu(name) / bestCpu(base);
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
