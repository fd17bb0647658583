package dev.postern.traffic;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Tells when refusing begins and when it is over, so that the log has one line for each and none for a request.
 *
 * <pre>
 *   refused  ✗  ✗✗ ✗      ✗              ·           ✗
 *            │ began      │──── 10 s ────│ over      │ began
 * </pre>
 *
 * <p>Nothing happens by itself: that it is over is told by the first request after the ten seconds. Not safe on several
 * threads: the lock of its owner guards it.
 */
final class Episode {
    /** Shorter pauses are within one episode: load that hovers about a limit would fill the log. */
    static final long CALM_NANOS = 10_000_000_000L;

    private boolean underWay;
    private long began;
    private long last;
    private long refused;

    /**
     * What changed.
     *
     * @param begun whether refusing began; else it is over
     * @param refused how many were refused, when it is over
     * @param lasted from the first to the last refused, when it is over
     */
    record Change(boolean begun, long refused, Duration lasted) {}

    /** One was refused. */
    @Nullable
    Change refused(long now) {
        boolean begins = !underWay;
        if (begins) {
            underWay = true;
            began = now;
            refused = 0;
        }
        last = now;
        refused++;
        return begins ? new Change(true, 0, Duration.ZERO) : null;
    }

    /** Time has passed. */
    @Nullable
    Change passed(long now) {
        if (!underWay || now - last < CALM_NANOS) {
            return null;
        }
        underWay = false;
        return new Change(false, refused, Duration.ofNanos(last - began));
    }
}
