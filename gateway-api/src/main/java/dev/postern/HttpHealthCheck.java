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
    private final CheckPace pace;

    private HttpHealthCheck(String path, int firstStatus, int lastStatus, @Nullable String text, CheckPace pace) {
        this.path = path;
        this.firstStatus = firstStatus;
        this.lastStatus = lastStatus;
        this.text = text;
        this.pace = pace;
    }

    static HttpHealthCheck of(String path) {
        return new HttpHealthCheck(path, 200, 299, null, CheckPace.DEFAULT);
    }

    /** Which statuses are well, both ends included, 100 to 599; the default is 200 to 299. */
    public HttpHealthCheck expecting(int first, int last) {
        if (first < 100 || last > 599 || first > last) {
            throw new IllegalArgumentException("statuses: " + first + " to " + last + " (expected: 100 to 599)");
        }
        return new HttpHealthCheck(path, first, last, text, pace);
    }

    /**
     * What must stand somewhere in the answer, read as UTF-8, not empty; by default nothing must. An answer of more than 64
     * KiB is not well.
     */
    public HttpHealthCheck containing(String newText) {
        if (newText.isEmpty()) {
            throw new IllegalArgumentException("text: \"\" (expected: not empty)");
        }
        return new HttpHealthCheck(path, firstStatus, lastStatus, newText, pace);
    }

    /** How long an answer may take, more than zero; the default is 1 second. */
    public HttpHealthCheck timeout(Duration newTimeout) {
        return paced(pace.withTimeout(newTimeout));
    }

    /** The pause between two checks of one endpoint, more than zero; the default is 5 seconds. */
    public HttpHealthCheck interval(Duration newInterval) {
        return paced(pace.withInterval(newInterval));
    }

    /** The pause while an endpoint is not well, more than zero; the default is that of {@link #interval(Duration)}. */
    public HttpHealthCheck unhealthyInterval(Duration newInterval) {
        return paced(pace.withUnhealthyInterval(newInterval));
    }

    /** How far pauses are spread, so that checks do not march in step, 0 to 0.9 of the pause; the default is 0.1. */
    public HttpHealthCheck jitter(double newJitter) {
        return paced(pace.withJitter(newJitter));
    }

    /** Failures in a row that take an endpoint out, 1 or more; the default is 3. */
    public HttpHealthCheck unhealthyAfter(int failures) {
        return paced(pace.withUnhealthyAfter(failures));
    }

    /** Successes in a row that bring it back, 1 or more; the default is 2. */
    public HttpHealthCheck healthyAfter(int successes) {
        return paced(pace.withHealthyAfter(successes));
    }

    private HttpHealthCheck paced(CheckPace newPace) {
        return new HttpHealthCheck(path, firstStatus, lastStatus, text, newPace);
    }

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        return services.send(endpoint, Request.get(path), new CallLimits(pace.timeout(), MAX_BYTES))
                .thenCompose(this::judge);
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

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof HttpHealthCheck that
                && that.path.equals(path)
                && that.firstStatus == firstStatus
                && that.lastStatus == lastStatus
                && Objects.equals(that.text, text)
                && that.pace.equals(pace);
    }

    @Override
    public int hashCode() {
        return path.hashCode();
    }

    @Override
    public String toString() {
        return "GET " + path;
    }
}
