package dev.postern;

import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A text by which requests are told apart: the key of a limit, the stickiness of a split. The factories give values with
 * equality, so that state found by them survives a config swap.
 */
public interface RequestKey {
    /** The key, or null when the request has none. Called on the exchange's event loop. */
    @Nullable
    String of(Request request, Exchange exchange);

    /** The caller's address; IPv6 callers count by their /64 network, which is what one caller is given. */
    static RequestKey client() {
        return RequestKeys.Client.ADDRESS;
    }

    /** The name of the authenticated principal. */
    static RequestKey principal() {
        return RequestKeys.Caller.PRINCIPAL;
    }

    /** The id of the route. */
    static RequestKey route() {
        return RequestKeys.OfRoute.ID;
    }

    /** The first line of a header: what the client says, unless a filter has checked it; null once a filter has removed it. */
    static RequestKey header(String name) {
        return new RequestKeys.Header(name);
    }

    /** A cookie. */
    static RequestKey cookie(String name) {
        return new RequestKeys.Cookie(name);
    }

    /** A variable of the route's path template. */
    static RequestKey pathVariable(String name) {
        return new RequestKeys.PathVariable(name);
    }

    /** Any function, under a name that stands for it: two with one name are taken for the same. */
    static RequestKey named(String name, BiFunction<Request, Exchange, @Nullable String> function) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(function, "function");
        return new RequestKeys.Named(name, function);
    }
}
