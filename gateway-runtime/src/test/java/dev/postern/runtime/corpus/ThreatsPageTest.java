package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/contributing/threats.md names tests that exist. */
class ThreatsPageTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern ROW = Pattern.compile("\\| T(\\d{3}) \\| (.*?) \\| (.*) \\|");
    private static final Pattern TEST = Pattern.compile("`([A-Z]\\w+)(?:\\.(\\w+))?`");
    private static final Path CORPUS = Path.of("src/test/resources/corpus");

    @Test
    void every_threat_has_a_test_or_says_that_it_has_none() throws IOException {
        List<String> lines = Files.readAllLines(ROOT.resolve("docs/contributing/threats.md"));
        Map<String, Path> sources = sources();
        int last = 0;
        for (String line : lines) {
            Matcher row = ROW.matcher(line);
            if (!row.matches()) {
                continue;
            }
            int number = Integer.parseInt(row.group(1));
            assertThat(number).as(line).isGreaterThan(last);
            last = number;
            String held = row.group(3);
            if (held.startsWith("corpus") && !held.startsWith("corpus of responses")) {
                assertThat(CORPUS.resolve("requests/T" + row.group(1) + ".txt")).exists();
            }
            boolean named = false;
            Matcher test = TEST.matcher(held);
            while (test.find()) {
                named = true;
                assertThat(sources).as(line).containsKey(test.group(1));
                if (test.group(2) != null) {
                    assertThat(Files.readString(sources.get(test.group(1)))).contains(' ' + test.group(2) + '(');
                }
            }
            assertThat(named || held.startsWith("corpus") || held.startsWith("open: ") || held.startsWith("nothing "))
                    .as(line)
                    .isTrue();
        }
        assertThat(last).isEqualTo(136);
    }

    private static Map<String, Path> sources() throws IOException {
        try (Stream<Path> modules = Files.list(ROOT)) {
            return modules.filter(module -> Files.isDirectory(module.resolve("src")))
                    .flatMap(ThreatsPageTest::javaFiles)
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString().replace(".java", ""), file -> file, (a, b) -> a));
        }
    }

    private static Stream<Path> javaFiles(Path module) {
        try {
            return Files.walk(module.resolve("src"))
                    .filter(file -> file.toString().endsWith(".java"));
        } catch (IOException broken) {
            throw new IllegalStateException(broken);
        }
    }
}
