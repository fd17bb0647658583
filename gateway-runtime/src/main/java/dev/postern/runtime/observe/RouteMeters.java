package dev.postern.runtime.observe;

import dev.postern.Failure;
import dev.postern.Outcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The meters of one route. Safe on any thread.
 *
 * <p>Among many routes nothing of this is in the processor's cache when an exchange comes to it, and each object more is
 * another wait for memory. So what can be a field is one, which a meter reads when somebody looks.
 */
public final class RouteMeters extends RouteSums {
    private final Meters meters;
    private final String route;
    private final Timer gatewayTime;
    private final List<Meter> own;
    private final IntTable<Timer> requests = new IntTable<>();
    private final Map<Failure, Counter> failures = new ConcurrentHashMap<>();
    // The first of the requests, which is nearly always the one; written once, after its key.
    private volatile @Nullable Timer often;
    private int oftenKey;
    // Set by all loops, cleared by whoever looks for idle routes.
    private volatile boolean used;
    private volatile boolean removed;

    RouteMeters(Meters meters, String route) {
        this.meters = meters;
        this.route = route;
        gatewayTime = meters.timer(GatewayMeter.GATEWAY_TIME); // the same for all routes
        own = List.of(
                meters.gauge(GatewayMeter.IN_FLIGHT, this, RouteSums::inFlight, route),
                meters.total(GatewayMeter.ROUTE_GATEWAY_TIME, this, RouteSums::gatewaySeconds, route),
                meters.total(GatewayMeter.REQUEST_BYTES, this, RouteSums::requestBytes, route),
                meters.total(GatewayMeter.RESPONSE_BYTES, this, RouteSums::responseBytes, route));
    }

    /** An exchange of the route has started. */
    public void started() {
        addInFlight(1);
        if (!used) {
            used = true;
        }
    }

    /** An exchange of the route has ended. */
    public void ended(String method, Outcome outcome) {
        addInFlight(-1);
        addBytes(outcome.requestBytes(), outcome.responseBytes());
        long duration = outcome.duration().toNanos();
        // 4 bits of method, 3 of ending, 10 of status.
        int key = Labels.methodCode(method) << 13
                | Labels.endingCode(outcome) << 10
                | Labels.statusCode(outcome.status());
        Timer timer = often;
        (timer != null && oftenKey == key ? timer : requests(key)).record(duration, TimeUnit.NANOSECONDS);
        long gateway = Math.max(0, duration - outcome.upstreamDuration().toNanos());
        addGatewayNanos(gateway);
        gatewayTime.record(gateway, TimeUnit.NANOSECONDS);
        Failure failure = outcome.failure();
        if (failure != null) {
            Counter counter = failures.get(failure);
            (counter != null ? counter : failures.computeIfAbsent(failure, this::counter)).increment();
        }
    }

    /** Whether they were registered through {@code asking}. */
    boolean areOf(Meters asking) {
        return meters == asking;
    }

    /** Whether they are in the registry no more; then they stay out of it. */
    public boolean areRemoved() {
        return removed;
    }

    /** Whether nothing is under way and nothing has started since this was asked last. */
    boolean isIdle() {
        boolean idle = !used && inFlight() == 0;
        used = false;
        return idle;
    }

    void remove() {
        removed = true;
        meters.remove(own);
        meters.remove(requests.values());
        meters.remove(failures.values());
    }

    private Timer requests(int key) {
        Timer known = requests.get(key);
        Timer timer = known != null ? known : requests.getOrMake(key, this::timer);
        if (often == null) {
            remember(key, timer);
        }
        return timer;
    }

    private synchronized void remember(int key, Timer timer) {
        if (often == null) {
            oftenKey = key;
            often = timer;
        }
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
