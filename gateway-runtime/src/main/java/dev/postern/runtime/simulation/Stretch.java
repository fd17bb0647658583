package dev.postern.runtime.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A part of a run in which the same endpoints were healthy, and all behaved the same. */
final class Stretch {
    private final long from;
    private final long to;
    private final Report.Standing standing;
    private final List<Report.Attempt> attempts = new ArrayList<>();

    private Stretch(long from, long to, Report.Standing standing) {
        this.from = from;
        this.to = to;
        this.standing = standing;
    }

    static List<Stretch> of(Report report) {
        List<Stretch> stretches = new ArrayList<>();
        List<Report.Standing> standings = report.standings();
        long[] changes = report.happenings().stream()
                .mapToLong(happening -> happening.at().toNanos())
                .sorted()
                .toArray();
        for (int i = 0; i < standings.size(); i++) {
            Report.Standing standing = standings.get(i);
            long from = standing.at();
            long to = i + 1 < standings.size()
                    ? standings.get(i + 1).at()
                    : report.duration().toNanos();
            for (long change : changes) {
                if (change > from && change < to) {
                    stretches.add(new Stretch(from, change, standing));
                    from = change;
                    // Who came back did so before.
                    standing = new Report.Standing(change, standing.members(), standing.healthy(), List.of());
                }
            }
            stretches.add(new Stretch(from, to, standing));
        }
        int at = 0;
        for (Report.Attempt attempt : report.attempts()) {
            while (at + 1 < stretches.size() && attempt.begun() >= stretches.get(at + 1).from) {
                at++;
            }
            if (!stretches.isEmpty()
                    && attempt.begun() >= stretches.get(at).from
                    && attempt.begun() < stretches.get(at).to) {
                stretches.get(at).attempts.add(attempt);
            }
        }
        return stretches;
    }

    @Nullable
    String above(double factor, int enough) {
        double fair = (double) attempts.size() / Math.max(1, standing.healthy().size());
        if (fair < enough) {
            return null;
        }
        for (Map.Entry<String, Integer> count : counts(to).entrySet()) {
            if (count.getValue() > factor * fair) {
                return count.getKey() + " got " + count.getValue() + " of " + attempts.size() + " among "
                        + standing.healthy().size() + " from " + Duration.ofNanos(from) + " to " + Duration.ofNanos(to);
            }
        }
        return null;
    }

    @Nullable
    String hasty(double part, long window, int enough) {
        long end = from + window;
        if (standing.returned().isEmpty()
                || to < end
                || 2 * standing.returned().size() > standing.healthy().size()) {
            return null;
        }
        Map<String, Integer> counts = counts(end);
        int all = counts.values().stream().mapToInt(Integer::intValue).sum();
        double fair = (double) all / standing.healthy().size();
        for (String endpoint : standing.returned()) {
            if (fair >= enough && counts.getOrDefault(endpoint, 0) > part * fair) {
                return endpoint + " came at " + Duration.ofNanos(from) + " and got " + counts.get(endpoint) + " of "
                        + all + " among " + standing.healthy().size() + " at once";
            }
        }
        return null;
    }

    private Map<String, Integer> counts(long until) {
        Map<String, Integer> counts = new HashMap<>();
        for (Report.Attempt attempt : attempts) {
            if (attempt.begun() < until) {
                counts.merge(attempt.endpoint(), 1, Integer::sum);
            }
        }
        return counts;
    }
}
