package dev.postern.benchmarks.compare;

import java.util.Map;
import java.util.TreeMap;

/**
 * Fails when the gateway has become more expensive beside the hand-written floor: a GET and a POST, at least seven rounds of
 * both in random order. It ends with 1 only when the median of the paired rounds and the ratio of the best rounds are both
 * above the limit, since on a machine with other work one of them alone often is.
 *
 * <p>Arguments: {@code limit=1.30}, {@code rounds=9} (never less than seven), {@code seconds=1}, {@code warm=200000}.
 */
public final class Gate {
    private static final int LEAST_ROUNDS = 7;

    private Gate() {}

    /** Measures and judges. */
    public static void main(String[] args) throws Exception {
        Map<String, String> options = new TreeMap<>(Compare.options(args));
        options.putIfAbsent("rounds", "9");
        double limit = Double.parseDouble(options.getOrDefault("limit", "1.30"));
        Settings settings = Settings.of(options);
        if (settings.rounds() < LEAST_ROUNDS) {
            throw new IllegalArgumentException("rounds: " + settings.rounds() + " (expected: >= " + LEAST_ROUNDS + ")");
        }
        Processors.moveLoadAway();
        Processors.endChildrenAtExit();
        boolean passed;
        try (Origin origin = new Origin(0);
                Processors.Cut cut = Processors.cutAfter(600)) {
            boolean get = passes("GET", Requests.GET, limit, settings, origin);
            boolean post = passes("POST 1 KiB", Requests.POST, limit, settings, origin);
            passed = get && post && !cut.happened();
        }
        System.exit(passed ? 0 : 1);
    }

    private static boolean passes(String what, byte[] request, double limit, Settings settings, Origin origin)
            throws Exception {
        try (Bench bench = new Bench("gate", settings, origin, new Report(settings))) {
            bench.lineup().raw().postern();
            Rounds seen = bench.measure(request);
            if (!seen.isSound("raw") || !seen.isSound("postern")) {
                System.out.println(what + ": not measured: one of them did not answer as it should");
                return false;
            }
            double paired = seen.paired("postern", "raw");
            double best = seen.best("postern", "raw");
            boolean passes = !exceeds(paired, best, limit);
            System.out.println(Bench.format(
                    "%s: %.2f × raw paired, %.2f × in the best rounds, limit %.2f: %s",
                    what, paired, best, limit, passes ? "passed" : "FAILED"));
            return passes;
        }
    }

    /** Both, not one of them. */
    static boolean exceeds(double paired, double best, double limit) {
        return paired > limit && best > limit;
    }
}
