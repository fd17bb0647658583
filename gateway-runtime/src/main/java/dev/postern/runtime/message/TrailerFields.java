package dev.postern.runtime.message;

import dev.postern.Exchange;
import dev.postern.Headers;
import dev.postern.runtime.pipeline.GatewayExchange;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which trailer fields pass: those of gRPC, those that the route names, and of these none that readers act on before the
 * content or that decide about framing, routing and credentials (RFC 9110 6.5.1, T011).
 */
public final class TrailerFields {
    private static final Set<String> GRPC = Set.of("grpc-status", "grpc-message", "grpc-status-details-bin");

    private static final Set<String> NEVER = Set.of(
            "age",
            "cache-control",
            "content-encoding",
            "content-location",
            "content-range",
            "content-type",
            "date",
            "expires",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "location",
            "max-forwards",
            "pragma",
            "range",
            "retry-after",
            "te",
            "vary",
            "via",
            "authorization",
            "proxy-authenticate",
            "proxy-authorization",
            "www-authenticate",
            "cookie",
            "set-cookie",
            "x-api-key",
            "x-request-id",
            "traceparent",
            "tracestate");

    private static final List<String> ALL = List.of("*");

    private TrailerFields() {}

    /** What passes of a message's trailers. Fields that cannot be written down again are dropped, too. */
    public static Headers of(Iterable<Map.Entry<String, String>> fields, GatewayExchange exchange) {
        // Of gRPC calls all: that is where services put their metadata.
        return of(
                fields,
                exchange.kind() == Exchange.Kind.GRPC ? ALL : exchange.route().trailers());
    }

    /** The same by the names that a route gives. */
    public static Headers of(Iterable<Map.Entry<String, String>> fields, List<String> named) {
        Headers.Builder passed = null;
        for (Map.Entry<String, String> field : fields) {
            String name = field.getKey().toLowerCase(Locale.ROOT);
            if (passes(name, named)) {
                if (passed == null) {
                    passed = Headers.builder();
                }
                add(passed, name, field.getValue());
            }
        }
        return passed == null ? Headers.EMPTY : passed.build();
    }

    private static void add(Headers.Builder passed, String name, String value) {
        try {
            passed.add(name, value);
        } catch (IllegalArgumentException broken) {
            // The message is complete without it; its reader must not be shown what could be read in two ways.
            passed.remove(name);
        }
    }

    private static boolean passes(String lowerName, List<String> named) {
        if (GRPC.contains(lowerName)) {
            return true;
        }
        if (named.isEmpty() || forbidden(lowerName)) {
            return false;
        }
        for (String pattern : named) {
            boolean matches = pattern.endsWith("*")
                    ? lowerName.startsWith(pattern.substring(0, pattern.length() - 1))
                    : lowerName.equals(pattern);
            if (matches) {
                return true;
            }
        }
        return false;
    }

    private static boolean forbidden(String lowerName) {
        return NEVER.contains(lowerName)
                || Fields.ofRequest(lowerName) != Fields.Kind.END_TO_END
                || Fields.ofResponse(lowerName) != Fields.Kind.END_TO_END;
    }
}
