package dev.postern.runtime.routing;

import dev.postern.Destination;
import dev.postern.GatewayException;
import dev.postern.Problem;
import dev.postern.Redirect;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.runtime.edge.Authority;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The redirect of one route, compiled. {@code Location} is absolute, made of the validated authority of the request and what
 * the redirect sets; the query stays.
 *
 * <p>The port is the one that is set; otherwise the new scheme's own, when a scheme is set; otherwise the one that the client
 * used. A port that is the scheme's own is not written (Gateway API, HTTPRequestRedirectFilter).
 */
public final class Redirector {
    private final Redirect redirect;
    private final PathChange path;
    private final @Nullable String host;

    private Redirector(Redirect redirect, PathChange path, @Nullable String host) {
        this.redirect = redirect;
        this.path = path;
        this.host = host;
    }

    /**
     * Compiles the redirect of a route and adds what is wrong with it.
     *
     * @param route one whose destination is a redirect
     */
    public static Redirector compile(Route route, List<Problem> problems) {
        if (!(route.destination() instanceof Destination.ToRedirect to)) {
            throw new IllegalArgumentException(route + ": leads to " + route.destination() + " (expected: a redirect)");
        }
        Redirect redirect = to.redirect();
        PathChange path = PathChange.compile(route, "redirect", redirect.path(), redirect.prefix(), problems);
        return new Redirector(redirect, path, host(route, redirect.host(), problems));
    }

    private static @Nullable String host(Route route, @Nullable String host, List<Problem> problems) {
        if (host == null) {
            return null;
        }
        try {
            return Authority.canonical(host);
        } catch (GatewayException refused) {
            problems.add(Problem.error(
                    route.toString(), "redirect host \"" + host + "\" is not one (" + refused.getMessage() + ")"));
            return null;
        }
    }

    /**
     * The answer to a request.
     *
     * @throws GatewayException {@link dev.postern.Failure#INTERNAL} when the new path is not canonical or leads elsewhere
     */
    public Response answer(Request request, Routed routed) {
        String wanted = redirect.scheme();
        String scheme = wanted == null ? request.scheme() : wanted;
        int port = redirect.port() > 0 ? redirect.port() : wanted == null ? Authority.port(request.authority()) : -1;
        StringBuilder location = new StringBuilder(64)
                .append(scheme.toLowerCase(Locale.ROOT))
                .append("://")
                .append(host == null ? request.host() : host);
        if (port > 0 && port != (scheme.equals("https") ? 443 : 80)) {
            location.append(':').append(port);
        }
        location.append(path.apply(request.path(), routed));
        if (request.query() != null) {
            location.append('?').append(request.query());
        }
        return Response.of(redirect.status()).withHeader("Location", location.toString());
    }
}
