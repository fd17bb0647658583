package dev.postern.runtime.health;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Services;
import dev.postern.TimeSource;
import dev.postern.runtime.balancing.EndpointState;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Checks one endpoint again and again, one check at a time.
 *
 * <pre>
 *   start ─ up to a tenth of the interval ─▶ check ─ answer, or none in time ─▶ judge ─ interval ± jitter ─▶ check …
 * </pre>
 *
 * A check that has not answered within the interval (at least a second) has failed; what it says later is not heard. One
 * that throws or returns nothing has failed too.
 */
final class Probe {
    private static final Logger LOG = System.getLogger("dev.postern.health");

    /** The first check comes within this part of the interval, so that the checks of many endpoints do not begin together. */
    private static final double FIRST = 0.1;

    /** A slow answer to a frequent question is no failure yet. */
    private static final Duration MIN_LIMIT = Duration.ofSeconds(1);

    private final String upstream;
    private final HealthCheck check;
    private final EndpointState state;
    private final Services services;
    private final Duration interval;
    private volatile Endpoint endpoint;
    // Guarded by this, as is all below. The turn tells the answer that is waited for from those that come too late.
    private long turn;
    private TimeSource.@Nullable Timer timer;
    private boolean stopped;
    private int passed;
    private int failed;

    Probe(String upstream, HealthCheck check, Endpoint endpoint, EndpointState state, Services services) {
        this.upstream = upstream;
        this.check = check;
        this.endpoint = endpoint;
        this.state = state;
        this.services = services;
        interval = check.interval();
    }

    void start() {
        schedule(scaled(interval, FIRST * services.random().nextDouble()));
    }

    /** Its weight or labels are others now. */
    void declared(Endpoint now) {
        endpoint = now;
    }

    synchronized void stop() {
        stopped = true;
        if (timer != null) {
            timer.cancel();
        }
    }

    private synchronized void schedule(Duration delay) {
        if (!stopped) {
            timer = services.time().schedule(delay, this::ask);
        }
    }

    private void ask() {
        long mine;
        synchronized (this) {
            if (stopped) {
                return;
            }
            mine = ++turn;
            Duration limit = limit();
            timer = services.time().schedule(limit, () -> answered(mine, "no answer within " + limit));
        }
        CompletionStage<Boolean> stage;
        try {
            stage = check.check(endpoint, services);
        } catch (Throwable thrown) {
            answered(mine, thrown.toString());
            return;
        }
        if (stage == null) {
            answered(mine, "the check returned nothing");
            return;
        }
        stage.whenComplete((well, failure) -> answered(mine, complaint(well, failure)));
    }

    private static @Nullable String complaint(@Nullable Boolean well, @Nullable Throwable failure) {
        if (failure == null) {
            return Boolean.TRUE.equals(well) ? null : "the check says no";
        }
        Throwable cause = failure.getCause();
        return (failure instanceof CompletionException && cause != null ? cause : failure).toString();
    }

    private synchronized void answered(long mine, @Nullable String complaint) {
        if (stopped || mine != turn) {
            return;
        }
        turn++;
        if (timer != null) {
            timer.cancel();
        }
        judge(complaint);
        Duration pause = state.well() ? interval : check.unhealthyInterval();
        double factor =
                1 - check.jitter() + 2 * check.jitter() * services.random().nextDouble();
        schedule(scaled(pause, factor));
    }

    private void judge(@Nullable String complaint) {
        // The counts stop at their thresholds: an endpoint may be ill for years.
        passed = complaint == null ? Math.min(passed + 1, check.healthyAfter()) : 0;
        failed = complaint == null ? 0 : Math.min(failed + 1, check.unhealthyAfter());
        if (complaint == null) {
            state.reached();
        }
        if (complaint != null && state.well() && failed >= check.unhealthyAfter()) {
            state.health(false);
            LOG.log(
                    Level.WARNING,
                    "endpoint {0} of upstream \"{1}\" is unhealthy: {2} checks in a row failed, the last one: {3}",
                    state.uri(),
                    upstream,
                    failed,
                    complaint);
        } else if (complaint == null && !state.well() && passed >= check.healthyAfter()) {
            state.health(true);
            LOG.log(
                    Level.INFO,
                    "endpoint {0} of upstream \"{1}\" is healthy again: {2} checks in a row passed",
                    state.uri(),
                    upstream,
                    passed);
        }
    }

    private Duration limit() {
        return interval.compareTo(MIN_LIMIT) < 0 ? MIN_LIMIT : interval;
    }

    private static Duration scaled(Duration pause, double factor) {
        return Duration.ofNanos((long) (pause.toNanos() * factor));
    }
}
