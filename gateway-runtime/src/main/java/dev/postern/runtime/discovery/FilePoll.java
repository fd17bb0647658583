package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.runtime.balancing.EndpointAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Reads a JSON file of endpoints again and again; what it says counts whole or not at all. Reading is cheaper than watching:
 * a mounted config map is a chain of symbolic links that no file event follows.
 */
final class FilePoll {
    private static final long MAX_BYTES = 16L * 1024 * 1024;

    private final Services services;
    private final Path file;
    private final Duration interval;

    FilePoll(Services services, Path file, Duration interval) {
        this.services = services;
        this.file = file;
        this.interval = interval;
    }

    CompletionStage<Found> ask() {
        return services.offload(() -> new Found(read(), interval));
    }

    private List<Endpoint> read() throws IOException {
        byte[] bytes;
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException("it is larger than " + MAX_BYTES + " bytes");
            }
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException missing) {
            throw new IOException("it does not exist", missing);
        }
        return endpoints(bytes);
    }

    static List<Endpoint> endpoints(byte[] document) throws IOException {
        JsonNode list = Json.read(document);
        if (!list.isArray()) {
            throw new IOException("it holds no list (expected: [\"http://10.0.0.7:8081\", {\"uri\": …}])");
        }
        List<Endpoint> found = new ArrayList<>();
        for (JsonNode entry : list) {
            found.add(endpoint(entry));
        }
        return List.copyOf(found);
    }

    private static Endpoint endpoint(JsonNode entry) throws IOException {
        String uri = entry.isTextual() ? entry.textValue() : entry.path("uri").asText();
        String problem = EndpointAddress.problem(uri);
        if (problem != null) {
            throw new IOException(problem);
        }
        Endpoint endpoint = Endpoint.of(uri);
        if (entry.has("weight")) {
            JsonNode weight = entry.get("weight");
            if (!weight.isInt() || weight.intValue() < 0 || weight.intValue() > 10_000) {
                throw new IOException("the weight of " + uri + " is " + weight + " (expected: 0 to 10000)");
            }
            endpoint = endpoint.weight(weight.intValue());
        }
        for (var label : entry.path("labels").properties()) {
            endpoint = endpoint.label(label.getKey(), label.getValue().asText());
        }
        return endpoint;
    }
}
