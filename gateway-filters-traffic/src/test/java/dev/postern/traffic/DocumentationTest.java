package dev.postern.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Java shown on the pages of these filters is code of the tests, word by word: what is shown compiles and runs. */
class DocumentationTest {
    private static final Pattern JAVA = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "rate-limit.md",
                "aggregate.md",
                "grpc-web.md",
                "circuit-breaker.md",
                "concurrency-limit.md",
                "throttle.md"
            })
    void what_is_shown_is_tested(String page) throws IOException {
        StringBuilder tests = new StringBuilder();
        try (Stream<Path> files = Files.list(Path.of("src/test/java/dev/postern/traffic"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                tests.append(words(Files.readString(file)));
            }
        }
        Matcher shown = JAVA.matcher(Files.readString(Path.of("../docs/filters", page)));
        int examples = 0;
        while (shown.find()) {
            assertThat(tests.indexOf(words(shown.group(1)))).as(shown.group(1)).isNotNegative();
            examples++;
        }
        assertThat(examples).isGreaterThan(page.equals("grpc-web.md") ? 0 : page.equals("throttle.md") ? 1 : 3);
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", "");
    }
}
