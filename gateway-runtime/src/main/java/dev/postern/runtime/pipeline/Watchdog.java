package dev.postern.runtime.pipeline;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Names filters that hold up an event loop while they still do. Its thread looks at every loop each 100 ms; a loop found
 * in the same call for 500 ms is reported once, with the filter, the route and the stack.
 */
public final class Watchdog implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Watchdog.class.getName());
    private static final long PERIOD_MILLIS = 100;
    private static final int REPORT_AFTER_LOOKS = 5;

    private final List<LoopWatch> watches;
    private final Map<LoopWatch, Sight> sights = new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile boolean closed;

    /** Begins to watch. */
    public Watchdog(String gateway, List<LoopWatch> watches) {
        this.watches = List.copyOf(watches);
        thread = new Thread(this::run, "postern-watchdog-" + gateway);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        while (!closed) {
            try {
                Thread.sleep(PERIOD_MILLIS);
            } catch (InterruptedException closing) {
                return;
            }
            watches.forEach(this::look);
        }
    }

    private void look(LoopWatch watch) {
        long entry = watch.entry();
        Sight sight = sights.computeIfAbsent(watch, w -> new Sight());
        if ((entry & 1) == 0 || entry != sight.entry) {
            sight.entry = entry;
            sight.looks = 0;
            return;
        }
        if (++sight.looks == REPORT_AFTER_LOOKS) {
            report(watch);
        }
    }

    private static void report(LoopWatch watch) {
        Thread blocked = watch.thread();
        StringBuilder stack = new StringBuilder();
        if (blocked != null) {
            for (StackTraceElement frame : blocked.getStackTrace()) {
                stack.append("\n    at ").append(frame);
            }
        }
        LOG.log(
                Level.WARNING,
                "{0} of route \"{1}\" blocks its event loop for more than {2} ms (use exchange.offload for work that waits){3}",
                watch.part(),
                watch.route(),
                PERIOD_MILLIS * REPORT_AFTER_LOOKS,
                stack);
    }

    private static final class Sight {
        private long entry = -1;
        private int looks;
    }
}
