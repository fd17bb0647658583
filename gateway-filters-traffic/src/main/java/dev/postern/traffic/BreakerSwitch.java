package dev.postern.traffic;

/**
 * Lets the host force circuit breakers open or closed, such as for maintenance or from an admin page. Belongs to the host and
 * outlives configurations; one switch may be given to several breakers. Safe on any thread; takes effect with the next call.
 *
 * {@snippet class="dev.postern.traffic.CircuitBreakerTest" region="switch"}
 */
public final class BreakerSwitch {
    /** Where the switch stands. */
    public enum Position {
        /** The breaker decides. */
        AUTOMATIC,
        /** Every call is refused. */
        OPEN,
        /** Every call is made. */
        CLOSED
    }

    private volatile Position position = Position.AUTOMATIC;

    private BreakerSwitch() {}

    /** A switch that leaves the decision to the breaker. */
    public static BreakerSwitch automatic() {
        return new BreakerSwitch();
    }

    /** Refuses every call from now on. */
    public void forceOpen() {
        position = Position.OPEN;
    }

    /** Makes every call from now on, however calls end. */
    public void forceClosed() {
        position = Position.CLOSED;
    }

    /** Leaves it to the breaker again, which begins closed and with nothing counted. */
    public void release() {
        position = Position.AUTOMATIC;
    }

    /** Where it stands. */
    public Position position() {
        return position;
    }

    @Override
    public String toString() {
        return "BreakerSwitch[" + position + ']';
    }
}
