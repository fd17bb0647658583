package dev.postern.runtime.listener;

/**
 * How much an HTTP/2 client may ask of us for nothing. Two budgets that refill with time and with what is done for the
 * client:
 *
 * <pre>
 *   frames  5 s of maxControlFrames, refilled at that rate, +1 for every 256 bytes sent, +4 for every completed exchange:
 *           PING, SETTINGS (10 each), PRIORITY, WINDOW_UPDATE, unknown and empty frames, frames of streams that are over
 *   faults  maxStreamResets, refilled in 30 s, +1 for every completed exchange: streams reset (1), malformed (a tenth of all)
 * </pre>
 *
 * <p>Who lives from cancelling, whatever it cancels, is out of faults; who sends frames that only make us busy is out of
 * frames. A browser that cancels what a page had asked for, or a client that acknowledges a long download bit by bit, is not.
 * Plain state: nanoseconds in, decision out.
 */
final class Patience {
    private static final int BURST_SECONDS = 5;
    private static final int BYTES_PER_FRAME = 256;
    private static final int FRAMES_PER_EXCHANGE = 4;
    private static final long FAULT_WINDOW_NANOS = 30_000_000_000L;
    private static final int MALFORMED_PER_WINDOW = 10;

    private final Budget frames;
    private final Budget faults;
    private final int malformedCost;
    private int sentBytes;

    /**
     * A client that has done nothing yet.
     *
     * @param controlFrames a second
     * @param resets in 30 seconds
     */
    Patience(int controlFrames, int resets, long nowNanos) {
        frames = new Budget((long) controlFrames * BURST_SECONDS, 1_000_000_000L / controlFrames, nowNanos);
        faults = new Budget(resets, FAULT_WINDOW_NANOS / resets, nowNanos);
        malformedCost = Math.max(1, resets / MALFORMED_PER_WINDOW);
    }

    /** Whether a frame that is worth nothing is still tolerated. */
    boolean frame(int cost, long nowNanos) {
        return frames.take(cost, nowNanos);
    }

    /** Whether a stream that was cancelled is still tolerated. */
    boolean cancelled(long nowNanos) {
        return faults.take(1, nowNanos);
    }

    /** Whether a stream that was malformed is still tolerated. */
    boolean malformed(long nowNanos) {
        return faults.take(malformedCost, nowNanos);
    }

    /** Bytes were sent: the client has to give window for them. */
    void sent(int bytes) {
        sentBytes += bytes;
        if (sentBytes >= BYTES_PER_FRAME) {
            frames.give(sentBytes / BYTES_PER_FRAME);
            sentBytes %= BYTES_PER_FRAME;
        }
    }

    /** An exchange was completed. */
    void completed() {
        frames.give(FRAMES_PER_EXCHANGE);
        faults.give(1);
    }

    private static final class Budget {
        private final long most;
        private final long nanosEach;
        private long left;
        private long refilledNanos;

        Budget(long most, long nanosEach, long nowNanos) {
            this.most = most;
            this.nanosEach = nanosEach;
            left = most;
            refilledNanos = nowNanos;
        }

        boolean take(int cost, long nowNanos) {
            long earned = (nowNanos - refilledNanos) / nanosEach;
            if (earned > 0) {
                refilledNanos += earned * nanosEach;
                give(earned);
            }
            left -= cost;
            return left >= 0;
        }

        void give(long more) {
            left = Math.min(most, left + more);
        }
    }
}
