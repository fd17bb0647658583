package dev.postern.runtime.balancing;

import dev.postern.TimeSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What all views of one upstream move along by: its clock, its tickets, and the count of its changes of health. */
final class Pace {
    private final TimeSource time;
    private final AtomicLong tickets;
    private final AtomicInteger healthChanges = new AtomicInteger();

    Pace(TimeSource time, long firstTicket) {
        this.time = time;
        tickets = new AtomicLong(firstTicket);
    }

    long now() {
        return time.nanoTime();
    }

    /** The number of the next pick; steps of one, over the end of the range too. */
    long nextTicket() {
        return tickets.getAndIncrement();
    }

    /** What {@link #nextTicket} would give. */
    long ticket() {
        return tickets.get();
    }

    void healthChanged() {
        healthChanges.incrementAndGet();
    }

    /** 0 to 2^32 - 1. */
    long healthChanges() {
        return Integer.toUnsignedLong(healthChanges.get());
    }
}
