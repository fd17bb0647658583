package dev.postern;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How often a built-in health check asks, how long it waits, and how many answers make a verdict. Value equality; pauses
 * that come to the same are the same.
 */
record CheckPace(
        Duration timeout,
        Duration interval,
        @Nullable Duration slower,
        double jitter,
        int unhealthyAfter,
        int healthyAfter) {
    static final CheckPace DEFAULT = new CheckPace(Duration.ofSeconds(1), Duration.ofSeconds(5), null, 0.1, 3, 2);

    CheckPace withTimeout(Duration newTimeout) {
        return new CheckPace(
                Durations.positive("timeout", newTimeout), interval, slower, jitter, unhealthyAfter, healthyAfter);
    }

    CheckPace withInterval(Duration newInterval) {
        return new CheckPace(
                timeout, Durations.positive("interval", newInterval), slower, jitter, unhealthyAfter, healthyAfter);
    }

    CheckPace withUnhealthyInterval(Duration newInterval) {
        return new CheckPace(
                timeout,
                interval,
                Durations.positive("unhealthyInterval", newInterval),
                jitter,
                unhealthyAfter,
                healthyAfter);
    }

    CheckPace withJitter(double newJitter) {
        if (!(newJitter >= 0 && newJitter <= 0.9)) {
            throw new IllegalArgumentException("jitter: " + newJitter + " (expected: 0 to 0.9)");
        }
        return new CheckPace(timeout, interval, slower, newJitter, unhealthyAfter, healthyAfter);
    }

    CheckPace withUnhealthyAfter(int failures) {
        return new CheckPace(timeout, interval, slower, jitter, atLeastOne("failures", failures), healthyAfter);
    }

    CheckPace withHealthyAfter(int successes) {
        return new CheckPace(timeout, interval, slower, jitter, unhealthyAfter, atLeastOne("successes", successes));
    }

    /** The pause while an endpoint is not well. */
    Duration unhealthyInterval() {
        return slower == null ? interval : slower;
    }

    private static int atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
        return value;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CheckPace that
                && that.timeout.equals(timeout)
                && that.interval.equals(interval)
                && that.unhealthyInterval().equals(unhealthyInterval())
                && that.jitter == jitter
                && that.unhealthyAfter == unhealthyAfter
                && that.healthyAfter == healthyAfter;
    }

    @Override
    public int hashCode() {
        return Objects.hash(timeout, interval, unhealthyAfter, healthyAfter);
    }
}
