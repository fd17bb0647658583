package dev.postern.runtime.observe;

import dev.postern.TimeSource;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One gateway that meters look into. It is asked when somebody reads metrics, at most once a second; which meters there are is
 * brought up to date every ten seconds. Safe on any thread.
 *
 * @param <R> what it says
 */
final class Polled<R> implements UpstreamGauges.Watch {
    private static final Duration INTERVAL = Duration.ofSeconds(10);
    // One reading serves all meters of a scrape: making it costs as much as there is to be told.
    private static final long FRESH_NANOS = 1_000_000_000;
    private static final System.Logger LOGGER = System.getLogger("dev.postern.observe");

    private final TimeSource time;
    private final Supplier<R> state;
    private final R nothing;
    private final String what;
    private final List<Polled<R>> all;
    private final Runnable update;
    // Two threads that find it stale both read anew; the later one wins.
    private volatile @Nullable Reading<R> last;
    private volatile boolean blamed;
    // Guarded by this.
    private TimeSource.@Nullable Timer timer;
    private boolean closed;

    private record Reading<R>(long nanos, R said) {}

    /**
     * A gateway, not asked yet.
     *
     * @param state asks it
     * @param nothing what it has said when it could not say anything so far
     * @param what it is asked for, for the log
     * @param all those that the meters sum up; safe to change while it is read
     * @param update brings the meters up to date
     */
    Polled(TimeSource time, Supplier<R> state, R nothing, String what, List<Polled<R>> all, Runnable update) {
        this.time = time;
        this.state = state;
        this.nothing = nothing;
        this.what = what;
        this.all = all;
        this.update = update;
    }

    /** Is among them from now on. */
    Polled<R> begin() {
        all.add(this);
        tick();
        return this;
    }

    /** What it says; a gateway that cannot answer is shown as it was. */
    R reading() {
        Reading<R> known = last;
        long nanos = time.nanoTime();
        if (known != null && nanos - known.nanos < FRESH_NANOS) {
            return known.said;
        }
        R said;
        try {
            said = state.get();
        } catch (RuntimeException failed) {
            if (!blamed) {
                blamed = true;
                LOGGER.log(Level.WARNING, "cannot read the state of " + what + " for metrics", failed);
            }
            said = known == null ? nothing : known.said;
        }
        last = new Reading<>(nanos, said);
        return said;
    }

    private void tick() {
        update.run();
        synchronized (this) {
            if (!closed) {
                timer = time.schedule(INTERVAL, this::tick);
            }
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            if (timer != null) {
                timer.cancel();
            }
        }
        all.remove(this);
        update.run();
    }
}
