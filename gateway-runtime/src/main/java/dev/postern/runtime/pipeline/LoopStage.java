package dev.postern.runtime.pipeline;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A stage that the gateway hands out: only the gateway completes it, on the exchange's loop, and waiting for it on that
 * loop is refused instead of hanging. Stages derived from it keep the second promise but may be completed by whoever made
 * them.
 */
public final class LoopStage<T> extends CompletableFuture<T> {
    private final Loop loop;
    private final boolean ours;

    /** An open stage that only {@link #deliver} and {@link #fail} complete. */
    public LoopStage(Loop loop) {
        this(loop, true);
    }

    private LoopStage(Loop loop, boolean ours) {
        this.loop = loop;
        this.ours = ours;
    }

    /** A completed stage. */
    public static <T> LoopStage<T> of(Loop loop, T value) {
        LoopStage<T> stage = new LoopStage<>(loop, true);
        stage.deliver(value);
        return stage;
    }

    /** A failed stage. */
    public static <T> LoopStage<T> failed(Loop loop, Throwable failure) {
        LoopStage<T> stage = new LoopStage<>(loop, true);
        stage.fail(failure);
        return stage;
    }

    /** Completes it; false when it was complete before. */
    public boolean deliver(T value) {
        return super.complete(value);
    }

    /** Fails it; false when it was complete before. */
    public boolean fail(Throwable failure) {
        return super.completeExceptionally(failure);
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        return new LoopStage<>(loop, false);
    }

    @Override
    public boolean complete(T value) {
        refuseForeign();
        return super.complete(value);
    }

    @Override
    public boolean completeExceptionally(Throwable failure) {
        refuseForeign();
        return super.completeExceptionally(failure);
    }

    @Override
    public boolean cancel(boolean mayInterrupt) {
        refuseForeign();
        return super.cancel(mayInterrupt);
    }

    @Override
    public void obtrudeValue(T value) {
        throw new UnsupportedOperationException("a stage of the gateway keeps its value");
    }

    @Override
    public void obtrudeException(Throwable failure) {
        throw new UnsupportedOperationException("a stage of the gateway keeps its value");
    }

    @Override
    public CompletableFuture<T> orTimeout(long timeout, TimeUnit unit) {
        return ours ? thenApply(Function.identity()).orTimeout(timeout, unit) : super.orTimeout(timeout, unit);
    }

    @Override
    public CompletableFuture<T> completeOnTimeout(T value, long timeout, TimeUnit unit) {
        return ours
                ? thenApply(Function.identity()).completeOnTimeout(value, timeout, unit)
                : super.completeOnTimeout(value, timeout, unit);
    }

    @Override
    public T join() {
        refuseWaiting();
        return super.join();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        refuseWaiting();
        return super.get();
    }

    @Override
    public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
        refuseWaiting();
        return super.get(timeout, unit);
    }

    private void refuseForeign() {
        if (ours) {
            throw new UnsupportedOperationException("a stage of the gateway is completed by the gateway alone");
        }
    }

    private void refuseWaiting() {
        if (!isDone() && loop.isCurrent()) {
            @Nullable String part = loop.watch().part();
            throw new IllegalStateException((part == null ? "code on the event loop" : part)
                    + " waits on its event loop for a stage that completes there (use thenApply or thenCompose)");
        }
    }
}
