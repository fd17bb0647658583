package dev.postern.runtime.simulation;

import dev.postern.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.PriorityQueue;

/**
 * The clock of one run: jumps from task to task. Ties run in the order of their making, so a run has one order. One thread.
 */
final class VirtualTime implements TimeSource {
    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private final long start;
    private long now;
    private long made;

    VirtualTime(long start) {
        this.start = start;
        now = start;
    }

    private static final class Task implements Comparable<Task>, Timer {
        private final long due;
        private final long order;
        private Runnable run;

        Task(long due, long order, Runnable run) {
            this.due = due;
            this.order = order;
            this.run = run;
        }

        @Override
        public void cancel() {
            // Stays in the queue until it is due: to find it there would cost more.
            run = () -> {};
        }

        @Override
        public int compareTo(Task other) {
            return due != other.due ? Long.compare(due, other.due) : Long.compare(order, other.order);
        }
    }

    @Override
    public long nanoTime() {
        return now;
    }

    @Override
    public Instant now() {
        return Instant.EPOCH.plusNanos(elapsed());
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
        return in(delay.toNanos(), task);
    }

    Timer in(long nanos, Runnable task) {
        Task entry = new Task(now + Math.max(0, nanos), made++, task);
        tasks.add(entry);
        return entry;
    }

    /** Nanoseconds since the run began. */
    long elapsed() {
        return now - start;
    }

    /** Runs everything that is due until then. */
    void runUntil(long elapsed) {
        long end = start + elapsed;
        for (Task next = tasks.peek(); next != null && next.due <= end; next = tasks.peek()) {
            tasks.poll();
            now = next.due;
            next.run.run();
        }
        now = end;
    }
}
