package dev.postern.traffic;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets so many be under way at once; some more wait in line, by priority and then in order; the rest are refused. Knows
 * neither filters nor exchanges: nanoseconds in, decisions out, so that a simulation can drive it.
 *
 * <pre>
 *   arrives ──▶ place free? ──▶ ADMITTED ──────────────────────────────┐
 *                   │ no          ▲                                    │
 *                   ▼             │ a place is given back              ▼
 *               line not full, or full of less important ──▶ WAITING   OVER  (one ending for each, whoever gave up)
 *                   │ no                          │  the last of the   ▲
 *                   ▼                             ▼  least important   │
 *                REFUSED ◀──────────────────── turned away ────────────┘
 * </pre>
 *
 * <p>The last places may be kept for {@link Priority#CRITICAL}. Safe on any thread: one short lock, so that the limit is exact
 * for the whole gateway. Whoever is told something is told after the lock has been given back.
 */
final class Bulkhead {
    private final int fixed;
    private final @Nullable LimitFinder finder;
    private final int maxQueue;
    private final int reservedPercent;
    private final Consumer<Shedding> log;

    // All below: guarded by this.
    private final List<Deque<Ticket>> lines = new ArrayList<>();
    private final Episode episode = new Episode();
    private final long[] refused = new long[Priority.values().length];
    private int inFlight;
    private int waiting;
    private long admitted;
    private long queued;

    /**
     * With all places free.
     *
     * @param fixed the limit, when nobody finds it
     * @param finder finds the limit, or null
     * @param log told when refusing begins and when it is over
     */
    Bulkhead(int fixed, @Nullable LimitFinder finder, int maxQueue, int reservedPercent, Consumer<Shedding> log) {
        this.fixed = fixed;
        this.finder = finder;
        this.maxQueue = maxQueue;
        this.reservedPercent = reservedPercent;
        this.log = log;
        for (int i = 0; i < Priority.values().length; i++) {
            lines.add(new ArrayDeque<>());
        }
    }

    /** Where a ticket stands. */
    enum Standing {
        WAITING,
        ADMITTED,
        REFUSED,
        OVER
    }

    /** That refusing began or is over, and how it stood then. */
    record Shedding(Episode.Change change, int inFlight, int limit, int waiting) {}

    /** One call's place, or its wish for one. Its standing is guarded by the bulkhead. */
    final class Ticket {
        private final Priority priority;
        private final Runnable told;
        private Standing standing = Standing.REFUSED;

        private Ticket(Priority priority, Runnable told) {
            this.priority = priority;
            this.told = told;
        }

        private void changed() {
            told.run();
        }

        Standing standing() {
            synchronized (Bulkhead.this) {
                return standing;
            }
        }

        /** Leaves the line. Whether it still stood there: then it is refused. */
        boolean giveUp(long now) {
            Shedding shedding;
            synchronized (Bulkhead.this) {
                if (standing != Standing.WAITING) {
                    return false;
                }
                lines.get(priority.ordinal()).remove(this);
                waiting--;
                shedding = turnAway(this, now);
            }
            tell(shedding);
            return true;
        }

        /** Gives the place back, or the wish for one; harmless the second time. */
        void release(long now) {
            List<Ticket> next = List.of();
            Shedding shedding;
            synchronized (Bulkhead.this) {
                if (standing == Standing.WAITING) {
                    lines.get(priority.ordinal()).remove(this);
                    waiting--;
                } else if (standing == Standing.ADMITTED) {
                    inFlight--;
                    next = admitWaiting(now);
                }
                standing = Standing.OVER;
                shedding = shedding(episode.passed(now));
            }
            tell(shedding);
            next.forEach(Ticket::changed);
        }
    }

    /**
     * Asks for a place.
     *
     * @param told called once, on any thread, when the standing of a ticket that waits changes to admitted or refused
     */
    Ticket enter(Priority priority, long now, Runnable told) {
        Ticket ticket = new Ticket(priority, told);
        Ticket out = null;
        Shedding shedding = null;
        List<Ticket> next = List.of();
        synchronized (this) {
            if (finder != null && finder.gaveUp(now)) {
                next = admitWaiting(now);
            }
            Shedding over = shedding(episode.passed(now));
            if (inFlight < limitFor(priority) && noneBefore(priority)) {
                admit(ticket, now);
            } else if (waiting < maxQueue || (out = lessImportant(priority)) != null) {
                if (out != null) {
                    waiting--;
                    shedding = turnAway(out, now);
                }
                ticket.standing = Standing.WAITING;
                lines.get(priority.ordinal()).addLast(ticket);
                waiting++;
                queued++;
            } else {
                shedding = turnAway(ticket, now);
            }
            // What is over and begins again in the same moment is not told.
            shedding = over != null && shedding != null ? null : over != null ? over : shedding;
        }
        tell(shedding);
        if (out != null) {
            out.changed();
        }
        next.forEach(Ticket::changed);
        return ticket;
    }

    /**
     * A call that had a place has been answered, or left.
     *
     * @param nanos how long it took
     * @param atLeast whether it would have taken longer
     */
    void observed(long nanos, boolean atLeast, long now) {
        List<Ticket> next = List.of();
        synchronized (this) {
            if (finder != null && finder.add(nanos, atLeast, inFlight, now)) {
                next = admitWaiting(now);
            }
        }
        next.forEach(Ticket::changed);
    }

    private int limitFor(Priority priority) {
        int limit = limitNow();
        // Rounded down, so that a small limit is not all reserved; at least one place is everybody's.
        int others = Math.max(1, limit - limit * reservedPercent / 100);
        if (priority == Priority.CRITICAL) {
            return limit;
        }
        return finder == null ? others : Math.min(finder.limitForOthers(), others);
    }

    private int limitNow() {
        return finder == null ? fixed : finder.limit();
    }

    private boolean noneBefore(Priority priority) {
        for (int i = 0; i <= priority.ordinal(); i++) {
            if (!lines.get(i).isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private void admit(Ticket ticket, long now) {
        ticket.standing = Standing.ADMITTED;
        inFlight++;
        admitted++;
        if (finder != null) {
            finder.admitted(inFlight, now);
        }
    }

    private List<Ticket> admitWaiting(long now) {
        List<Ticket> next = new ArrayList<>(1);
        for (Priority priority : Priority.values()) {
            Deque<Ticket> line = lines.get(priority.ordinal());
            while (!line.isEmpty() && inFlight < limitFor(priority)) {
                Ticket ticket = line.removeFirst();
                waiting--;
                admit(ticket, now);
                next.add(ticket);
            }
        }
        return next;
    }

    /** Takes the last of the least important below this priority out of its line. */
    private @Nullable Ticket lessImportant(Priority than) {
        for (int i = lines.size() - 1; i > than.ordinal(); i--) {
            Ticket last = lines.get(i).pollLast();
            if (last != null) {
                return last;
            }
        }
        return null;
    }

    private @Nullable Shedding turnAway(Ticket ticket, long now) {
        ticket.standing = Standing.REFUSED;
        refused[ticket.priority.ordinal()]++;
        return shedding(episode.refused(now));
    }

    private @Nullable Shedding shedding(Episode.@Nullable Change change) {
        return change == null ? null : new Shedding(change, inFlight, limitNow(), waiting);
    }

    private void tell(@Nullable Shedding shedding) {
        if (shedding != null) {
            log.accept(shedding);
        }
    }

    synchronized int limit() {
        return limitNow();
    }

    /** How long calls take without load, in nanoseconds; 0 while nobody knows. */
    synchronized long unloadedNanos() {
        return finder == null ? 0 : finder.unloadedNanos();
    }

    synchronized int inFlight() {
        return inFlight;
    }

    synchronized int waiting() {
        return waiting;
    }

    synchronized long admitted() {
        return admitted;
    }

    synchronized long queued() {
        return queued;
    }

    synchronized long refused(Priority priority) {
        return refused[priority.ordinal()];
    }

    synchronized boolean isIdle() {
        return inFlight == 0 && waiting == 0;
    }
}
