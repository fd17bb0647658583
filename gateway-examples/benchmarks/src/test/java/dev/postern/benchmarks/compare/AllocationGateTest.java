package dev.postern.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Hard numbers for what an exchange allocates, beside a pipe that does nothing else. They come from a process of its own,
 * without agents, and with the compiler that removes no allocation: the same on every machine with the same JDK, whose own
 * sockets take more from one release to another, and never less than in production. A change that lowers them lowers the limits here; one that raises them says why.
 */
class AllocationGateTest {
    private static final Map<String, Measured> MEASURED = new HashMap<>();

    private static final boolean ON_17 = Runtime.version().feature() == 17;

    private record Measured(int raw, int postern) {}

    @BeforeAll
    static void measure(@TempDir Path folder) throws IOException, InterruptedException {
        Path printed = folder.resolve("printed");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx128m",
                        "-Dexchanges=" + Integer.getInteger("allocation.exchanges", 500),
                        "-cp",
                        classPath(),
                        Allocation.class.getName())
                .redirectErrorStream(true)
                .redirectOutput(printed.toFile())
                .directory(new File("."))
                .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(printed, StandardCharsets.UTF_8);
        assertThat(ended).as("%s", lines).isTrue();
        assertThat(process.exitValue()).as("%s", lines).isZero();
        for (String line : lines) {
            String[] words = line.split(" ");
            if (words.length == 4 && words[1].matches("[0-9]+")) {
                MEASURED.put(words[0], new Measured(Integer.parseInt(words[1]), Integer.parseInt(words[2])));
            }
        }
        assertThat(MEASURED).as("%s", lines).hasSize(3);
    }

    private static String classPath() {
        // Some launchers of tests load from URLs instead.
        if (AllocationGateTest.class.getClassLoader() instanceof URLClassLoader loader) {
            return Arrays.stream(loader.getURLs()).map(URL::getPath).collect(Collectors.joining(File.pathSeparator));
        }
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    @Test
    void a_proxied_get_allocates_no_more_than_its_limit() {
        assertThat(MEASURED.get("get").postern()).isLessThanOrEqualTo(ON_17 ? 7_000 : 7_750);
    }

    @Test
    void a_proxied_post_of_a_kibibyte_allocates_no_more_than_its_limit() {
        assertThat(MEASURED.get("post-1-kib").postern()).isLessThanOrEqualTo(ON_17 ? 9_800 : 10_650);
    }

    @Test
    void a_filter_that_lets_pass_allocates_at_most_200_bytes() {
        int eight =
                MEASURED.get("get-8-filters").postern() - MEASURED.get("get").postern();
        assertThat(eight / 8).isLessThanOrEqualTo(200);
    }

    /** When the floor is not where it was, the limits above mean something else. */
    @Test
    void the_floor_is_where_it_was() {
        assertThat(MEASURED.get("get").raw()).isBetween(8_000, ON_17 ? 9_000 : 10_300);
    }
}
