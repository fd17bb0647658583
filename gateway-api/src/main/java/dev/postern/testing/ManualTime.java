package dev.postern.testing;

import dev.postern.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Time that stands still until it is moved by hand. Tasks that become due run on the thread that moves it, in the order of
 * their times, ties in the order of their making. Safe on any thread.
 */
public final class ManualTime implements TimeSource {
    /** Longer spans count as this one, 292 years: "no deadline" is written as a duration of seconds beyond it. */
    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    // Guarded by this, as is the queue.
    private long nanos;
    private Instant wall;
    private long made;

    private ManualTime(Instant wall) {
        this.wall = wall;
    }

    /** Begins at 2026-01-01T00:00:00Z. */
    public static ManualTime create() {
        return at(Instant.parse("2026-01-01T00:00:00Z"));
    }

    /** Begins at an instant. */
    public static ManualTime at(Instant start) {
        return new ManualTime(start);
    }

    @Override
    public synchronized long nanoTime() {
        return nanos;
    }

    @Override
    public synchronized Instant now() {
        return wall;
    }

    @Override
    public synchronized Timer schedule(Duration delay, Runnable task) {
        if (delay.isNegative()) {
            throw new IllegalArgumentException("delay: " + delay + " (expected: >= 0)");
        }
        Task entry = new Task(after(delay), made++, Objects.requireNonNull(task, "task"));
        tasks.add(entry);
        return () -> cancel(entry);
    }

    /**
     * Moves time forward, stopping at each task that becomes due on the way to run it. A task that throws stops time where
     * it is and throws here.
     *
     * @param by zero or more
     */
    public void advance(Duration by) {
        if (by.isNegative()) {
            throw new IllegalArgumentException("by: " + by + " (expected: >= 0)");
        }
        long target;
        synchronized (this) {
            target = after(by);
        }
        for (Task due = next(target); due != null; due = next(target)) {
            due.run.run();
        }
    }

    /** The number of tasks that wait to become due: a test that leaves some behind has found a leak. */
    public synchronized int pending() {
        return tasks.size();
    }

    // Saturates instead of wrapping into the past.
    private long after(Duration span) {
        long sum = nanos + (span.compareTo(LONGEST) > 0 ? Long.MAX_VALUE : span.toNanos());
        return sum < nanos ? Long.MAX_VALUE : sum;
    }

    private synchronized @Nullable Task next(long target) {
        Task first = tasks.peek();
        if (first == null || first.due > target) {
            move(target);
            return null;
        }
        tasks.poll();
        move(Math.max(nanos, first.due));
        return first;
    }

    private synchronized void move(long target) {
        wall = wall.plusNanos(target - nanos);
        nanos = target;
    }

    private synchronized void cancel(Task task) {
        tasks.remove(task);
    }

    private static final class Task implements Comparable<Task> {
        private final long due;
        private final long order;
        private final Runnable run;

        Task(long due, long order, Runnable run) {
            this.due = due;
            this.order = order;
            this.run = run;
        }

        @Override
        public int compareTo(Task other) {
            return due != other.due ? Long.compare(due, other.due) : Long.compare(order, other.order);
        }
    }
}
