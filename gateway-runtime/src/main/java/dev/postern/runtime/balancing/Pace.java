package dev.postern.runtime.balancing;

import dev.postern.TimeSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What all views of one upstream move along by: its clock, its tickets, its chances, its retry budget, and the count of its
 * changes of health.
 */
final class Pace {
    private final TimeSource time;
    private final AtomicLong tickets;
    private final AtomicLong draws = new AtomicLong();
    private final AtomicInteger healthChanges = new AtomicInteger();
    private final RetryBudget budget = new RetryBudget();
    private final RetryBudget hedgeBudget = new RetryBudget();
    private final Deeds deeds = new Deeds();
    private final Latencies latencies = new Latencies();
    private final AtomicInteger allInFlight = new AtomicInteger();
    private final long seed;
    private volatile @Nullable Witness witness;
    private volatile long lastReturn;
    private volatile boolean anyReturned;
    private volatile boolean draining;

    Pace(TimeSource time, long firstTicket) {
        this.time = time;
        this.seed = Seeds.mix(firstTicket);
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

    /** By chance, 0 (inclusive) to 1 (exclusive); one seed, one sequence. */
    double chance() {
        return (Seeds.mix(seed + draws.getAndIncrement()) >>> 11) * 0x1p-53;
    }

    /** Who is told what attempts were like, or null. */
    @Nullable
    Witness witness() {
        return witness;
    }

    void witness(@Nullable Witness newWitness) {
        witness = newWitness;
    }

    /** An endpoint takes part again from {@code now} on. */
    void returned(long now) {
        lastReturn = now;
        anyReturned = true;
    }

    /** Whether some endpoint may still be warming up. */
    boolean warming(long now, long slowStartNanos) {
        return anyReturned && now - lastReturn < slowStartNanos;
    }

    /** Whether the upstream as a whole gets no more work. */
    boolean draining() {
        return draining;
    }

    void draining(boolean now) {
        draining = now;
    }

    /** What is told of the policies. */
    Deeds deeds() {
        return deeds;
    }

    /** What the retries of the upstream may cost. */
    RetryBudget budget() {
        return budget;
    }

    /** What the hedges of the upstream may cost. */
    RetryBudget hedgeBudget() {
        return hedgeBudget;
    }

    /** How long answers took, counted for hedges that want to know. */
    Latencies latencies() {
        return latencies;
    }

    /** The exchanges under way at all endpoints, counted for views that want to know. */
    AtomicInteger allInFlight() {
        return allInFlight;
    }

    void healthChanged() {
        healthChanges.incrementAndGet();
    }

    /** 0 to 2^32 - 1. */
    long healthChanges() {
        return Integer.toUnsignedLong(healthChanges.get());
    }
}
