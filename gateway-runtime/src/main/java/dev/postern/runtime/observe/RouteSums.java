package dev.postern.runtime.observe;

import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What is summed up for one route, side by side in memory. Loops that get into each other's way, as on a route that all of
 * them serve, go on with adders, which spread: the way of {@link LongAdder}, for several sums at once. Safe on any thread.
 */
abstract class RouteSums {
    private static final AtomicLongFieldUpdater<RouteSums> IN_FLIGHT =
            AtomicLongFieldUpdater.newUpdater(RouteSums.class, "inFlight");
    private static final AtomicLongFieldUpdater<RouteSums> GATEWAY_NANOS =
            AtomicLongFieldUpdater.newUpdater(RouteSums.class, "gatewayNanos");
    private static final AtomicLongFieldUpdater<RouteSums> REQUEST_BYTES =
            AtomicLongFieldUpdater.newUpdater(RouteSums.class, "requestBytes");
    private static final AtomicLongFieldUpdater<RouteSums> RESPONSE_BYTES =
            AtomicLongFieldUpdater.newUpdater(RouteSums.class, "responseBytes");

    private volatile long inFlight;
    private volatile long gatewayNanos;
    private volatile long requestBytes;
    private volatile long responseBytes;
    private volatile @Nullable Spread spread;

    private static final class Spread {
        private final LongAdder inFlight = new LongAdder();
        private final LongAdder gatewayNanos = new LongAdder();
        private final LongAdder requestBytes = new LongAdder();
        private final LongAdder responseBytes = new LongAdder();
    }

    final void addInFlight(long more) {
        if (!add(IN_FLIGHT, more)) {
            spread().inFlight.add(more);
        }
    }

    final void addGatewayNanos(long more) {
        if (!add(GATEWAY_NANOS, more)) {
            spread().gatewayNanos.add(more);
        }
    }

    final void addBytes(long ofRequest, long ofResponse) {
        if (!add(REQUEST_BYTES, ofRequest)) {
            spread().requestBytes.add(ofRequest);
        }
        if (!add(RESPONSE_BYTES, ofResponse)) {
            spread().responseBytes.add(ofResponse);
        }
    }

    final long inFlight() {
        Spread wide = spread;
        return wide == null ? inFlight : inFlight + wide.inFlight.sum();
    }

    final double gatewaySeconds() {
        Spread wide = spread;
        return (wide == null ? gatewayNanos : gatewayNanos + wide.gatewayNanos.sum()) / 1e9;
    }

    final long requestBytes() {
        Spread wide = spread;
        return wide == null ? requestBytes : requestBytes + wide.requestBytes.sum();
    }

    final long responseBytes() {
        Spread wide = spread;
        return wide == null ? responseBytes : responseBytes + wide.responseBytes.sum();
    }

    /** Adds where nobody is in the way; false when somebody is, or was before. */
    private boolean add(AtomicLongFieldUpdater<RouteSums> sum, long more) {
        if (more == 0) {
            return true;
        }
        long known = sum.get(this);
        return spread == null && sum.compareAndSet(this, known, known + more);
    }

    private synchronized Spread spread() {
        Spread wide = spread;
        if (wide == null) {
            wide = new Spread();
            spread = wide;
        }
        return wide;
    }
}
