package dev.postern.traffic;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rejects a part of the calls to a service that does not accept all, so that it is offered little more than it accepts. Knows
 * neither filters nor exchanges: nanoseconds and a random number in, decisions out.
 *
 * <pre>
 *   rejected part p = (requests − K · accepts) / (requests + 1), at least 0, at most a bound
 *
 *   accepted   1 ────╮                     ╭───      of the last 30 s
 *              ½ ────┼──╲──────────────╱───┼───      K = 2: above one half nothing is rejected
 *              0     │   ╲____________╱    │
 *   rejected   0 ────┴──╮            ╭─────┴───
 *            0.8        ╰────────────╯
 * </pre>
 *
 * <p>The formula of client-side throttling in Google's "Site Reliability Engineering" (2016), chapter 21: requests are all
 * that callers wanted, also those rejected here. What is to be rejected is taken from the least important first. The bound,
 * with its value, is Envoy's: without it hardly anything would be let through to notice that the service is well again. A
 * call counts when it has ended: those under way would look like rejected ones.
 *
 * <p>Safe on any thread: one short lock.
 */
final class Throttler {
    private static final int CLASSES = Priority.values().length;
    private static final int SLICES = 10;
    private static final int ACCEPTS = CLASSES;

    private final ThrottleRules rules;
    private final Consumer<Episode.Change> log;
    private final long sliceNanos;

    // All below: guarded by this.
    private final Episode episode = new Episode();
    // Of each slice: requests of each priority, then accepts; and the sums of all slices.
    private final long[][] slices = new long[SLICES][CLASSES + 1];
    private final long[] sums = new long[CLASSES + 1];
    private final long[] rejected = new long[CLASSES];
    private long accepted;
    private long failed;
    private int slice;
    private long began;

    Throttler(ThrottleRules rules, long now, Consumer<Episode.Change> log) {
        this.rules = rules;
        this.log = log;
        sliceNanos = rules.window().toNanos() / SLICES;
        began = now;
    }

    /**
     * Whether a call may be made; one that may not is counted.
     *
     * @param draw a random number, 0 to less than 1
     */
    boolean admits(Priority priority, double draw, long now) {
        boolean rejects;
        Episode.Change change;
        synchronized (this) {
            advance(now);
            rejects = draw < share(priority);
            if (rejects) {
                count(priority.ordinal());
                rejected[priority.ordinal()]++;
                change = episode.refused(now);
            } else {
                change = episode.passed(now);
            }
        }
        tell(change);
        return !rejects;
    }

    /** A call that was made has ended. */
    synchronized void ended(Priority priority, boolean hasAccepted, long now) {
        advance(now);
        count(priority.ordinal());
        if (hasAccepted) {
            accepted++;
            count(ACCEPTS);
        } else {
            failed++;
        }
    }

    /** The part of the calls of this priority that is rejected, 0 to 1. */
    synchronized double share(Priority priority, long now) {
        advance(now);
        return share(priority);
    }

    private double share(Priority priority) {
        long requests = 0;
        for (int i = 0; i < CLASSES; i++) {
            requests += sums[i];
        }
        if (requests < rules.minimumCalls()) {
            return 0;
        }
        // Of all requests this many; the least important of them first.
        double left = Math.max(0, requests - rules.multiplier() * sums[ACCEPTS]) / (requests + 1) * requests;
        double share = 0;
        for (int i = CLASSES - 1; i >= priority.ordinal(); i--) {
            share = sums[i] == 0 ? 0 : Math.min(rules.mostPercent() / 100.0, left / sums[i]);
            left -= share * sums[i];
        }
        return share;
    }

    private void count(int which) {
        slices[slice][which]++;
        sums[which]++;
    }

    private void advance(long now) {
        long passed = now - began < 0 ? 0 : (now - began) / sliceNanos;
        for (long i = 0; i < Math.min(passed, SLICES); i++) {
            slice = slice + 1 == SLICES ? 0 : slice + 1;
            for (int which = 0; which <= ACCEPTS; which++) {
                sums[which] -= slices[slice][which];
                slices[slice][which] = 0;
            }
        }
        began += passed * sliceNanos;
    }

    private void tell(Episode.@Nullable Change change) {
        if (change != null) {
            log.accept(change);
        }
    }

    synchronized long rejected(Priority priority) {
        return rejected[priority.ordinal()];
    }

    synchronized long accepted() {
        return accepted;
    }

    synchronized long failed() {
        return failed;
    }

    /** Whether nothing is counted any more. */
    synchronized boolean isIdle(long now) {
        advance(now);
        for (long sum : sums) {
            if (sum > 0) {
                return false;
            }
        }
        return true;
    }

    /** {@code rejects 40 % of normal, 80 % of sheddable}. */
    String summary(long now) {
        StringBuilder text = new StringBuilder();
        for (Priority priority : Priority.values()) {
            long percent = Math.round(share(priority, now) * 100);
            if (percent > 0) {
                text.append(text.isEmpty() ? "rejects " : ", ")
                        .append(percent)
                        .append(" % of ")
                        .append(priority.word());
            }
        }
        return text.isEmpty() ? "passes all" : text.toString();
    }
}
