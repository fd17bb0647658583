package dev.postern.traffic;

import dev.postern.Visible;
import dev.postern.traffic.Breaker.Count;
import dev.postern.traffic.Breaker.State;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.LongSupplier;

/** The breakers behind one name, one for each key of its scope; lives as long as some configuration names it. */
final class Breakers implements Visible {
    private static final Logger LOG = System.getLogger(CircuitBreaker.class.getName());

    private final String name;
    private final Scope scope;
    private final BreakerRules rules;
    private final Group<Breaker> group;

    Breakers(String name, Scope scope, BreakerRules rules, LongSupplier clock) {
        this.name = name;
        this.scope = scope;
        this.rules = rules;
        group = new Group<>((key, now) -> new Breaker(rules, now, change -> log(key, change)), Breaker::isIdle, clock);
    }

    Breaker of(String key) {
        return group.of(key);
    }

    /** One line for each change; opening is what somebody should look at. */
    private void log(String key, Breaker.Change change) {
        log(name, scope.text(key), rules, change);
    }

    static void log(String name, String place, BreakerRules rules, Breaker.Change change) {
        Level level = change.to() == State.OPEN ? Level.WARNING : Level.INFO;
        LOG.log(
                level,
                () -> "circuit breaker \"" + name + '"' + place + ": " + word(change.from()) + " → " + word(change.to())
                        + ": " + change.why()
                        + (change.to() == State.OPEN ? "; calls are refused for " + rules.openFor() : ""));
    }

    private static String word(State state) {
        return state.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The one there is, or those that are not simply closed. */
    @Override
    public String summary() {
        long now = group.now();
        if (scope == Scope.ALL) {
            return of("").summary(now);
        }
        StringJoiner lines = new StringJoiner("; ");
        int closed = 0;
        for (Map.Entry<String, Breaker> member : group.members()) {
            if (member.getValue().state() == State.CLOSED) {
                closed++;
            } else {
                lines.add(member.getKey() + ": " + member.getValue().summary(now));
            }
        }
        return lines.add(closed + " closed").toString();
    }

    @Override
    public Map<String, Double> gauges() {
        Map<String, Double> gauges = new LinkedHashMap<>();
        for (State state : State.values()) {
            gauges.put(state.name().toLowerCase(Locale.ROOT), 0.0);
        }
        group.members()
                .forEach(member ->
                        gauges.merge(member.getValue().state().name().toLowerCase(Locale.ROOT), 1.0, Double::sum));
        return gauges;
    }

    @Override
    public Map<String, Long> counters() {
        Map<String, Long> counters = new LinkedHashMap<>();
        for (Count count : Count.values()) {
            long sum = 0;
            for (Map.Entry<String, Breaker> member : group.members()) {
                sum += member.getValue().count(count);
            }
            counters.put(count.name().toLowerCase(Locale.ROOT), sum);
        }
        return counters;
    }
}
