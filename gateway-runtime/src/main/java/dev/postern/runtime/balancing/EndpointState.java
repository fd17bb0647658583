package dev.postern.runtime.balancing;

import dev.postern.EndpointBreaker;
import dev.postern.Failure;
import java.net.InetAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One endpoint as the whole gateway knows it: what it is working on, its connections, and whether it may be picked. Shared
 * by all event loops and by all configurations that name its address.
 *
 * <p>What guards the fields: each is an atomic of its own, and no rule spans two of them. The counts are exact; a bound is
 * checked and taken in one step, so it holds for any number of threads. Marks are immutable values swapped by
 * compare-and-set ({@link Mark}).
 *
 * <p>Three verdicts decide about use. The <b>active</b> one is {@link #health}, written by health checks. One is passed on
 * <b>outliers</b> ({@link #eject}), by what their answers are like. The <b>passive</b> one comes from connects: an endpoint that refuses connections is avoided for 1 s, then 2 s, 4 s … 60 s (each ±10 %); when
 * the time is over one request is let through, and its success or failure decides for all.
 */
public final class EndpointState {
    private static final AtomicReferenceFieldUpdater<EndpointState, Mark> MARK =
            AtomicReferenceFieldUpdater.newUpdater(EndpointState.class, Mark.class, "mark");

    /** What an endpoint gets at first of its share, as Envoy's minimum weight: with nothing it would never warm up. */
    private static final double COLD = 0.1;

    private final String uri;
    private final @Nullable EndpointAddress address;
    private final long seed;
    private final Pace pace;

    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger pending = new AtomicInteger();
    private final LongAdder surplus = new LongAdder();
    private volatile Mark mark = Mark.NEW;
    private volatile boolean well = true;
    private volatile @Nullable Ejection ejection;
    /** When it came on the list or back into use; meaningful once {@code returned}. */
    private volatile long returnedAt;

    private volatile boolean returned;
    /** For those who wait until it works on nothing; null while it may be given work. */
    private final AtomicReference<@Nullable CompletableFuture<Void>> drain = new AtomicReference<>();

    private final Outcomes outcomes = new Outcomes();
    private final AtomicReference<@Nullable Latency> latency = new AtomicReference<>();
    // Guarded by nothing but its volatility: of two failures at the same moment one may be lost, which decides nothing.
    private volatile Lapses lapses = Lapses.NONE;
    // Guarded by the lock of its cluster, which makes the views.
    private @Nullable EndpointBreaker breaker;
    private EndpointBreaker.@Nullable Gate gate;

    EndpointState(String uri, @Nullable EndpointAddress address, long seed, Pace pace) {
        this.uri = uri;
        this.address = address;
        this.seed = seed;
        this.pace = pace;
    }

    /** The canonical text: {@code http://10.0.0.7:8081}; {@code local:orders} for the host's own code. */
    public String uri() {
        return uri;
    }

    /** Whether this is the host's own code, which has no address. */
    public boolean local() {
        return address == null;
    }

    /**
     * Where to connect.
     *
     * @throws IllegalStateException for the host's own code
     */
    public EndpointAddress address() {
        if (address == null) {
            throw new IllegalStateException(uri + " has no address");
        }
        return address;
    }

    /** The name or address to connect to; IPv6 without brackets. */
    public String host() {
        return address().host();
    }

    /** The port, 1 to 65535. */
    public int port() {
        return address().port();
    }

    /** Whether it is spoken to over TLS. */
    public boolean secure() {
        return address().secure();
    }

    /** The address when the host is one; null when it is a name. */
    public @Nullable InetAddress literal() {
        return address().literal();
    }

    /** The exchanges it is working on. */
    public int inFlight() {
        return inFlight.get();
    }

    /** Takes the permit for one more connection, if there are fewer than {@code max}. */
    public boolean tryAcquireConnection(int max) {
        return tryStep(connections, max);
    }

    /** Gives the permit of a connection back; once for each that was taken. */
    public void releaseConnection() {
        stepBack(connections);
    }

    /** Connections open or being made. */
    public int connections() {
        return connections.get();
    }

    /** Joins those that wait for a connection, if there are fewer than {@code maxPending}. */
    public boolean tryEnqueue(int maxPending) {
        return tryStep(pending, maxPending);
    }

    /** Leaves those that wait; once for each that joined. */
    public void dequeue() {
        stepBack(pending);
    }

    /** Exchanges waiting for a connection. */
    public int pending() {
        return pending.get();
    }

    /**
     * A connection was refused or not made in time, outside any exchange. Those of an exchange are told by {@link
     * Selection#connectFailed}, which knows whether the attempt is older than the mark.
     */
    public void connectFailed() {
        connectFailed(mark);
    }

    /** A connection was made outside any exchange: the endpoint is in use again at once. */
    public void succeeded() {
        Mark current = mark;
        while (!current.clear() && !MARK.compareAndSet(this, current, current.cleared())) {
            current = mark;
        }
    }

    /** What an active check has found; told again, it changes nothing. */
    public void health(boolean nowWell) {
        if (well != nowWell) {
            well = nowWell;
            if (nowWell) {
                back();
            }
            pace.healthChanged();
        }
    }

    /** Keeps it out as an outlier. */
    public void eject(Ejection why) {
        ejection = why;
        pace.deeds().ejected();
        pace.healthChanged();
    }

    /** Ends the ejection. */
    public void restore() {
        if (ejection != null) {
            ejection = null;
            back();
            pace.healthChanged();
        }
    }

    /** Why it is kept out as an outlier, or null. */
    public @Nullable Ejection ejection() {
        return ejection;
    }

    /**
     * Gives it no more work from now on; told again, it changes nothing.
     *
     * @return done when it works on nothing, or is given work again before that; the caller's own copy
     */
    CompletableFuture<Void> drain() {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        CompletableFuture<Void> before = drain.compareAndExchange(null, mine);
        pace.healthChanged();
        // Said first, looked second; who begins counts first and looks second (ClusterView.select). So one sees the
        // other.
        ended();
        return (before == null ? mine : before).copy();
    }

    /** Gives it work again; who waited for the end of a drain waits no longer. */
    void endDrain() {
        CompletableFuture<Void> waiting = drain.getAndSet(null);
        if (waiting != null) {
            back();
            pace.healthChanged();
            waiting.complete(null);
        }
    }

    /** Whether it gets no more work, by the word of an operator. */
    public boolean draining() {
        return drain.get() != null;
    }

    private void ended() {
        CompletableFuture<Void> waiting = drain.get();
        if (waiting != null && inFlight.get() == 0) {
            waiting.complete(null);
        }
    }

    /** Whether neither checks nor its answers speak against it. */
    boolean healthy() {
        return well && ejection == null;
    }

    /** What its answers were like. */
    public Outcomes outcomes() {
        return outcomes;
    }

    /**
     * Its part of a full share while it warms up.
     *
     * @return 0.1 to 1
     */
    double warmth(long now, long slowStartNanos) {
        if (!returned) {
            return 1;
        }
        double passed = (double) (now - returnedAt) / slowStartNanos;
        return Math.min(1, Math.max(COLD, passed));
    }

    /** Takes part (again) from now on, cold. */
    void back() {
        returnedAt = pace.now();
        returned = true;
        pace.returned(returnedAt);
    }

    /** Whether active checks find it well; true without checks. */
    public boolean well() {
        return well;
    }

    /**
     * A check has reached the endpoint: a back-off ends now, for one request to find out. The connects of exchanges keep the
     * last word, since a check may take another way.
     */
    public void reached() {
        long now = pace.now();
        Mark current = mark;
        while (current.remaining(now) > 0
                && !current.probing()
                && !MARK.compareAndSet(this, current, current.openedAt(now))) {
            current = mark;
        }
        Witness witness = pace.witness();
        if (witness != null) {
            witness.checked(this);
        }
    }

    /** Whether all verdicts let it be picked. */
    public boolean usable(long now) {
        return healthy() && !draining() && mark.open(now);
    }

    /** Permits given back that had not been taken; anything but 0 is a bug of a caller. */
    public long surplusReleases() {
        return surplus.sum();
    }

    @Override
    public String toString() {
        return uri;
    }

    Mark mark() {
        return mark;
    }

    /** A response head has come from it. */
    public void answered(int status) {
        Witness witness = pace.witness();
        if (witness != null) {
            witness.answered(this, status);
        }
    }

    /** None has, and that is not the client's doing. */
    public void unanswered(Failure failure) {
        Witness witness = pace.witness();
        if (witness != null) {
            witness.unanswered(this, failure);
        }
    }

    /** An attempt has come to its end after so long; for those who want to know. */
    void observe(double nanos, long now) {
        while (true) {
            Latency current = latency.get();
            Latency next = current == null ? new Latency(Math.max(1, nanos), now) : current.observed(nanos, now);
            if (latency.compareAndSet(current, next)) {
                return;
            }
        }
    }

    /** An attempt was cut after so long: counts if that is more than what was known. */
    void outpaced(double nanos, long now) {
        if (nanos > latency(now)) {
            observe(nanos, now);
        }
    }

    /** Nanoseconds to a response head of late, 0 when not known. */
    double latency(long now) {
        Latency current = latency.get();
        return current == null ? 0 : current.decayed(now);
    }

    /** An attempt has failed, or was answered 5xx. */
    void lapsed() {
        long now = pace.now();
        lapses = lapses.more(now);
    }

    /** Whether it ever has: saves those that never do from looking at the clock. */
    boolean hasFailed() {
        return lapses != Lapses.NONE;
    }

    /** How many failures still count as if they were in flight. */
    int recentFailures(long now) {
        return (int) Math.round(lapses.remaining(now));
    }

    /**
     * Counts one more exchange, unless it is drained: for the host's own code, where there is nothing to choose and no policy
     * that would want to know more. To be given back by {@link #finish}, once.
     */
    public boolean tryBegin() {
        begin();
        if (draining()) {
            end();
            return false;
        }
        return true;
    }

    /** What {@link #tryBegin} has counted is over. */
    public void finish() {
        end();
    }

    void begin() {
        inFlight.incrementAndGet();
    }

    void end() {
        stepBack(inFlight);
        ended();
    }

    void countSurplus() {
        surplus.increment();
    }

    /** Takes the one probe; null when another has taken it or things have changed since. */
    @Nullable
    Mark tryProbe(Mark seen) {
        Mark probe = seen.probed();
        return MARK.compareAndSet(this, seen, probe) ? probe : null;
    }

    void undecided(Mark probe) {
        // When this fails there was a verdict meanwhile.
        MARK.compareAndSet(this, probe, probe.undecided());
    }

    /** Counts one refusal of an attempt that began when {@code seen} was the mark. */
    void connectFailed(Mark seen) {
        long now = pace.now();
        while (true) {
            Mark current = mark;
            // 1. Many attempts that began together fail together: they are one piece of news, the first to arrive.
            boolean stale = current.serial() != seen.serial();
            // 2. So are those picked for want of anything better while the time still runs.
            boolean early = !current.clear() && !current.probing() && current.remaining(now) > 0;
            if (stale || early || MARK.compareAndSet(this, current, current.refused(now, chance(current.serial())))) {
                return;
            }
        }
    }

    /** Clears the mark if the attempt began after it; whether it did. */
    boolean succeeded(Mark seen) {
        while (true) {
            Mark current = mark;
            // An endpoint that shuts down still answers what it has accepted, but takes no connection any more.
            if (current.clear() || current.serial() != seen.serial()) {
                return false;
            }
            if (MARK.compareAndSet(this, current, current.cleared())) {
                back();
                return true;
            }
        }
    }

    /** Back on the list after it was off it: whatever was known is out of date. */
    void renew() {
        MARK.updateAndGet(this, Mark::cleared);
        health(true);
        ejection = null;
        endDrain();
        latency.set(null);
        lapses = Lapses.NONE;
        outcomes.endStreaks();
    }

    /** Its gate under this breaker: the one it has if that is of an equal breaker. Under the lock of its cluster. */
    EndpointBreaker.Gate gate(EndpointBreaker wanted, String upstream) {
        EndpointBreaker.Gate known = gate;
        if (known != null && wanted.equals(breaker)) {
            return known;
        }
        EndpointBreaker.Gate made = new ContainedGate(
                wanted.gate(upstream, uri, pace.now(), this::breakerIs),
                "endpoint breaker \"" + wanted + "\" of " + uri + " of upstream \"" + upstream + '"');
        breaker = wanted;
        gate = made;
        return made;
    }

    /** It comes back to the list, or has no breaker now: what one knew of it is out of date. Under the lock of its cluster. */
    void withoutGate() {
        breaker = null;
        gate = null;
    }

    private void breakerIs(EndpointBreaker.State now) {
        if (now == EndpointBreaker.State.OPEN) {
            pace.deeds().breakerOpened();
        } else if (now == EndpointBreaker.State.CLOSED) {
            // As one that was out: slowly, if the upstream has that.
            back();
        }
    }

    private double chance(long serial) {
        long bits = Seeds.mix(seed + serial);
        return (bits >>> 11) * 0x1p-53;
    }

    private static boolean tryStep(AtomicInteger count, int max) {
        for (int now = count.get(); now < max; now = count.get()) {
            if (count.compareAndSet(now, now + 1)) {
                return true;
            }
        }
        return false;
    }

    private void stepBack(AtomicInteger count) {
        for (int now = count.get(); now > 0; now = count.get()) {
            if (count.compareAndSet(now, now - 1)) {
                return;
            }
        }
        surplus.increment();
    }
}
