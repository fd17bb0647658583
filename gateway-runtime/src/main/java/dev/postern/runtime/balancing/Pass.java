package dev.postern.runtime.balancing;

import dev.postern.EndpointBreaker;
import java.util.concurrent.atomic.AtomicBoolean;

/** The permit that the breaker of an endpoint has given for one attempt: back with the first that is told, and only then. */
final class Pass {
    private final EndpointBreaker.Gate gate;
    private final long permit;
    private final AtomicBoolean ended = new AtomicBoolean();

    Pass(EndpointBreaker.Gate gate, long permit) {
        this.gate = gate;
        this.permit = permit;
    }

    void end(EndpointBreaker.Ending ending, long tookNanos, long now) {
        if (ended.compareAndSet(false, true)) {
            gate.end(permit, ending, tookNanos, now);
        }
    }
}
