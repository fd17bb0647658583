package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Endpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The EndpointSlices of one Kubernetes service (discovery.k8s.io/v1), by name, and the endpoints they add up to. An endpoint
 * is in several slices for a moment when the controller moves it: it counts once.
 *
 * <p>Ready endpoints are used. When none is, those that still serve while they end are, as kube-proxy does (KEP-1669).
 */
final class Slices {
    private final String port;
    private final boolean secure;
    private final Map<String, JsonNode> slices = new TreeMap<>();

    /**
     * No slice yet.
     *
     * @param port the port's name or number in the slices; empty for the only one, or the first
     */
    Slices(String port, boolean secure) {
        this.port = port;
        this.secure = secure;
    }

    void clear() {
        slices.clear();
    }

    void put(JsonNode slice) {
        slices.put(slice.path("metadata").path("name").asText(), slice);
    }

    void remove(JsonNode slice) {
        slices.remove(slice.path("metadata").path("name").asText());
    }

    List<Endpoint> endpoints() {
        Map<String, Endpoint> ready = new LinkedHashMap<>();
        Map<String, Endpoint> serving = new LinkedHashMap<>();
        for (JsonNode slice : slices.values()) {
            int number = number(slice.path("ports"));
            if (number < 1 || slice.path("addressType").asText().equals("FQDN")) {
                continue;
            }
            for (JsonNode entry : slice.path("endpoints")) {
                JsonNode conditions = entry.path("conditions");
                String address = entry.path("addresses").path(0).asText();
                if (address.isEmpty()) {
                    continue;
                }
                Endpoint endpoint = labelled(entry, Endpoint.of(Registry.uri(secure, address, number)));
                // A condition that is not there is unknown, and unknown counts as true.
                if (conditions.path("ready").asBoolean(true)) {
                    ready.putIfAbsent(endpoint.uri(), endpoint);
                } else if (conditions.path("serving").asBoolean(false)) {
                    serving.putIfAbsent(endpoint.uri(), endpoint);
                }
            }
        }
        return Registry.sorted(new ArrayList<>((ready.isEmpty() ? serving : ready).values()));
    }

    private int number(JsonNode ports) {
        for (JsonNode candidate : ports) {
            boolean wanted = port.isEmpty()
                    || candidate.path("name").asText().equals(port)
                    || candidate.path("port").asText().equals(port);
            if (wanted) {
                return candidate.path("port").asInt();
            }
        }
        return 0;
    }

    private static Endpoint labelled(JsonNode entry, Endpoint endpoint) {
        Endpoint labelled = endpoint;
        String zone = entry.path("zone").asText();
        if (!zone.isEmpty()) {
            labelled = labelled.label("zone", zone);
        }
        String node = entry.path("nodeName").asText();
        return node.isEmpty() ? labelled : labelled.label("node", node);
    }
}
