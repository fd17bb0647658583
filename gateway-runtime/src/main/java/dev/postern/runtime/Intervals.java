package dev.postern.runtime;

import java.time.Duration;

/** Checks of durations that an option takes. */
final class Intervals {
    private Intervals() {}

    static Duration atLeastASecond(String name, Duration value) {
        if (value.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= PT1S)");
        }
        return value;
    }
}
