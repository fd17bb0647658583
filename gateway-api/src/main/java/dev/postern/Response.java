package dev.postern;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The head of a response and its body. Immutable but for the body, which is a stream.
 *
 * <p>Whoever drops a response that came from {@code proceed} or a call must {@link Body#discard()} its body. {@code
 * Content-Length} and {@code Transfer-Encoding} are not among the headers: the runtime writes them from the body.
 */
public final class Response {
    private final int status;
    private final Headers headers;
    private final Body body;

    private Response(int status, Headers headers, Body body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
    }

    /**
     * A response without headers and body.
     *
     * @param status 200 to 599, or 101 for an accepted upgrade
     */
    public static Response of(int status) {
        return new Response(checked(status), Headers.EMPTY, Body.empty());
    }

    /** {@code text/plain} in UTF-8. */
    public static Response text(int status, String text) {
        return of(status)
                .withHeader("Content-Type", "text/plain; charset=utf-8")
                .withBody(Body.of(text));
    }

    /** {@code application/json}; the text is sent as it is. */
    public static Response json(int status, String json) {
        return of(status).withHeader("Content-Type", "application/json").withBody(Body.of(json));
    }

    /**
     * Problem details (RFC 9457), {@code application/problem+json}.
     *
     * @param status 400 to 599
     * @param code a stable name for machines, such as {@code rate_limited}
     * @param detail one sentence for people, or null; escaped, but shown to the client: no secrets, no internals
     */
    public static Response problem(int status, String code, @Nullable String detail) {
        if (status < 400) {
            throw new IllegalArgumentException("status: " + status + " (expected: 400 to 599)");
        }
        return ProblemDetails.response(checked(status), code, detail);
    }

    /** The status code. */
    public int status() {
        return status;
    }

    /** The end-to-end header fields. */
    public Headers headers() {
        return headers;
    }

    /** Shorthand for {@code headers().get(name)}. */
    public @Nullable String header(String name) {
        return headers.get(name);
    }

    /** The content. */
    public Body body() {
        return body;
    }

    /** The same response with another status. */
    public Response withStatus(int newStatus) {
        return new Response(checked(newStatus), headers, body);
    }

    /** The same response with these headers instead. */
    public Response withHeaders(Headers newHeaders) {
        return new Response(status, Objects.requireNonNull(newHeaders, "newHeaders"), body);
    }

    /** The same response with one line in the place of all called {@code name}. */
    public Response withHeader(String name, String value) {
        return withHeaders(headers.with(name, value));
    }

    /** The same response without the lines called {@code name}. */
    public Response withoutHeader(String name) {
        return headers.contains(name) ? withHeaders(headers.without(name)) : this;
    }

    /** The same head with another body. The body replaced is the caller's to read or discard. */
    public Response withBody(Body newBody) {
        return new Response(status, headers, Objects.requireNonNull(newBody, "newBody"));
    }

    /** The status only. */
    @Override
    public String toString() {
        return "Response[" + status + ']';
    }

    private static int checked(int status) {
        if (status != 101 && (status < 200 || status > 599)) {
            throw new IllegalArgumentException("status: " + status + " (expected: 200 to 599, or 101)");
        }
        return status;
    }
}
