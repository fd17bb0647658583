package dev.postern.runtime.observe;

import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Failure;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The meters of the attempts at one endpoint. Safe on any thread. */
final class EndpointMeters {
    private final Meters meters;
    private final String upstream;
    private final String endpoint;
    private final IntTable<Timer> answers = new IntTable<>();
    private final Map<Failure, Timer> failures = new ConcurrentHashMap<>();
    // Set by all loops, cleared by whoever looks for idle endpoints.
    private volatile boolean used;

    EndpointMeters(Meters meters, String upstream, String endpoint) {
        this.meters = meters;
        this.upstream = upstream;
        this.endpoint = endpoint;
    }

    void ended(Attempt attempt) {
        if (!used) {
            used = true;
        }
        timer(attempt).record(Math.max(0, attempt.endedNanos() - attempt.startedNanos()), TimeUnit.NANOSECONDS);
    }

    /** Whether no attempt has ended since this was asked last. */
    boolean isIdle() {
        boolean idle = !used;
        used = false;
        return idle;
    }

    void remove() {
        meters.remove(answers.values());
        meters.remove(failures.values());
    }

    private Timer timer(Attempt attempt) {
        Failure failure = attempt.failure();
        if (failure == null) {
            int code = Labels.statusCode(attempt.status());
            Timer timer = answers.get(code);
            return timer != null ? timer : answers.getOrMake(code, this::answered);
        }
        Timer timer = failures.get(failure);
        return timer != null ? timer : failures.computeIfAbsent(failure, this::failed);
    }

    private Timer answered(int code) {
        return meters.timer(GatewayMeter.ATTEMPTS, upstream, endpoint, Labels.status(code), Labels.NONE);
    }

    private Timer failed(Failure failure) {
        return meters.timer(GatewayMeter.ATTEMPTS, upstream, endpoint, Labels.NONE, failure.code());
    }
}
