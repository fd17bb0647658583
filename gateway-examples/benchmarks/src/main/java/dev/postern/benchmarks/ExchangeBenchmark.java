package dev.postern.benchmarks;

import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the gateway itself costs for an exchange, without sockets: validating, routing among {@code routes}, {@code filters}
 * that change nothing, a fixed answer, the end.
 */
@SuppressWarnings("NullAway.Init") // JMH calls start() before anything else.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ExchangeBenchmark {
    @Param({"10", "1000"})
    int routes;

    @Param({"0", "1", "8"})
    int filters;

    private OnLoop loop;
    private Gateway gateway;
    private Request request;

    @Setup(Level.Trial)
    public void start() {
        loop = new OnLoop();
        GatewayBuilder builder = Gateway.builder().runtime(loop.runtime());
        for (int i = 0; i < routes; i++) {
            Route.Builder route = Route.builder("route-" + i)
                    .match(Match.path("/service-" + i + "/orders/{id}").method("GET"))
                    .answer(Response.text(200, "ok"));
            for (int j = 0; j < filters; j++) {
                route.filter(Filter.named("nothing-" + j, (passing, chain) -> chain.proceed(passing)));
            }
            builder.route(route.build());
        }
        gateway = builder.build();
        gateway.start();
        request = Request.get("/service-" + routes / 2 + "/orders/7").withHeader("User-Agent", "jmh");
    }

    @TearDown(Level.Trial)
    public void stop() {
        gateway.close();
        loop.close();
    }

    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public int exchange() {
        return loop.exchanges(gateway, request);
    }
}
