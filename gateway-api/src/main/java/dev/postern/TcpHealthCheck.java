package dev.postern;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Makes a connection and closes it: who accepts one within a second is well. That says that the process is there, not that
 * it can answer; nothing is sent, TLS neither. Immutable, with value equality: each method gives a changed copy.
 */
public final class TcpHealthCheck implements HealthCheck {
    static final TcpHealthCheck DEFAULT =
            new TcpHealthCheck(Duration.ofSeconds(1), Duration.ofSeconds(5), null, 0.1, 3, 2);

    private final Duration timeout;
    private final Duration interval;
    private final @Nullable Duration unhealthyInterval;
    private final double jitter;
    private final int unhealthyAfter;
    private final int healthyAfter;

    private TcpHealthCheck(
            Duration timeout,
            Duration interval,
            @Nullable Duration unhealthyInterval,
            double jitter,
            int unhealthyAfter,
            int healthyAfter) {
        this.timeout = timeout;
        this.interval = interval;
        this.unhealthyInterval = unhealthyInterval;
        this.jitter = jitter;
        this.unhealthyAfter = unhealthyAfter;
        this.healthyAfter = healthyAfter;
    }

    /** How long a connection may take, more than zero; the default is 1 second. */
    public TcpHealthCheck timeout(Duration newTimeout) {
        return new TcpHealthCheck(
                Durations.positive("timeout", newTimeout),
                interval,
                unhealthyInterval,
                jitter,
                unhealthyAfter,
                healthyAfter);
    }

    /** The pause between two checks of one endpoint, more than zero; the default is 5 seconds. */
    public TcpHealthCheck interval(Duration newInterval) {
        return new TcpHealthCheck(
                timeout,
                Durations.positive("interval", newInterval),
                unhealthyInterval,
                jitter,
                unhealthyAfter,
                healthyAfter);
    }

    /** The pause while an endpoint is not well, more than zero; the default is that of {@link #interval(Duration)}. */
    public TcpHealthCheck unhealthyInterval(Duration newInterval) {
        return new TcpHealthCheck(
                timeout,
                interval,
                Durations.positive("unhealthyInterval", newInterval),
                jitter,
                unhealthyAfter,
                healthyAfter);
    }

    /** How far pauses are spread, so that checks do not march in step, 0 to 0.9 of the pause; the default is 0.1. */
    public TcpHealthCheck jitter(double newJitter) {
        if (!(newJitter >= 0 && newJitter <= 0.9)) {
            throw new IllegalArgumentException("jitter: " + newJitter + " (expected: 0 to 0.9)");
        }
        return new TcpHealthCheck(timeout, interval, unhealthyInterval, newJitter, unhealthyAfter, healthyAfter);
    }

    /** Failures in a row that take an endpoint out, 1 or more; the default is 3. */
    public TcpHealthCheck unhealthyAfter(int failures) {
        return new TcpHealthCheck(
                timeout, interval, unhealthyInterval, jitter, atLeastOne("failures", failures), healthyAfter);
    }

    /** Successes in a row that bring it back, 1 or more; the default is 2. */
    public TcpHealthCheck healthyAfter(int successes) {
        return new TcpHealthCheck(
                timeout, interval, unhealthyInterval, jitter, unhealthyAfter, atLeastOne("successes", successes));
    }

    private static int atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
        return value;
    }

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        return services.connect(endpoint, timeout).thenApply(connected -> true);
    }

    @Override
    public Duration interval() {
        return interval;
    }

    @Override
    public Duration unhealthyInterval() {
        return unhealthyInterval == null ? interval : unhealthyInterval;
    }

    @Override
    public double jitter() {
        return jitter;
    }

    @Override
    public int unhealthyAfter() {
        return unhealthyAfter;
    }

    @Override
    public int healthyAfter() {
        return healthyAfter;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TcpHealthCheck that
                && that.timeout.equals(timeout)
                && that.interval.equals(interval)
                && that.unhealthyInterval().equals(unhealthyInterval())
                && that.jitter == jitter
                && that.unhealthyAfter == unhealthyAfter
                && that.healthyAfter == healthyAfter;
    }

    @Override
    public int hashCode() {
        return timeout.hashCode() * 31 + interval.hashCode();
    }

    @Override
    public String toString() {
        return "TCP connect";
    }
}
