package dev.postern.runtime.simulation;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What you expect of every run, as code. The factories are for what is asked most. */
public interface Property {
    /**
     * Judges one run.
     *
     * @return what is wrong, or null
     */
    @Nullable
    String complaint(Report report);

    /** Any function under a name. */
    static Property named(String name, Function<Report, @Nullable String> judge) {
        return new Property() {
            @Override
            public @Nullable String complaint(Report report) {
                return judge.apply(report);
            }

            @Override
            public String toString() {
                return name;
            }
        };
    }

    /**
     * Attempts are at most {@code factor} times the requests, and what the retry budget allows on top of its share: so many a
     * second, ten seconds of them at once.
     */
    static Property amplificationAtMost(double factor) {
        return named("amplification at most " + factor, report -> {
            double seconds = report.duration().toSeconds() + 10.0;
            double most = factor * report.exchanges().size()
                    + report.upstream().retry().budgetPerSecond() * seconds;
            int made = report.attempts().size();
            return made <= most
                    ? null
                    : made + " attempts for " + report.exchanges().size() + " requests";
        });
    }

    /** At least this part of those who stayed were served. */
    static Property servedAtLeast(double share) {
        return named(
                "served at least " + share,
                report -> report.served() >= share ? null : "only " + report.served() + " were served");
    }

    /** That long after the last happening, at least this part of the requests are served. */
    static Property recoversWithin(Duration time, double share) {
        return named("recovers within " + time, report -> {
            long last = report.happenings().stream()
                    .mapToLong(happening -> happening.at().toNanos())
                    .max()
                    .orElse(0);
            long from = last + time.toNanos();
            List<Report.Exchange> later = report.exchanges().stream()
                    .filter(exchange -> exchange.begun() >= from && !exchange.left())
                    .toList();
            long served = later.stream().filter(Report.Exchange::served).count();
            return served >= share * later.size()
                    ? null
                    : served + " of " + later.size() + " were served from " + Duration.ofNanos(from) + " on";
        });
    }

    /**
     * While the healthy endpoints stay the same, none gets more than {@code factor} times its fair share: in stretches with a
     * fair share of at least 50. Not for balancers that pick by key, nor for weights.
     */
    static Property noEndpointAbove(double factor) {
        return named("no endpoint above " + factor + " times its fair share", report -> {
            for (Stretch stretch : Stretch.of(report)) {
                String busiest = stretch.above(factor, 50);
                if (busiest != null) {
                    return busiest;
                }
            }
            return null;
        });
    }

    /**
     * An endpoint that has come (back) gets less than {@code part} of its fair share during the first quarter of the slow
     * start, wherever that is told by a fair share of at least 20 requests.
     */
    static Property warmsUpBelow(double part) {
        return named("warms up below " + part, report -> {
            Duration window = report.upstream().slowStart();
            if (window == null) {
                return null;
            }
            for (Stretch stretch : Stretch.of(report)) {
                String hasty = stretch.hasty(part, window.toNanos() / 4, 20);
                if (hasty != null) {
                    return hasty;
                }
            }
            return null;
        });
    }

    /**
     * An endpoint with which nothing was wrong for the last {@code calm} of the run has at least {@code part} of its fair share
     * in the last third of that.
     */
    static Property forgivesWithin(Duration calm, double part) {
        return named("forgives within " + calm, report -> {
            long end = report.duration().toNanos();
            long quiet = end - calm.toNanos();
            boolean changed = report.happenings().stream()
                    .anyMatch(happening -> happening.at().toNanos() > quiet);
            boolean moved = report.standings().stream().anyMatch(standing -> standing.at() > quiet);
            if (changed || moved || report.standings().isEmpty()) {
                return null;
            }
            List<String> healthy =
                    report.standings().get(report.standings().size() - 1).healthy();
            Map<String, Integer> counts = new HashMap<>();
            int all = 0;
            for (Report.Attempt attempt : report.attempts()) {
                if (attempt.begun() >= end - calm.toNanos() / 3 && attempt.begun() < end) {
                    counts.merge(attempt.endpoint(), 1, Integer::sum);
                    all++;
                }
            }
            double fair = (double) all / Math.max(1, healthy.size());
            for (String endpoint : healthy) {
                if (fair >= 20 && counts.getOrDefault(endpoint, 0) < part * fair) {
                    return endpoint + " got " + counts.getOrDefault(endpoint, 0) + " of " + all + " at the end, among "
                            + healthy.size();
                }
            }
            return null;
        });
    }
}
