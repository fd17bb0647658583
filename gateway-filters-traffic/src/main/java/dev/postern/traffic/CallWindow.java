package dev.postern.traffic;

/** Counts how the calls that ended lately have ended. Not safe on several threads: its breaker's lock guards it. */
interface CallWindow {
    /** Adds a call that has ended at {@code now}. Times that go back stand still. */
    void record(long now, boolean failed, boolean slow);

    /** Forgets what is too old at {@code now}; the counts are as of this call. */
    void advance(long now);

    /** All calls in it. */
    int calls();

    /** Those that failed. */
    int failed();

    /** Those that were slow, failed or not. */
    int slow();
}
