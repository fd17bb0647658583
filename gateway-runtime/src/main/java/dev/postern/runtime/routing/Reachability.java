package dev.postern.runtime.routing;

import dev.postern.Problem;
import dev.postern.Route;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Finds routes that can never be taken, because others that come first take all of their requests.
 *
 * <p>Where to look: an alternative that accepts all requests of another and still comes before it has the same host and the
 * same path, for a wider path is always less specific. So only the lists at the ends of the trie are compared, each with
 * itself; and expressions with the open templates that take whatever begins like them.
 *
 * <p>How: a list is walked from the most specific alternative to the least. Each one walked over is filed under the rarest
 * key of its requirements, and each one reached asks for the keys of all requirements that its own imply. What is found
 * there is compared in full. An alternative that is covered is not filed: whatever it covers, the one that covers it covers
 * too. With keys that n routes do not all share this takes far less than n times n comparisons; a bound on the comparisons
 * for one alternative holds for the others, and is told when it is reached.
 *
 * <p>What is proven: equality, {@code present} by a text, an expression by a text, networks by networks inside of them,
 * time windows by windows inside of them. Predicates and two different expressions are reported as not proven.
 */
final class Reachability {
    /** Comparisons for one alternative; met only by routes made to meet it. */
    static final int MAX_COMPARISONS = 1_000;

    private static final Object NO_REQUIREMENT = "no requirement";

    private final HostTable hosts;
    private final Methods methods;
    private final List<Problem> problems;
    private final Map<Entry, List<Loss>> losses = new HashMap<>();
    private final Map<Route, Doubt> doubts = new LinkedHashMap<>();
    private int notCompared;

    /**
     * What an alternative loses in one place.
     *
     * @param host the place
     * @param whole whether it loses everything there
     * @param lost the methods it loses; any when it names none
     * @param winners who take them, the first found first
     * @param reason why they come first
     */
    private record Loss(
            Entry loser,
            @Nullable HostPattern host,
            boolean whole,
            Methods.Mask lost,
            Set<Entry> winners,
            String reason) {
        String text() {
            return loser.describe(lost, host == null ? List.of() : List.of(host));
        }
    }

    private record Doubt(Entry loser, Entry winner) {}

    Reachability(HostTable hosts, Methods methods, List<Problem> problems) {
        this.hosts = hosts;
        this.methods = methods;
        this.problems = problems;
    }

    void check(List<Entry> entries) {
        hosts.forEach(paths -> {
            paths.root().forEach(place -> checkList(place.entries(), paths));
            Place expressions = paths.expressions();
            if (expressions != null) {
                checkList(expressions.entries(), paths);
                expressions.entries().forEach(entry -> checkExpression(entry, paths));
            }
        });
        report(entries);
    }

    private void checkList(List<Entry> entries, HostTable.Paths paths) {
        if (entries.size() < 2) {
            return;
        }
        Map<Object, Integer> frequency = new HashMap<>();
        for (Entry entry : entries) {
            for (Requirement requirement : entry.requirements()) {
                requirement.keys().forEach(key -> frequency.merge(key, 1, Integer::sum));
            }
        }
        Map<Object, List<Entry>> filed = new HashMap<>();
        for (Entry entry : entries) {
            Cover cover = new Cover(entry, false);
            for (Object key : impliedKeys(entry)) {
                if (!cover.addAll(filed.getOrDefault(key, List.of()))) {
                    break;
                }
            }
            cover.conclude(paths.host());
            if (!cover.isComplete()) {
                for (Object key : rarestKeys(entry, frequency)) {
                    filed.computeIfAbsent(key, any -> new ArrayList<>(1)).add(entry);
                }
            }
        }
    }

    private static Set<Object> impliedKeys(Entry entry) {
        Set<Object> keys = new LinkedHashSet<>();
        for (Requirement requirement : entry.requirements()) {
            keys.addAll(requirement.impliedKeys());
        }
        keys.add(NO_REQUIREMENT);
        return keys;
    }

    private static List<Object> rarestKeys(Entry entry, Map<Object, Integer> frequency) {
        List<Object> rarest = List.of(NO_REQUIREMENT);
        int least = Integer.MAX_VALUE;
        for (Requirement requirement : entry.requirements()) {
            int most = 0;
            for (Object key : requirement.keys()) {
                most = Math.max(most, frequency.getOrDefault(key, 0));
            }
            if (most < least) {
                least = most;
                rarest = requirement.keys();
            }
        }
        return rarest;
    }

    /** Templates come before expressions: an open one that takes all that begins like the expression covers it. */
    private void checkExpression(Entry entry, HostTable.Paths paths) {
        PathRegex regex = entry.regex();
        if (regex == null || isLostEntirely(entry, paths.host())) {
            return;
        }
        Cover cover = new Cover(entry, true);
        paths.root().forEachTailOn(regex.literal(), tail -> cover.addAll(tail.entries()));
        cover.conclude(paths.host());
    }

    private boolean isLostEntirely(Entry entry, @Nullable HostPattern host) {
        return losses.getOrDefault(entry, List.of()).stream()
                .anyMatch(loss -> loss.whole && Objects.equals(loss.host, host));
    }

    /** Adds up what others take of one alternative in one place. */
    private final class Cover {
        private final Entry entry;
        // Whether the others come first whatever their conditions are.
        private final boolean byPath;
        private final Set<Entry> winners = new LinkedHashSet<>();
        private @Nullable Entry doubtful;
        private long left;
        private boolean complete;
        private int comparisons;

