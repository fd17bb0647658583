package dev.postern.runtime;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.UpstreamTls;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.Sources;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The ready pods behind a Kubernetes service, from its EndpointSlices ({@code discovery.k8s.io/v1}), followed by list and
 * watch, so a change is seen at once. Pods have the labels {@code zone} and {@code node}. When no pod is ready, those that
 * still serve while they end are used.
 *
 * <p>Inside a cluster nothing else is needed but the right to {@code get}, {@code list} and {@code watch} {@code
 * endpointslices}: address, certificate authority and token are those that each pod is given. The token is read for each call,
 * since it changes hourly.
 *
 * <p>While the API server is away, or names no pod, the endpoints known stay in use; the log says so once.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they ask the same.
 */
public final class KubernetesDiscovery implements Discovery {
    private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");
    /** RFC 1123 labels, as Kubernetes wants names. */
    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

    private final String namespace;
    private final String service;
    private final String port;
    private final @Nullable String apiServer;
    private final UpstreamTls tls;
    private final @Nullable Path tokenFile;
    private final boolean secure;

    private KubernetesDiscovery(
            String namespace,
            String service,
            String port,
            @Nullable String apiServer,
            UpstreamTls tls,
            @Nullable Path tokenFile,
            boolean secure) {
        this.namespace = namespace;
        this.service = service;
        this.port = port;
        this.apiServer = apiServer;
        this.tls = tls;
        this.tokenFile = tokenFile;
        this.secure = secure;
    }

    /** The pods of a service, at its first port, over cleartext; asked for inside the cluster. */
    public static KubernetesDiscovery service(String namespace, String service) {
        return new KubernetesDiscovery(
                name("namespace", namespace),
                name("service", service),
                "",
                null,
                UpstreamTls.verified().trust(ACCOUNT.resolve("ca.crt")),
                ACCOUNT.resolve("token"),
                false);
    }

    /** The port by its name or its number in the slices (the pod's port, not the service's); the default is the first. */
    public KubernetesDiscovery port(String newPort) {
        if (newPort.isBlank()) {
            throw new IllegalArgumentException("port: \"" + newPort + "\" (expected: a name or a number)");
        }
        return new KubernetesDiscovery(namespace, service, newPort, apiServer, tls, tokenFile, secure);
    }

    /** Speaks to the pods over TLS; the default is cleartext. */
    public KubernetesDiscovery https() {
        return new KubernetesDiscovery(namespace, service, port, apiServer, tls, tokenFile, true);
    }

    /**
     * Asks this API server, without a token unless {@link #tokenFile} follows; the default is the cluster's own.
     *
     * @param uri scheme, host and port
     * @param newTls how its certificate is judged
     */
    public KubernetesDiscovery apiServer(String uri, UpstreamTls newTls) {
        EndpointAddress.of(uri);
        return new KubernetesDiscovery(
                namespace, service, port, uri, Objects.requireNonNull(newTls, "newTls"), null, secure);
    }

    /** Sends the token in this file; the default is the service account's. */
    public KubernetesDiscovery tokenFile(Path newTokenFile) {
        return new KubernetesDiscovery(
                namespace, service, port, apiServer, tls, Objects.requireNonNull(newTokenFile, "newTokenFile"), secure);
    }

    @Override
    public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        String path = "/apis/discovery.k8s.io/v1/namespaces/" + namespace
                + "/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D" + service;
        return Sources.kubernetes(
                services,
                endpoints,
                toString(),
                Endpoint.of(apiServer == null ? cluster() : apiServer),
                tls,
                tokenFile,
                path,
                port,
                secure);
    }

    private static String cluster() {
        String host = System.getenv("KUBERNETES_SERVICE_HOST");
        String servicePort = System.getenv("KUBERNETES_SERVICE_PORT");
        if (host == null || servicePort == null) {
            throw new IllegalStateException("not inside a Kubernetes cluster: KUBERNETES_SERVICE_HOST and"
                    + " KUBERNETES_SERVICE_PORT are not set (outside of one, name the server with apiServer)");
        }
        return "https://" + (host.indexOf(':') >= 0 ? '[' + host + ']' : host) + ':' + servicePort;
    }

    private static String name(String what, String text) {
        if (!NAME.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    what + ": \"" + text + "\" (expected: lower-case letters, digits and hyphens)");
        }
        return text;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof KubernetesDiscovery that
                && that.namespace.equals(namespace)
                && that.service.equals(service)
                && that.port.equals(port)
                && Objects.equals(that.apiServer, apiServer)
                && that.tls.equals(tls)
                && Objects.equals(that.tokenFile, tokenFile)
                && that.secure == secure;
    }

    @Override
    public int hashCode() {
        return Objects.hash(namespace, service, port, apiServer, tls, tokenFile, secure);
    }

    @Override
    public String toString() {
        return "Kubernetes service \"" + namespace + '/' + service + '"' + (port.isEmpty() ? "" : ", port " + port);
    }
}
