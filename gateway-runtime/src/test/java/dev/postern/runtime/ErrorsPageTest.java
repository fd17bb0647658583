package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ErrorHandler;
import dev.postern.Failure;
import dev.postern.Gateway;
import dev.postern.Response;
import dev.postern.runtime.listener.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds docs/errors.md to the code: every failure and every reason is on the page, and nothing else is. */
class ErrorsPageTest {
    private static final Path PAGE = Path.of("..", "docs", "errors.md");
    private static final Path SELF = Path.of("src/test/java/dev/postern/runtime/ErrorsPageTest.java");
    private static final Pattern REASON = Pattern.compile(
            "[`\"]((?:framing|head|host|method|path|query|target|rewrite|websocket|stream)\\.[a-z_0-9]+)[`\"]");

    @Test
    void the_table_of_failures_is_the_enum() throws IOException {
        List<String> rows = Arrays.stream(Failure.values())
                .map(failure -> "| `" + failure.code() + "` | " + failure.status() + " | "
                        + failure.party().name().toLowerCase(Locale.ROOT) + " | "
                        + (failure.nothingSent() ? "yes" : "no") + " | `" + failure.proxyStatus() + "` |")
                .toList();
        assertThat(rowsBelow("| code | status | party |"))
                .map(row -> row.substring(0, row.lastIndexOf('|', row.length() - 2) + 1))
                .containsExactlyElementsOf(rows);
    }

    @Test
    void the_table_of_the_guard_is_the_enum() throws IOException {
        List<String> rows = Arrays.stream(Reason.values())
                .map(reason -> "| `" + reason.code() + "` | " + reason.status() + " |")
                .toList();
        assertThat(rowsBelow("| code | status | what was wrong |"))
                .map(row -> row.substring(0, row.lastIndexOf('|', row.length() - 2) + 1))
                .containsExactlyElementsOf(rows);
    }

    @Test
    void every_reason_in_the_sources_is_on_the_page_and_the_other_way_round() throws IOException {
        TreeSet<String> inSources = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source :
                    sources.filter(path -> path.toString().endsWith(".java")).toList()) {
                inSources.addAll(reasons(Files.readString(source)));
            }
        }
        assertThat(reasons(Files.readString(PAGE))).isEqualTo(inSources);
    }

    @Test
    void the_code_on_the_page_is_compiled() throws IOException {
        ErrorHandler ours =
                (error, request) -> Response.json(error.failure().status(), "{\"error\":\"" + error.reason() + "\"}");
        Gateway gateway = Gateway.builder().errorHandler(ours).build();
        assertThat(gateway.config().errorHandler()).isSameAs(ours);

        Matcher code = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE));
        assertThat(code.find()).isTrue();
        assertThat(squeezed(Files.readString(SELF))).contains(squeezed(code.group(1)));
    }

    private static List<String> rowsBelow(String header) throws IOException {
        return Files.readAllLines(PAGE).stream()
                .dropWhile(line -> !line.startsWith(header))
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .toList();
    }

    private static TreeSet<String> reasons(String text) {
        TreeSet<String> found = new TreeSet<>();
        Matcher reason = REASON.matcher(text);
        while (reason.find()) {
            found.add(reason.group(1));
        }
        return found;
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", "");
    }
}
