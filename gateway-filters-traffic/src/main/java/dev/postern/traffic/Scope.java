package dev.postern.traffic;

import dev.postern.Destination;
import dev.postern.Route;

/** For what a breaker or a limit counts by itself. */
enum Scope {
    /** All exchanges that come to it. */
    ALL("") {
        @Override
        String key(Route route) {
            return "";
        }
    },
    /** Each route. */
    ROUTE("route") {
        @Override
        String key(Route route) {
            return route.id();
        }
    },
    /** Each upstream. A split counts as one, since who gets the request is not known yet, and so does a handler. */
    UPSTREAM("upstream") {
        @Override
        String key(Route route) {
            return route.destination() instanceof Destination.ToUpstream to ? to.name() : "of route " + route.id();
        }
    };

    private final String noun;

    Scope(String noun) {
        this.noun = noun;
    }

    abstract String key(Route route);

    /** {@code  for each route}, or nothing. */
    String text() {
        return noun.isEmpty() ? "" : " for each " + noun;
    }

    /** {@code  of upstream "orders"}, or nothing. */
    String text(String key) {
        return noun.isEmpty() ? "" : " of " + noun + " \"" + key + '"';
    }
}
