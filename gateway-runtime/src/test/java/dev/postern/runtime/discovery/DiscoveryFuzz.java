package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Endpoint;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.rig.Fuzz;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Parsers of this package, for the fuzzer. */
public final class DiscoveryFuzz {
    private DiscoveryFuzz() {}

    /** A slice of Kubernetes names endpoints, none of them twice, or is a bad answer. Source looks at each of them. */
    public static Fuzz.Target slices() {
        return input -> {
            JsonNode slice;
            try {
                slice = Json.read(input);
            } catch (IOException refused) {
                return 0;
            }
            Slices slices = new Slices(input.length % 5 == 0 ? "web" : "", input.length % 2 == 0);
            slices.put(slice);
            List<Endpoint> endpoints;
            try {
                endpoints = slices.endpoints();
            } catch (BadAnswer | IllegalArgumentException refused) {
                return 1;
            }
            int bad = 0;
            Set<String> seen = new HashSet<>();
            for (Endpoint endpoint : endpoints) {
                if (!seen.add(endpoint.uri())) {
                    throw new IllegalStateException("twice: " + endpoint.uri());
                }
                bad += EndpointAddress.problem(endpoint.uri()) == null ? 0 : 1;
            }
            return 2 + bad + 8 * endpoints.size();
        };
    }
}
