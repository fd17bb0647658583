package dev.postern;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Asks by {@code GET}; a status from 200 to 299 within a second is well, if nothing else is said. Immutable, with value
 * equality: each method gives a changed copy.
 */
public final class HttpHealthCheck implements HealthCheck {
    /** A health page has no reason to be longer. */
    private static final int MAX_BYTES = 64 * 1024;

    private final String path;
    private final int firstStatus;
    private final int lastStatus;
    private final @Nullable String text;
    private final Duration timeout;
    private final Duration interval;
    private final Duration unhealthyInterval;
    private final double jitter;
    private final int unhealthyAfter;
    private final int healthyAfter;

    private HttpHealthCheck(Draft draft) {
        path = draft.path;
        firstStatus = draft.firstStatus;
        lastStatus = draft.lastStatus;
        text = draft.text;
        timeout = draft.timeout;
        interval = draft.interval;
        unhealthyInterval = draft.unhealthyInterval == null ? draft.interval : draft.unhealthyInterval;
        jitter = draft.jitter;
        unhealthyAfter = draft.unhealthyAfter;
        healthyAfter = draft.healthyAfter;
    }

    static HttpHealthCheck of(String path) {
        return new HttpHealthCheck(new Draft(path));
    }

    /** Which statuses are well, both ends included, 100 to 599; the default is 200 to 299. */
    public HttpHealthCheck expecting(int first, int last) {
        if (first < 100 || last > 599 || first > last) {
            throw new IllegalArgumentException("statuses: " + first + " to " + last + " (expected: 100 to 599)");
        }
        Draft draft = new Draft(this);
        draft.firstStatus = first;
        draft.lastStatus = last;
        return new HttpHealthCheck(draft);
    }

    /**
     * What must stand somewhere in the answer, read as UTF-8, not empty; by default nothing must. An answer of more than 64
     * KiB is not well.
     */
    public HttpHealthCheck containing(String newText) {
        if (newText.isEmpty()) {
            throw new IllegalArgumentException("text: \"\" (expected: not empty)");
        }
        Draft draft = new Draft(this);
        draft.text = newText;
        return new HttpHealthCheck(draft);
    }

    /** How long an answer may take, more than zero; the default is 1 second. */
    public HttpHealthCheck timeout(Duration newTimeout) {
        Draft draft = new Draft(this);
        draft.timeout = Durations.positive("timeout", newTimeout);
        return new HttpHealthCheck(draft);
    }

    /** The pause between two checks of one endpoint, more than zero; the default is 5 seconds. */
    public HttpHealthCheck interval(Duration newInterval) {
        Draft draft = new Draft(this);
        draft.interval = Durations.positive("interval", newInterval);
        return new HttpHealthCheck(draft);
    }

    /** The pause while an endpoint is not well, more than zero; the default is that of {@link #interval(Duration)}. */
    public HttpHealthCheck unhealthyInterval(Duration newInterval) {
        Draft draft = new Draft(this);
        draft.unhealthyInterval = Durations.positive("unhealthyInterval", newInterval);
        return new HttpHealthCheck(draft);
    }

    /** How far pauses are spread, so that checks do not march in step, 0 to 0.9 of the pause; the default is 0.1. */
    public HttpHealthCheck jitter(double newJitter) {
        if (!(newJitter >= 0 && newJitter <= 0.9)) {
            throw new IllegalArgumentException("jitter: " + newJitter + " (expected: 0 to 0.9)");
        }
        Draft draft = new Draft(this);
        draft.jitter = newJitter;
        return new HttpHealthCheck(draft);
    }

    /** Failures in a row that take an endpoint out, 1 or more; the default is 3. */
    public HttpHealthCheck unhealthyAfter(int failures) {
        Draft draft = new Draft(this);
        draft.unhealthyAfter = atLeastOne("failures", failures);
        return new HttpHealthCheck(draft);
    }

    /** Successes in a row that bring it back, 1 or more; the default is 2. */
    public HttpHealthCheck healthyAfter(int successes) {
        Draft draft = new Draft(this);
        draft.healthyAfter = atLeastOne("successes", successes);
        return new HttpHealthCheck(draft);
    }

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        return services.send(endpoint, Request.get(path), new CallLimits(timeout, MAX_BYTES))
                .thenCompose(this::judge);
    }

    @Override
    public Duration interval() {
        return interval;
    }

    @Override
    public Duration unhealthyInterval() {
        return unhealthyInterval;
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

    private CompletionStage<Boolean> judge(Response response) {
        String wanted = text;
        if (response.status() < firstStatus || response.status() > lastStatus) {
            response.body().discard();
            return CompletableFuture.completedFuture(false);
        }
        if (wanted == null) {
            response.body().discard();
            return CompletableFuture.completedFuture(true);
        }
        return response.body().buffer(MAX_BYTES).thenApply(body -> body.text().contains(wanted));
    }

    private static int atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
        return value;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof HttpHealthCheck that
                && that.path.equals(path)
                && that.firstStatus == firstStatus
                && that.lastStatus == lastStatus
                && Objects.equals(that.text, text)
                && that.timeout.equals(timeout)
                && that.interval.equals(interval)
                && that.unhealthyInterval.equals(unhealthyInterval)
                && that.jitter == jitter
                && that.unhealthyAfter == unhealthyAfter
                && that.healthyAfter == healthyAfter;
    }

    @Override
    public int hashCode() {
        return path.hashCode();
    }

    @Override
    public String toString() {
        return "GET " + path;
    }

    private static final class Draft {
        private final String path;
        private int firstStatus = 200;
        private int lastStatus = 299;
        private @Nullable String text;
        private Duration timeout = Duration.ofSeconds(1);
        private Duration interval = Duration.ofSeconds(5);
        private @Nullable Duration unhealthyInterval;
        private double jitter = 0.1;
        private int unhealthyAfter = 3;
        private int healthyAfter = 2;

        Draft(String path) {
            this.path = path;
        }

        Draft(HttpHealthCheck check) {
            path = check.path;
            firstStatus = check.firstStatus;
            lastStatus = check.lastStatus;
            text = check.text;
            timeout = check.timeout;
            interval = check.interval;
            unhealthyInterval = check.unhealthyInterval.equals(check.interval) ? null : check.unhealthyInterval;
            jitter = check.jitter;
            unhealthyAfter = check.unhealthyAfter;
            healthyAfter = check.healthyAfter;
        }
    }
}
