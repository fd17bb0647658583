package dev.postern;

/**
 * The host's own code as a destination, allowed to block. Called on the gateway's bounded pool (virtual threads where
 * there are any); interrupted when the exchange ends first.
 */
@FunctionalInterface
public interface BlockingHandler {
    /**
     * Answers one request.
     *
     * @param exchange read-only here: {@code id}, {@code route}, {@code pathVariables}, {@code client} and {@code
     *     principal} may be read
     */
    Response handle(Request request, Exchange exchange) throws Exception;
}
