package dev.postern.runtime.message;

import java.time.Duration;

/**
 * Judges whether a client sends its body fast enough (T099). Time is counted only while somebody waits for the client;
 * every byte pays for a part of a second:
 *
 * <pre>
 *   credit  1.5 windows at the beginning, the half for a start that is slow
 *           − the time that was waited
 *           + bytes / rate, up to one window: being fast for an hour buys ten seconds
 *   0       too slow
 * </pre>
 *
 * <p>A body at the rate or above never runs out; one that drips lasts for little more than a window and a half, however
 * cleverly. Plain state: nanoseconds and bytes in, decision out.
 */
final class BodyPace {
    private final long windowNanos;
    private final double nanosPerByte;
    private long credit;
    private boolean waiting;
    private long sinceNanos;

    /**
     * A body that has not begun.
     *
     * @param rate bytes in a second
     * @param window what the rate is an average of
     */
    BodyPace(int rate, Duration window) {
        windowNanos = window.toNanos();
        nanosPerByte = 1e9 / rate;
        credit = windowNanos + windowNanos / 2;
    }

    /** Somebody waits for the client from now on, or does so already. */
    void waits(long nowNanos) {
        if (!waiting) {
            waiting = true;
            sinceNanos = nowNanos;
        }
    }

    /** Nobody waits for the client: what does not come now is not its fault. */
    void rests(long nowNanos) {
        charge(nowNanos);
        waiting = false;
    }

    /** Bytes have come. */
    void received(int bytes, long nowNanos) {
        charge(nowNanos);
        long earned = (long) Math.min(bytes * nanosPerByte, (double) windowNanos);
        // What is left of the beginning is not taken away.
        credit = Math.max(credit, Math.min(credit + earned, windowNanos));
    }

    /** How long the client may go on without a byte; 0 or less: it has been too slow. */
    long leftNanos(long nowNanos) {
        charge(nowNanos);
        return credit;
    }

    private void charge(long nowNanos) {
        if (waiting) {
            credit -= nowNanos - sinceNanos;
            sinceNanos = nowNanos;
        }
    }
}
