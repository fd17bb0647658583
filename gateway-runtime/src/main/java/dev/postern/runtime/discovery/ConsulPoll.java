package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Blocking queries of Consul's health endpoint, after its rules (Consul API, "Blocking Queries"): the index of an answer
 * goes into the next question, one that goes backwards or is not positive begins anew, and a failure does too.
 */
final class ConsulPoll {
    /** Consul adds up to a sixteenth to the wait; the rest is for the network. */
    private static final Duration SLACK = Duration.ofSeconds(10);

    private final Services services;
    private final Endpoint agent;
    private final Request question;
    private final boolean secure;
    private final Duration wait;
    // One question at a time, and what comes after it sees what it wrote.
    private volatile long index;

    /**
     * A series of questions.
     *
     * @param question the path with everything but index and wait
     * @param secure whether instances are spoken to over TLS
     * @param wait how long the agent may hold a question that has no news
     */
    ConsulPoll(Services services, Endpoint agent, Request question, boolean secure, Duration wait) {
        this.services = services;
        this.agent = agent;
        this.question = question;
        this.secure = secure;
        this.wait = wait;
    }

    CompletionStage<Found> ask() {
        long asked = index;
        String more = asked == 0 ? "" : "&index=" + asked + "&wait=" + wait.toSeconds() + "s";
        Request request = question.withTarget(question.target() + more);
        Duration timeout = wait.plus(wait.dividedBy(16)).plus(SLACK);
        index = 0;
        return Registry.ask(services, agent, request, timeout, (response, answer) -> {
            List<Endpoint> found = instances(answer);
            index = next(asked, response);
            return new Found(found, Duration.ZERO);
        });
    }

    private static long next(long asked, Response response) {
        String text = response.headers().get("X-Consul-Index");
        long told;
        try {
            told = text == null ? 0 : Long.parseLong(text);
        } catch (NumberFormatException malformed) {
            throw new BadAnswer("it answered with X-Consul-Index: " + text, malformed);
        }
        return told < asked || told < 0 ? 0 : told;
    }

    private List<Endpoint> instances(JsonNode answer) {
        if (!answer.isArray()) {
            throw new BadAnswer("it answered with something that is not a list");
        }
        List<Endpoint> found = new ArrayList<>();
        for (JsonNode entry : answer) {
            JsonNode service = entry.path("Service");
            String address = service.path("Address").asText();
            if (address.isEmpty()) {
                address = entry.path("Node").path("Address").asText();
            }
            int port = service.path("Port").asInt();
            if (address.isEmpty() || port < 1) {
                throw new BadAnswer("it names an instance without address or port: "
                        + service.path("ID").asText());
            }
            found.add(labelled(entry, Endpoint.of(Registry.uri(secure, address, port))));
        }
        return Registry.sorted(found);
    }

    private static Endpoint labelled(JsonNode entry, Endpoint endpoint) {
        Endpoint labelled = endpoint;
        String datacenter = entry.path("Node").path("Datacenter").asText();
        if (!datacenter.isEmpty()) {
            labelled = labelled.label("datacenter", datacenter);
        }
        for (var meta : entry.path("Service").path("Meta").properties()) {
            labelled = labelled.label(meta.getKey(), meta.getValue().asText());
        }
        JsonNode weight = entry.path("Service").path("Weights").path("Passing");
        return weight.isInt() ? labelled.weight(Math.max(1, Math.min(10_000, weight.intValue()))) : labelled;
    }
}
