package dev.postern.runtime.discovery;

import dev.postern.Endpoint;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Looks a name up and comes back when the first of the records has expired, within bounds. */
final class DnsPoll {
    private static final int MAX_WEIGHT = 10_000;

    private final Lookups lookups;
    private final String name;
    private final @Nullable InetSocketAddress server;
    private final boolean secure;
    private final @Nullable String priorityLabel;
    private final Duration shortest;
    private final Duration longest;

    DnsPoll(
            Lookups lookups,
            String name,
            @Nullable InetSocketAddress server,
            boolean secure,
            @Nullable String priorityLabel,
            Duration shortest,
            Duration longest) {
        this.lookups = lookups;
        this.name = name;
        this.server = server;
        this.secure = secure;
        this.priorityLabel = priorityLabel;
        this.shortest = shortest;
        this.longest = longest;
    }

    /** The addresses of the name, all with this port. */
    CompletionStage<Found> addresses(int port) {
        return lookups.addresses(name, server)
                .thenApply(records -> new Found(
                        Registry.sorted(records.stream()
                                .map(record ->
                                        Registry.uri(secure, record.address().getHostAddress(), port))
                                .distinct()
                                .map(Endpoint::of)
                                .toList()),
                        held(records.stream().map(Lookups.Address::ttl))));
    }

    /**
     * The hosts and ports that the SRV records name. RFC 2782 has those of higher numbers wait until nobody of the lowest can
     * be reached: that takes a label for the upstream to tell them apart, and without it they are left out.
     */
    CompletionStage<Found> services() {
        return lookups.services(name, server).thenApply(records -> {
            List<Lookups.Service> there = records.stream()
                    // RFC 2782: a target of "." means that the service is decidedly not available.
                    .filter(record -> !record.target().isEmpty() && record.port() > 0)
                    .toList();
            int first = there.stream().mapToInt(Lookups.Service::priority).min().orElse(0);
            return new Found(
                    Registry.sorted(there.stream()
                            .filter(record -> priorityLabel != null || record.priority() == first)
                            .map(this::endpoint)
                            .toList()),
                    held(records.stream().map(Lookups.Service::ttl)));
        });
    }

    private Endpoint endpoint(Lookups.Service record) {
        // Weight 0 is for those that should hardly be chosen, not for those that must not be.
        int weight = Math.max(1, Math.min(MAX_WEIGHT, record.weight()));
        Endpoint endpoint = Endpoint.of(Registry.uri(secure, record.target(), record.port()))
                .weight(weight);
        return priorityLabel == null ? endpoint : endpoint.label(priorityLabel, Integer.toString(record.priority()));
    }

    private Duration held(Stream<Duration> ttls) {
        Duration least = ttls.min(Duration::compareTo).orElse(shortest);
        return least.compareTo(shortest) < 0 ? shortest : least.compareTo(longest) > 0 ? longest : least;
    }
}
