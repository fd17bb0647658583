package dev.postern.runtime.pipeline;

import dev.postern.Call;
import dev.postern.ErrorHandler;
import dev.postern.ExchangeObserver;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.TimeSource;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** What all exchanges of one config epoch share. */
public interface ExchangeContext {
    /** The gateway's clock. */
    TimeSource time();

    /** Who is told what happens. */
    ExchangeObserver observer();

    /** Who answers failed exchanges. */
    ErrorHandler errorHandler();

    /** What exchanges keep in memory. */
    MemoryLedger memory();

    /** A new request id. */
    String newId();

    /** Adds what every answer of the gateway's own carries: the request id, {@code Proxy-Status} after a failure. */
    Response sign(Response response, GatewayExchange exchange, @Nullable GatewayException cause);

    /** Sends a request to another upstream within an exchange. */
    Call call(String upstream, Request request, GatewayExchange exchange);

    /** Runs work on the bounded pool; the second stage cancels it when completed. */
    <T> Offload<T> offload(Callable<T> work);

    /** An exchange has ended; called exactly once each. */
    void ended(GatewayExchange exchange);

    /** Work on the pool. */
    interface Offload<T> {
        /** Completes on a thread of the pool. */
        CompletionStage<T> result();

        /** Interrupts or drops the work. */
        void cancel();
    }
}
