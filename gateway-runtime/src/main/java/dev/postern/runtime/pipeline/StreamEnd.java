package dev.postern.runtime.pipeline;

import dev.postern.Failure;
import dev.postern.GatewayException;

/** Why the gateway ends a stream that nobody has broken: an event stream or a WebSocket. */
public final class StreamEnd {
    private StreamEnd() {}

    /** Both sides were silent. */
    public static GatewayException idle() {
        return end("stream.idle", "both sides were silent for the idle timeout of the route");
    }

    /** It has lived as long as the route lets streams live. */
    public static GatewayException maxDuration() {
        return end("stream.max_duration", "the stream has lived for the maximal duration of the route");
    }

    /** What proved the caller's identity is over. */
    public static GatewayException expired() {
        return end("stream.expired", "the principal has expired");
    }

    /** The gateway stops. */
    public static GatewayException draining() {
        return end("stream.draining", "the gateway stops");
    }

    private static GatewayException end(String reason, String what) {
        return new GatewayException(Failure.STREAM_ENDED, reason, what, null);
    }
}
