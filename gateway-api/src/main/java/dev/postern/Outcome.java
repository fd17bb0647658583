package dev.postern;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an exchange ended.
 *
 * @param status the status sent or about to be sent; 499 when the client left before
 * @param failure what went wrong, or null when the whole response reached the socket
 * @param reason the stable reason of the failure, or null
 * @param duration from the request head to the end
 * @param upstreamDuration the time spent waiting for upstreams: from the start of the first attempt to the head of the
 *     response, or to the end of the last failed attempt; zero when none was called
 * @param requestBytes body bytes received from the client
 * @param responseBytes body bytes written to the client
 * @param attempts how often an upstream was tried for the answer
 * @param upstream the upstream that answered or failed last, or null
 * @param endpoint the endpoint that answered or failed last, or null
 */
public record Outcome(
        int status,
        @Nullable Failure failure,
        @Nullable String reason,
        Duration duration,
        Duration upstreamDuration,
        long requestBytes,
        long responseBytes,
        int attempts,
        @Nullable String upstream,
        @Nullable String endpoint) {
    /** Whether the whole response reached the socket. */
    public boolean complete() {
        return failure == null
                || (failure != Failure.CLIENT_GONE
                        && failure != Failure.CLIENT_STALLED
                        && failure != Failure.STREAM_ENDED
                        && !"call_cut_off".equals(reason)
                        && !truncated());
    }

    /**
     * Whether the response broke off after its head was sent, by the doing of the upstream. What a rule of the gateway has
     * ended ({@link Failure#STREAM_ENDED}) is not complete, but nobody broke it.
     */
    public boolean truncated() {
        return failure == Failure.RESPONSE_BODY_BROKEN || failure == Failure.RESPONSE_BODY_STALLED;
    }
}
