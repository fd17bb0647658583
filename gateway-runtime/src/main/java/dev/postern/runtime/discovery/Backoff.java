package dev.postern.runtime.discovery;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** The pause before a lost source is asked again: 1, 2, 4 … 30 seconds, of which chance takes away up to half. */
final class Backoff {
    private static final long FIRST_MILLIS = 1000;
    private static final long LONGEST_MILLIS = 30_000;
    private static final int MOST_DOUBLINGS = 5;

    private Backoff() {}

    /** After this many failures before the last one; chance keeps many gateways from coming back in step. */
    static Duration after(int failures, RandomGenerator random) {
        long millis = Math.min(LONGEST_MILLIS, FIRST_MILLIS << Math.min(failures, MOST_DOUBLINGS)) / 2;
        return Duration.ofMillis(millis + random.nextLong(millis + 1));
    }
}
