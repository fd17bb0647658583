package dev.postern.testing;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** What became of a stage: a value, a failure out of its shells, or nothing in time. */
final class Settled<T> {
    private final @Nullable T value;
    private final @Nullable Throwable failure;

    private Settled(@Nullable T value, @Nullable Throwable failure) {
        this.value = value;
        this.failure = failure;
    }

    /** Waits in real time. A missing stage has failed. */
    static <T> Settled<T> of(@Nullable CompletionStage<T> stage, long milliseconds) {
        if (stage == null) {
            return new Settled<>(null, new NullPointerException("stage"));
        }
        // Not toCompletableFuture: a stage need not support it.
        CompletableFuture<T> copy = new CompletableFuture<>();
        stage.whenComplete((value, failure) -> {
            if (failure == null) {
                copy.complete(value);
            } else {
                copy.completeExceptionally(failure);
            }
        });
        try {
            return new Settled<>(copy.get(milliseconds, TimeUnit.MILLISECONDS), null);
        } catch (ExecutionException failed) {
            return new Settled<>(null, unwrapped(failed.getCause()));
        } catch (TimeoutException late) {
            return new Settled<>(null, late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return new Settled<>(null, interrupted);
        }
    }

    static @Nullable Throwable unwrapped(@Nullable Throwable failure) {
        Throwable inner = failure;
        while (inner instanceof CompletionException && inner.getCause() != null) {
            inner = inner.getCause();
        }
        return inner;
    }

    /** The value, or null when there is none. */
    @Nullable
    T value() {
        return value;
    }

    /** The failure, or null when there is none; a {@link TimeoutException} when nothing came. */
    @Nullable
    Throwable failure() {
        return failure;
    }

    boolean timedOut() {
        return failure instanceof TimeoutException;
    }

    @Override
    public String toString() {
        return timedOut() ? "nothing" : String.valueOf(failure == null ? value : failure);
    }
}
