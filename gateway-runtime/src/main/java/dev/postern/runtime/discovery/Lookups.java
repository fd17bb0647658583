package dev.postern.runtime.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Questions to the domain name system, answered with the time for which each answer holds. A name that does not exist, or has
 * no such record, has an empty answer; a server that does not answer, or answers with an error, fails the stage.
 */
public interface Lookups {
    /** The A and AAAA records of a fully qualified name; from the system's name servers, or from this one. */
    CompletionStage<List<Address>> addresses(String name, @Nullable InetSocketAddress server);

    /** The SRV records (RFC 2782) of a fully qualified name. */
    CompletionStage<List<Service>> services(String name, @Nullable InetSocketAddress server);

    /**
     * An A or AAAA record.
     *
     * @param address the address
     * @param ttl how long it holds
     */
    record Address(InetAddress address, Duration ttl) {}

    /**
     * An SRV record.
     *
     * @param target the name of the host, without the dot at the end; empty when the service is decidedly not there
     * @param port 0 to 65535
     * @param priority 0 to 65535, the lowest comes first
     * @param weight 0 to 65535, the share among those of one priority
     * @param ttl how long it holds
     */
    record Service(String target, int port, int priority, int weight, Duration ttl) {}
}
