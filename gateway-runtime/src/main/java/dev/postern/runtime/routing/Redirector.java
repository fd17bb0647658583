package dev.postern.runtime.routing;

import dev.postern.Redirect;
import dev.postern.Request;
import dev.postern.Response;

/** TEMP. */
public final class Redirector {
    public static Response answer(Redirect d, Request r, Routed x) {
        return Response.of(d.status());
    }
}
