package dev.postern.runtime.discovery;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.TimeSource;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks a source again and again, one question at a time, and tells what is believed of its answers.
 *
 * <pre>
 *   ask ── answer ── told, or the same ──────── after the source's own interval ± 10 % ── ask
 *    │       └────── more than half is lost ─── after 250 ms ── ask;  believed after 750 ms if nothing has spoken against it
 *    │       └────── empty ──────────────────── the last good list stays ── as after a failure
 *    └── failure ── the last good list stays ── after 1, 2, 4 … 30 s, each cut by chance to half at most ── ask
 * </pre>
 *
 * A source that is lost, and one that is back, is one line of the log each. Safe on any thread.
 */
final class PollWatch implements Discovery.Watch {
    private static final Logger LOG = System.getLogger("dev.postern.discovery");

    /** Also the pause between two questions that the source holds: a source that answers at once must not be flooded. */
    private static final Duration SHORTEST = Duration.ofMillis(100);

    private static final Duration SECOND_LOOK = Duration.ofMillis(250);
    private static final Duration UNCONTRADICTED = Duration.ofMillis(750);

    private final Services services;
    private final String source;
    private final Supplier<CompletionStage<Found>> question;
    private final Consumer<List<Endpoint>> listener;
    // Guarded by this, as is all below.
    private final LastGood lastGood = new LastGood();
    private TimeSource.@Nullable Timer timer;
    private TimeSource.@Nullable Timer belief;
    private int failures;
    private boolean stopped;

    /** Nothing is asked before {@link #start}. */
    PollWatch(
            Services services,
            String source,
            Supplier<CompletionStage<Found>> question,
            Consumer<List<Endpoint>> listener) {
        this.services = services;
        this.source = source;
        this.question = question;
        this.listener = listener;
    }

    /** Asks for the first time. */
    PollWatch start() {
        ask();
        return this;
    }

    private void ask() {
        CompletionStage<Found> answer;
        synchronized (this) {
            if (stopped) {
                return;
            }
            timer = null;
        }
        try {
            answer = question.get();
        } catch (RuntimeException failed) {
            failed(failed);
            return;
        }
        answer.whenComplete((found, failure) -> {
            if (failure != null) {
                failed(
                        failure instanceof CompletionException && failure.getCause() != null
                                ? failure.getCause()
                                : failure);
            } else {
                found(found);
            }
        });
    }

    private synchronized void found(Found found) {
        if (stopped) {
            return;
        }
        switch (lastGood.judge(found.endpoints())) {
            case EMPTY -> {
                failed(new IOException("it names no endpoint"));
                return;
            }
            case TELL -> {
                settle();
                listener.accept(found.endpoints());
            }
            case SAME -> settle();
            case ASK_AGAIN -> {
                if (belief == null) {
                    belief = services.time().schedule(UNCONTRADICTED, this::uncontradicted);
                }
                again(SECOND_LOOK);
                return;
            }
        }
        back();
        again(found.next().isZero() ? SHORTEST : spread(found.next()));
    }

    // What lost more than half and could not be asked for again is believed all the same: nobody may be kept for longer
    // than a second after the source has named the others only.
    private synchronized void uncontradicted() {
        List<Endpoint> doubtful = lastGood.doubtful();
        belief = null;
        if (!stopped && !doubtful.isEmpty()) {
            lastGood.believe(doubtful);
            listener.accept(doubtful);
        }
    }

    private synchronized void failed(Throwable failure) {
        if (stopped) {
            return;
        }
        if (failures == 0) {
            LOG.log(
                    Level.WARNING,
                    source + " cannot be used: " + failure.getMessage() + "; the endpoints known stay in use");
        }
        again(Backoff.after(failures++, services.random()));
    }

    private void back() {
        if (failures > 0) {
            LOG.log(
                    Level.INFO,
                    source + " can be used again after " + failures + (failures == 1 ? " failure" : " failures"));
        }
        failures = 0;
    }

    private void settle() {
        if (belief != null) {
            belief.cancel();
            belief = null;
        }
    }

    private Duration spread(Duration interval) {
        long nanos = interval.toNanos();
        long spread = (long) (nanos * 0.2 * (services.random().nextDouble() - 0.5));
        Duration next = Duration.ofNanos(nanos + spread);
        return next.compareTo(SHORTEST) < 0 ? SHORTEST : next;
    }

    private void again(Duration delay) {
        timer = services.time().schedule(delay, this::ask);
    }

    @Override
    public synchronized void stop() {
        stopped = true;
        settle();
        if (timer != null) {
            timer.cancel();
        }
    }
}
