package dev.postern.traffic;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a call may be made, from how calls before it ended. Knows neither filters nor exchanges: nanoseconds in,
 * decisions out, so that a simulation can drive it.
 *
 * <pre>
 *                     failures or slow calls reach their share
 *                     of at least the minimum of calls
 *          ┌────────┐ ───────────────────────────────────────▶ ┌──────┐
 *          │ CLOSED │                                          │ OPEN │ refuses all
 *          └────────┘                                          └──────┘
 *              ▲                                                │    ▲
 *              │ the trials go well         the first call after│    │ enough trials
 *              │                            openFor             ▼    │ fail or are slow
 *              │                                           ┌───────────┐
 *              └────────────────────────────────────────── │ HALF_OPEN │ refuses all but the trials
 *                                                          └───────────┘
 *   FORCED_OPEN, FORCED_CLOSED: as long as the host says so, then CLOSED with an empty window
 * </pre>
 *
 * <p>A permit belongs to the state it was given in: what ends after the state has changed says nothing about the new one. The
 * verdict on trials comes as soon as those still missing cannot change it. At most {@code trials} of them hold a place at
 * once. One that has not ended {@code openFor} after the first of its round holds its place no longer, so that calls that
 * hang cannot keep the breaker half-open for ever; how it ends still counts.
 *
 * <p>Safe on any thread: one short lock, so that all counts are exact for the whole gateway. Changes are told after the lock
 * has been given back.
 */
final class Breaker {
    /** No permit. */
    static final long REFUSED = -1;

    /** What the breaker is doing. */
    enum State {
        CLOSED,
        OPEN,
        HALF_OPEN,
        FORCED_OPEN,
        FORCED_CLOSED
    }

    /** How a call ended. */
    enum Ending {
        SUCCESS,
        FAILURE,
        /** Says nothing, whoever gave up; its permit goes back. */
        IGNORED
    }

    /** A change of state, for the log. */
    record Change(State from, State to, String why) {}

    private final BreakerRules rules;
    private final Consumer<Change> told;

    // All below: guarded by this.
    // Also read without: who asks whether it admits is told what was true a moment ago in any case.
    private volatile State state = State.CLOSED;
    private CallWindow window;
    private long since;
    // Counts states and rounds of trials; permits are made of it.
    private long epoch = 1;
    private long stateEpoch = 1;
    private long roundBegan;
    private int underWay;
    private int ended;
    private int failed;
    private int slow;
    private final long[] counts = new long[Count.values().length];

    /** What a breaker has counted since it was made. */
    enum Count {
        SUCCEEDED,
        FAILED,
        SLOW,
        IGNORED,
        REFUSED,
        OPENED
    }

    Breaker(BreakerRules rules, long now, Consumer<Change> told) {
        this.rules = rules;
        this.told = told;
        since = now;
        window = rules.window(now);
    }

    /**
     * Asks for one call.
     *
     * @return a permit, which has exactly one {@link #end}, or {@link #REFUSED}
     */
    long tryAcquire(long now, BreakerSwitch.Position position) {
        Change first;
        Change second = null;
        long permit;
        synchronized (this) {
            first = follow(position, now);
            if (state == State.OPEN && now - since >= rules.openFor().toNanos()) {
                second = become(State.HALF_OPEN, now, rules.openFor() + " have passed");
            }
            permit = permit(now);
            if (permit == REFUSED) {
                counts[Count.REFUSED.ordinal()]++;
            }
        }
        tell(first);
        tell(second);
        return permit;
    }

    /** Whether {@link #tryAcquire} would give a permit; changes nothing but that it follows the switch. */
    boolean admits(long now, BreakerSwitch.Position position) {
        if (position == BreakerSwitch.Position.AUTOMATIC && state == State.CLOSED) {
            return true;
        }
        obey(position, now);
        synchronized (this) {
            return switch (state) {
                case OPEN -> now - since >= rules.openFor().toNanos();
                case HALF_OPEN ->
                    ended + underWay < rules.trials()
                            || now - roundBegan >= rules.openFor().toNanos();
                case CLOSED, FORCED_CLOSED -> true;
                case FORCED_OPEN -> false;
            };
        }
    }

    /** Does what the switch says, if it does not yet. */
    void obey(BreakerSwitch.Position position, long now) {
        Change change;
        synchronized (this) {
            change = follow(position, now);
        }
        tell(change);
    }

    private long permit(long now) {
        return switch (state) {
            case CLOSED, FORCED_CLOSED -> epoch << 1;
            case HALF_OPEN -> trial(now);
            case OPEN, FORCED_OPEN -> REFUSED;
        };
    }

    private long trial(long now) {
        if (ended + underWay >= rules.trials()
                && now - roundBegan >= rules.openFor().toNanos()) {
            epoch++;
            underWay = 0;
        }
        if (ended + underWay >= rules.trials()) {
            return REFUSED;
        }
        if (underWay == 0) {
            roundBegan = now;
        }
        underWay++;
        return epoch << 1 | 1;
    }

    /** Whether the permit is for a trial: its ending should be told as early as it is known. */
    static boolean isTrial(long permit) {
        return (permit & 1) != 0;
    }

