package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a row works with: the settings, a folder, who takes part, and how what was seen is told. Closing it ends them all. */
final class Bench implements AutoCloseable {
    static final int CONNECTIONS = 64;

    private final String number;
    private final Settings settings;
    private final Report report;
    private final Path folder;
    private final Lineup lineup;

    Bench(String number, Settings settings, Origin origin, Report report) throws IOException {
        this.number = number;
        this.settings = settings;
        this.report = report;
        folder = Files.createTempDirectory("compare");
        lineup = lineup(origin.port());
    }

    Settings settings() {
        return settings;
    }

    Path folder() {
        return folder;
    }

    /** Those in front of the usual origin. */
    Lineup lineup() {
        return lineup;
    }

    /** Those in front of another one; the caller closes them. */
    Lineup lineup(int origin) {
        return new Lineup(new Contestants(folder, origin, Processors.ofProxies()), this);
    }

    /** Everyone of the usual line-up, with the same request over and over. */
    Rounds measure(byte[] request) {
        return measure(lineup, closed(request));
    }

    Rounds measure(Lineup of, Plan plan) {
        Map<Peer, Probe> probes = new LinkedHashMap<>();
        of.peers().forEach(peer -> probes.put(peer, Probe.of(plan)));
        return measure(probes, settings.warm());
    }

    /** Each of these with what asks it; {@code warm} answers first. */
    Rounds measure(Map<Peer, Probe> probes, long warm) {
        Rounds seen = new Rounds(this);
        seen.run(probes, settings.rounds(), settings.seconds(), warm);
        for (String name : seen.names()) {
            System.out.printf(
                    Locale.ROOT,
                    "   %-22s %7.1f µs (best %6.1f)  %7.0f/s  %d failed%n",
                    name,
                    seen.cpu(name),
                    seen.bestCpu(name),
                    seen.answersPerSecond(name),
                    seen.failures(name));
        }
        return seen;
    }

    static Plan closed(byte[] request) {
        return new Plan(List.of(request), CONNECTIONS, 0);
    }

    /** Holds the processor time of one against another's: the median of the rounds decides. */
    void ratio(String what, Rounds seen, String name, String base, double most, double stretch) {
        ratio(what, seen, name, base, Target.atMost(most, stretch, "× " + base));
    }

    void ratio(String what, Rounds seen, String name, String base, Target target) {
        for (String each : List.of(name, base)) {
            if (!seen.isSound(each)) {
                add(what, "not measured: " + each + " did not answer as it should", target.verdict(Double.NaN));
                return;
            }
        }
        double paired = seen.paired(name, base);
        add(
                what,
                format(
                        "%s %.1f µs, %s %.1f µs: %.2f × (best rounds %.1f and %.1f µs: %.2f ×)",
                        name,
                        seen.cpu(name),
                        base,
                        seen.cpu(base),
                        paired,
                        seen.bestCpu(name),
                        seen.bestCpu(base),
                        seen.best(name, base)),
                target.verdict(paired));
    }

    void ratio(String what, Rounds seen, String name, String base, double most) {
        ratio(what, seen, name, base, most, Double.NaN);
    }

    void add(String what, String seen, String verdict) {
        report.add(number, what, seen, verdict);
    }

    /** A number with its unit, held against its target. */
    void add(String what, double seen, String pattern, Target target) {
        add(what, format(pattern, seen), target.verdict(seen));
    }

    void chart(String name, double micros) {
        report.chart(name, micros);
    }

    void leaveOut(String what, Exception why) {
        String message = why.getMessage() == null ? why.toString() : why.getMessage();
        report.leaveOut(number, what, message.lines().findFirst().orElse("").strip());
    }

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    @Override
    public void close() {
        lineup.close();
    }
}
