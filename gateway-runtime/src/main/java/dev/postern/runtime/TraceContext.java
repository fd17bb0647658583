package dev.postern.runtime;

import dev.postern.Exchange;
import dev.postern.Filter;
import dev.postern.Headers;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import dev.postern.runtime.observe.Trace;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Carries distributed traces through the gateway (W3C Trace Context Level 2): what goes upstream always has a valid {@code
 * traceparent} with a parent id of its own. Make it the first gateway filter.
 *
 * <p>It records no spans. Without this filter the caller's fields go upstream as they came, whoever the caller is.
 *
 * <p>{@code baggage} of more than 1,024 bytes is dropped, whoever sent it.
 */
public final class TraceContext implements Filter, Managed {
    /** The id of the exchange's trace, 32 hexadecimal digits; {@code trace} in the access log. */
    public static final Exchange.Key<String> TRACE_ID = Trace.ID;

    // T140: what every hop behind us copies must not be the caller's to size.
    private static final int MAX_BAGGAGE_BYTES = 1024;
    private static final String BAGGAGE = "baggage";

    private final Trust trust;
    private final double sampled;
    // Written once by start, before the first exchange; volatile because loops are other threads.
    private volatile RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();

    private TraceContext(Trust trust, double sampled) {
        this.trust = trust;
        this.sampled = sampled;
    }

    /**
     * Continues the traces of callers behind the listener's trusted proxies and begins a new one for everybody else, so
     * that strangers can neither join traces nor decide what is recorded. The one to use at the edge.
     */
    public static TraceContext restartingUntrusted() {
        return new TraceContext(Trust.PROXIES, 1);
    }

    /** Continues every caller's trace: for gateways that only your own services can reach. */
    public static TraceContext continuing() {
        return new TraceContext(Trust.EVERYBODY, 1);
    }

    /**
     * The share of the traces begun here that upstreams are asked to record, 0 to 1; the default is 1, which leaves the
     * choice to them as if there were no gateway. Continued traces keep the caller's choice.
     */
    public TraceContext sampled(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share: " + share + " (expected: 0 to 1)");
        }
        return new TraceContext(trust, share);
    }

    @Override
    public CompletionStage<Void> start(Services services) {
        random = services.random();
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Response> apply(Request request, Chain chain) {
        Trace trace = traceOf(request, chain.exchange());
        boolean heavy = baggageBytes(request.headers()) > MAX_BAGGAGE_BYTES;
        return chain.proceed(request.withHeaders(request.headers().edit(headers -> {
            trace.writeTo(headers);
            if (heavy) {
                headers.remove(BAGGAGE);
            }
        })));
    }

    private Trace traceOf(Request request, Exchange exchange) {
        // A filter before this one may proceed again: still the same trace.
        Trace trace = exchange.get(Trace.CURRENT);
        if (trace != null) {
            return trace;
        }
        if (trust == Trust.EVERYBODY || exchange.client().trustedPeer()) {
            trace = Trace.received(request.headers(), random);
        }
        if (trace == null) {
            trace = Trace.begun(random, sampled);
        }
        exchange.set(Trace.CURRENT, trace);
        exchange.set(TRACE_ID, trace.id());
        return trace;
    }

    /** Of all lines together, with the commas that join them. */
    private static int baggageBytes(Headers headers) {
        int bytes = -1;
        for (int i = 0; i < headers.size(); i++) {
            if (headers.name(i).equalsIgnoreCase(BAGGAGE)) {
                bytes += headers.value(i).length() + 1;
            }
        }
        return bytes;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TraceContext that && that.trust == trust && that.sampled == sampled;
    }

    @Override
    public int hashCode() {
        return trust.hashCode() * 31 + Double.hashCode(sampled);
    }

    @Override
    public String toString() {
        return "TraceContext[" + (trust == Trust.EVERYBODY ? "continuing" : "restarting untrusted") + ", sampled "
                + sampled + ']';
    }

    private enum Trust {
        PROXIES,
        EVERYBODY
    }
}
