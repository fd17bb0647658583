package dev.postern.benchmarks.compare;

import dev.postern.Gateway;
import java.util.ArrayList;
import java.util.List;

/** Builds a gateway of {@code -Droutes} routes and prints the milliseconds that the best took and the heap of each route. */
public final class RouteBuild {
    private static final int TIMES = 5;

    private RouteBuild() {}

    /** Prints both numbers in one line. */
    public static void main(String[] args) {
        int routes = Integer.getInteger("routes", 10_000);
        List<Gateway> kept = new ArrayList<>();
        long before = used();
        long best = Long.MAX_VALUE;
        for (int i = 0; i < TIMES; i++) {
            kept.clear();
            before = i == TIMES - 1 ? used() : before;
            long begun = System.nanoTime();
            kept.add(PosternPeer.gateway(0, 1, routes, 0));
            best = Math.min(best, System.nanoTime() - begun);
        }
        System.out.println(best / 1_000_000 + " " + Math.max(0, used() - before) / routes);
        System.exit(kept.size() - 1);
    }

    /** Repeatedly, since a collector may leave something for the next time. */
    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
