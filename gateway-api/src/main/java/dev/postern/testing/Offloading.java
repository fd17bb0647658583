package dev.postern.testing;

import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/** Runs offloaded work on the calling thread, and remembers who does: only there is blocking allowed. */
final class Offloading {
    private static final Set<Thread> AT_WORK = ConcurrentHashMap.newKeySet();

    private Offloading() {}

    static <T> CompletionStage<T> run(Callable<T> work) {
        boolean outermost = AT_WORK.add(Thread.currentThread());
        try {
            return CompletableFuture.completedFuture(work.call());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return CompletableFuture.failedFuture(interrupted);
        } catch (Exception failed) {
            return CompletableFuture.failedFuture(failed);
        } finally {
            if (outermost) {
                AT_WORK.remove(Thread.currentThread());
            }
        }
    }

    static boolean isAtWork(Thread thread) {
        return AT_WORK.contains(thread);
    }
}
