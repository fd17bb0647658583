package dev.postern.runtime.observe;

import dev.postern.Failure;
import dev.postern.Outcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/** The meters of one route. Safe on any thread. */
final class RouteMeters {
    private final Meters meters;
    private final String route;
    private final LongAdder inFlight = new LongAdder();
    private final Gauge inFlightGauge;
    private final Timer gatewayTime;
    private final Counter requestBytes;
    private final Counter responseBytes;
    private final IntTable<Timer> requests = new IntTable<>();
    private final Map<Failure, Counter> failures = new ConcurrentHashMap<>();
    // Set by all loops, cleared by whoever looks for idle routes.
    private volatile boolean used;

    RouteMeters(Meters meters, String route) {
        this.meters = meters;
        this.route = route;
        inFlightGauge = meters.gauge(GatewayMeter.IN_FLIGHT, inFlight, LongAdder::sum, route);
        gatewayTime = meters.timer(GatewayMeter.GATEWAY_TIME, route);
        requestBytes = meters.counter(GatewayMeter.REQUEST_BYTES, route);
        responseBytes = meters.counter(GatewayMeter.RESPONSE_BYTES, route);
    }

    void started() {
        inFlight.increment();
        if (!used) {
            used = true;
        }
    }

    void ended(String method, Outcome outcome) {
        inFlight.decrement();
        long duration = outcome.duration().toNanos();
        // 4 bits of method, 3 of ending, 10 of status.
        int key = Labels.methodCode(method) << 13
                | Labels.endingCode(outcome) << 10
                | Labels.statusCode(outcome.status());
        Timer timer = requests.get(key);
        (timer != null ? timer : requests.getOrMake(key, this::timer)).record(duration, TimeUnit.NANOSECONDS);
        long own = duration - outcome.upstreamDuration().toNanos();
        gatewayTime.record(Math.max(0, own), TimeUnit.NANOSECONDS);
        requestBytes.increment((double) outcome.requestBytes());
        responseBytes.increment((double) outcome.responseBytes());
        Failure failure = outcome.failure();
        if (failure != null) {
            Counter counter = failures.get(failure);
            (counter != null ? counter : failures.computeIfAbsent(failure, this::counter)).increment();
        }
    }

    /** Whether nothing is under way and nothing has started since this was asked last. */
    boolean isIdle() {
        boolean idle = !used && inFlight.sum() == 0;
        used = false;
        return idle;
    }

    void remove() {
        meters.remove(List.of(inFlightGauge, gatewayTime, requestBytes, responseBytes));
        meters.remove(requests.values());
        meters.remove(failures.values());
    }

    private Timer timer(int key) {
        return meters.timer(
                GatewayMeter.REQUESTS,
                route,
                Labels.method(key >> 13),
                Labels.status(key & 1023),
                Labels.ending(key >> 10 & 7));
    }

    private Counter counter(Failure failure) {
        return meters.counter(GatewayMeter.FAILURES, route, failure.code(), Labels.party(failure));
    }
}
