package dev.postern.runtime.listener;

import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One connection that the byte guard ended.
 *
 * @param offset bytes of this connection that were judged, the offending one included
 * @param requestId the id in the answer, or null when no answer was possible
 * @param remote the peer, or null when the socket was gone already
 */
public record Refusal(
        Reason reason,
        long offset,
        @Nullable String requestId,
        @Nullable SocketAddress remote) {}
