package dev.postern.runtime.pipeline;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.StateView;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What all exchanges of a gateway keep in memory together: bodies read whole, bodies that may be sent again, messages put
 * together for hooks. It is reserved before it is kept, so that too little of it is an answer and not an {@link
 * OutOfMemoryError} in the host (T136). Safe on any thread.
 *
 * <pre>
 *   0 ─────────────────────── 85 % ────────── 100 %
 *   │ everything               │ only what an  │ 503
 *   │                          │ answer needs  │
 * </pre>
 */
public final class MemoryLedger {
    private final AtomicLong kept = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private volatile long most;

    /** With room for this many bytes. */
    public MemoryLedger(long most) {
        this.most = most;
    }

    /** Changes the room; what is kept stays kept. */
    public void most(long bytes) {
        most = bytes;
    }

    /** Takes room for what cannot be done without. */
    boolean reserve(long bytes) {
        return reserve(bytes, most);
    }

    /** Takes room for what one can do without: a body that might be wanted again. */
    boolean reserveSpare(long bytes) {
        long all = most;
        return reserve(bytes, all - all / 20 * 3);
    }

    private boolean reserve(long bytes, long limit) {
        if (kept.addAndGet(bytes) <= limit) {
            return true;
        }
        kept.addAndGet(-bytes);
        refused.incrementAndGet();
        return false;
    }

    void release(long bytes) {
        kept.addAndGet(-bytes);
    }

    /** Bytes kept now. */
    public long kept() {
        return kept.get();
    }

    /** Why an exchange cannot have what it needs. */
    GatewayException full() {
        return new GatewayException(
                Failure.MEMORY_EXHAUSTED,
                kept + " bytes are kept for exchanges, of at most " + most + " (GatewayBuilder.maxBufferedBytes)");
    }

    /** How it stands, for people. */
    public StateView view(String gateway) {
        long now = kept.get();
        long limit = most;
        return new StateView(
                "memory",
                gateway,
                now + " of " + limit + " bytes",
                Map.of("kept_bytes", (double) now, "limit_bytes", (double) limit),
                Map.of("refused", refused.get()));
    }
}