        Cover(Entry entry, boolean byPath) {
            this.entry = entry;
            this.byPath = byPath;
            this.left = entry.methods().named();
        }

        boolean isComplete() {
            return complete;
        }

        /** Returns whether there is any point in going on. */
        boolean addAll(List<Entry> others) {
            for (Entry other : others) {
                if (complete) {
                    return false;
                }
                if (++comparisons > MAX_COMPARISONS) {
                    notCompared++;
                    return false;
                }
                add(other);
            }
            return true;
        }

        private void add(Entry other) {
            Methods.Mask theirs = other.methods();
            long taken = byPath ? theirs.served() : theirs.named();
            boolean all = theirs.isAny() && (byPath || entry.methods().isAny());
            if (!all && (left & taken) == 0) {
                return;
            }
            Requirement.Proof proof = covers(other);
            if (proof == Requirement.Proof.YES) {
                winners.add(other);
                left &= all ? 0 : ~taken;
                complete = left == 0;
            } else if (proof == Requirement.Proof.UNKNOWN
                    && doubtful == null
                    && !other.route().equals(entry.route())) {
                doubtful = other;
            }
        }

        private Requirement.Proof covers(Entry other) {
            boolean isProven = true;
            for (Requirement theirs : other.requirements()) {
                Requirement.Proof best = Requirement.Proof.NO;
                for (Requirement mine : entry.requirements()) {
                    Requirement.Proof proof = theirs.impliedBy(mine);
                    best = proof.compareTo(best) < 0 || best == Requirement.Proof.NO ? proof : best;
                    if (best == Requirement.Proof.YES) {
                        break;
                    }
                }
                if (best == Requirement.Proof.NO) {
                    return best;
                }
                isProven &= best == Requirement.Proof.YES;
            }
            return isProven ? Requirement.Proof.YES : Requirement.Proof.UNKNOWN;
        }

        void conclude(@Nullable HostPattern host) {
            if (!winners.isEmpty()) {
                Methods.Mask lost =
                        complete ? entry.methods() : methods.of(entry.methods().named() & ~left);
                losses.computeIfAbsent(entry, any -> new ArrayList<>(1))
                        .add(new Loss(entry, host, complete, lost, winners, reason(host)));
            }
            if (!complete && doubtful != null) {
                doubts.putIfAbsent(entry.route(), new Doubt(entry, doubtful));
            }
        }

        private String reason(@Nullable HostPattern host) {
            if (byPath) {
                return "templates and prefixes come before expressions";
            }
            Entry winner = winners.iterator().next();
            StringJoiner same = new StringJoiner(", ");
            if (host != null) {
                same.add("host");
            }
            same.add("path");
            if (!entry.methods().isAny()) {
                same.add("method");
            }
            String list = same.toString();
            int last = list.lastIndexOf(", ");
            String joined = last < 0 ? list : list.substring(0, last) + " and " + list.substring(last + 2);
            boolean equal = Set.copyOf(winner.requirements()).equals(Set.copyOf(entry.requirements()));
            return "same " + joined
                    + (equal ? "" : "; its conditions hold whenever these do")
                    + (winner.ties(entry) ? "; declared first" : "; more conditions");
        }
    }

    private void report(List<Entry> entries) {
        Map<Route, List<Entry>> byRoute = new LinkedHashMap<>();
        if (!losses.isEmpty()) {
            entries.forEach(entry -> byRoute.computeIfAbsent(entry.route(), any -> new ArrayList<>(1))
                    .add(entry));
        }
        Set<Route> dead = new HashSet<>();
        byRoute.forEach((route, all) -> {
            if (report(route, all)) {
                dead.add(route);
            }
        });
        doubts.forEach((route, doubt) -> {
            if (!dead.contains(route) && !dead.contains(doubt.winner.route())) {
                problems.add(Problem.warning(
                        route.toString(),
                        "may never match: whether \"" + doubt.winner.route().id() + "\", which comes first, leaves any "
                                + doubt.loser + " is not proven (predicates and expressions are not compared)"));
            }
        });
        if (notCompared > 0) {
            problems.add(Problem.warning(
                    "routes",
                    notCompared
                            + " were not compared with all others of their host and path (give them conditions that "
                            + "fewer routes share)"));
        }
    }

    /** Returns whether nothing of the route is left. */
    private boolean report(Route route, List<Entry> all) {
        List<Loss> lost = new ArrayList<>();
        boolean isDead = true;
        for (Entry entry : all) {
            List<Loss> some = losses.getOrDefault(entry, List.of());
            long whole = some.stream().filter(Loss::whole).count();
            isDead &= whole == Math.max(1, entry.hosts().size());
            lost.addAll(some);
        }
        // An alternative that another one of its own route covers is no mistake.
        lost.removeIf(
                loss -> loss.winners.stream().allMatch(winner -> winner.route().equals(route)));
        if (lost.isEmpty()) {
            return false;
        }
        Loss first = lost.get(0);
        String more = lost.size() == 1 ? "" : ", and so on for " + (lost.size() - 1) + " more";
        Set<String> winners = new LinkedHashSet<>();
        first.winners.forEach(winner -> winners.add('"' + winner.route().id() + '"'));
        String names = String.join(" and ", winners) + (winners.size() == 1 ? " takes" : " take");
        String why = " (" + first.reason + ")" + more;
        problems.add(
                isDead
                        ? Problem.error(route.toString(), "can never match: " + names + " every " + first.text() + why)
                        : Problem.warning(route.toString(), "never gets " + first.text() + ": " + names + " it" + why));
        return isDead;
    }
}
