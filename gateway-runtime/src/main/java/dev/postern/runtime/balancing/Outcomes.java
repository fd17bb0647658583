package dev.postern.runtime.balancing;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the answers of an endpoint were like lately, for whoever judges it. Counted without a lock; each count is exact, no
 * rule spans two of them. Counts only while somebody judges.
 */
public final class Outcomes {
    /** In a row. */
    public static final class Streak {
        private final AtomicInteger length = new AtomicInteger();

        private Streak() {}

        /**
         * One more of the bad kind.
         *
         * @param limit 1 or more
         * @return whether that makes {@code limit}; then it begins anew, so that of many threads one is told
         */
        public boolean more(int limit) {
            int now = length.incrementAndGet();
            return now >= limit && length.compareAndSet(now, 0);
        }

        /** One of another kind. */
        public void end() {
            if (length.get() != 0) {
                length.set(0);
            }
        }

        /** How many there are. */
        public int length() {
            return length.get();
        }
    }

    /** In an interval: how many, and how many of them were good. */
    public static final class Tally {
        /** All in the upper half, the good ones in the lower, so that both change in one step. */
        private final AtomicLong counts = new AtomicLong();

        private Tally() {}

        /** A good one. */
        public void good() {
            counts.addAndGet(1L << 32 | 1);
        }

        /** A bad one. */
        public void bad() {
            counts.addAndGet(1L << 32);
        }

        /** What was counted since it was asked last: all in the upper half, the good ones in the lower. */
        public long take() {
            return counts.getAndSet(0);
        }
    }

    private final Streak serverErrors = new Streak();
    private final Streak gatewayFailures = new Streak();
    private final Streak localFailures = new Streak();
    private final Tally answers = new Tally();
    private final Tally connects = new Tally();

    Outcomes() {}

    /** Answers of 5xx. */
    public Streak serverErrors() {
        return serverErrors;
    }

    /** Answers of 502, 503 and 504. */
    public Streak gatewayFailures() {
        return gatewayFailures;
    }

    /** Attempts without an answer, when they are counted apart. */
    public Streak localFailures() {
        return localFailures;
    }

    /** Answers, good below 500. */
    public Tally answers() {
        return answers;
    }

    /** Attempts, good when there was an answer, when they are counted apart. */
    public Tally connects() {
        return connects;
    }

    /** Begins all streaks anew. */
    public void endStreaks() {
        serverErrors.end();
        gatewayFailures.end();
        localFailures.end();
    }
}
