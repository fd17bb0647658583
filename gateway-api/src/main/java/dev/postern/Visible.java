package dev.postern;

import java.util.Map;

/**
 * State that shows itself. When what a factory of {@link Services#state} has made implements this, people see it in {@link
 * Gateway#states}, in {@code explain} and as meters. Asked on any thread at any time: must be quick and must change nothing.
 */
public interface Visible {
    /** How it stands, in one line: {@code open for another PT4.2S}. */
    String summary();

    /** What goes up and down, by stable name: {@code in_flight}. Names come from the code, never from requests. */
    default Map<String, Double> gauges() {
        return Map.of();
    }

    /** What only grows, by stable name: {@code refused}. Names come from the code, never from requests. */
    default Map<String, Long> counters() {
        return Map.of();
    }
}
