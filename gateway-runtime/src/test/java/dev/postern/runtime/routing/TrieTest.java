package dev.postern.runtime.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.runtime.edge.Authority;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The structures behind the table, compared with what can be said in one line. */
class TrieTest {
    private record Candidate(String id, Optional<HostPattern> host, PathTemplate template, boolean conditional) {}

    @Test
    void the_table_takes_what_a_walk_over_all_routes_takes() {
        Random random = new Random(3);
        for (int run = 0; run < 400; run++) {
            Map<String, Candidate> distinct = new TreeMap<>();
            for (int i = 0; i < 30; i++) {
                boolean conditional = random.nextInt(3) == 0;
                String template = template(random);
                String host = new String[] {"", "", "a.test", "*.test", "*.b.test"}[random.nextInt(5)];
                PathTemplate parsed = PathTemplate.template(template);
                Candidate candidate = new Candidate(
                        "r" + i,
                        host.isEmpty() ? Optional.empty() : Optional.of(HostPattern.parse(host)),
                        parsed,
                        conditional);
                distinct.putIfAbsent(host + parsed.hashCode() + conditional, candidate);
            }
            List<Candidate> candidates = List.copyOf(distinct.values());
            RoutingTable table =
                    Tables.table(candidates.stream().map(TrieTest::route).toArray(Route[]::new));
            for (int i = 0; i < 60; i++) {
                Request request = Request.get(path(random))
                        .withAuthority(new String[] {"x", "a.test", "c.test:81", "a.b.test", "test"}[random.nextInt(5)])
                        .withHeader("h", random.nextBoolean() ? "1" : "0");
                assertThat(Tables.taker(table, request))
                        .as("%s %s of %s", request.authority(), request.path(), candidates)
                        .isEqualTo(best(candidates, request));
            }
        }
    }

    private static String best(List<Candidate> candidates, Request request) {
        Comparator<Candidate> order = Comparator.<Candidate, Integer>comparing(candidate -> candidate
                        .host
                        .map(host -> host.wildcard() ? 100 - host.name().length() : 0)
                        .orElse(200))
                .thenComparing(candidate -> kinds(candidate.template))
                .thenComparing(candidate -> !candidate.conditional);
        String authority = request.authority();
        int end = Authority.hostEnd(authority);
        return candidates.stream()
                .filter(candidate ->
                        candidate.host.isEmpty() || candidate.host.get().matches(authority, end))
                .filter(candidate -> candidate.template.matches(request.path()))
                .filter(candidate -> !candidate.conditional || "1".equals(request.header("h")))
                .min(order)
                .map(Candidate::id)
                .orElse("unmatched");
    }

    // One letter a segment, the more specific the earlier in the alphabet.
    private static String kinds(PathTemplate template) {
        StringBuilder kinds = new StringBuilder();
        template.segments().forEach(segment -> kinds.append(segment.variable() ? 'b' : 'a'));
        return kinds.append(template.open() ? 'c' : 'a').toString();
    }

    private static Route route(Candidate candidate) {
        Match match = Match.path(candidate.template.toString());
        if (candidate.host.isPresent()) {
            match = Match.host(candidate.host.get().toString()).and(match);
        }
        return Tables.route(candidate.id, candidate.conditional ? match.header("h", "1") : match);
    }

    private static String template(Random random) {
        StringBuilder template = new StringBuilder();
        int segments = random.nextInt(4);
        for (int i = 0; i < segments; i++) {
            template.append('/')
                    .append(random.nextInt(3) == 0 ? "{v" + i + "}" : "" + (char) ('a' + random.nextInt(2)));
        }
        return switch (random.nextInt(4)) {
            case 0 -> template + "/{rest...}";
            case 1 -> template + "/";
            default -> template.isEmpty() ? "/" : template.toString();
        };
    }

    private static String path(Random random) {
        StringBuilder path = new StringBuilder();
        for (int i = random.nextInt(5); i > 0; i--) {
            path.append('/').append((char) ('a' + random.nextInt(3)));
        }
        return path.isEmpty() || random.nextInt(4) == 0 ? path + "/" : path.toString();
    }

