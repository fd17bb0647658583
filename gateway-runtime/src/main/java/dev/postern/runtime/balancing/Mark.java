package dev.postern.runtime.balancing;

/**
 * What the connects of the past say about an endpoint: one immutable value, swapped by compare-and-set.
 *
 * <pre>
 *            refused                    time is over, and a request is picked for it
 *   CLEAR ────────────▶ AVOIDED until ───────────────────────────────────────────────▶ PROBED
 *     ▲                  ▲      ▲                                                       │ │ │
 *     │                  │      └────────── refused again: twice as long ───────────────┘ │ │
 *     │                  └───────────────── ended without a verdict: the next may ────────┘ │
 *     └──────────────────────────────────── connected ──────────────────────────────────────┘
 * </pre>
 *
 * @param serial the count of changes of mind: tells attempts that began before a mark from those that began after it
 * @param refusals in a row; 0 is CLEAR
 * @param until nanoseconds of the time source; meaningless when clear
 * @param probing whether one request is under way to find out
 */
record Mark(long serial, int refusals, long until, boolean probing) {
    static final Mark NEW = new Mark(0, 0, 0, false);

    /** The first back-off; each further refusal doubles it. */
    private static final long FIRST_NANOS = 1_000_000_000L;

    /** The longest: someone who has mended an endpoint waits no longer than this for its first request. */
    private static final long MAX_NANOS = 60_000_000_000L;

    /** Endpoints that failed together are not tried again together. */
    private static final double JITTER = 0.1;

    boolean clear() {
        return refusals == 0;
    }

    /** Whether a request may be picked for the endpoint as if nothing were wrong, or as its probe. */
    boolean open(long now) {
        return refusals == 0 || (!probing && now - until >= 0);
    }

    /** What is left of the back-off. */
    long remaining(long now) {
        return refusals == 0 ? 0 : Math.max(0, until - now);
    }

    /**
     * One refusal more.
     *
     * @param chance 0 (inclusive) to 1 (exclusive)
     */
    Mark refused(long now, double chance) {
        // 2^6 s is past the maximum already; shifting further would overflow after 63 refusals.
        long pause = Math.min(MAX_NANOS, FIRST_NANOS << Math.min(refusals, 6));
        long spread = (long) (pause * (1 - JITTER + 2 * JITTER * chance));
        int count = refusals == Integer.MAX_VALUE ? refusals : refusals + 1;
        return new Mark(serial + 1, count, now + spread, false);
    }

    Mark probed() {
        return new Mark(serial, refusals, until, true);
    }

    /** The probe ended without saying anything, because its client left: the next request may be one. */
    Mark undecided() {
        return new Mark(serial, refusals, until, false);
    }

    Mark cleared() {
        return new Mark(serial + 1, 0, 0, false);
    }

    /** Something else speaks for the endpoint: its time is over at once. */
    Mark openedAt(long now) {
        return new Mark(serial, refusals, now, false);
    }
}
