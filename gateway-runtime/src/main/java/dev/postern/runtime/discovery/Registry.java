package dev.postern.runtime.discovery;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.CallLimits;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Services;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/** One HTTP question to a registry and its answer as JSON. */
final class Registry {
    /** Some 50,000 instances; a registry that says more is not believed. */
    private static final int MAX_ANSWER_BYTES = 16 * 1024 * 1024;

    private Registry() {}

    /** Asks; the stage fails for any status but 200, and when the answer is no JSON. */
    static <T> CompletionStage<T> ask(
            Services services,
            Endpoint registry,
            Request request,
            Duration timeout,
            BiFunction<Response, JsonNode, T> reader) {
        return services.send(registry, request, new CallLimits(timeout, MAX_ANSWER_BYTES))
                .thenCompose(response -> response.body()
                        .buffer(MAX_ANSWER_BYTES)
                        .thenApply(body -> {
                            if (response.status() != 200) {
                                throw new BadAnswer("it answered " + response.status());
                            }
                            try {
                                return reader.apply(response, Json.read(body.toByteArray()));
                            } catch (IOException malformed) {
                                throw new BadAnswer(String.valueOf(malformed.getMessage()), malformed);
                            }
                        }));
    }

    /** An address and a port as an endpoint's text; IPv6 goes in brackets. */
    static String uri(boolean secure, String host, int port) {
        boolean ipv6 = host.indexOf(':') >= 0 && !host.startsWith("[");
        return (secure ? "https://" : "http://") + (ipv6 ? '[' + host + ']' : host) + ':' + port;
    }

    /** In an order of their own: registries answer in any order, and equal answers must be equal lists. */
    static List<Endpoint> sorted(List<Endpoint> endpoints) {
        return endpoints.stream()
                .sorted(Comparator.comparing(Endpoint::uri)
                        .thenComparingInt(Endpoint::weight)
                        .thenComparing(endpoint -> endpoint.labels().toString()))
                .toList();
    }
}
