package dev.postern.traffic;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When a breaker opens and closes; what its state depends on.
 *
 * @param lastCalls the size of a window of calls, or 0 for one of time
 * @param lastTime the length of a window of time; not looked at with a window of calls
 * @param minimumCalls below so many calls in the window nothing is judged
 * @param failurePercent opens when so many percent of the calls or more failed
 * @param slowCall from this duration on a call is slow; null when none is
 * @param slowPercent opens when so many percent of the calls or more were slow
 * @param openFor how long calls are refused
 * @param trials how many calls decide whether to close
 */
record BreakerRules(
        int lastCalls,
        Duration lastTime,
        int minimumCalls,
        int failurePercent,
        @Nullable Duration slowCall,
        int slowPercent,
        Duration openFor,
        int trials) {
    CallWindow window(long now) {
        return lastCalls > 0 ? new CountWindow(lastCalls) : new TimeWindow(lastTime.toNanos(), now);
    }

    boolean isSlow(long nanos) {
        return slowCall != null && nanos - slowCall.toNanos() >= 0;
    }

    boolean tooManyFailed(int failed, int calls) {
        return reached(failed, calls, failurePercent);
    }

    boolean tooManySlow(int slow, int calls) {
        return slowCall != null && reached(slow, calls, slowPercent);
    }

    /** In whole numbers: a share is reached exactly, or it is not. */
    private static boolean reached(long count, long calls, int percent) {
        return count * 100 >= calls * percent;
    }

    String windowText() {
        return lastCalls > 0 ? "among the last " + lastCalls : "within " + lastTime;
    }
}
