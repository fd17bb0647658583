package dev.postern.runtime.observe;

import dev.postern.Exchange;
import dev.postern.Headers;
import dev.postern.Request;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A distributed trace that an exchange takes part in, and the fields that carry it on (W3C Trace Context Level 2).
 *
 * <pre>
 *   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03
 *                ↑  ↑ 3: trace id                    ↑ 36: parent id  ↑ 53: flags (1 sampled, 2 random trace id)
 *                version
 * </pre>
 *
 * <p>The gateway is a hop of its own: whatever it sends upstream has a parent id of its own, attempts of one exchange
 * included. It adds no member to {@code tracestate}, having no data to find again.
 */
public final class Trace {
    /** The id of the exchange's trace, 32 hexadecimal digits. */
    public static final Exchange.Key<String> ID = Exchange.Key.named("trace id");

    /** The exchange's trace. */
    public static final Exchange.Key<Trace> CURRENT = Exchange.Key.named("trace");

    static final String PARENT = "traceparent";

    private static final HexFormat HEX = HexFormat.of();
    private static final int LENGTH = 55;
    private static final int SAMPLED = 1;
    private static final int RANDOM = 2;

    private final String id;
    private final int flags;
    private final String state;
    private final RandomGenerator random;

    private Trace(String id, int flags, String state, RandomGenerator random) {
        this.id = id;
        this.flags = flags;
        this.state = state;
        this.random = random;
    }

    /** The trace that the caller's fields name; null when they name none or are malformed, which is no error. */
    public static @Nullable Trace received(Headers headers, RandomGenerator random) {
        if (!headers.contains(PARENT)) {
            return null;
        }
        List<String> lines = headers.all(PARENT);
        String line = lines.get(0);
        if (lines.size() > 1 || !isWellFormed(line)) {
            return null;
        }
        // Only flags that version 00 knows are passed on, because version 00 is what we write (3.2.2.5, 3.2.4).
        int flags = HexFormat.fromHexDigits(line, 53, LENGTH) & (SAMPLED | RANDOM);
        return new Trace(line.substring(3, 35), flags, TraceState.of(headers), random);
    }

    /**
     * A new trace.
     *
     * @param random where its ids come from
     * @param sampled the share of new traces that upstreams are asked to record, 0 to 1
     */
    public static Trace begun(RandomGenerator random, double sampled) {
        long high = random.nextLong();
        long low = notZero(random.nextLong());
        // The rule of OpenTelemetry: the rightmost 56 bits decide, so everybody who knows the share decides alike.
        boolean chosen = (low & 0xff_ffff_ffff_ffffL) >= (long) ((1 - sampled) * 0x1p56);
        return new Trace(
                HEX.toHexDigits(high) + HEX.toHexDigits(low), RANDOM | (chosen ? SAMPLED : 0), TraceState.NONE, random);
    }

    /**
     * Another attempt at a request: the same trace with a new parent id. The request itself when it carries no {@code
     * traceparent} or the exchange has no trace.
     */
    public static Request renewed(Request request, Exchange exchange) {
        Trace trace = exchange.get(CURRENT);
        return trace == null || !request.headers().contains(PARENT)
                ? request
                : request.withHeader(PARENT, trace.parent());
    }

    /** A request of the gateway's own within an exchange, made part of its trace; the request itself when there is none. */
    public static Request joined(Request request, Exchange exchange) {
        Trace trace = exchange.get(CURRENT);
        return trace == null ? request : request.withHeaders(request.headers().edit(trace::writeTo));
    }

    /** The trace id, 32 hexadecimal digits. */
    public String id() {
        return id;
    }

    /** Replaces the fields of the trace by those of a request that goes out now, with a new parent id. */
    public void writeTo(Headers.Builder headers) {
        headers.set(PARENT, parent());
        if (state.isEmpty()) {
            headers.remove(TraceState.NAME);
        } else {
            headers.set(TraceState.NAME, state);
        }
    }

    @Override
    public String toString() {
        return id;
    }

    private String parent() {
        return "00-" + id + '-' + HEX.toHexDigits(notZero(random.nextLong())) + "-0" + flags;
    }

    /** Ids of zeros are invalid. */
    private static long notZero(long drawn) {
        return drawn == 0 ? 1 : drawn;
    }

    /** Later versions may be longer; what they begin with is read as if it were ours (3.2.4). */
    private static boolean isWellFormed(String line) {
        if (line.length() < LENGTH || !isHex(line, 0, 2) || line.startsWith("ff")) {
            return false;
        }
        boolean rest = line.length() == LENGTH || (line.charAt(LENGTH) == '-' && !line.startsWith("00"));
        return rest
                && line.charAt(2) == '-'
                && line.charAt(35) == '-'
                && line.charAt(52) == '-'
                && isHex(line, 3, 35)
                && isHex(line, 36, 52)
                && isHex(line, 53, LENGTH)
                && !isZero(line, 3, 35)
                && !isZero(line, 36, 52);
    }

    /** Lower-case only (3.2.2): upper-case digits make the field invalid. */
    private static boolean isHex(String text, int start, int end) {
        for (int i = start; i < end; i++) {
            char c = text.charAt(i);
            if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
                return false;
            }
        }
        return true;
    }

    private static boolean isZero(String text, int start, int end) {
        for (int i = start; i < end; i++) {
            if (text.charAt(i) != '0') {
                return false;
            }
        }
        return true;
    }
}
