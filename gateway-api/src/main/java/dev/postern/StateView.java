package dev.postern;

import java.util.Map;

/**
 * A piece of {@link Visible} state as it is now.
 *
 * @param kind what it is: {@code circuit breaker}
 * @param name which one: {@code orders}
 * @param summary how it stands, in one line
 * @param gauges what goes up and down
 * @param counters what only grows, until the state is made anew
 */
public record StateView(
        String kind, String name, String summary, Map<String, Double> gauges, Map<String, Long> counters) {
    /** Copies what it is given. */
    public StateView {
        gauges = Map.copyOf(gauges);
        counters = Map.copyOf(counters);
    }

    /** {@code circuit breaker "orders": open for another PT4.2S}. */
    @Override
    public String toString() {
        return kind + " \"" + name + "\": " + summary;
    }
}
