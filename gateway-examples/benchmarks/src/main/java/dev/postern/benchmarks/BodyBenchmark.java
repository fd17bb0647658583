package dev.postern.benchmarks;

import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Upstream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What a body costs that nobody touches, to a local upstream and back: the same for all sizes, since none of it is copied. */
@SuppressWarnings("NullAway.Init") // JMH calls start() before anything else.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class BodyBenchmark {
    @Param({"0", "1024", "1048576"})
    int bytes;

    private Gateway gateway;
    private Request request;

    @Setup(Level.Trial)
    public void start() {
        gateway = Gateway.builder()
                .upstream(Upstream.local(
                        "echo",
                        (passing, exchange) -> CompletableFuture.completedFuture(
                                Response.of(200).withBody(passing.body()))))
                .route(Route.builder("echo").match(Match.prefix("/")).to("echo").build())
                .build();
        gateway.start();
        request = Request.of("POST", "/echo").withBody(bytes == 0 ? Body.empty() : Body.of(new byte[bytes]));
    }

    @TearDown(Level.Trial)
    public void stop() {
        gateway.close();
    }

    @Benchmark
    public long echo() {
        Response response = gateway.handle(request, ClientInfo.local())
                .toCompletableFuture()
                .join();
        long length = response.body().length();
        response.body().discard();
        return length;
    }
}
