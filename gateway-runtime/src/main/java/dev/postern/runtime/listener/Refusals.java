package dev.postern.runtime.listener;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;

/** Counts what the guards of a listener have ended since its start. Safe on any thread. */
final class Refusals {
    private static final Reason[] REASONS = Reason.values();

    private final AtomicLongArray counts = new AtomicLongArray(REASONS.length);

    void note(Reason reason) {
        counts.incrementAndGet(reason.ordinal());
    }

    /** By the code of the reason; only those that have occurred. */
    Map<String, Long> byReason() {
        Map<String, Long> known = new TreeMap<>();
        for (Reason reason : REASONS) {
            long count = counts.get(reason.ordinal());
            if (count > 0) {
                known.put(reason.code(), count);
            }
        }
        return known;
    }
}
