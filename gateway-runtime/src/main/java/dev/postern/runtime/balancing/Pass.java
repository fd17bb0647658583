package dev.postern.runtime.balancing;

import dev.postern.EndpointBreaker;
import java.util.concurrent.atomic.AtomicBoolean;

/** The permit that the breaker of an endpoint has given for one attempt: back with the first that is told, and only then. */
final class Pass {
    private final EndpointBreaker.Gate gate;
    private final long permit;
    private final Pace pace;
    private final long begun;
    private final AtomicBoolean ended = new AtomicBoolean();

    Pass(EndpointBreaker.Gate gate, long permit, Pace pace) {
        this.gate = gate;
        this.permit = permit;
        this.pace = pace;
        begun = pace.now();
    }

    void end(EndpointBreaker.Ending ending) {
        if (ended.compareAndSet(false, true)) {
            long now = pace.now();
            gate.end(permit, ending, now - begun, now);
        }
    }
}
