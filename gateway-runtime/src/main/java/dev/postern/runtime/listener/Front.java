package dev.postern.runtime.listener;

import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.snapshot.Snapshot;
import java.util.Map;

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

    /**
     * What is known of the connections of a listener, about once a second, on a loop.
     *
     * @param open how many there are; -1 when the listener is no more
     * @param refused how many were not let in since its start, by reason
     */
    void connections(String listener, int open, Map<String, Long> refused);

    /** The byte guard has ended a connection. */
    void refused(Refusal refusal);
}
