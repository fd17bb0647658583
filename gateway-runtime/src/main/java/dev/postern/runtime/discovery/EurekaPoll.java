package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Services;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Asks a Eureka server for the instances of one application and takes those that are {@code UP}. Its JSON is XML in
 * disguise: a list of one is no list, and numbers are objects with the field {@code $}.
 */
final class EurekaPoll {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Services services;
    private final Endpoint server;
    private final Request question;
    private final boolean secure;
    private final Duration interval;

    EurekaPoll(Services services, Endpoint server, Request question, boolean secure, Duration interval) {
        this.services = services;
        this.server = server;
        this.question = question;
        this.secure = secure;
        this.interval = interval;
    }

    CompletionStage<Found> ask() {
        return Registry.ask(
                services, server, question, TIMEOUT, (response, answer) -> new Found(instances(answer), interval));
    }

    private List<Endpoint> instances(JsonNode answer) {
        JsonNode application = answer.path("application");
        if (!application.isObject()) {
            throw new BadAnswer("it answered without an application");
        }
        JsonNode instances = application.path("instance");
        List<Endpoint> found = new ArrayList<>();
        if (instances.isArray()) {
            instances.forEach(instance -> add(instance, found));
        } else if (instances.isObject()) {
            add(instances, found);
        }
        return Registry.sorted(found);
    }

    private void add(JsonNode instance, List<Endpoint> found) {
        if (!instance.path("status").asText().equals("UP")) {
            return;
        }
        JsonNode port = instance.path(secure ? "securePort" : "port");
        String address = instance.path("ipAddr").asText();
        // A certificate is for the name; an address is one look-up less.
        if (secure || address.isEmpty()) {
            address = instance.path("hostName").asText();
        }
        boolean open = port.path("@enabled").asBoolean(true);
        if (!open || address.isEmpty() || port.path("$").asInt() < 1) {
            throw new BadAnswer("instance "
                    + instance.path("instanceId").asText() + " has no address or no "
                    + (secure ? "securePort" : "port") + " that is enabled");
        }
        Endpoint endpoint =
                Endpoint.of(Registry.uri(secure, address, port.path("$").asInt()));
        for (var entry : instance.path("metadata").properties()) {
            if (entry.getValue().isValueNode() && !entry.getKey().startsWith("@")) {
                endpoint = endpoint.label(entry.getKey(), entry.getValue().asText());
            }
        }
        found.add(endpoint);
    }
}
