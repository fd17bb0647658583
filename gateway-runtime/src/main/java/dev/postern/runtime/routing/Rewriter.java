package dev.postern.runtime.routing;

import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import java.util.List;

/** TEMP. */
public final class Rewriter {
    public static Rewriter compile(Route route, List<Problem> problems) {
        return new Rewriter();
    }

    public Request request(Request r, Routed x) {
        return r;
    }

    public Response response(Response r) {
        return r;
    }
}
