package dev.postern.runtime.observe;

import java.util.Map;

/**
 * What is known of a listener, since its start but for the first.
 *
 * @param open open connections now
 * @param requests requests that came in by it
 * @param refused connections that were closed as soon as they came, by the limit that they would have passed
 * @param ended connections and streams that were ended before they became an exchange, by what was wrong with them; only
 *     reasons that have occurred
 */
public record ListenerFigures(int open, long requests, Map<String, Long> refused, Map<String, Long> ended) {
    /** Figures; the maps are copied. */
    public ListenerFigures {
        refused = Map.copyOf(refused);
        ended = Map.copyOf(ended);
    }
}
