package dev.postern.runtime.observe;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Headers;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import java.net.InetAddress;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * Puts one ended exchange into one line of JSON. Immutable; safe on any thread.
 *
 * <p>Denies by default: no header, no query and nothing of a principal but its name, unless the format lists it, and
 * credentials not even then.
 */
public final class AccessLine {
    private final Format format;
    // The last second that was written out, for all loops: a line a millisecond later shares its first 19 characters.
    private volatile Second second = new Second(Long.MIN_VALUE, "");

    /** A writer of lines in this format. */
    public AccessLine(Format format) {
        this.format = format;
    }

    /** The line, without a line end. Members that are not known are left out. */
    public String of(Request request, Exchange exchange, Outcome outcome) {
        JsonLine line = new JsonLine();
        text(line, AccessLogField.TIME, time(exchange.time().now()));
        text(line, AccessLogField.ID, exchange.id());
        String trace = exchange.get(Trace.ID);
        if (trace != null) {
            text(line, AccessLogField.TRACE, trace);
        }
        line.text(AccessLogField.LISTENER.key(), exchange.listener(), AccessLogField.LISTENER.limit());
        who(line, exchange);
        what(line, request);
        how(line, exchange, outcome);
        return line.end();
    }

    /** The line of what never became an exchange but got an answer. */
    public String of(ExchangeObserver.Refused refused, Instant now) {
        JsonLine line = new JsonLine();
        text(line, AccessLogField.TIME, time(now));
        line.text(AccessLogField.ID.key(), refused.requestId(), AccessLogField.ID.limit());
        text(line, AccessLogField.LISTENER, refused.listener());
        text(line, AccessLogField.CLIENT, client(refused.peer().getAddress()));
        line.number(AccessLogField.STATUS.key(), refused.status());
        text(line, AccessLogField.REASON, refused.reason());
        return line.end();
    }

    private String client(InetAddress address) {
        return format.truncatedAddresses() ? ClientAddress.truncated(address) : ClientAddress.whole(address);
    }

    private void who(JsonLine line, Exchange exchange) {
        text(line, AccessLogField.CLIENT, client(exchange.client().address()));
        Principal principal = exchange.principal();
        if (principal != null) {
            text(line, AccessLogField.PRINCIPAL, principal.name());
        }
        line.flag(AccessLogField.TLS.key(), exchange.client().secure());
    }

    private void what(JsonLine line, Request request) {
        text(line, AccessLogField.METHOD, request.method());
        text(line, AccessLogField.HOST, request.authority());
        if (format.paths()) {
            text(line, AccessLogField.PATH, Redaction.path(request.path()));
        }
        String query = request.query();
        if (format.queryNames() && query != null && !query.isEmpty()) {
            text(line, AccessLogField.QUERY, Redaction.queryNames(query));
        }
        if (!format.headers().isEmpty()) {
            headers(line, request.headers());
        }
    }

    private void headers(JsonLine line, Headers headers) {
        boolean open = false;
        for (String name : format.headers()) {
            String value = headers.get(name);
            if (value != null) {
                if (!open) {
                    line.open(AccessLogField.HEADERS.key());
                    open = true;
                }
                line.text(name, Redaction.header(name, value), AccessLogField.HEADERS.limit());
            }
        }
        if (open) {
            line.close();
        }
    }

    private static void how(JsonLine line, Exchange exchange, Outcome outcome) {
        line.number(AccessLogField.STATUS.key(), outcome.status());
        if (outcome.failure() != null) {
            text(line, AccessLogField.FAILURE, outcome.failure().code());
        }
        line.text(AccessLogField.REASON.key(), outcome.reason(), AccessLogField.REASON.limit());
        text(line, AccessLogField.ROUTE, exchange.route().id());
        line.text(AccessLogField.UPSTREAM.key(), outcome.upstream(), AccessLogField.UPSTREAM.limit());
        line.text(AccessLogField.ENDPOINT.key(), outcome.endpoint(), AccessLogField.ENDPOINT.limit());
        line.number(AccessLogField.ATTEMPTS.key(), outcome.attempts());
        long duration = outcome.duration().toNanos();
        long upstream = outcome.upstreamDuration().toNanos();
        line.millis(AccessLogField.DURATION.key(), duration);
        line.millis(AccessLogField.UPSTREAM_DURATION.key(), upstream);
        line.millis(AccessLogField.GATEWAY_DURATION.key(), duration - upstream);
        line.number(AccessLogField.REQUEST_BYTES.key(), outcome.requestBytes());
        line.number(AccessLogField.RESPONSE_BYTES.key(), outcome.responseBytes());
    }

    private static void text(JsonLine line, AccessLogField field, String value) {
        line.text(field.key(), value, field.limit());
    }

    private String time(Instant now) {
        Second current = second;
        if (current.epoch != now.getEpochSecond()) {
            // The form without a fraction leaves out seconds of zero: with one nanosecond all places are written.
            LocalDateTime time = LocalDateTime.ofEpochSecond(now.getEpochSecond(), 1, ZoneOffset.UTC);
            current = new Second(now.getEpochSecond(), time.toString().substring(0, 19));
            second = current;
        }
        int millis = now.getNano() / 1_000_000;
        return current.text + (millis < 10 ? ".00" : millis < 100 ? ".0" : ".") + millis + 'Z';
    }

    /**
     * What lines show beyond the fields that always stand in them.
     *
     * @param headers the request headers shown, names in lower case
     * @param queryNames whether names of query parameters are shown
     * @param paths whether paths are shown
     * @param truncatedAddresses whether addresses lose their last bits
     */
    public record Format(List<String> headers, boolean queryNames, boolean paths, boolean truncatedAddresses) {
        /** Copies. */
        public Format {
            headers = List.copyOf(headers);
        }
    }

    private record Second(long epoch, String text) {}
}
