package dev.postern.traffic;

import java.util.Locale;

/** How much it matters that a request is served when not all can be. The most important first. */
public enum Priority {
    /** Served before all others; part of a limit may be kept for it. */
    CRITICAL,
    /** What every request is unless somebody says otherwise. */
    NORMAL,
    /** The first to be refused: batch jobs, prefetching. */
    SHEDDABLE;

    /** As in logs and metrics. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
