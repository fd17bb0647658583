package dev.postern;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Is told what happens to exchanges; metrics, tracing and logs are observers. Called on the exchange's event loop: must
 * be quick and must not block. What it throws is logged once with its name and otherwise ignored.
 *
 * <pre>
 *   started ─┬─ attemptStarted ── attemptEnded   (none, one or several)
 *            └─ ended                            (exactly once)
 *
 *   refused    (of what never became an exchange)
 * </pre>
 */
public interface ExchangeObserver {
    /** A request was accepted and its route is known. */
    default void started(Request request, Exchange exchange) {}

    /** An upstream is about to be tried. */
    default void attemptStarted(Attempt attempt, Exchange exchange) {}

    /** A response head has come from the upstream, or the attempt has failed. */
    default void attemptEnded(Attempt attempt, Exchange exchange) {}

    /** The last byte is out, or the exchange was cut. */
    default void ended(Request request, Exchange exchange, Outcome outcome) {}

    /**
     * A listener has ended a connection, or a stream of one, before there was an exchange: its bytes are no request, it
     * came too slowly, or its TLS handshake failed. On the event loop of the connection; several at once. Connections that
     * are closed as soon as they come, because there are too many, are only counted.
     */
    default void refused(Refused refused) {}

    /**
     * What a listener has refused.
     *
     * @param listener its name
     * @param reason the stable reason, such as {@code framing.te_and_cl}; docs/errors.md lists all
     * @param status the status of the answer, or of the like over HTTP/2; 0 where there was no HTTP yet
     * @param requestId the id in the answer, or null when there was none
     * @param peer the other end, seen through the PROXY protocol
     */
    record Refused(
            String listener,
            String reason,
            int status,
            @Nullable String requestId,
            InetSocketAddress peer) {}

    /**
     * One try of one endpoint.
     *
     * @param upstream the upstream's name
     * @param endpoint the endpoint's address
     * @param number 1 for the first
     * @param startedNanos {@link TimeSource#nanoTime} at its start
     * @param endedNanos at its end; equal to the start while it is under way
     * @param status of the response; 0 while under way or after a failure
     * @param failure why it failed, or null
     */
    record Attempt(
            String upstream,
            String endpoint,
            int number,
            long startedNanos,
            long endedNanos,
            int status,
            @Nullable Failure failure) {}
}
