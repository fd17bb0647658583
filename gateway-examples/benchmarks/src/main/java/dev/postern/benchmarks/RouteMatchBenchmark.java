package dev.postern.benchmarks;

import dev.postern.ClientInfo;
import dev.postern.Match;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.TimeSource;
import dev.postern.runtime.routing.Routed;
import dev.postern.runtime.routing.RoutingTable;
import dev.postern.testing.ManualTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to find the route of a random request: {@code spread} among routes of different paths, {@code crowded} among
 * routes of one path that differ in a header, of which the last one takes it. Asks the table itself, which users do not see.
 */
@SuppressWarnings("NullAway.Init") // JMH calls fill() before anything else.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RouteMatchBenchmark {
    private static final int REQUESTS = 4096;
    private static final int CROWD = 64;

    @Param({"10", "1000", "10000", "100000"})
    int routes;

    private final ClientInfo client = ClientInfo.local();
    private final TimeSource time = ManualTime.create();
    private RoutingTable spread;
    private RoutingTable crowd;
    private RoutingTable alone;
    private Request[] requests;
    private Request last;
    private int next;

    @Setup
    public void fill() {
        List<Route> all = new ArrayList<>();
        for (int i = 0; i < routes; i++) {
            all.add(Route.builder("route-" + i)
                    .match(Match.prefix("/svc" + i + "/api").method("GET").header("X-Tenant", "acme"))
                    .to("origin")
                    .build());
        }
        List<Problem> problems = new ArrayList<>();
        spread = RoutingTable.compile(all, problems);
        List<Route> alike = new ArrayList<>();
        for (int i = 0; i < CROWD; i++) {
            alike.add(Route.builder("tenant-" + i)
                    .match(Match.path("/orders/{id}").method("GET").header("X-Tenant", "tenant-" + i))
                    .to("origin")
                    .build());
        }
        crowd = RoutingTable.compile(alike, problems);
        alone = RoutingTable.compile(alike.subList(CROWD - 1, CROWD), problems);
        if (!problems.isEmpty()) {
            throw new IllegalStateException(problems.toString());
        }
        Random random = new Random(1);
        requests = new Request[REQUESTS];
        for (int i = 0; i < REQUESTS; i++) {
            requests[i] = head("/svc" + random.nextInt(routes) + "/api/items/" + i, "acme");
        }
        last = head("/orders/7", "tenant-" + (CROWD - 1));
    }

    private static Request head(String path, String tenant) {
        return Request.get(path)
                .withHeader("User-Agent", "jmh")
                .withHeader("Accept", "*/*")
                .withHeader("X-Tenant", tenant);
    }

    @Benchmark
    public Routed spread() {
        return spread.find(requests[next++ & (REQUESTS - 1)], client, time);
    }

    /** Beside {@link #alone}: the difference is what 63 routes cost that do not match. */
    @Benchmark
    public Routed crowded() {
        return crowd.find(last, client, time);
    }

    @Benchmark
    public Routed alone() {
        return alone.find(last, client, time);
    }
}
