package dev.postern.runtime.balancing;

import dev.postern.EndpointBreaker;
import dev.postern.Failure;
import dev.postern.GatewayException;
import java.lang.System.Logger.Level;

/**
 * A gate of a host's breaker, whatever that throws: a question that it does not answer is a {@link GatewayException} that
 * names it, and a permit that it does not take back is a line in the log.
 */
final class ContainedGate implements EndpointBreaker.Gate {
    private static final System.Logger LOG = System.getLogger(ContainedGate.class.getName());

    private final EndpointBreaker.Gate gate;
    private final String name;

    /** Contains a gate; {@code name} stands in messages. */
    ContainedGate(EndpointBreaker.Gate gate, String name) {
        this.gate = gate;
        this.name = name;
    }

    @Override
    public boolean admits(long nowNanos) {
        try {
            return gate.admits(nowNanos);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public long tryAcquire(long nowNanos) {
        try {
            return gate.tryAcquire(nowNanos);
        } catch (RuntimeException | Error thrown) {
            throw failed(thrown);
        }
    }

    @Override
    public void end(long permit, EndpointBreaker.Ending ending, long tookNanos, long nowNanos) {
        try {
            gate.end(permit, ending, tookNanos, nowNanos);
        } catch (RuntimeException | Error thrown) {
            // The attempt is over, whatever the breaker makes of it.
            LOG.log(Level.WARNING, name + " failed when it was told how a call ended", thrown);
        }
    }

    @Override
    public String summary(long nowNanos) {
        try {
            return gate.summary(nowNanos);
        } catch (RuntimeException | Error thrown) {
            return "failed: " + thrown;
        }
    }

    private GatewayException failed(Throwable thrown) {
        return new GatewayException(Failure.INTERNAL, name + " failed", thrown);
    }
}
