package dev.postern;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Makes a connection and closes it: who accepts one within a second is well. That says that the process is there, not that
 * it can answer; nothing is sent, TLS neither. Immutable, with value equality: each method gives a changed copy.
 */
public final class TcpHealthCheck implements HealthCheck {
    static final TcpHealthCheck DEFAULT = new TcpHealthCheck(CheckPace.DEFAULT);

    private final CheckPace pace;

    private TcpHealthCheck(CheckPace pace) {
        this.pace = pace;
    }

    /** How long a connection may take, more than zero; the default is 1 second. */
    public TcpHealthCheck timeout(Duration newTimeout) {
        return new TcpHealthCheck(pace.withTimeout(newTimeout));
    }

    /** The pause between two checks of one endpoint, more than zero; the default is 5 seconds. */
    public TcpHealthCheck interval(Duration newInterval) {
        return new TcpHealthCheck(pace.withInterval(newInterval));
    }

    /** The pause while an endpoint is not well, more than zero; the default is that of {@link #interval(Duration)}. */
    public TcpHealthCheck unhealthyInterval(Duration newInterval) {
        return new TcpHealthCheck(pace.withUnhealthyInterval(newInterval));
    }

    /** How far pauses are spread, so that checks do not march in step, 0 to 0.9 of the pause; the default is 0.1. */
    public TcpHealthCheck jitter(double newJitter) {
        return new TcpHealthCheck(pace.withJitter(newJitter));
    }

    /** Failures in a row that take an endpoint out, 1 or more; the default is 3. */
    public TcpHealthCheck unhealthyAfter(int failures) {
        return new TcpHealthCheck(pace.withUnhealthyAfter(failures));
    }

    /** Successes in a row that bring it back, 1 or more; the default is 2. */
    public TcpHealthCheck healthyAfter(int successes) {
        return new TcpHealthCheck(pace.withHealthyAfter(successes));
    }

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        return services.connect(endpoint, pace.timeout()).thenApply(connected -> true);
    }

    @Override
    public Duration interval() {
        return pace.interval();
    }

    @Override
    public Duration unhealthyInterval() {
        return pace.unhealthyInterval();
    }

    @Override
    public double jitter() {
        return pace.jitter();
    }

    @Override
    public int unhealthyAfter() {
        return pace.unhealthyAfter();
    }

    @Override
    public int healthyAfter() {
        return pace.healthyAfter();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TcpHealthCheck that && that.pace.equals(pace);
    }

    @Override
    public int hashCode() {
        return pace.hashCode();
    }

    @Override
    public String toString() {
        return "TCP connect";
    }
}
