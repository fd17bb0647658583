package dev.postern.runtime.discovery;

import dev.postern.Discovery.Watch;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Services;
import dev.postern.UpstreamTls;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Begins watches of the sources that this module knows. All keep the last good list, whatever happens to the source. */
public final class Sources {
    private Sources() {}

    /** Consul by blocking queries; {@code question} is all but index and wait. */
    public static Watch consul(
            Services services,
            Consumer<List<Endpoint>> listener,
            String source,
            Endpoint agent,
            Request question,
            boolean secure,
            Duration wait) {
        ConsulPoll poll = new ConsulPoll(services, agent, question, secure, wait);
        return new PollWatch(services, source, poll::ask, listener).start();
    }

    /** A Eureka server, asked every {@code interval}. */
    public static Watch eureka(
            Services services,
            Consumer<List<Endpoint>> listener,
            String source,
            Endpoint server,
            Request question,
            boolean secure,
            Duration interval) {
        EurekaPoll poll = new EurekaPoll(services, server, question, secure, interval);
        return new PollWatch(services, source, poll::ask, listener).start();
    }

    /** A JSON file, read every {@code interval}. */
    public static Watch file(
            Services services, Consumer<List<Endpoint>> listener, String source, Path file, Duration interval) {
        FilePoll poll = new FilePoll(services, file, interval);
        return new PollWatch(services, source, poll::ask, listener).start();
    }

    /** A name of the domain name system: its addresses with a port, or its services when {@code port} is 0. */
    public static Watch dns(
            Services services,
            Consumer<List<Endpoint>> listener,
            String source,
            String name,
            int port,
            boolean secure,
            @Nullable String priorityLabel,
            @Nullable InetSocketAddress server,
            Duration shortest,
            Duration longest) {
        DnsPoll poll = new DnsPoll(
                SourceServices.of(services).lookups(), name, server, secure, priorityLabel, shortest, longest);
        return new PollWatch(services, source, () -> port == 0 ? poll.services() : poll.addresses(port), listener)
                .start();
    }

    /** The EndpointSlices behind {@code path} of a Kubernetes API server. */
    public static Watch kubernetes(
            Services services,
            Consumer<List<Endpoint>> listener,
            String source,
            Endpoint server,
            UpstreamTls tls,
            @Nullable Path tokenFile,
            String path,
            String port,
            boolean secure) {
        return new KubernetesWatch(
                        SourceServices.of(services),
                        server,
                        tls,
                        tokenFile,
                        path,
                        new Slices(port, secure),
                        source,
                        listener)
                .start();
    }
}
