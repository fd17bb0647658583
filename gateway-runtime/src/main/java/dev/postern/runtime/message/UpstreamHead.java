package dev.postern.runtime.message;

import dev.postern.Exchange;
import dev.postern.Headers;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.GrpcCall;
import io.vertx.core.http.HttpHeaders;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Writes the head of an upstream request from typed fields: nothing of the client's framing, connection or identity gets
 * through, what says who the client is gets written anew.
 */
public final class UpstreamHead {
    private static final CharSequence FORWARDED_FOR = HttpHeaders.createOptimized("X-Forwarded-For");
    private static final CharSequence FORWARDED_PROTO = HttpHeaders.createOptimized("X-Forwarded-Proto");
    private static final CharSequence FORWARDED_HOST = HttpHeaders.createOptimized("X-Forwarded-Host");
    private static final CharSequence FORWARDED = HttpHeaders.createOptimized("Forwarded");
    private static final CharSequence CLIENT_CERT = HttpHeaders.createOptimized("Client-Cert");
    private static final CharSequence CLIENT_CERT_CHAIN = HttpHeaders.createOptimized("Client-Cert-Chain");
    private static final CharSequence REQUEST_ID = HttpHeaders.createOptimized("X-Request-Id");
    private static final CharSequence TE = HttpHeaders.createOptimized("TE");
    private static final CharSequence TRAILERS = HttpHeaders.createOptimized("trailers");
    private static final CharSequence VIA = HttpHeaders.createOptimized("Via");

    private UpstreamHead() {}

    /**
     * Writes all fields but {@code Host} and framing.
     *
     * @param via the gateway's entry in {@code Via}: {@code 1.1 postern}
     * @param protocol what is spoken with the endpoint
     */
    public static void write(FieldSink out, Request request, GatewayExchange exchange, String via, Protocol protocol) {
        Headers headers = request.headers();
        ClientCertificate told = exchange.get(ClientCertificate.KEY);
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.name(i);
            if (passes(name) && !(told != null && isCertificate(name))) {
                out.pass(name, bounded(name) ? left(headers.value(i), exchange) : headers.value(i));
            }
        }
        if (Fields.welcomesTrailers(headers.get("te"))) {
            // RFC 9110 10.1.4: of one hop, and said to be so where that is the custom.
            out.add(TE, TRAILERS);
            if (protocol == Protocol.HTTP_1_1) {
                out.add(HttpHeaders.CONNECTION, TE);
            }
        }
        writeProvenance(out, exchange);
        writeCertificate(out, told);
        out.add(REQUEST_ID, exchange.id());
        out.add(VIA, via);
    }

    private static boolean bounded(String name) {
        return name.length() == 12 && name.equalsIgnoreCase("grpc-timeout");
    }

    /** A call's own deadline began at the gateway: the endpoint has what is left of it. */
    private static String left(String value, GatewayExchange exchange) {
        return exchange.kind() == Exchange.Kind.GRPC && exchange.remainingNanos() != Long.MAX_VALUE
                ? GrpcCall.timeout(Math.max(1, exchange.remainingNanos()))
                : value;
    }

    private static boolean passes(String name) {
        return switch (Fields.ofRequest(name)) {
            case END_TO_END -> true;
            // Removed from clients at the edge; what is here now a filter has put here. Ours are written below.
            case IDENTITY -> !isOurs(name.toLowerCase(Locale.ROOT));
            default -> false;
        };
    }

    private static boolean isOurs(String lowerName) {
        return switch (lowerName) {
            case "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "x-request-id" -> true;
            default -> false;
        };
    }

    private static void writeProvenance(FieldSink out, GatewayExchange exchange) {
        Request original = exchange.original();
        Provenance known = exchange.get(Provenance.KEY);
        String proto = original.scheme();
        String host = known != null && known.host() != null ? known.host() : original.authority();
        Told told = Told.of(exchange.client().peer().getAddress(), host, proto);
        String chain = known == null ? null : known.forwardedFor();
        out.add(FORWARDED_FOR, chain == null ? told.address() : chain + ", " + told.address());
        out.add(FORWARDED_PROTO, proto);
        out.add(FORWARDED_HOST, host);
        String elements = known == null ? null : known.forwarded();
        out.add(FORWARDED, elements == null ? told.element() : elements + ", " + told.element());
    }

    /** RFC 9440 4: where we tell, nobody else does, no certificate of a client included. */
    private static boolean isCertificate(String name) {
        return name.equalsIgnoreCase("client-cert") || name.equalsIgnoreCase("client-cert-chain");
    }

    private static void writeCertificate(FieldSink out, @Nullable ClientCertificate told) {
        if (told == null) {
            return;
        }
        if (told.certificate() != null) {
            out.add(CLIENT_CERT, told.certificate());
        }
        if (told.chain() != null) {
            out.add(CLIENT_CERT_CHAIN, told.chain());
        }
    }
}
