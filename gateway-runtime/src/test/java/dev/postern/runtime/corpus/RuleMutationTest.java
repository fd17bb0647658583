package dev.postern.runtime.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.runtime.corpus.MutatedRules.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Turns off one rule of the edge after the other: each time a case of the corpus must get another verdict. */
class RuleMutationTest {
    /** Rules that no request over HTTP/1 can meet, and why. */
    private static final Map<String, String> UNSEEN = Map.ofEntries(
            Map.entry("FramingGuard HEAD_TOO_LARGE", "two of three: a request line is held to less than a head before"),
            Map.entry("FramingGuard TE_HTTP10", "HTTP/1.0 is refused for its version before its fields"),
            Map.entry(
                    "RequestHead head.field",
                    "the guard and the decoder have judged the bytes; for HTTP/2 and handle()"),
            Map.entry("RequestHead host.mismatch", "HTTP/1 has one host; for HTTP/2"),
            Map.entry("RequestHead framing.te_and_cl", "the decoder refuses it, too; for handle()"),
            Map.entry("CanonicalPath path.not_absolute", "such a target is no path; for rewrites"),
            Map.entry("CanonicalPath path.blank", "a blank ends a target; for HTTP/2 and rewrites"),
            Map.entry("CanonicalPath path.bad_character", "a question mark ends a path; for rewrites"),
            Map.entry("TargetParser target.empty", "without a target there is no request line; for HTTP/2"),
            Map.entry("TargetParser query.blank", "a blank ends a target; for HTTP/2"));

    @Test
    void without_any_one_rule_of_the_edge_the_corpus_is_red() throws Exception {
        MutatedRules copies = new MutatedRules();
        List<byte[]> requests = requests();
        List<String> right = verdicts(copies.without(-1), requests);
        List<String> green = new ArrayList<>();
        Set<String> unseen = new TreeSet<>();
        for (int number = 0; number < copies.rules().size(); number++) {
            Rule rule = copies.rules().get(number);
            if (!differs(copies.without(number), requests, right, rule.what())) {
                green.add(rule.toString());
                unseen.add(rule.file() + ' ' + rule.what());
            }
        }
        Off.rule(-1);
        assertThat(copies.rules()).as("rules").hasSizeGreaterThan(150);
        assertThat(unseen)
                .as("rules that the corpus does not miss: %s", green)
                .isEqualTo(new TreeSet<>(UNSEEN.keySet()));
    }

    /** The labels say what the judges say, or what stands behind them. */
    private static List<byte[]> requests() {
        List<byte[]> all = new ArrayList<>();
        for (Case each : Corpus.of("requests")) {
            all.add(each.bytes());
            if (each.twin().length > 0) {
                all.add(each.twin());
            }
        }
        return all;
    }

    private static List<String> verdicts(List<Function<byte[], String>> judges, List<byte[]> requests) {
        return requests.stream().map(each -> verdict(judges, each)).toList();
    }

    private static String verdict(List<Function<byte[], String>> judges, byte[] request) {
        try {
            return judges.get(0).apply(request) + " | " + judges.get(1).apply(request);
        } catch (RuntimeException broken) {
            return broken.toString();
        }
    }

    /** Those whose verdict speaks of the rule come first: nearly always one of them is enough. */
    private static boolean differs(
            List<Function<byte[], String>> judges, List<byte[]> requests, List<String> right, String what) {
        String code = what.toLowerCase(Locale.ROOT);
        for (boolean likely : new boolean[] {true, false}) {
            for (int i = 0; i < requests.size(); i++) {
                if (right.get(i).contains(code) == likely
                        && !verdict(judges, requests.get(i)).equals(right.get(i))) {
                    return true;
                }
            }
        }
        return false;
    }
}
