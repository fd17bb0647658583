package dev.postern;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a route puts up with on its WebSockets. The defaults are meant for the open internet: a browser may connect from
 * pages of the same origin only, a message has at most 256 KiB. Immutable; each method gives a changed copy.
 *
 * <p>How long a WebSocket lives is said by the route: {@link Route.Builder#idleTimeout}, {@link Route.Builder#maxDuration}.
 */
public final class WebSocketRules {
    // Scheme, host, port: what RFC 6454 6.2 serialises. Hosts are compared as they are written by browsers, in lower
    // case.
    private static final Pattern ORIGIN =
            Pattern.compile("[a-z][a-z0-9+.-]*://(\\[[0-9a-f:.]+]|[a-z0-9._-]+)(:[0-9]{1,5})?");

    private static final WebSocketRules DEFAULT = new WebSocketRules(Set.of(), false, 256 * 1024, 100, 50);

    private final Set<String> origins;
    private final boolean anyOrigin;
    private final int maxMessageBytes;
    private final int maxFragments;
    private final int maxControlFrames;

    private WebSocketRules(
            Set<String> origins, boolean anyOrigin, int maxMessageBytes, int maxFragments, int maxControlFrames) {
        this.origins = origins;
        this.anyOrigin = anyOrigin;
        this.maxMessageBytes = maxMessageBytes;
        this.maxFragments = maxFragments;
        this.maxControlFrames = maxControlFrames;
    }

    /** The defaults. */
    public static WebSocketRules standard() {
        return DEFAULT;
    }

    /**
     * Lets pages of these origins connect too, besides those of the same origin. A browser sends cookies along with a
     * handshake whatever page it comes from, so without a list any page could act for its visitor; a client without an
     * {@code Origin} is no browser and may connect.
     *
     * @param more such as {@code https://app.example} or {@code http://localhost:3000}
     */
    public WebSocketRules origins(String... more) {
        Set<String> all = new TreeSet<>(origins);
        for (String origin : more) {
            String lower = origin.toLowerCase(Locale.ROOT);
            if (!ORIGIN.matcher(lower).matches()) {
                throw new IllegalArgumentException(
                        "origin: \"" + origin + "\" (expected: scheme and host, such as https://app.example)");
            }
            all.add(lower);
        }
        return new WebSocketRules(all, anyOrigin, maxMessageBytes, maxFragments, maxControlFrames);
    }

    /** Lets every page connect: only where nothing that a browser sends by itself, such as a cookie, opens anything. */
    public WebSocketRules anyOrigin() {
        return new WebSocketRules(origins, true, maxMessageBytes, maxFragments, maxControlFrames);
    }

    /**
     * The largest message in bytes as they come over the wire, all its fragments together, compressed if it is; 1 or more.
     * The default is 256 KiB, then 1009. Memory is taken for it only when there is a {@link MessageHook}.
     */
    public WebSocketRules maxMessageBytes(int bytes) {
        return new WebSocketRules(origins, anyOrigin, range("maxMessageBytes", bytes), maxFragments, maxControlFrames);
    }

    /** The most frames that a message may come in, 1 or more; the default is 100, then 1008. */
    public WebSocketRules maxFragments(int count) {
        return new WebSocketRules(origins, anyOrigin, maxMessageBytes, range("maxFragments", count), maxControlFrames);
    }

    /** The most pings and pongs that a side may send in a second, 1 or more; the default is 50, then 1008. */
    public WebSocketRules maxControlFrames(int perSecond) {
        return new WebSocketRules(
                origins, anyOrigin, maxMessageBytes, maxFragments, range("maxControlFrames", perSecond));
    }

    /** The origins that may connect besides the same one, in order. */
    public Collection<String> origins() {
        return List.copyOf(origins);
    }

    /** Whether every page may connect. */
    public boolean allowsAnyOrigin() {
        return anyOrigin;
    }

    /** The largest message in bytes. */
    public int maxMessageBytes() {
        return maxMessageBytes;
    }

    /** The most frames of a message. */
    public int maxFragments() {
        return maxFragments;
    }

    /** The most pings and pongs of a side in a second. */
    public int maxControlFrames() {
        return maxControlFrames;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof WebSocketRules that
                && that.origins.equals(origins)
                && that.anyOrigin == anyOrigin
                && that.maxMessageBytes == maxMessageBytes
                && that.maxFragments == maxFragments
                && that.maxControlFrames == maxControlFrames;
    }

    @Override
    public int hashCode() {
        return Objects.hash(origins, anyOrigin, maxMessageBytes, maxFragments, maxControlFrames);
    }

    /** The rules in words, as {@code plan} shows them. */
    @Override
    public String toString() {
        return "origins " + (anyOrigin ? "any" : origins.isEmpty() ? "same" : "same, " + String.join(", ", origins))
                + "; messages of " + maxMessageBytes + " bytes in " + maxFragments + " frames; " + maxControlFrames
                + " control frames/s";
    }

    private static int range(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
        }
        return value;
    }
}
