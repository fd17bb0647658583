package dev.postern.runtime.observe;

import java.util.Map;

/** Implemented by observers that also show the connections of listeners, which belong to no exchange. */
public interface ConnectionMeters {
    /**
     * The connections of a listener; on any thread, about once a second.
     *
     * @param open how many there are; -1 when the listener is no more
     * @param refused how many were not let in since its start, by reason
     */
    void connections(String listener, int open, Map<String, Long> refused);
}
