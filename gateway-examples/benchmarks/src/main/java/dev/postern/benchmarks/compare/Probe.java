package dev.postern.benchmarks.compare;

import dev.postern.benchmarks.compare.Load.Plan;
import dev.postern.benchmarks.compare.Load.Seen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What asks a proxy for some time and says what came of it. */
interface Probe {
    /** Asks for about {@code seconds}. */
    Seen ask(Peer peer, double seconds) throws IOException;

    /** The load of this repository; it begins to count after 0.2 seconds. */
    static Probe of(Plan plan) {
        long begin = TimeUnit.MILLISECONDS.toNanos(200);
        return (peer, seconds) -> Load.run(peer.port(), plan, begin, (long) (seconds * 1e9), peer::cpuNanos);
    }

    /** A public tool that takes whole seconds and prints how many requests it made; its start and its end count too. */
    static Probe tool(Function<Long, List<String>> command, Pattern answers) {
        return (peer, seconds) -> {
            long cpu = peer.cpuNanos();
            long begun = System.nanoTime();
            Process tool = new ProcessBuilder(command.apply(Math.max(1, Math.round(seconds))))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher made = answers.matcher(output);
            if (!made.find()) {
                String said = output.strip().replace('\n', ' ');
                throw new IOException("the tool said: " + said.substring(Math.max(0, said.length() - 200)));
            }
            return new Seen(
                    Long.parseLong(made.group(1)), 0, System.nanoTime() - begun, peer.cpuNanos() - cpu, new long[0]);
        };
    }
}
