package dev.postern.traffic;

import dev.postern.Visible;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** The throttlers behind one name, one for each key of its scope; lives as long as some configuration names it. */
final class Throttlers implements Visible {
    private static final Logger LOG = System.getLogger(Throttle.class.getName());

    private final ThrottleOptions options;
    private final RandomGenerator random;
    private final Group<Throttler> group;

    Throttlers(ThrottleOptions options, LongSupplier clock, RandomGenerator random) {
        this.options = options;
        this.random = random;
        group = new Group<>(
                (key, now) -> new Throttler(options.rules(), now, change -> log(key, change)),
                Throttler::isIdle,
                clock);
    }

    Throttler of(String key) {
        return group.of(key);
    }

    RandomGenerator random() {
        return random;
    }

    private void log(String key, Episode.Change change) {
        LOG.log(
                change.begun() ? Level.WARNING : Level.INFO,
                () -> "throttle \"" + options.name() + '"' + options.scope().text(key)
                        + (change.begun()
                                ? " begins to reject: too few calls are accepted"
                                : " rejects nothing any more: " + change.refused() + " were rejected within "
                                        + change.lasted()));
    }

    /** Those that reject something, and how many do not. */
    @Override
    public String summary() {
        long now = group.now();
        StringJoiner lines = new StringJoiner("; ");
        int passing = 0;
        for (Map.Entry<String, Throttler> member : group.members()) {
            String summary = member.getValue().summary(now);
            if (summary.equals("passes all")) {
                passing++;
            } else {
                lines.add(member.getKey() + ": " + summary);
            }
        }
        return lines.add(passing + " pass all").toString();
    }

    /** Of several, the largest share of each priority. */
    @Override
    public Map<String, Double> gauges() {
        long now = group.now();
        Map<String, Double> gauges = new LinkedHashMap<>();
        for (Priority priority : Priority.values()) {
            double most = 0;
            for (Map.Entry<String, Throttler> member : group.members()) {
                most = Math.max(most, member.getValue().share(priority, now));
            }
            gauges.put("share_" + priority.word(), most);
        }
        return gauges;
    }

    @Override
    public Map<String, Long> counters() {
        Map<String, Long> counters = new LinkedHashMap<>();
        long accepted = 0;
        long failed = 0;
        for (Map.Entry<String, Throttler> member : group.members()) {
            accepted += member.getValue().accepted();
            failed += member.getValue().failed();
        }
        counters.put("accepted", accepted);
        counters.put("failed", failed);
        for (Priority priority : Priority.values()) {
            long rejected = 0;
            for (Map.Entry<String, Throttler> member : group.members()) {
                rejected += member.getValue().rejected(priority);
            }
            counters.put("rejected_" + priority.word(), rejected);
        }
        return counters;
    }
}
