package dev.postern.runtime.balancing;

import dev.postern.EndpointBreaker.Ending;
import dev.postern.Failure;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An endpoint picked for one attempt and counted as working on it. Has exactly one ending, {@link #release}; before it, the
 * attempt tells what it has learned about connecting ({@link #connectFailed} or {@link #succeeded}) and about the answer
 * ({@link #answered} or {@link #unanswered}), each at most once, or neither when the client left first. Safe on any thread.
 */
public final class Selection {
    /** A failure counts as an answer that took this long: to fail fast is not to be fast. */
    private static final double FAILURE_NANOS = 1e9;

    private final ClusterView view;
    private final EndpointState endpoint;
    private final int index;
    /** The mark when the endpoint was picked; what is learned counts only if nothing newer is known. */
    private final Mark seen;

    private final @Nullable Mark probe;
    private final @Nullable Pass pass;
    private final AtomicBoolean released = new AtomicBoolean();
    private final boolean timed;
    private final long begun;
    // Written by the attempt, on its loop; volatile since an ending may be told by others.
    private volatile boolean uploading;
    private volatile long uploadBegan;
    private volatile long uploadNanos;

    Selection(
            ClusterView view, int index, EndpointState endpoint, Mark seen, @Nullable Mark probe, @Nullable Pass pass) {
        this.pass = pass;
        this.view = view;
        this.index = index;
        this.endpoint = endpoint;
        this.seen = seen;
        this.probe = probe;
        timed = pass != null || view.measuresLatency() || view.keepsLatencies();
        begun = timed ? view.pace().now() : 0;
    }

    /** The endpoint. */
    public EndpointState endpoint() {
        return endpoint;
    }

    /** Its place in {@link ClusterView#endpoints}. */
    public int index() {
        return index;
    }

    /** What a sticky cookie says for it, or null when the upstream has none. */
    @Nullable
    String pin() {
        return view.pinOf(index);
    }

    /** The connection was refused or not made in time: the endpoint is avoided for a while. */
    public void connectFailed() {
        endpoint.connectFailed(seen);
    }

    /** A connection was made, or a pooled one has brought a response: an endpoint that was avoided is in use again. */
    public void succeeded() {
        if (endpoint.succeeded(seen)) {
            view.recovered(endpoint);
        }
    }

    /**
     * The body begins to come from the client. Until {@link #uploaded} the clock stands still: how long a client takes says
     * nothing about the endpoint.
     */
    public void uploads() {
        // What is sent a second time comes from memory.
        if (timed && !uploading && uploadNanos == 0) {
            uploadBegan = view.pace().now();
            uploading = true;
        }
    }

    /** The whole request is out. */
    public void uploaded() {
        if (uploading) {
            uploadNanos = view.pace().now() - uploadBegan;
            uploading = false;
        }
    }

    private long took(long now) {
        return (uploading ? uploadBegan : now) - begun - uploadNanos;
    }

    /** A response head has come. */
    public void answered(int status) {
        measured(status < 500);
        pass(status < 500 ? Ending.SUCCESS : Ending.FAILURE);
        endpoint.answered(status);
    }

    /** No response head has come; told only of failures that are not the client's or the gateway's own doing. */
    public void unanswered(Failure failure) {
        measured(false);
        pass(Ending.FAILURE);
        endpoint.unanswered(failure);
    }

    private void measured(boolean good) {
        if (!good) {
            endpoint.lapsed();
        }
        if (!view.measuresLatency() && !view.keepsLatencies()) {
            return;
        }
        long now = view.pace().now();
        long took = took(now);
        if (view.measuresLatency()) {
            endpoint.observe(good ? (double) took : Math.max((double) took, FAILURE_NANOS), now);
        }
        if (view.keepsLatencies() && good) {
            view.pace().latencies().observe(took, now);
        }
    }

    /** Another attempt was faster: this one has taken so long, and would have taken longer. */
    public void outpaced() {
        abandoned();
        if (view.measuresLatency()) {
            long now = view.pace().now();
            endpoint.outpaced((double) took(now), now);
        }
    }

    /** Nobody waits for it any more, though it was under way. */
    public void abandoned() {
        pass(Ending.ABANDONED);
    }

    private void pass(Ending ending) {
        if (pass != null) {
            long now = view.pace().now();
            pass.end(ending, took(now), now);
        }
    }

    /** The attempt is over. A second call does nothing but be counted in {@link EndpointState#surplusReleases}. */
    public void release() {
        if (!released.compareAndSet(false, true)) {
            endpoint.countSurplus();
            return;
        }
        endpoint.end();
        if (view.countsAll()) {
            view.pace().allInFlight().decrementAndGet();
        }
        if (probe != null) {
            endpoint.undecided(probe);
        }
        pass(Ending.IGNORED);
    }

    @Override
    public String toString() {
        return endpoint.uri();
    }
}
