package dev.postern.testing;

import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Request;
import dev.postern.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Stands in for what lies behind a filter: records what it is given and answers as told. For one thread. */
public final class FakeChain implements Filter.Chain {
    private final FakeExchange exchange;
    private final Function<Request, CompletionStage<Response>> behind;
    private final List<Request> proceeded = new ArrayList<>();

    private FakeChain(FakeExchange exchange, Function<Request, CompletionStage<Response>> behind) {
        this.exchange = exchange;
        this.behind = behind;
    }

    /** Answers every request with this. */
    public static FakeChain answering(Response response) {
        return answering(request -> CompletableFuture.completedFuture(response));
    }

    /** Answers by a function. */
    public static FakeChain answering(Function<Request, CompletionStage<Response>> behind) {
        return new FakeChain(new FakeExchange(), behind);
    }

    /** The same answers within another exchange. */
    public FakeChain within(FakeExchange other) {
        return new FakeChain(other, behind);
    }

    /**
     * Runs a filter and waits for its response; what the stage fails with is thrown.
     *
     * @throws IllegalStateException when the filter returns no stage, completes it with null, or has not completed it
     *     after ten seconds of real time: a filter that waits for {@link ManualTime} is run by {@code filter.apply}, and
     *     its stage looked at after {@code advance}
     */
    public Response run(Filter filter, Request request) {
        CompletionStage<Response> stage = filter.apply(request, this);
        if (stage == null) {
            throw new IllegalStateException("filter " + filter.name() + " returned null (expected: a stage)");
        }
        Settled<Response> settled = Settled.of(stage, TimeUnit.SECONDS.toMillis(10));
        if (settled.timedOut()) {
            throw new IllegalStateException(
                    "filter " + filter.name() + " has not completed (does it wait for time to be advanced?)");
        }
        Throwable failure = settled.failure();
        if (failure != null) {
            throw thrown(failure);
        }
        Response response = settled.value();
        if (response == null) {
            throw new IllegalStateException("filter " + filter.name() + " completed with null (expected: a response)");
        }
        return response;
    }

    private static RuntimeException thrown(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException unchecked ? unchecked : new CompletionException(cause);
    }

    /** The requests that the filter let through, in order. */
    public List<Request> proceeded() {
        return List.copyOf(proceeded);
    }

    @Override
    public CompletionStage<Response> proceed(Request request) {
        proceeded.add(Objects.requireNonNull(request, "request"));
        return behind.apply(request);
    }

    @Override
    public Exchange exchange() {
        return exchange;
    }

    /** The exchange, with its hooks for tests. */
    public FakeExchange fakeExchange() {
        return exchange;
    }
}
