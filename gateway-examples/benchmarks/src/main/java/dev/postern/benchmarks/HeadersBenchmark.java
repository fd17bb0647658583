package dev.postern.benchmarks;

import dev.postern.Headers;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What the headers of a request cost to ask and to change, eight lines of them. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class HeadersBenchmark {
    private final Headers eight = Headers.builder()
            .add("User-Agent", "jmh")
            .add("Accept", "application/json")
            .add("Accept-Encoding", "gzip")
            .add("Accept-Language", "en")
            .add("Cookie", "a=b; c=d")
            .add("X-Request-Id", "0af7651916cd43dd8448eb211c80319c")
            .add("X-Tenant", "acme")
            .add("Cache-Control", "no-cache")
            .build();

    @Benchmark
    public @Nullable String find() {
        return eight.get("x-tenant");
    }

    @Benchmark
    public @Nullable String miss() {
        return eight.get("authorization");
    }

    @Benchmark
    public Headers editThree() {
        return eight.edit(
                all -> all.set("X-Tenant", "other").add("X-Added", "1").remove("Cookie"));
    }
}
