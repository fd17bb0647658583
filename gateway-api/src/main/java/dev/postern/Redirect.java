package dev.postern;

import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sends the client elsewhere. Parts not set are those of the request; the query is always kept.
 *
 * <p>The host of the {@code Location} is the request's validated authority or the one set here, never a forwarded header.
 */
public final class Redirect {
    private static final Set<Integer> STATUSES = Set.of(301, 302, 303, 307, 308);

    private final int status;
    private final @Nullable String scheme;
    private final @Nullable String host;
    private final int port;
    private final @Nullable String path;
    private final @Nullable String prefix;

    private Redirect(
            int status,
            @Nullable String scheme,
            @Nullable String host,
            int port,
            @Nullable String path,
            @Nullable String prefix) {
        this.status = status;
        this.scheme = scheme;
        this.host = host;
        this.port = port;
        this.path = path;
        this.prefix = prefix;
    }

    /** A redirect with one of the statuses 301, 302, 303, 307, 308. */
    public static Redirect status(int status) {
        if (!STATUSES.contains(status)) {
            throw new IllegalArgumentException("status: " + status + " (expected: 301, 302, 303, 307 or 308)");
        }
        return new Redirect(status, null, null, -1, null, null);
    }

    /** To {@code http} or {@code https}. Without {@link #port} the port is then the scheme's own. */
    public Redirect scheme(String newScheme) {
        if (!newScheme.equals("http") && !newScheme.equals("https")) {
            throw new IllegalArgumentException("scheme: " + newScheme + " (expected: http or https)");
        }
        return new Redirect(status, newScheme, host, port, path, prefix);
    }

    /** To another host name, without a port. */
    public Redirect host(String newHost) {
        return new Redirect(status, scheme, Targets.host(newHost), port, path, prefix);
    }

    /** To another port, 1 to 65535. */
    public Redirect port(int newPort) {
        if (newPort < 1 || newPort > 65535) {
            throw new IllegalArgumentException("port: " + newPort + " (expected: 1 to 65535)");
        }
        return new Redirect(status, scheme, host, newPort, path, prefix);
    }

    /** To a path template, which may use the variables of the route's match: {@code /v2/orders/{id}}. */
    public Redirect path(String template) {
        return new Redirect(status, scheme, host, port, Objects.requireNonNull(template, "template"), null);
    }

    /** To the same path with the prefix that the route matched replaced by another. */
    public Redirect prefix(String newPrefix) {
        return new Redirect(status, scheme, host, port, null, Targets.path(newPrefix));
    }

    /** The status. */
    public int status() {
        return status;
    }

    /** The scheme, or null for the request's. */
    public @Nullable String scheme() {
        return scheme;
    }

    /** The host, or null for the request's. */
    public @Nullable String host() {
        return host;
    }

    /** The port, or -1 when it was not set. */
    public int port() {
        return port;
    }

    /** The path template, or null for the request's path. */
    public @Nullable String path() {
        return path;
    }

    /** What replaces the matched prefix, or null. */
    public @Nullable String prefix() {
        return prefix;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Redirect that
                && that.status == status
                && that.port == port
                && Objects.equals(that.scheme, scheme)
                && Objects.equals(that.host, host)
                && Objects.equals(that.path, path)
                && Objects.equals(that.prefix, prefix);
    }

    @Override
    public int hashCode() {
        return Objects.hash(status, scheme, host, port, path, prefix);
    }

    @Override
    public String toString() {
        return "redirect " + status;
    }
}