    /**
     * Gives a permit back.
     *
     * @param nanos how long the call took
     */
    void end(long permit, Ending ending, long nanos, long now) {
        Change change;
        synchronized (this) {
            long from = permit >> 1;
            boolean current = from >= stateEpoch;
            if (state == State.HALF_OPEN && from == epoch) {
                underWay--;
            }
            change = ending == Ending.IGNORED ? null : judge(current, ending == Ending.FAILURE, nanos, now);
            if (ending == Ending.IGNORED) {
                counts[Count.IGNORED.ordinal()]++;
            }
        }
        tell(change);
    }

    private @Nullable Change judge(boolean current, boolean hasFailed, long nanos, long now) {
        boolean wasSlow = rules.isSlow(nanos);
        counts[(hasFailed ? Count.FAILED : Count.SUCCEEDED).ordinal()]++;
        counts[Count.SLOW.ordinal()] += wasSlow ? 1 : 0;
        if (!current) {
            return null;
        }
        if (state == State.CLOSED) {
            window.record(now, hasFailed, wasSlow);
            return judgeWindow(now);
        }
        if (state == State.HALF_OPEN) {
            ended++;
            failed += hasFailed ? 1 : 0;
            slow += wasSlow ? 1 : 0;
            return judgeTrials(now);
        }
        return null;
    }

    private @Nullable Change judgeWindow(long now) {
        int calls = window.calls();
        if (calls < rules.minimumCalls()) {
            return null;
        }
        if (rules.tooManyFailed(window.failed(), calls)) {
            return become(State.OPEN, now, counted(window.failed(), calls, "failed", rules.failurePercent()));
        }
        if (rules.tooManySlow(window.slow(), calls)) {
            return become(State.OPEN, now, counted(window.slow(), calls, "were slow", rules.slowPercent()));
        }
        return null;
    }

    private @Nullable Change judgeTrials(long now) {
        int trials = rules.trials();
        if (rules.tooManyFailed(failed, trials)) {
            return become(State.OPEN, now, failed + " of " + trials + " trials failed");
        }
        if (rules.tooManySlow(slow, trials)) {
            return become(State.OPEN, now, slow + " of " + trials + " trials were slow");
        }
        int missing = trials - ended;
        boolean undecided = rules.tooManyFailed(failed + missing, trials) || rules.tooManySlow(slow + missing, trials);
        return undecided ? null : become(State.CLOSED, now, ended - failed + " of " + trials + " trials went well");
    }

    private String counted(int count, int calls, String what, int percent) {
        return count + " of " + calls + " calls " + what + ' ' + rules.windowText() + " (limit " + percent + " %)";
    }

    private @Nullable Change follow(BreakerSwitch.Position position, long now) {
        State forced = switch (position) {
            case AUTOMATIC -> null;
            case OPEN -> State.FORCED_OPEN;
            case CLOSED -> State.FORCED_CLOSED;
        };
        if (forced != null) {
            return state == forced ? null : become(forced, now, "forced by the host");
        }
        boolean wasForced = state == State.FORCED_OPEN || state == State.FORCED_CLOSED;
        return wasForced ? become(State.CLOSED, now, "no longer forced") : null;
    }

    private Change become(State next, long now, String why) {
        Change change = new Change(state, next, why);
        state = next;
        since = now;
        epoch++;
        stateEpoch = epoch;
        underWay = 0;
        ended = 0;
        failed = 0;
        slow = 0;
        window = rules.window(now);
        counts[Count.OPENED.ordinal()] += next == State.OPEN ? 1 : 0;
        return change;
    }

    private void tell(@Nullable Change change) {
        if (change != null) {
            told.accept(change);
        }
    }

    /** How long it is worth waiting before asking again; zero when that is now, null when nobody knows. */
    synchronized @Nullable Duration retryAfter(long now) {
        return switch (state) {
            case OPEN -> remaining(since, now);
            case HALF_OPEN -> ended + underWay < rules.trials() ? Duration.ZERO : remaining(roundBegan, now);
            case FORCED_OPEN -> null;
            case CLOSED, FORCED_CLOSED -> Duration.ZERO;
        };
    }

    private Duration remaining(long from, long now) {
        return Duration.ofNanos(Math.max(0, rules.openFor().toNanos() - (now - from)));
    }

    synchronized State state() {
        return state;
    }

    synchronized long count(Count which) {
        return counts[which.ordinal()];
    }

    /** Whether nothing would be lost with it. */
    synchronized boolean isIdle(long now) {
        window.advance(now);
        return state == State.CLOSED && window.calls() == 0;
    }

    /** In one line, for people. */
    synchronized String summary(long now) {
        return switch (state) {
            case CLOSED -> {
                window.advance(now);
                yield "closed, " + window.failed() + " of " + window.calls() + " calls failed"
                        + (rules.slowCall() == null ? "" : ", " + window.slow() + " were slow") + ' '
                        + rules.windowText();
            }
            case OPEN ->
                now - since >= rules.openFor().toNanos()
                        ? "open, the next call is a trial"
                        : "open for another " + remaining(since, now);
            case HALF_OPEN ->
                "half-open, " + underWay + " of " + rules.trials() + " trials under way, " + ended + " ended, " + failed
                        + " of them failed";
            case FORCED_OPEN -> "forced open";
            case FORCED_CLOSED -> "forced closed";
        };
    }
}
