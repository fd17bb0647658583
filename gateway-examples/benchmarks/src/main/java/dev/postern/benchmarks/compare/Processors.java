package dev.postern.benchmarks.compare;

import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Which processor does what, and how everything that was started ends. */
final class Processors {
    private static final boolean APART =
            Contestants.isInstalled("taskset") && Runtime.getRuntime().availableProcessors() > 1;

    private Processors() {}

    /** The processor of the proxies, or -1 where they cannot have one of their own. */
    static int ofProxies() {
        return APART ? 0 : -1;
    }

    /** Load and origin, which are this process, go to the second processor where there is one. */
    static void moveLoadAway() throws IOException, InterruptedException {
        if (APART) {
            String self = Long.toString(ProcessHandle.current().pid());
            new ProcessBuilder("taskset", "-a", "-cp", "1", self)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        }
    }

    static void endChildrenAtExit() {
        Runtime.getRuntime().addShutdownHook(new Thread(Processors::endChildren, "end-children"));
    }

    private static void endChildren() {
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    }

    /** Ends every process that was started here when it is not closed in time: whoever waits for one gets an error. */
    static Cut cutAfter(long seconds) {
        return new Cut(seconds);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the task goes on until its clock is shut down
    static final class Cut implements AutoCloseable {
        private final AtomicBoolean happened = new AtomicBoolean();
        private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

        private Cut(long seconds) {
            clock.scheduleAtFixedRate(this::cut, seconds, 1, TimeUnit.SECONDS);
        }

        private void cut() {
            happened.set(true);
            endChildren();
        }

        boolean happened() {
            return happened.get();
        }

        @Override
        public void close() {
            clock.shutdownNow();
        }
    }
}
