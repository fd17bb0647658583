package dev.postern.runtime;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Services;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.Sources;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The instances of a Consul service that pass their checks, followed by blocking queries (Consul's {@code
 * /v1/health/service}), so a change is seen at once. An instance has the weight {@code Weights.Passing} and its service
 * metadata and {@code datacenter} as labels.
 *
 * <p>While the agent is away, answers nonsense or names nobody, the endpoints known stay in use; the log says so once. A list
 * that loses more than half of them at once is looked at a second time first, which takes less than a second.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they ask the same.
 */
public final class ConsulDiscovery implements Discovery {
    private static final Duration WAIT = Duration.ofSeconds(60);

    private final String agent;
    private final String service;
    private final String datacenter;
    private final String namespace;
    private final String tag;
    private final @Nullable String token;
    private final boolean secure;

    private ConsulDiscovery(
            String agent,
            String service,
            String datacenter,
            String namespace,
            String tag,
            @Nullable String token,
            boolean secure) {
        this.agent = agent;
        this.service = service;
        this.datacenter = datacenter;
        this.namespace = namespace;
        this.tag = tag;
        this.token = token;
        this.secure = secure;
    }

    /**
     * Asks an agent for a service; its instances are spoken to over cleartext.
     *
     * @param agent scheme, host and port: {@code http://127.0.0.1:8500}
     * @param service the service's name in Consul
     */
    public static ConsulDiscovery service(String agent, String service) {
        EndpointAddress.of(agent);
        return new ConsulDiscovery(agent, text("service", service), "", "", "", null, false);
    }

    /** In this datacenter; the default is the agent's. */
    public ConsulDiscovery datacenter(String newDatacenter) {
        return new ConsulDiscovery(agent, service, text("datacenter", newDatacenter), namespace, tag, token, secure);
    }

    /** In this namespace (Consul Enterprise); the default is the token's. */
    public ConsulDiscovery namespace(String newNamespace) {
        return new ConsulDiscovery(agent, service, datacenter, text("namespace", newNamespace), tag, token, secure);
    }

    /** Only instances with this tag; the default is all. */
    public ConsulDiscovery tag(String newTag) {
        return new ConsulDiscovery(agent, service, datacenter, namespace, text("tag", newTag), token, secure);
    }

    /** Sends this token with each question; the default is none. It is not in logs, plans or messages. */
    public ConsulDiscovery token(String newToken) {
        return new ConsulDiscovery(agent, service, datacenter, namespace, tag, text("token", newToken), secure);
    }

    /** Speaks to the instances over TLS; the default is cleartext. */
    public ConsulDiscovery https() {
        return new ConsulDiscovery(agent, service, datacenter, namespace, tag, token, true);
    }

    @Override
    public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        StringBuilder target = new StringBuilder("/v1/health/service/")
                .append(encoded(service))
                .append("?passing=1");
        parameter(target, "dc", datacenter);
        parameter(target, "ns", namespace);
        parameter(target, "tag", tag);
        Request question = Request.get(target.toString());
        if (token != null) {
            question = question.withHeader("X-Consul-Token", token);
        }
        return Sources.consul(services, endpoints, toString(), Endpoint.of(agent), question, secure, WAIT);
    }

    private static void parameter(StringBuilder target, String name, String value) {
        if (!value.isEmpty()) {
            target.append('&').append(name).append('=').append(encoded(value));
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static String text(String name, String value) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(name + ": \"" + value + "\" (expected: not blank)");
        }
        return value;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ConsulDiscovery that
                && that.agent.equals(agent)
                && that.service.equals(service)
                && that.datacenter.equals(datacenter)
                && that.namespace.equals(namespace)
                && that.tag.equals(tag)
                && Objects.equals(that.token, token)
                && that.secure == secure;
    }

    @Override
    public int hashCode() {
        return Objects.hash(agent, service, datacenter, namespace, tag, token, secure);
    }

    @Override
    public String toString() {
        return "Consul service \"" + service + "\" at " + agent + (datacenter.isEmpty() ? "" : " in " + datacenter)
                + (tag.isEmpty() ? "" : " tagged " + tag);
    }
}
