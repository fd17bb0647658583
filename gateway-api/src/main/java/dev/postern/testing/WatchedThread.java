package dev.postern.testing;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Stands in for an event loop and watches it: work runs on one thread of its own while the caller looks at that thread's
 * state every millisecond. A thread seen waiting twice in a row while it is at work is blocked; offloaded work may.
 */
final class WatchedThread implements AutoCloseable {
    /** Real time; a thread that waits this long in one go is given up. */
    private static final long WAITING_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    /** Real time; a busy machine may need a while for work that does not wait. */
    private static final long WORKING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final LinkedBlockingQueue<FutureTask<?>> work = new LinkedBlockingQueue<>();
    private final Consumer<String> blocked;
    private final Thread thread = new Thread(this::loop, "postern-contract");
    // Set while a task runs: the thread also waits for its next task, which is no fault.
    private volatile @Nullable FutureTask<?> running;

    /** Tells {@code blocked} where work waited. */
    WatchedThread(Consumer<String> blocked) {
        this.blocked = blocked;
        thread.setDaemon(true);
        thread.start();
    }

    /** The thread does not come back from its work: nothing more can be run. */
    static final class Stuck extends RuntimeException {
        private static final long serialVersionUID = 1;

        Stuck(String what) {
            super(what + " does not return");
        }
    }

    /** Runs work and gives what it returns or throws what it throws. */
    <T extends @Nullable Object> T call(String what, Callable<T> task) throws Throwable {
        FutureTask<T> future = new FutureTask<>(task);
        work.add(future);
        long start = System.nanoTime();
        long waitingSince = -1;
        boolean told = false;
        while (true) {
            try {
                return future.get(1, TimeUnit.MILLISECONDS);
            } catch (ExecutionException thrown) {
                throw thrown.getCause();
            } catch (TimeoutException notYet) {
                String place = waitingIn(future);
                long now = System.nanoTime();
                if (place == null) {
                    waitingSince = -1;
                } else if (waitingSince < 0) {
                    waitingSince = now;
                } else if (!told) {
                    told = true;
                    blocked.accept(what + " waits " + place);
                }
                if ((waitingSince >= 0 && now - waitingSince > WAITING_NANOS) || now - start > WORKING_NANOS) {
                    if (!told) {
                        blocked.accept(what + " has not returned after " + WORKING_NANOS / 1_000_000_000 + " s");
                    }
                    thread.interrupt();
                    throw new Stuck(what);
                }
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                thread.interrupt();
                throw new Stuck(what);
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }

    // Where the thread waits, as long as it is at this task; null when it does not.
    private @Nullable String waitingIn(FutureTask<?> task) {
        if (running != task || Offloading.isAtWork(thread)) {
            return null;
        }
        Thread.State state = thread.getState();
        StackTraceElement[] stack = thread.getStackTrace();
        boolean waiting = state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
        return waiting && running == task ? describe(stack) : null;
    }

    private static String describe(StackTraceElement[] stack) {
        for (StackTraceElement frame : stack) {
            String type = frame.getClassName();
            if (!type.startsWith("java.") && !type.startsWith("jdk.") && !type.startsWith("sun.")) {
                return "in " + stack[0].getClassName() + '.' + stack[0].getMethodName() + ", called from " + frame;
            }
        }
        return "in " + (stack.length == 0 ? "an unknown place" : stack[0].toString());
    }

    private void loop() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                FutureTask<?> task = work.take();
                running = task;
                task.run();
                running = null;
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }
}
