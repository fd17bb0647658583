package dev.postern.benchmarks;

import dev.postern.Endpoint;
import dev.postern.LoadBalancer;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.Keys;
import dev.postern.runtime.balancing.Selection;
import dev.postern.testing.ManualTime;
import java.util.ArrayList;
import java.util.List;
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
 * What it costs to choose among few endpoints and among many, as the gateway does for each attempt: {@code pick} chooses,
 * counts and gives back. And what it costs when the list changes: {@code change} takes a list in which one endpoint is another.
 * Asks the upstream's inner parts, which users do not see.
 */
@SuppressWarnings("NullAway.Init") // JMH calls prepare() before anything else.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PickBenchmark {
    private static final int KEYS = 1024;

    @Param({"10", "1000"})
    int endpoints;

    @Param({
        "round robin",
        "weighted",
        "random",
        "least requests",
        "weighted least requests",
        "peak ewma",
        "ring hash",
        "bounded hash",
        "strict hash",
        "maglev"
    })
    String balancer;

    private final Request request = Request.get("/");
    private final Keys[] keys = new Keys[KEYS];
    private Cluster cluster;
    private Upstream upstream;
    private ClusterView view;
    private List<Endpoint> one;
    private List<Endpoint> other;
    private int next;

    @Setup
    public void prepare() {
        RequestKey key = RequestKey.header("x");
        LoadBalancer chosen = switch (balancer) {
            case "round robin" -> LoadBalancer.roundRobin();
            case "weighted" -> LoadBalancer.weighted();
            case "random" -> LoadBalancer.random();
            case "least requests" -> LoadBalancer.leastRequests();
            case "weighted least requests" -> LoadBalancer.weightedLeastRequests();
            case "peak ewma" -> LoadBalancer.peakEwma();
            case "ring hash" -> LoadBalancer.ringHash(key);
            case "bounded hash" -> LoadBalancer.boundedHash(key, 1.25);
            case "strict hash" -> LoadBalancer.strictHash(key);
            default -> LoadBalancer.maglev(key);
        };
        one = new ArrayList<>();
        for (int i = 0; i < endpoints; i++) {
            one.add(Endpoint.of("http://10.0." + i / 256 + "." + i % 256 + ":8080")
                    .weight(1 + i % 3));
        }
        other = new ArrayList<>(one);
        other.set(endpoints / 2, Endpoint.of("http://10.1.0.1:8080"));
        upstream = Upstream.builder("orders").loadBalancer(chosen).build();
        cluster = new Cluster("orders", ManualTime.create(), 1);
        view = cluster.view(upstream, one);
        for (int i = 0; i < KEYS; i++) {
            keys[i] = new Keys("session-" + i, null, null);
        }
        // Everybody is known, as after some traffic.
        for (int i = 0; i < 4 * endpoints; i++) {
            Selection selection = select();
            selection.succeeded();
            selection.answered(200);
            selection.release();
        }
    }

    private Selection select() {
        Selection selection = view.select(request, null, keys[next++ & (KEYS - 1)]);
        if (selection == null) {
            throw new IllegalStateException("nobody was picked");
        }
        return selection;
    }

    @Benchmark
    public int pick() {
        Selection selection = select();
        selection.release();
        return selection.index();
    }

    @Benchmark
    public ClusterView change() {
        return cluster.view(upstream, (next++ & 1) == 0 ? other : one);
    }
}
