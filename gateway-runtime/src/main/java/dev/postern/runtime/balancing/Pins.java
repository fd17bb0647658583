package dev.postern.runtime.balancing;

import dev.postern.StickyCookie;
import dev.postern.Upstream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which endpoint of a view a sticky cookie means, and what the cookie says for each. Immutable. */
final class Pins {
    private final StickyCookie cookie;
    private final List<String> values;
    private final Map<String, Integer> places = new HashMap<>();

    private Pins(StickyCookie cookie, String upstream, List<EndpointState> endpoints) {
        this.cookie = cookie;
        values = cookie.values(
                upstream, endpoints.stream().map(EndpointState::uri).toList());
        for (int i = 0; i < values.size(); i++) {
            places.put(values.get(i), i);
        }
    }

    /** Null for an upstream without such a cookie, and for the host's own code. */
    static @Nullable Pins of(Upstream config, List<EndpointState> endpoints) {
        boolean local = !endpoints.isEmpty() && endpoints.get(0).local();
        return config.loadBalancer() instanceof StickyCookie cookie && !local
                ? new Pins(cookie, config.name(), endpoints)
                : null;
    }

    /** The place of the endpoint that a cookie means; -1 when it is none of ours. */
    int place(@Nullable String value) {
        Integer place = value == null ? null : places.get(value);
        return place == null ? -1 : place;
    }

    /** What the cookie says for the endpoint at this place. */
    String value(int place) {
        return values.get(place);
    }

    /** Whether no other endpoint will do. */
    boolean strict() {
        return cookie.refusesOthers();
    }
}
