package dev.postern.runtime.routing;

import dev.postern.Failure;
import dev.postern.Route;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the table says about one request: the route that takes it, or why there is none. */
public final class Routed {
    private final @Nullable Entry entry;
    private final String path;
    private final @Nullable Failure failure;
    private final List<String> allowed;

    // Made when first asked for; whoever races makes the same, and both maps are final inside.
    private @Nullable Map<String, String> raw;
    private @Nullable Map<String, String> decoded;

    private Routed(@Nullable Entry entry, String path, @Nullable Failure failure, List<String> allowed) {
        this.entry = entry;
        this.path = path;
        this.failure = failure;
        this.allowed = allowed;
    }

    static Routed to(Entry entry, String path) {
        return new Routed(entry, path, null, List.of());
    }

    static Routed nowhere(String path) {
        return new Routed(null, path, Failure.NO_ROUTE, List.of());
    }

    static Routed notAllowed(String path, List<String> allowed) {
        return new Routed(null, path, Failure.METHOD_NOT_ALLOWED, allowed);
    }

    /** The route that takes the request; {@link Route#UNMATCHED} when there is none. */
    public Route route() {
        return entry == null ? Route.UNMATCHED : entry.route();
    }

    /** The number of the route in the list that the table was compiled from; -1 when there is none. */
    public int number() {
        return entry == null ? -1 : entry.number();
    }

    /**
     * What {@link #memo(Object)} was given last for what takes the request: the place for what would otherwise be looked up
     * by the name of the route for each exchange. On any thread.
     */
    public @Nullable Object memo() {
        return entry == null ? null : entry.memo();
    }

    /** Keeps something for the exchanges to come; without a route nothing is kept. On any thread. */
    public void memo(Object memo) {
        if (entry != null) {
            entry.memo(memo);
        }
    }

    /** Null when there is a route, otherwise {@link Failure#NO_ROUTE} or {@link Failure#METHOD_NOT_ALLOWED}. */
    public @Nullable Failure failure() {
        return failure;
    }

    /** The methods for the {@code Allow} field of a 405, in its usual order; empty otherwise. */
    public List<String> allowedMethods() {
        return allowed;
    }

    /** The canonical path that was matched. */
    public String path() {
        return path;
    }

    /** What the route's path captured, decoded, in the order of the template. */
    public Map<String, String> pathVariables() {
        Map<String, String> known = decoded;
        if (known == null) {
            Map<String, String> made = new LinkedHashMap<>();
            rawVariables().forEach((name, text) -> made.put(name, decode(text)));
            known = Collections.unmodifiableMap(made);
            decoded = known;
        }
        return known;
    }

    /** The same as it stands in the path, percent-encoded. */
    Map<String, String> rawVariables() {
        Map<String, String> known = raw;
        if (known == null) {
            known = entry == null ? Map.of() : Collections.unmodifiableMap(entry.capture(path));
            raw = known;
        }
        return known;
    }

    /**
     * The number of characters of {@link #path} that a prefix or an open template named itself, without the slash behind: 7
     * for {@code /orders/7} and the prefix {@code /orders}, 0 for the prefix {@code /}. The whole path for closed templates
     * and expressions.
     */
    public int matchedPrefixLength() {
        return entry == null ? path.length() : entry.prefixEnd(path);
    }

    // A canonical path holds well-formed escapes only, but the group of an expression may begin or end inside of one.
    static String decode(String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        byte[] out = new byte[text.length()];
        int size = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '%' && isHex(text, i + 1) && isHex(text, i + 2)) {
                out[size++] = (byte) Integer.parseInt(text, i + 1, i + 3, 16);
                i += 2;
            } else {
                out[size++] = (byte) c;
            }
        }
        return new String(out, 0, size, StandardCharsets.UTF_8);
    }

    private static boolean isHex(String text, int at) {
        return at < text.length() && Character.digit(text.charAt(at), 16) >= 0;
    }

    /** {@code route "orders-read"}, {@code no_route}. */
    @Override
    public String toString() {
        return failure == null ? route().toString() : failure.code();
    }
}
