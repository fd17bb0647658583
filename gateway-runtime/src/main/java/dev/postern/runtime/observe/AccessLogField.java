package dev.postern.runtime.observe;

/** What stands in a line of the access log, in this order. The page docs/concepts/observability.md shows this table. */
public enum AccessLogField {
    /** When. */
    TIME("time", 24, "when the exchange ended: RFC 3339, UTC, milliseconds"),
    /** Which request. */
    ID("id", 64, "the request id, also in `X-Request-Id` upstream and in answers made by the gateway"),
    /** Which trace. */
    TRACE("trace", 32, "the trace id; only with `TraceContext`"),
    /** By which door. */
    LISTENER("listener", 64, "the name of the listener; none behind a server of the host and for `handle()`"),
    /** Who, by address. */
    CLIENT("client", 45, "the caller's address, seen through trusted proxies"),
    /** Who, by proof. */
    PRINCIPAL("principal", 256, "the name of the authenticated caller, nothing else of it"),
    /** Over what. */
    TLS("tls", 5, "`true` when the caller's connection is encrypted"),
    /** What. */
    METHOD("method", 32, "the method as sent"),
    /** Where. */
    HOST("host", 255, "the host the caller addressed, with the port if it was given"),
    /** Where. */
    PATH(
            "path",
            2048,
            "the canonical path that was matched and forwarded; values of path parameters (`;name=…`) as `***`"),
    /** With which parameters. */
    QUERY("query", 512, "the names of the query parameters; only with `queryNames()`, values never"),
    /** What of the head. */
    HEADERS("headers", 512, "the request headers listed with `headers(…)`, by lower-case name; credentials as `***`"),
    /** How it ended. */
    STATUS("status", 3, "the status sent; 499 when the caller left before"),
    /** Why. */
    FAILURE("failure", 64, "what broke, one of a fixed set such as `connect_timeout`"),
    /** Why, exactly. */
    REASON("reason", 128, "the finer reason that the caller was shown, such as `path.encoded_slash`"),
    /** By which rule. */
    ROUTE("route", 256, "the id of the route; `unmatched` when there was none"),
    /** To whom. */
    UPSTREAM("upstream", 256, "the upstream that answered or failed last"),
    /** To whom exactly. */
    ENDPOINT("endpoint", 256, "the endpoint that answered or failed last"),
    /** How often. */
    ATTEMPTS("attempts", 10, "how often an upstream was tried"),
    /** How long. */
    DURATION("duration_ms", 20, "from the request head to the last byte, milliseconds with three decimals"),
    /** How long there. */
    UPSTREAM_DURATION("upstream_ms", 20, "of that, waiting for response heads of upstreams"),
    /** How long here. */
    GATEWAY_DURATION(
            "gateway_ms", 20, "the rest: filters, queues, and passing bodies on at the pace of the slower side"),
    /** How much in. */
    REQUEST_BYTES("request_bytes", 20, "body bytes received from the caller"),
    /** How much out. */
    RESPONSE_BYTES("response_bytes", 20, "body bytes written to the caller");

    private final String key;
    private final int limit;
    private final String meaning;

    AccessLogField(String key, int limit, String meaning) {
        this.key = key;
        this.limit = limit;
        this.meaning = meaning;
    }

    /** The name of the JSON member. */
    public String key() {
        return key;
    }

    /** The longest value in characters, before escaping; what is longer is cut and ends in an ellipsis. */
    public int limit() {
        return limit;
    }

    /** What it says, in Markdown. */
    public String meaning() {
        return meaning;
    }
}
