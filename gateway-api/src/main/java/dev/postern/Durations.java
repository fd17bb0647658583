package dev.postern;

import java.time.Duration;

/** The one check every duration option makes. */
final class Durations {
    private Durations() {}

    static Duration positive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: > 0)");
        }
        return value;
    }
}
