package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.runtime.message.Fields;
import dev.postern.runtime.message.Fields.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Holds docs/headers.md to what {@link Fields} says of single headers. */
class HeadersPageTest {
    private static final Path SOURCE = Path.of("src/main/java/dev/postern/runtime/message/Fields.java");
    private static final Pattern CODE = Pattern.compile("`([A-Za-z0-9-]+)`");
    private static final Pattern KNOWN = Pattern.compile("is\\(name, \"([a-z0-9-]+)\"\\)");

    private String page;

    @BeforeEach
    void read() throws IOException {
        page = Files.readString(Path.of("..", "docs", "headers.md"));
    }

    @Test
    void each_header_of_a_request_stands_where_its_kind_belongs() {
        assertThat(kinds(firstColumn(section("### Read here, written anew"))))
                .containsOnly(Kind.HOST, Kind.CONTENT_LENGTH, Kind.TRANSFER_ENCODING, Kind.EXPECT, Kind.CONNECTION);
        assertThat(kinds(names(section("### Ends here")))).containsOnly(Kind.HOP_BY_HOP, Kind.CONNECTION);
        assertThat(kinds(firstColumn(section("### Removed: only the gateway")))).containsOnly(Kind.IDENTITY);
        assertThat(kinds(firstColumn(section("### Removed: dangerous")))).containsOnly(Kind.DANGEROUS);
    }

    @Test
    void the_lists_of_what_stands_once_and_what_cannot_be_nominated_are_complete() throws IOException {
        String[] parts = section("### Once only").split("`Connection` must not name", 2);
        Set<String> once = names(parts[0].substring(0, parts[0].indexOf('('))
                + parts[0].substring(parts[0].indexOf(':'), parts[0].lastIndexOf('(')));
        Set<String> framing = Set.of("host", "content-length", "transfer-encoding", "expect");
        assertThat(once).allMatch(name -> Fields.isSingle(name) || framing.contains(name));
        assertThat(known()).filteredOn(Fields::isSingle).allMatch(name -> once.contains(name) || isRemoved(name));

        Set<String> notNominated = names(parts[1].substring(parts[1].indexOf("):"), parts[1].indexOf("\n\n")));
        assertThat(notNominated).allMatch(Fields::isProtected);
        assertThat(known()).filteredOn(Fields::isProtected).allMatch(notNominated::contains);
    }

    @Test
    void no_header_that_the_code_knows_is_missing() throws IOException {
        String lower = page.toLowerCase(Locale.ROOT);
        assertThat(known()).isNotEmpty().allMatch(name -> lower.contains('`' + name + '`'));
    }

    @Test
    void what_ends_here_on_the_way_back_is_what_the_code_drops() throws IOException {
        String back = section("## From the upstream");
        Set<String> ends = names(back.substring(back.indexOf("Ends here"), back.indexOf("Trailers")));
        assertThat(ends)
                .allMatch(name -> Set.of(Kind.HOP_BY_HOP, Kind.CONNECTION).contains(Fields.ofResponse(name)));
        assertThat(known())
                .filteredOn(name -> Fields.ofResponse(name) == Kind.HOP_BY_HOP)
                .allMatch(ends::contains);
    }

    private static boolean isRemoved(String name) {
        return Fields.ofRequest(name) == Kind.IDENTITY;
    }

    private static Set<String> known() throws IOException {
        Set<String> all = new TreeSet<>();
        Matcher name = KNOWN.matcher(Files.readString(SOURCE));
        while (name.find()) {
            all.add(name.group(1));
        }
        return all;
    }

    private String section(String heading) {
        int from = page.indexOf(heading);
        assertThat(from).as(heading).isNotNegative();
        int end = page.indexOf("\n##", from + heading.length());
        return page.substring(page.indexOf('\n', from), end < 0 ? page.length() : end);
    }

    private static Set<String> firstColumn(String section) {
        return section.lines()
                .filter(line -> line.startsWith("| `"))
                .map(line -> names(line.substring(0, line.indexOf('|', 1))))
                .flatMap(Set::stream)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> names(String text) {
        Set<String> all = new TreeSet<>();
        Matcher name = CODE.matcher(text);
        while (name.find()) {
            all.add(name.group(1).toLowerCase(Locale.ROOT));
        }
        return all;
    }

    private static List<Kind> kinds(Set<String> names) {
        assertThat(names).isNotEmpty();
        return names.stream().map(Fields::ofRequest).toList();
    }
}
