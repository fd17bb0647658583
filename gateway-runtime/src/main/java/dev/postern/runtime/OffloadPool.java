package dev.postern.runtime;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.runtime.pipeline.ExchangeContext.Offload;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Runs work that blocks, so many at a time and so many waiting; more are refused at once. */
final class OffloadPool {
    private static final @Nullable ThreadFactory VIRTUAL = virtualThreads();

    private final ThreadPoolExecutor executor;

    OffloadPool(int threads, int queue) {
        BlockingQueue<Runnable> waiting = queue == 0 ? new SynchronousQueue<>() : new LinkedBlockingQueue<>(queue);
        executor = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, waiting, VIRTUAL == null ? platformThreads() : VIRTUAL);
        executor.allowCoreThreadTimeOut(true);
    }

    static int defaultThreads() {
        return VIRTUAL == null ? 4 * Runtime.getRuntime().availableProcessors() : 256;
    }

    <T> Offload<T> run(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        AtomicBoolean begun = new AtomicBoolean();
        Future<?> task;
        try {
            task = executor.submit(() -> {
                begun.set(true);
                try {
                    result.complete(work.call());
                } catch (Throwable failed) {
                    result.completeExceptionally(failed);
                }
            });
        } catch (RejectedExecutionException full) {
            result.completeExceptionally(new GatewayException(
                    Failure.OVERLOADED,
                    "the pool for blocking work is full (" + executor.getMaximumPoolSize() + " at work, "
                            + executor.getQueue().size() + " waiting)"));
            return new Task<>(result, () -> {});
        }
        return new Task<>(result, () -> {
            task.cancel(true);
            // What is cancelled stays in the queue and would keep others out. The oldest is first in it, and mostly the
            // oldest are cancelled: by their deadlines.
            if (!begun.get() && task instanceof Runnable waiting) {
                executor.remove(waiting);
            }
        });
    }

    void close() {
        executor.shutdownNow();
    }

    private record Task<T>(CompletionStage<T> result, Runnable canceller) implements Offload<T> {
        @Override
        public void cancel() {
            canceller.run();
        }
    }

    private static ThreadFactory platformThreads() {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, "postern-offload-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /** {@code Thread.ofVirtual().name("postern-offload-", 0).factory()} on a JVM that has it (21 and later), else null. */
    private static @Nullable ThreadFactory virtualThreads() {
        try {
            Class<?> builder = Class.forName("java.lang.Thread$Builder$OfVirtual");
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            Object made = lookup.findStatic(Thread.class, "ofVirtual", MethodType.methodType(builder))
                    .invoke();
            Object named = lookup.findVirtual(builder, "name", MethodType.methodType(builder, String.class, long.class))
                    .invoke(made, "postern-offload-", 0L);
            return (ThreadFactory) lookup.findVirtual(builder, "factory", MethodType.methodType(ThreadFactory.class))
                    .invoke(named);
        } catch (ClassNotFoundException | NoSuchMethodException | IllegalAccessException none) {
            return null;
        } catch (Throwable broken) {
            throw new IllegalStateException("virtual threads cannot be made", broken);
        }
    }
}
