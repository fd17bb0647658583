package dev.postern.runtime;

import dev.postern.Call;
import dev.postern.ErrorHandler;
import dev.postern.ExchangeObserver;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.TimeSource;
import dev.postern.runtime.observe.ProxyStatus;
import dev.postern.runtime.pipeline.ExchangeContext;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.MemoryLedger;
import dev.postern.runtime.snapshot.Epoch;
import dev.postern.runtime.snapshot.Snapshot;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the exchanges of one config share. */
record GatewayContext(
        String gateway,
        TimeSource time,
        ExchangeObserver observer,
        ErrorHandler errorHandler,
        MemoryLedger memory,
        RequestIds ids,
        Destinations destinations,
        VertxHost host,
        Consumer<GatewayExchange> whenEnded,
        Epoch epoch)
        implements ExchangeContext {

    @Override
    public String newId() {
        return ids.next();
    }

    @Override
    public Response sign(Response response, GatewayExchange exchange, @Nullable GatewayException cause) {
        Headers.Builder headers = response.headers().toBuilder().set("X-Request-Id", exchange.id());
        if (cause != null) {
            headers.add("Proxy-Status", ProxyStatus.of(gateway, cause, null));
            List<String> allowed = exchange.get(Snapshot.ALLOWED);
            if (cause.failure() == Failure.METHOD_NOT_ALLOWED && allowed != null) {
                headers.set("Allow", String.join(", ", allowed));
            }
            if (cause.failure() == Failure.UPGRADE_REQUIRED) {
                headers.set("Sec-WebSocket-Version", "13");
            }
        }
        return response.withHeaders(headers.build());
    }

    @Override
    public Call call(String upstream, Request request, GatewayExchange exchange) {
        return destinations.call(upstream, request, exchange);
    }

    @Override
    public <T> Offload<T> offload(Callable<T> work) {
        return host.offload().run(work);
    }

    @Override
    public void ended(GatewayExchange exchange) {
        whenEnded.accept(exchange);
        epoch.leave();
    }
}
