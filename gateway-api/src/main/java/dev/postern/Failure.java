package dev.postern;

/**
 * Where an exchange broke, whose doing it was, and what follows from it. The one table from which statuses, {@code
 * Proxy-Status} (RFC 9209) and retry safety are read.
 */
public enum Failure {
    /** The request is malformed or ambiguous and was refused before anything was decided about it. */
    BAD_REQUEST(Party.CLIENT, 400, true, "bad_request", "http_request_error"),
    /** The request head has too many or too large fields. */
    REQUEST_HEAD_TOO_LARGE(Party.CLIENT, 431, true, "request_head_too_large", "http_request_error"),
    /** The target is longer than the listener allows. */
    TARGET_TOO_LONG(Party.CLIENT, 414, true, "target_too_long", "http_request_error"),
    /** An {@code Expect} field with anything but {@code 100-continue}. */
    EXPECTATION_FAILED(Party.CLIENT, 417, true, "expectation_failed", "http_request_error"),
    /** A protocol version that is not served here. */
    VERSION_NOT_SUPPORTED(Party.CLIENT, 505, true, "version_not_supported", "http_request_error"),
    /** A WebSocket handshake of a version that is not served here. */
    UPGRADE_REQUIRED(Party.CLIENT, 426, true, "upgrade_required", "http_request_error"),
    /** A WebSocket handshake from a page whose origin the route does not allow. */
    ORIGIN_REFUSED(Party.CLIENT, 403, true, "origin_refused", "http_request_denied"),
    /** No route takes this host and path. */
    NO_ROUTE(Party.CLIENT, 404, true, "no_route", "destination_not_found"),
    /** Routes take this path, but none with this method. */
    METHOD_NOT_ALLOWED(Party.CLIENT, 405, true, "method_not_allowed", "http_request_error"),
    /** The connection was made for another host, or by rules about client certificates that have changed since. */
    MISDIRECTED_REQUEST(Party.CLIENT, 421, true, "misdirected_request", "http_request_error"),
    /** The request body is larger than the route allows. */
    REQUEST_BODY_TOO_LARGE(Party.CLIENT, 413, false, "request_body_too_large", "http_request_error"),
    /** The request body broke off or was malformed. */
    REQUEST_BODY_BROKEN(Party.CLIENT, 400, false, "request_body_broken", "http_request_error"),
    /** The client sent the request body too slowly. */
    REQUEST_BODY_TIMEOUT(Party.CLIENT, 408, false, "request_body_timeout", "http_request_error"),
    /** The deadline that the client has named for its call ({@code grpc-timeout}) has passed, before that of the route. */
    CALL_DEADLINE(Party.CLIENT, 408, false, "call_deadline", "http_response_timeout"),
    /** The client does not read the response. */
    CLIENT_STALLED(Party.CLIENT, 499, false, "client_stalled", "connection_write_timeout"),
    /** The client went away; nobody receives this status, it is for logs and metrics. */
    CLIENT_GONE(Party.CLIENT, 499, false, "client_gone", "connection_terminated"),
    /** A rule of the gateway has ended a WebSocket, event stream or other stream (idle, too old, expired, drained); nobody receives this status. */
    STREAM_ENDED(Party.CLIENT, 499, false, "stream_ended", "connection_terminated"),
    /** A filter threw, returned nothing, or broke the rules of the chain. */
    FILTER_FAILED(Party.GATEWAY, 500, false, "filter_failed", "proxy_internal_error"),
    /** A handler of the host application threw or returned nothing. */
    HANDLER_FAILED(Party.UPSTREAM, 500, false, "handler_failed", "proxy_internal_error"),
    /** The gateway itself is at fault. */
    INTERNAL(Party.GATEWAY, 500, false, "internal", "proxy_internal_error"),
    /** More work than the gateway accepts at once. */
    OVERLOADED(Party.GATEWAY, 503, true, "overloaded", "connection_limit_reached"),
    /** What exchanges may keep in memory is used up ({@link GatewayBuilder#maxBufferedBytes}). */
    MEMORY_EXHAUSTED(Party.GATEWAY, 503, false, "memory_exhausted", "proxy_internal_response"),
    /** The gateway is not started, is stopping, or has stopped. */
    NOT_RUNNING(Party.GATEWAY, 503, true, "not_running", "proxy_internal_response"),
    /** The upstream has no endpoint that may be used now. */
    NO_ENDPOINT(Party.UPSTREAM, 503, true, "no_endpoint", "destination_unavailable"),
    /** No connection to the upstream became free in time, or too many exchanges wait for one. */
    POOL_EXHAUSTED(Party.GATEWAY, 503, true, "pool_exhausted", "connection_limit_reached"),
    /** The name of the endpoint could not be resolved. */
    DNS_FAILED(Party.UPSTREAM, 502, true, "dns_failed", "dns_error"),
    /** The endpoint refused the connection or cannot be reached. */
    CONNECT_FAILED(Party.UPSTREAM, 502, true, "connect_failed", "connection_refused"),
    /** The connection was not made in time. */
    CONNECT_TIMEOUT(Party.UPSTREAM, 504, true, "connect_timeout", "connection_timeout"),
    /** The TLS handshake failed: certificate not trusted, name does not match, no common parameters. */
    TLS_FAILED(Party.UPSTREAM, 502, true, "tls_failed", "tls_certificate_error"),
    /** The connection ended before the response head; bytes of the request had been sent. */
    RESET_BEFORE_HEAD(Party.UPSTREAM, 502, false, "reset_before_head", "connection_terminated"),
    /** No response head within the time the upstream has for one attempt. */
    FIRST_BYTE_TIMEOUT(Party.UPSTREAM, 504, false, "first_byte_timeout", "http_response_timeout"),
    /** The deadline of the whole exchange has passed. */
    DEADLINE_EXCEEDED(Party.UPSTREAM, 504, false, "deadline_exceeded", "http_response_timeout"),
    /** The response head or its framing is malformed. */
    RESPONSE_MALFORMED(Party.UPSTREAM, 502, false, "response_malformed", "http_protocol_error"),
    /** The response body is larger than its reader allows. */
    RESPONSE_BODY_TOO_LARGE(Party.UPSTREAM, 502, false, "response_body_too_large", "http_response_body_size"),
    /** The response broke off in the middle. */
    RESPONSE_BODY_BROKEN(Party.UPSTREAM, 502, false, "response_body_broken", "http_response_incomplete"),
    /** Nothing more of the response body arrived for the idle time. */
    RESPONSE_BODY_STALLED(Party.UPSTREAM, 504, false, "response_body_stalled", "connection_read_timeout");

    /** Who has to be looked at. */
    public enum Party {
        /** Whoever sent the request. */
        CLIENT,
        /** This gateway, its configuration, or a filter in it. */
        GATEWAY,
        /** The service behind the gateway, or the way to it. Only this counts for the health of an endpoint. */
        UPSTREAM
    }

    private final Party party;
    private final int status;
    private final boolean nothingSent;
    private final String code;
    private final String proxyStatus;

    Failure(Party party, int status, boolean nothingSent, String code, String proxyStatus) {
        this.party = party;
        this.status = status;
        this.nothingSent = nothingSent;
        this.code = code;
        this.proxyStatus = proxyStatus;
    }

    /** Who has to be looked at. */
    public Party party() {
        return party;
    }

    /** The status of the default answer, while the response head is still unsent. */
    public int status() {
        return status;
    }

    /** Whether the upstream cannot have seen this request, so that even a {@code POST} may be tried again. */
    public boolean nothingSent() {
        return nothingSent;
    }

    /** The stable name for logs, metrics and answers: {@code connect_timeout}. */
    public String code() {
        return code;
    }

    /** The error type of RFC 9209 2.3: {@code connection_timeout}. */
    public String proxyStatus() {
        return proxyStatus;
    }
}
