package dev.postern;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway would do with a request, found with the same matcher and the same pickers, and without changing a
 * counter. Filters are named, not run: one that answers by itself ends the way earlier.
 *
 * @param path the canonical path, or the text given when the request would be refused before routing
 * @param refusal why the request would be refused at the edge or by routing ({@code no_route}), or null
 * @param considered the routes that were looked at, best first, each with why it was not taken
 * @param route the id of the route taken, or null
 * @param pathVariables what its template captures
 * @param filters the names of the filters, in order of execution
 * @param destination where the route leads
 * @param upstream the upstream, or null
 * @param endpoint the endpoint that the next attempt would use, or null
 * @param endpoints each endpoint of the upstream with what speaks for or against it
 * @param states how the state stands that the filters keep and show ({@link Visible}), in their order
 */
public record Explanation(
        String path,
        @Nullable String refusal,
        List<Considered> considered,
        @Nullable String route,
        Map<String, String> pathVariables,
        List<String> filters,
        String destination,
        @Nullable String upstream,
        @Nullable String endpoint,
        List<String> endpoints,
        List<StateView> states) {

    /** Copies what it is given. */
    public Explanation {
        considered = List.copyOf(considered);
        pathVariables = Collections.unmodifiableMap(new LinkedHashMap<>(pathVariables));
        filters = List.copyOf(filters);
        endpoints = List.copyOf(endpoints);
        states = List.copyOf(states);
    }

    /** Without states. */
    public Explanation(
            String path,
            @Nullable String refusal,
            List<Considered> considered,
            @Nullable String route,
            Map<String, String> pathVariables,
            List<String> filters,
            String destination,
            @Nullable String upstream,
            @Nullable String endpoint,
            List<String> endpoints) {
        this(
                path,
                refusal,
                considered,
                route,
                pathVariables,
                filters,
                destination,
                upstream,
                endpoint,
                endpoints,
                List.of());
    }

    /**
     * A route that was looked at.
     *
     * @param route its id
     * @param taken whether it is the one
     * @param reason why it is, or the first condition that does not hold
     */
    public record Considered(String route, boolean taken, String reason) {
        @Override
        public String toString() {
            return (taken ? "✓ " : "✗ ") + route + ": " + reason;
        }
    }

    /** For people, several lines. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("path ").append(path);
        considered.forEach(route -> text.append("\n  ").append(route));
        if (refusal != null) {
            text.append("\nrefused: ").append(refusal);
        }
        if (route != null) {
            text.append("\nroute ").append(route).append(' ').append(pathVariables);
            text.append("\nfilters ").append(filters);
            states.forEach(state -> text.append("\n  ").append(state));
            text.append("\nto ").append(destination);
        }
        endpoints.forEach(line -> text.append("\n  ").append(line));
        return endpoint == null
                ? text.toString()
                : text.append("\nendpoint ").append(endpoint).toString();
    }
}
