package dev.postern;

/**
 * Turns a failed exchange into the answer that the client receives. Called on the exchange's event loop while the head
 * of the response is still unsent; must not block. When it throws or returns nothing, the default answers instead.
 */
@FunctionalInterface
public interface ErrorHandler {
    /**
     * The answer to give. The runtime adds the request id, and {@code Allow} to a 405.
     *
     * @param error what went wrong; its message is for logs and must not be shown to clients
     * @param request the request as far as it is known; for a malformed one a stand-in with method and path only
     */
    Response answer(GatewayException error, Request request);

    /** Problem details (RFC 9457) with status, stable code and nothing else. */
    static ErrorHandler problemDetails() {
        return ProblemDetails.HANDLER;
    }
}
