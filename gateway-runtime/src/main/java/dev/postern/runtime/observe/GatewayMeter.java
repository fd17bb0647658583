package dev.postern.runtime.observe;

import java.util.List;

/**
 * Every meter there is. The page docs/concepts/observability.md shows this table.
 *
 * <p>Labels take their values from the configuration and from fixed sets, never from a request as it is: what a caller
 * sends cannot make a new time series (T140).
 */
public enum GatewayMeter {
    /** The exchange. */
    REQUESTS(
            "postern.requests",
            Kind.TIMER,
            "seconds",
            List.of("route", "method", "status", "outcome"),
            "Exchanges, from the request head to the last byte. Its count is the number of requests."),
    /** The gateway's part of it. */
    GATEWAY_TIME(
            "postern.gateway.time",
            Kind.TIMER,
            "seconds",
            List.of(),
            "The part of that time not spent waiting for response heads of upstreams: filters, queues, bodies."),
    /** Which route's part. */
    ROUTE_GATEWAY_TIME(
            "postern.route.gateway.time",
            Kind.COUNTER,
            "seconds",
            List.of("route"),
            "The same by route, in all. Divided by the count of `postern.requests` it is the mean of the route."),
    /** Exchanges under way. */
    IN_FLIGHT(
            "postern.requests.in.flight",
            Kind.GAUGE,
            "exchanges",
            List.of("route"),
            "Exchanges that have started and not ended."),
    /** Bytes in. */
    REQUEST_BYTES(
            "postern.request.bytes", Kind.COUNTER, "bytes", List.of("route"), "Body bytes received from callers."),
    /** Bytes out. */
    RESPONSE_BYTES("postern.response.bytes", Kind.COUNTER, "bytes", List.of("route"), "Body bytes written to callers."),
    /** What broke. */
    FAILURES(
            "postern.failures",
            Kind.COUNTER,
            "exchanges",
            List.of("route", "failure", "party"),
            "Exchanges that broke, by reason and by who has to be looked at (`client`, `gateway`, `upstream`)."),
    /** The upstream's part of it. */
    ATTEMPTS(
            "postern.upstream.attempts",
            Kind.TIMER,
            "seconds",
            List.of("upstream", "endpoint", "status", "failure"),
            "Attempts, from their start to the response head or the failure. Retries count."),
    /** Work of an upstream. */
    UPSTREAM_IN_FLIGHT(
            "postern.upstream.in.flight",
            Kind.GAUGE,
            "exchanges",
            List.of("upstream"),
            "Exchanges the upstream is working on."),
    /** Queue of a pool. */
    UPSTREAM_PENDING(
            "postern.upstream.pending",
            Kind.GAUGE,
            "exchanges",
            List.of("upstream"),
            "Exchanges that wait for a connection to the upstream."),
    /** What its policies do. */
    UPSTREAM_POLICIES(
            "postern.upstream.policies",
            Kind.COUNTER,
            "events",
            List.of("upstream", "event"),
            "What policies have done: `retry`, `hedge`, `ejection`, `breaker_opened`; `retry_refused` and `hedge_refused` when a budget had"
                    + " nothing left."),
    /** Health is not believed. */
    UPSTREAM_PANIC(
            "postern.upstream.panic",
            Kind.GAUGE,
            "",
            List.of("upstream"),
            "1 while too few endpoints are healthy for health to be believed, so that all are used."),
    /** Work of an endpoint. */
    ENDPOINT_IN_FLIGHT(
            "postern.endpoint.in.flight",
            Kind.GAUGE,
            "exchanges",
            List.of("upstream", "endpoint"),
            "Exchanges the endpoint is working on."),
    /** Size of a pool. */
    ENDPOINT_CONNECTIONS(
            "postern.endpoint.connections",
            Kind.GAUGE,
            "connections",
            List.of("upstream", "endpoint"),
            "Open connections to the endpoint."),
    /** May be picked. */
    ENDPOINT_USABLE(
            "postern.endpoint.usable",
            Kind.GAUGE,
            "",
            List.of("upstream", "endpoint"),
            "1 while the endpoint may be picked, 0 while it is unhealthy, ejected or avoided."),
    /** Connections of a door. */
    LISTENER_CONNECTIONS(
            "postern.listener.connections",
            Kind.GAUGE,
            "connections",
            List.of("listener"),
            "Open connections of clients."),
    /** Closed at once. */
    CONNECTIONS_REFUSED(
            "postern.connections.refused",
            Kind.COUNTER,
            "connections",
            List.of("listener", "reason"),
            "Connections that were closed as soon as they came, by the limit that they would have passed."),
    /** Requests of a door. */
    LISTENER_REQUESTS(
            "postern.listener.requests",
            Kind.COUNTER,
            "requests",
            List.of("listener"),
            "Requests that came in by the listener, whatever became of them."),
    /** No exchange. */
    EDGE_REFUSALS(
            "postern.edge.refusals",
            Kind.COUNTER,
            "refusals",
            List.of("listener", "reason"),
            "Connections, and streams of HTTP/2, that were ended before they became an exchange, by what was wrong with"
                    + " them ([reasons](../errors.md#finer-reasons-for-400-and-its-neighbours))."),
    /** State of filters. */
    STATE(
            "postern.state",
            Kind.GAUGE,
            "",
            List.of("kind", "name", "reading"),
            "What a limit or a breaker shows of itself; the page of each filter lists its readings."),
    /** State of filters. */
    STATE_EVENTS(
            "postern.state.events",
            Kind.COUNTER,
            "events",
            List.of("kind", "name", "reading"),
            "What a limit or a breaker has counted; the page of each filter lists its readings.");

    /** What a meter measures. */
    public enum Kind {
        /** How often, and how long in all and at most. */
        TIMER,
        /** How much in all. */
        COUNTER,
        /** How much now. */
        GAUGE
    }

    private final String meter;
    private final Kind kind;
    private final String unit;

    @SuppressWarnings("ImmutableEnumChecker") // always made by List.of
    private final List<String> labels;

    private final String meaning;

    GatewayMeter(String meter, Kind kind, String unit, List<String> labels, String meaning) {
        this.meter = meter;
        this.kind = kind;
        this.unit = unit;
        this.labels = labels;
        this.meaning = meaning;
    }

    /** The name in Micrometer's spelling; Prometheus shows {@code postern.requests} as {@code postern_requests_seconds}. */
    public String meter() {
        return meter;
    }

    /** What it measures. */
    public Kind kind() {
        return kind;
    }

    /** The unit; empty for none. */
    public String unit() {
        return unit;
    }

    /** The names of its labels, in order. */
    public List<String> labels() {
        return labels;
    }

    /** What it says, in Markdown. */
    public String meaning() {
        return meaning;
    }
}
