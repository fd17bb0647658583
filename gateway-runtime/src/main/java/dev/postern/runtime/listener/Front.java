package dev.postern.runtime.listener;

import dev.postern.ExchangeObserver;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.observe.ListenerFigures;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.snapshot.Snapshot;
import org.jspecify.annotations.Nullable;

/** The gateway as seen from its doors. */
public interface Front {
    /** The config in force, with its epoch entered for one exchange. */
    Snapshot enter();

    /** The loop of the calling thread. */
    VertxLoop loop();

    /** Whether connections should be closed behind their next answer. */
    boolean isDraining();

    /** Whether the gateway wants traffic. */
    boolean isReady();

    /** A request id for an answer that no exchange stands behind. */
    String newId();

    /** An exchange has begun; its end is told by its context. */
    void begun(GatewayExchange exchange);

    /** What is known of a listener, about once a second, on a loop; null when the listener is no more. */
    void connections(String listener, @Nullable ListenerFigures figures);

    /** A listener has ended what did not become an exchange. */
    void refused(ExchangeObserver.Refused refused);
}
