package dev.postern.runtime.snapshot;

import dev.postern.GatewayConfig;
import dev.postern.GatewayStartException;
import dev.postern.Managed;
import dev.postern.Services;
import dev.postern.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Starts the {@link Managed} parts of configurations, each once, and stops each once, when the last configuration that has
 * it is no longer in use. Of a configuration that is refused nothing is left running.
 *
 * <pre>
 *   config 1   A, B     ├── A, B start ─────────── last exchange ends ─┤ A stops
 *   config 2   B, C                ├── C starts ─────────────────────────────▶     (B: neither)
 * </pre>
 *
 * Parts start side by side, so that a gateway with ten key sets starts as fast as the slowest. Safe on any thread; foreign
 * code is called without the lock.
 */
public final class Lifecycles {
    private static final Logger LOG = System.getLogger("dev.postern.lifecycle");

    /** For each part. Long enough for a key server that is just being restarted, short enough for a deployment to notice. */
    static final Duration START_TIMEOUT = Duration.ofSeconds(30);

    private final Services services;
    // Guarded by this.
    private final IdentityHashMap<Managed, Running> running = new IdentityHashMap<>();

    /** Nothing runs yet. */
    public Lifecycles(Services services) {
        this.services = services;
    }

    /**
     * The new configuration with the running parts in the places of equal ones. Apply the result, not {@code next}.
     *
     * <p>One corner remains: a handler of {@link dev.postern.Upstream#local} is kept only if its whole upstream is equal.
     */
    public static GatewayConfig canonicalise(GatewayConfig next, GatewayConfig running) {
        return Canon.canonicalise(next, running);
    }

    /**
     * Starts what does not run yet. The stage completes when all have started; give its lease back when the last exchange
     * of the configuration is over. It fails with {@link GatewayStartException}, naming the first part in the order of the
     * configuration that failed, once everything begun here has been stopped again or has been told to when it gets there.
     */
    public CompletionStage<Lease> start(GatewayConfig config) {
        List<Running> all = new ArrayList<>();
        List<Running> fresh = new ArrayList<>();
        synchronized (this) {
            IdentityHashMap<Managed, Boolean> seen = new IdentityHashMap<>();
            for (Part part : Part.of(config)) {
                Managed managed = part.managed();
                if (managed == null || seen.put(managed, true) != null) {
                    continue;
                }
                Running entry = running.get(managed);
                if (entry == null) {
                    entry = new Running(part.subject(), managed);
                    running.put(managed, entry);
                    fresh.add(entry);
                }
                entry.leases++;
                all.add(entry);
            }
        }
        List<CompletableFuture<Void>> started = new ArrayList<>();
        for (Running entry : fresh) {
            started.add(entry.start(services));
        }
        AtomicBoolean released = new AtomicBoolean();
        Lease lease = () -> {
            if (released.compareAndSet(false, true)) {
                release(all);
            }
        };
        CompletableFuture<Lease> result = new CompletableFuture<>();
        CompletionStage<Void> settled = CompletableFuture.allOf(started.toArray(new CompletableFuture<?>[0]));
        settled.whenComplete((unused, failed) -> {
            if (failed == null) {
                result.complete(lease);
            } else {
                lease.release();
                result.completeExceptionally(failure(fresh));
            }
        });
        return result;
    }

    /** The gateway is over: stops what is left, whoever holds it. */
    public void stopAll() {
        List<Running> left;
        synchronized (this) {
            left = new ArrayList<>(running.values());
            running.clear();
        }
        left.forEach(Running::stop);
    }

    /** How many parts run or are starting; 0 after the end. */
    public synchronized int size() {
        return running.size();
    }

    private void release(List<Running> all) {
        List<Running> over = new ArrayList<>();
        synchronized (this) {
            for (Running entry : all) {
                if (--entry.leases == 0 && running.remove(entry.managed, entry)) {
                    over.add(entry);
                }
            }
        }
        for (int i = over.size() - 1; i >= 0; i--) {
            over.get(i).stop();
        }
    }

    private static GatewayStartException failure(List<Running> fresh) {
        GatewayStartException first = null;
        for (Running entry : fresh) {
            Throwable failure = entry.failure();
            if (failure != null) {
                GatewayStartException exception = new GatewayStartException(
                        entry.subject + " did not start: "
                                + (failure.getMessage() == null ? failure : failure.getMessage()),
                        failure);
                if (first == null) {
                    first = exception;
                } else {
                    first.addSuppressed(exception);
                }
            }
        }
        return first == null ? new GatewayStartException("a part did not start", null) : first;
    }

    private static final class Running {
        private final String subject;
        private final Managed managed;
        // Guarded by the lifecycles.
        private int leases;
        // Guarded by this, as is all below.
        private boolean started;
        private boolean stopped;
        private @Nullable Throwable failure;

        Running(String subject, Managed managed) {
            this.subject = subject;
            this.managed = managed;
        }

        CompletableFuture<Void> start(Services services) {
            CompletableFuture<Void> result = new CompletableFuture<>();
            CompletionStage<Void> stage;
            try {
                stage = managed.start(services);
            } catch (Throwable thrown) {
                fail(thrown, result);
                return result;
            }
            if (stage == null) {
                fail(new IllegalStateException("start returned null (expected: a stage)"), result);
                return result;
            }
            TimeSource.Timer timer = services.time()
                    .schedule(
                            START_TIMEOUT,
                            () -> fail(
                                    new IllegalStateException("not ready after " + START_TIMEOUT
                                            + " (expected: the stage of start completes)"),
                                    result));
            stage.whenComplete((unused, failed) -> {
                timer.cancel();
                if (failed == null) {
                    succeed(result);
                } else {
                    Throwable cause = failed.getCause();
                    fail(failed instanceof CompletionException && cause != null ? cause : failed, result);
                }
            });
            return result;
        }

        void stop() {
            synchronized (this) {
                boolean runs = started && !stopped;
                stopped = true;
                if (!runs) {
                    // Never started, or still starting: then it is stopped when it gets there.
                    return;
                }
            }
            try {
                managed.stop();
            } catch (RuntimeException | Error failed) {
                LOG.log(Level.WARNING, subject + " failed to stop", failed);
            }
        }

        synchronized @Nullable Throwable failure() {
            return failure;
        }

        private void succeed(CompletableFuture<Void> result) {
            boolean late;
            synchronized (this) {
                started = true;
                late = stopped;
                stopped = false;
            }
            if (late) {
                LOG.log(Level.WARNING, subject + " started after it had been given up, and is stopped");
                stop();
            }
            result.complete(null);
        }

        private void fail(Throwable cause, CompletableFuture<Void> result) {
            synchronized (this) {
                if (failure == null) {
                    failure = cause;
                }
            }
            result.completeExceptionally(cause);
        }
    }
}
