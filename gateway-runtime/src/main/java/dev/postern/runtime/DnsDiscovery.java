package dev.postern.runtime;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.Sources;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints from the domain name system: every address of a name ({@link #addresses}), or the hosts and ports of its SRV
 * records ({@link #services}, RFC 2782: with weights, the lowest priority unless {@link #priorities} keeps the others). Looked up again when the first record expires,
 * not sooner than {@link #shortest} and not later than {@link #longest}.
 *
 * <p>Names are fully qualified: no search list is applied. While name servers are away, answer errors, or know no such
 * record, the endpoints known stay in use; the log says so once. A list that loses more than half of them at once is looked
 * up a second time first, which takes less than a second.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they ask the same.
 */
public final class DnsDiscovery implements Discovery {
    private final String name;
    private final int port;
    private final boolean secure;
    private final @Nullable String priorityLabel;
    private final @Nullable InetSocketAddress server;
    private final Duration shortest;
    private final Duration longest;

    private DnsDiscovery(
            String name,
            int port,
            boolean secure,
            @Nullable String priorityLabel,
            @Nullable InetSocketAddress server,
            Duration shortest,
            Duration longest) {
        this.name = name;
        this.port = port;
        this.secure = secure;
        this.priorityLabel = priorityLabel;
        this.server = server;
        this.shortest = shortest;
        this.longest = longest;
    }

    /**
     * One endpoint for each A and AAAA record.
     *
     * @param name fully qualified: {@code orders.internal.example.com}
     * @param port of all endpoints, 1 to 65535
     */
    public static DnsDiscovery addresses(String name, int port) {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("port: " + port + " (expected: 1 to 65535)");
        }
        EndpointAddress.of("http://" + name);
        return new DnsDiscovery(name, port, false, null, null, Duration.ofSeconds(1), Duration.ofMinutes(5));
    }

    /**
     * One endpoint for each SRV record.
     *
     * @param name fully qualified, with service and protocol: {@code _http._tcp.orders.example.com}
     */
    public static DnsDiscovery services(String name) {
        if (!name.startsWith("_") || name.indexOf("._") < 0) {
            throw new IllegalArgumentException(
                    "name: \"" + name + "\" (expected: service and protocol first: _http._tcp.orders.example.com)");
        }
        return new DnsDiscovery(name, 0, false, null, null, Duration.ofSeconds(1), Duration.ofMinutes(5));
    }

    /**
     * Speaks to the endpoints over TLS; the default is cleartext. The endpoints of {@link #addresses} are addresses, so name
     * what their certificates are for with {@code UpstreamTls.serverName}.
     */
    public DnsDiscovery https() {
        return new DnsDiscovery(name, port, true, priorityLabel, server, shortest, longest);
    }

    /**
     * Keeps the records of all priorities, each with its number under this label, for {@link
     * dev.postern.Upstream.Builder#priorities} of the same label: those of higher numbers take over as the lower ones fail.
     * The default is to leave all but the lowest out. Addresses have no priorities, so it is for {@link #services} only.
     */
    public DnsDiscovery priorities(String label) {
        if (port != 0 || label.isBlank()) {
            throw new IllegalArgumentException(
                    "priorities: \"" + label + "\" of " + this + " (expected: a label, and SRV records)");
        }
        return new DnsDiscovery(name, port, secure, label, server, shortest, longest);
    }

    /**
     * Asks this name server; the default are the system's.
     *
     * @param address an IP address
     * @param serverPort 1 to 65535, usually 53
     */
    public DnsDiscovery server(InetAddress address, int serverPort) {
        InetSocketAddress newServer = new InetSocketAddress(Objects.requireNonNull(address, "address"), serverPort);
        return new DnsDiscovery(name, port, secure, priorityLabel, newServer, shortest, longest);
    }

    /** Asks no more often than this, 1 second or more, whatever the records say; the default is 1 second. */
    public DnsDiscovery shortest(Duration newShortest) {
        return new DnsDiscovery(
                name, port, secure, priorityLabel, server, Intervals.atLeastASecond("shortest", newShortest), longest);
    }

    /** Asks at least this often, 1 second or more, whatever the records say; the default is 5 minutes. */
    public DnsDiscovery longest(Duration newLongest) {
        return new DnsDiscovery(
                name, port, secure, priorityLabel, server, shortest, Intervals.atLeastASecond("longest", newLongest));
    }

    @Override
    public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        return Sources.dns(
                services, endpoints, toString(), name, port, secure, priorityLabel, server, shortest, longest);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof DnsDiscovery that
                && that.name.equals(name)
                && that.port == port
                && that.secure == secure
                && Objects.equals(that.priorityLabel, priorityLabel)
                && Objects.equals(that.server, server)
                && that.shortest.equals(shortest)
                && that.longest.equals(longest);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, port, secure, priorityLabel, server, shortest, longest);
    }

    @Override
    public String toString() {
        return "DNS name \"" + name + '"' + (port == 0 ? "" : ", port " + port);
    }
}
