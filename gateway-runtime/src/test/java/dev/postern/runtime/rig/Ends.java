package dev.postern.runtime.rig;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Outcome;
import dev.postern.Request;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Keeps the outcomes of exchanges and counts their ends. */
final class Ends implements ExchangeObserver {
    private static final Exchange.Key<AtomicInteger> ENDED = Exchange.Key.named("ended");

    private final List<Outcome> outcomes = new CopyOnWriteArrayList<>();
    private final List<Attempt> attempts = new CopyOnWriteArrayList<>();
    private final AtomicInteger started = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger twice = new AtomicInteger();
    private volatile boolean keeping = true;

    @Override
    public void started(Request request, Exchange exchange) {
        started.incrementAndGet();
        exchange.set(ENDED, new AtomicInteger());
    }

    @Override
    public void attemptEnded(Attempt attempt, Exchange exchange) {
        if (keeping) {
            attempts.add(attempt);
        }
    }

    @Override
    public void ended(Request request, Exchange exchange, Outcome outcome) {
        ended.incrementAndGet();
        AtomicInteger mine = exchange.get(ENDED);
        if (mine != null && mine.incrementAndGet() > 1) {
            twice.incrementAndGet();
        }
        if (keeping) {
            outcomes.add(outcome);
        }
    }

    /** Counts only, for runs of many thousand requests. */
    void keepNothing() {
        keeping = false;
    }

    List<Outcome> outcomes() {
        return outcomes;
    }

    List<Attempt> attempts() {
        return attempts;
    }

    @Override
    public String toString() {
        return "open=" + (started.get() - ended.get()) + " endedTwice=" + twice.get();
    }
}
