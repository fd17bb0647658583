package dev.postern.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds the pages to each other and to the code. */
class DocsTest {
    private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();
    private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]*)(#[^)\\s]*)?\\)");

    /** A field, not a local variable, that threads may share. */
    private static final Pattern SHARED = Pattern.compile("^ {4,8}(private|static|final|public|protected) [^(=]*"
            + "(volatile |\\bAtomic\\w+[< ]|Concurrent\\w+<|CopyOnWrite\\w+<|LongAdder |FastThreadLocal<|VarHandle )");

    private static final Pattern MADE_SHARED = Pattern.compile(
            "^ {4,8}(private|static|final|public|protected) [^(]* = " + "(new )?(Concurrent\\w+|CopyOnWrite\\w+)[<.(]");

    @ParameterizedTest
    @ValueSource(strings = {"getting-started.md", "embedding.md"})
    void code_of_a_guide_is_compiled_and_run(String page) throws IOException {
        String compiled = squeezed(
                Files.readString(Path.of("src/test/java/dev/postern/examples/quickstart/GuideSnippetsTest.java")));
        Matcher code = CODE.matcher(Files.readString(ROOT.resolve("docs").resolve(page)));
        int blocks = 0;
        while (code.find()) {
            assertThat(compiled).as("%s, block %d", page, ++blocks).contains(squeezed(code.group(1)));
        }
        assertThat(blocks).isPositive();
    }

    @Test
    void links_between_pages_lead_somewhere() throws IOException {
        List<String> broken = new ArrayList<>();
        for (Path page : pages()) {
            Matcher link = LINK.matcher(Files.readString(page).replaceAll("(?s)```.*?```", ""));
            while (link.find()) {
                String target = link.group(1);
                if (target.startsWith("http") || target.startsWith("mailto")) {
                    continue;
                }
                Path file = target.isEmpty()
                        ? page
                        : page.getParent().resolve(target).normalize();
                boolean there = Files.exists(file);
                if (there && link.group(2) != null) {
                    there = anchors(file).contains(link.group(2));
                }
                if (!there) {
                    broken.add(ROOT.relativize(page) + ": " + link.group());
                }
            }
        }
        assertThat(broken).isEmpty();
    }

    @Test
    void every_page_is_in_the_index() throws IOException {
        String index = Files.readString(ROOT.resolve("docs/README.md"));
        for (Path page : pages()) {
            String path = ROOT.resolve("docs").relativize(page).toString().replace('\\', '/');
            if (path.startsWith("..") || path.startsWith("decisions/") || path.equals("README.md")) {
                continue;
            }
            assertThat(index).contains('(' + path + ')');
        }
    }

    @Test
    void every_class_whose_fields_are_shared_is_on_the_page_about_threads() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/contributing/concurrency.md"));
        List<String> missing = new ArrayList<>();
        List<String> found = new ArrayList<>();
        for (String module :
                List.of("gateway-api", "gateway-runtime", "gateway-filters-security", "gateway-filters-traffic")) {
            try (Stream<Path> sources = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
                for (Path source : sources.filter(path -> path.toString().endsWith(".java"))
                        .toList()) {
                    if (Files.readAllLines(source).stream().noneMatch(DocsTest::isShared)) {
                        continue;
                    }
                    String type = source.getFileName().toString().replace(".java", "");
                    found.add(type);
                    if (!page.contains('`' + type + '`')) {
                        missing.add(type);
                    }
                }
            }
        }
        assertThat(missing).isEmpty();
        assertThat(found).contains("EndpointState", "RunningGateway", "Held");
    }

    @Test
    void decisions_are_short_and_have_four_parts() throws IOException {
        try (Stream<Path> decisions = Files.list(ROOT.resolve("docs/decisions"))) {
            for (Path decision : decisions.toList()) {
                String text = Files.readString(decision);
                assertThat(text.lines().count()).as(decision.toString()).isLessThanOrEqualTo(40);
                assertThat(text)
                        .as(decision.toString())
                        .contains(
                                "**Context.**", "**Choice.**", "**What it costs.**", "**What would change our mind.**");
            }
        }
    }

    private static boolean isShared(String line) {
        return (line.endsWith(";") && SHARED.matcher(line).find())
                || MADE_SHARED.matcher(line).find()
                || line.contains("uarded by this");
    }

    private static List<Path> pages() throws IOException {
        List<Path> all = new ArrayList<>(List.of(ROOT.resolve("README.md"), ROOT.resolve("CHANGELOG.md")));
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            docs.filter(path -> path.toString().endsWith(".md")).forEach(all::add);
        }
        return all;
    }

    /** As GitHub makes them. */
    private static List<String> anchors(Path page) throws IOException {
        return Files.readAllLines(page).stream()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9 _-]", "")
                        .replace(' ', '-'))
                .map(anchor -> '#' + anchor)
                .toList();
    }

    private static String squeezed(String code) {
        return code.replaceAll("\\s+", "");
    }
}
