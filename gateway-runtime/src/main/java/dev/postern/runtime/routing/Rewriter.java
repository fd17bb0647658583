package dev.postern.runtime.routing;

import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.runtime.edge.Authority;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The rewrite of one route, compiled: changes path, query and headers of a request after the last filter, and headers of
 * its response before that filter sees them. The {@code Host} is not changed here: {@link Rewrite#host} and {@link
 * Rewrite#keepsHost} are for whoever writes the head to the upstream.
 */
public final class Rewriter {
    // RFC 9110 7.6.1 and the framing of RFC 9112: written anew for every hop, so an edit would be lost or would lie.
    private static final Set<String> NOT_EDITABLE = Set.of(
            "connection",
            "content-length",
            "host",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private final PathChange path;
    private final QueryEdits query;
    private final List<Rewrite.Edit> requestHeaders;
    private final List<Rewrite.Edit> responseHeaders;

    private Rewriter(Route route, PathChange path) {
        List<Rewrite.Edit> edits = route.rewrite().edits();
        this.path = path;
        this.query = new QueryEdits(of(Rewrite.Target.QUERY, edits));
        this.requestHeaders = of(Rewrite.Target.REQUEST_HEADER, edits);
        this.responseHeaders = of(Rewrite.Target.RESPONSE_HEADER, edits);
    }

    /** Compiles the rewrite of a route and adds what is wrong with it. */
    public static Rewriter compile(Route route, List<Problem> problems) {
        Rewrite rewrite = route.rewrite();
        for (Rewrite.Edit edit : rewrite.edits()) {
            check(route, edit, problems);
        }
        if (rewrite.host() != null) {
            check(route, rewrite.host(), problems);
        }
        return new Rewriter(route, PathChange.compile(route, "rewrite", rewrite.path(), rewrite.prefix(), problems));
    }

    private static void check(Route route, String host, List<Problem> problems) {
        try {
            Authority.canonical(host);
        } catch (GatewayException refused) {
            problems.add(Problem.error(
                    route.toString(),
                    "rewrite host \"" + host + "\" is not one: " + refused.getMessage()
                            + " (expected: a name or address, with a port or without, such as orders.example:8080)"));
        }
    }

    private static void check(Route route, Rewrite.Edit edit, List<Problem> problems) {
        boolean isQuery = edit.target() == Rewrite.Target.QUERY;
        if (isQuery && edit.name().isEmpty()) {
            problems.add(Problem.error(route.toString(), "rewrite edits a query parameter without a name (name it)"));
        }
        String name = edit.name().toLowerCase(Locale.ROOT);
        if (!isQuery && NOT_EDITABLE.contains(name)) {
            String cure = name.equals("host") ? "use Rewrite.host or Rewrite.keepHost" : "leave the edit out";
            problems.add(Problem.error(
                    route.toString(),
                    "rewrite edits the header " + edit.name() + ", which the gateway writes (" + cure + ")"));
        }
    }

    private static List<Rewrite.Edit> of(Rewrite.Target target, List<Rewrite.Edit> edits) {
        return edits.stream().filter(edit -> edit.target() == target).toList();
    }

    /**
     * The request for the upstream; the same object when nothing changes.
     *
     * @throws GatewayException {@link dev.postern.Failure#INTERNAL} when the new path is not canonical or leads elsewhere;
     *     the reasons are {@code rewrite.not_canonical}, {@code rewrite.outside}, {@code rewrite.prefix_lost}
     */
    public Request request(Request request, Routed routed) {
        Request changed = request;
        String newPath = path.apply(request.path(), routed);
        if (!newPath.equals(request.path())) {
            changed = changed.withPath(newPath);
        }
        if (!query.isEmpty()) {
            changed = changed.withQuery(query.apply(request.query()));
        }
        return requestHeaders.isEmpty() ? changed : changed.withHeaders(edited(changed.headers(), requestHeaders));
    }

    /** The response for the filters; the same object when nothing changes. */
    public Response response(Response response) {
        return responseHeaders.isEmpty() ? response : response.withHeaders(edited(response.headers(), responseHeaders));
    }

    private static Headers edited(Headers headers, List<Rewrite.Edit> edits) {
        return headers.edit(all -> {
            for (Rewrite.Edit edit : edits) {
                switch (edit.action()) {
                    case SET -> all.set(edit.name(), edit.value());
                    case ADD -> all.add(edit.name(), edit.value());
                    case REMOVE -> all.remove(edit.name());
                }
            }
        });
    }
}
