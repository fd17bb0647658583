package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Row 14: the whole gateway as a method call on the loop. */
final class HandleRow implements Row {
    private static final Pattern SAID = Pattern.compile("handle ([0-9]+) ([0-9]+)");

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        Matcher said = SAID.matcher(Children.run(HandlePeer.class));
        if (!said.find()) {
            throw new IOException("it printed nothing");
        }
        double micros = Long.parseLong(said.group(1)) / 1e3;
        bench.add(
                "handle() on the loop, local upstream",
                Bench.format("%.2f µs, %s B", micros, said.group(2)),
                Target.atMost(2, 1, "µs").verdict(micros));
    }
}
