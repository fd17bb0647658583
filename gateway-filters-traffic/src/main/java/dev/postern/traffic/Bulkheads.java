package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Visible;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** The bulkheads behind one name, one for each key of its scope; lives as long as some configuration names it. */
final class Bulkheads implements Visible {
    private static final Logger LOG = System.getLogger(ConcurrencyLimit.class.getName());

    private final ConcurrencyOptions options;
    private final RandomGenerator random;
    private final Group<Bulkhead> group;
    // Here and not in the filter: filters of one name are one limit, of which an exchange holds one place.
    private final Exchange.Key<LimitedCall> call = Exchange.Key.named("concurrency limit");

    Bulkheads(ConcurrencyOptions options, LongSupplier clock, RandomGenerator random) {
        this.options = options;
        this.random = random;
        AdaptiveLimit adaptive = options.adaptive();
        group = new Group<>(
                (key, now) -> new Bulkhead(
                        options.limit(),
                        adaptive == null ? null : new LimitFinder(adaptive, random, now),
                        options.maxQueue(),
                        options.reservedPercent(),
                        shedding -> log(key, shedding)),
                (bulkhead, now) -> bulkhead.isIdle(),
                clock);
    }

    Bulkhead of(String key) {
        return group.of(key);
    }

    /** Under what an exchange holds its place in one of these. */
    Exchange.Key<LimitedCall> call() {
        return call;
    }

    /** Spread over three seconds: those refused together do not come back together. */
    int retryAfterSeconds() {
        return 1 + random.nextInt(3);
    }

    private void log(String key, Bulkhead.Shedding shedding) {
        Episode.Change change = shedding.change();
        LOG.log(
                change.begun() ? Level.WARNING : Level.INFO,
                () -> "concurrency limit \"" + options.name() + '"'
                        + options.scope().text(key)
                        + (change.begun()
                                ? " begins to refuse: " + shedding.inFlight() + " of " + shedding.limit()
                                        + " under way, " + shedding.waiting() + " waiting"
                                : " serves all again: " + change.refused() + " were refused within "
                                        + change.lasted()));
    }

    @Override
    public String summary() {
        StringJoiner lines = new StringJoiner("; ").setEmptyValue("nothing under way");
        for (Map.Entry<String, Bulkhead> member : group.members()) {
            Bulkhead bulkhead = member.getValue();
            lines.add((member.getKey().isEmpty() ? "" : member.getKey() + ": ") + bulkhead.inFlight() + " of "
                    + bulkhead.limit() + " under way, " + bulkhead.waiting() + " waiting"
                    + (bulkhead.unloadedNanos() == 0
                            ? ""
                            : ", calls take " + Duration.ofNanos(bulkhead.unloadedNanos()) + " without load"));
        }
        return lines.toString();
    }

    @Override
    public Map<String, Double> gauges() {
        double limit = 0;
        double inFlight = 0;
        double waiting = 0;
        long unloaded = 0;
        for (Map.Entry<String, Bulkhead> member : group.members()) {
            limit += member.getValue().limit();
            inFlight += member.getValue().inFlight();
            waiting += member.getValue().waiting();
            // Of several, the longest: a sum of times would say nothing.
            unloaded = Math.max(unloaded, member.getValue().unloadedNanos());
        }
        Map<String, Double> gauges = new LinkedHashMap<>();
        gauges.put("limit", limit);
        gauges.put("in_flight", inFlight);
        gauges.put("waiting", waiting);
        if (options.adaptive() != null) {
            gauges.put("unloaded_seconds", unloaded / 1e9);
        }
        return gauges;
    }

    @Override
    public Map<String, Long> counters() {
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put("admitted", 0L);
        counters.put("queued", 0L);
        for (Priority priority : Priority.values()) {
            counters.put(refused(priority), 0L);
        }
        for (Map.Entry<String, Bulkhead> member : group.members()) {
            Bulkhead bulkhead = member.getValue();
            counters.merge("admitted", bulkhead.admitted(), Long::sum);
            counters.merge("queued", bulkhead.queued(), Long::sum);
            for (Priority priority : Priority.values()) {
                counters.merge(refused(priority), bulkhead.refused(priority), Long::sum);
            }
        }
        return counters;
    }

    private static String refused(Priority priority) {
        return "refused_" + priority.word();
    }
}