    @Test
    void covering_and_overlapping_agree_with_matching() {
        Random random = new Random(5);
        for (int run = 0; run < 20_000; run++) {
            PathTemplate one = PathTemplate.template(template(random));
            PathTemplate other = PathTemplate.template(template(random));
            for (int i = 0; i < 5; i++) {
                String path = path(random);
                boolean byOne = one.matches(path);
                boolean byOther = other.matches(path);
                assertThat(byOther && one.covers(other) && !byOne)
                        .as("%s covers %s, not %s", one, other, path)
                        .isFalse();
                assertThat(byOne && byOther && !one.overlaps(other))
                        .as("%s, %s, %s", one, other, path)
                        .isFalse();
            }
            assertThat(one.equals(other)).isEqualTo(one.covers(other) && other.covers(one));
        }
    }

    @Test
    void a_segment_map_finds_stretches_of_a_text() {
        SegmentMap<Integer> map = new SegmentMap<>();
        for (int i = 0; i < 1_000; i++) {
            map.put("key-" + i, i);
            // Equal hash codes.
            map.put("Aa" + i, -i);
            map.put("BB" + i, -i - 1);
        }
        for (int i = 0; i < 1_000; i++) {
            String text = "/key-" + i + "/x";
            assertThat(map.get(text, 1, text.length() - 2)).isEqualTo(i);
            assertThat(map.get("Aa" + i)).isEqualTo(-i);
            assertThat(map.get("BB" + i)).isEqualTo(-i - 1);
            assertThat(map.get("key-" + i + "0000")).isNull();
        }
        assertThat(map.values()).hasSize(3_000);
        assertThat(new SegmentMap<String>().get("")).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '\0',
            value = {
                "/a/b, /a/b",
                "^/a/b$, /a/b",
                "/a/b.*, /a/b",
                "/a/b*, /a/",
                "/a/b?c, /a/",
                "/a/b+c, /a/b",
                "/a/b{2}, /a/",
                "/a/(b|c)d, /a/",
                "/a\\.b/\\d+, /a.b/",
                "/a/[|]x, /a/",
                "/a/[]|]x, /a/",
                "/a/[^]|]x, /a/",
            })
    void an_expression_begins_with_its_literals(String regex, String literal) {
        assertThat(PathRegex.literalBeginning(regex)).isEqualTo(literal);
    }

    @ParameterizedTest
    @CsvSource({"/a|/b", "(?i)/a", "/b(?i)*", "/\\Qa|b\\E/c", "(/a|/b)", "[/]a", "(/a)|b", "/a[x]|b", "/a\\||b"})
    void an_expression_in_doubt_begins_with_nothing(String regex) {
        assertThat(PathRegex.literalBeginning(regex)).isEmpty();
    }

    @Test
    void no_path_is_lost_by_comparing_the_beginning_first() {
        Random random = new Random(9);
        String[] pieces = {
            "/", "a", "b", "\\.", ".", "*", "+", "?", "(", ")", "|", "[ab]", "{1,2}", "(?:a)", "^", "$", "(?i)"
        };
        List<String> checked = new ArrayList<>();
        for (int run = 0; run < 40_000; run++) {
            StringBuilder regex = new StringBuilder("/");
            for (int i = random.nextInt(7); i > 0; i--) {
                regex.append(pieces[random.nextInt(pieces.length)]);
            }
            com.google.re2j.Pattern pattern;
            try {
                pattern = com.google.re2j.Pattern.compile(regex.toString());
            } catch (com.google.re2j.PatternSyntaxException notOne) {
                continue;
            }
            String literal = PathRegex.literalBeginning(regex.toString());
            for (int i = 0; i < 10; i++) {
                String path = new String[] {path(random), "/" + ".aAb/".charAt(random.nextInt(5)), "/aab", "/ab"}
                        [random.nextInt(4)];
                if (pattern.matches(path)) {
                    assertThat(path).as(regex.toString()).startsWith(literal);
                    checked.add(path);
                }
            }
        }
        assertThat(checked).hasSizeGreaterThan(1_000);
    }
}
