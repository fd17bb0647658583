package dev.postern;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One address of an upstream: {@code http://10.0.0.7:8081} or {@code https://orders.internal}. Scheme, host and port;
 * nothing else may stand in the text, which is checked when the gateway is built.
 */
public final class Endpoint {
    private final String uri;
    private final int weight;
    private final Map<String, String> labels;

    private Endpoint(String uri, int weight, Map<String, String> labels) {
        this.uri = uri;
        this.weight = weight;
        this.labels = labels;
    }

    /** An endpoint of weight 1 without labels. */
    public static Endpoint of(String uri) {
        return new Endpoint(Objects.requireNonNull(uri, "uri"), 1, Map.of());
    }

    /** Its share of the requests, relative to the others: 0 (none) to 10,000. */
    public Endpoint weight(int newWeight) {
        if (newWeight < 0 || newWeight > 10_000) {
            throw new IllegalArgumentException("weight: " + newWeight + " (expected: 0 to 10000)");
        }
        return new Endpoint(uri, newWeight, labels);
    }

    /** A label such as {@code zone=eu-1}. */
    public Endpoint label(String name, String value) {
        Map<String, String> more = new TreeMap<>(labels);
        more.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
        return new Endpoint(uri, weight, Collections.unmodifiableMap(more));
    }

    /** The text it was made from. */
    public String uri() {
        return uri;
    }

    /** The weight. */
    public int weight() {
        return weight;
    }

    /** The labels, by name. */
    public Map<String, String> labels() {
        return labels;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Endpoint that
                && that.uri.equals(uri)
                && that.weight == weight
                && that.labels.equals(labels);
    }

    @Override
    public int hashCode() {
        return uri.hashCode();
    }

    @Override
    public String toString() {
        return uri;
    }
}
