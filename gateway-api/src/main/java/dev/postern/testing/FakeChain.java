package dev.postern.testing;

import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Request;
import dev.postern.Response;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
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

    /** Runs a filter and waits for its response; what the stage fails with is thrown. */
    public Response run(Filter filter, Request request) {
        try {
            return filter.apply(request, this).toCompletableFuture().join();
        } catch (CompletionException failed) {
            if (failed.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw failed;
        }
    }

    /** The requests that the filter let through, in order. */
    public List<Request> proceeded() {
        return List.copyOf(proceeded);
    }

    @Override
    public CompletionStage<Response> proceed(Request request) {
        proceeded.add(request);
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
