package dev.postern.runtime.message;

import dev.postern.TimeSource;
import io.netty.channel.EventLoop;
import io.vertx.core.internal.ContextInternal;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Timers of one loop that are nearly always cancelled: deadlines of exchanges, patience with peers. They come with a few
 * different delays, those of the configuration, and what is set later with the same delay is due later. So each delay has a
 * lane, a list that is in order by itself:
 *
 * <pre>
 *   30 s   ─ due 12:00:07.103 ─ 12:00:07.105 ─ 12:00:07.105        one timer of the event loop,
 *   60 s   ─ due 12:00:36.990                                      for the first of each lane
 * </pre>
 *
 * <p>Setting and cancelling are links made and undone, not places found in the heap of the event loop. A lane's timer of the
 * event loop is not taken back when the list becomes empty: it finds nothing to do then, once. Nothing is coarse: a timer
 * runs when one of the event loop would.
 *
 * <p>On the loop only.
 */
final class LoopTimers {
    /** Delays in use at a time; whoever comes with one more gets a timer of the event loop. */
    private static final int MAX_LANES = 16;

    private final ContextInternal context;
    private final EventLoop eventLoop;
    private final Lane[] lanes = new Lane[MAX_LANES];
    private int size;

    LoopTimers(ContextInternal context) {
        this.context = context;
        this.eventLoop = context.nettyEventLoop();
    }

    /** Runs {@code task} after a delay, with the context of the loop; null when other delays have all lanes. */
    TimeSource.@Nullable Timer schedule(long delayNanos, Runnable task) {
        Lane lane = lane(delayNanos);
        return lane == null ? null : lane.add(task);
    }

    /** Takes back the timers of the event loop: what is still set never runs. */
    void close() {
        for (int i = 0; i < size; i++) {
            lanes[i].disarm();
        }
        size = 0;
    }

    private @Nullable Lane lane(long delayNanos) {
        int unused = -1;
        for (int i = 0; i < size; i++) {
            if (lanes[i].delayNanos == delayNanos) {
                return lanes[i];
            }
            unused = lanes[i].first() == null ? i : unused;
        }
        if (size < MAX_LANES) {
            unused = size++;
        } else if (unused >= 0) {
            lanes[unused].disarm();
        } else {
            return null;
        }
        lanes[unused] = new Lane(delayNanos);
        return lanes[unused];
    }

    /** The timers of one delay, the next due first. */
    private final class Lane {
        private final long delayNanos;
        // A ring with this as its knot, so that neither end is special.
        private final Link knot = new Link();
        private @Nullable ScheduledFuture<?> armed;
        private boolean running;

        Lane(long delayNanos) {
            this.delayNanos = delayNanos;
        }

        @Nullable
        Entry first() {
            return knot.next instanceof Entry entry ? entry : null;
        }

        TimeSource.Timer add(Runnable task) {
            Entry entry = new Entry(eventLoop, task, System.nanoTime() + delayNanos);
            entry.linkBefore(knot);
            if (armed == null && !running) {
                arm(delayNanos);
            }
            return entry;
        }

        void disarm() {
            if (armed != null) {
                armed.cancel(false);
                armed = null;
            }
        }

        private void arm(long nanos) {
            armed = eventLoop.schedule(this::runDue, nanos, TimeUnit.NANOSECONDS);
        }

        private void runDue() {
            armed = null;
            running = true;
            long now = System.nanoTime();
            Entry first = first();
            while (first != null && first.dueNanos - now <= 0) {
                Runnable task = first.task;
                first.unlink();
                first.task = null;
                if (task != null) {
                    // Whatever it throws is reported there; the next one's turn comes all the same.
                    context.dispatch(task);
                }
                first = first();
            }
            running = false;
            if (first != null) {
                arm(Math.max(0, first.dueNanos - System.nanoTime()));
            }
        }
    }

    private static class Link {
        Link previous = this;
        Link next = this;

        void linkBefore(Link other) {
            previous = other.previous;
            next = other;
            previous.next = this;
            other.previous = this;
        }

        void unlink() {
            previous.next = next;
            next.previous = previous;
            previous = this;
            next = this;
        }
    }

    private static final class Entry extends Link implements TimeSource.Timer {
        private final EventLoop eventLoop;
        private final long dueNanos;
        // Null once it has run or was called off: who keeps the timer does not keep what it was for.
        private @Nullable Runnable task;

        Entry(EventLoop eventLoop, Runnable task, long dueNanos) {
            this.eventLoop = eventLoop;
            this.task = task;
            this.dueNanos = dueNanos;
        }

        @Override
        public void cancel() {
            if (eventLoop.inEventLoop()) {
                task = null;
                unlink();
            } else {
                eventLoop.execute(this::cancel);
            }
        }
    }
}
