package dev.postern;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A named group of endpoints that serve the same thing, and the policies for talking to them. Or the host's own code:
 * {@link #local}, {@link #localBlocking}.
 *
 * <p>All limits count for the whole gateway, however many event loops it runs on.
 */
public final class Upstream {
    private final String name;
    private final List<Endpoint> endpoints;
    private final @Nullable Discovery discovery;
    private final @Nullable Handler handler;
    private final @Nullable BlockingHandler blockingHandler;
    private final LoadBalancer loadBalancer;
    private final @Nullable HealthCheck healthCheck;
    private final RetryPolicy retry;
    private final @Nullable OutlierDetection outlierDetection;
    private final @Nullable EndpointBreaker endpointBreaker;
    private final double panicThreshold;
    private final @Nullable Duration slowStart;
    private final @Nullable Hedging hedging;
    private final @Nullable String priorityLabel;
    private final @Nullable String zoneLabel;
    private final @Nullable String zone;
    private final @Nullable String subsetLabel;
    private final @Nullable RequestKey subsetKey;
    private final UpstreamTls tls;
    private final Protocol protocol;
    private final Duration connectTimeout;
    private final Duration poolTimeout;
    private final @Nullable Duration firstByteTimeout;
    private final Duration keepAlive;
    private final int maxConnections;
    private final int maxPending;

    private Upstream(Builder builder) {
        name = builder.name;
        endpoints = List.copyOf(builder.endpoints);
        discovery = builder.discovery;
        handler = builder.handler;
        blockingHandler = builder.blockingHandler;
        loadBalancer = builder.loadBalancer;
        healthCheck = builder.healthCheck;
        retry = builder.retry;
        outlierDetection = builder.outlierDetection;
        endpointBreaker = builder.endpointBreaker;
        panicThreshold = builder.panicThreshold;
        slowStart = builder.slowStart;
        hedging = builder.hedging;
        priorityLabel = builder.priorityLabel;
        zoneLabel = builder.zoneLabel;
        zone = builder.zone;
        subsetLabel = builder.subsetLabel;
        subsetKey = builder.subsetKey;
        tls = builder.tls;
        protocol = builder.protocol;
        connectTimeout = builder.connectTimeout;
        poolTimeout = builder.poolTimeout;
        firstByteTimeout = builder.firstByteTimeout;
        keepAlive = builder.keepAlive;
        maxConnections = builder.maxConnections;
        maxPending = builder.maxPending;
    }

    /**
     * Begins an upstream.
     *
     * @param name unique in its gateway; routes lead to it by this name, and its pools and marks survive config swaps
     *     under it
     */
    public static Builder builder(String name) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("upstream name: \"" + name + "\" (expected: not blank)");
        }
        return new Builder(name);
    }

    /**
     * The host's own code as an upstream, called on the event loop. Policies are added with {@link #toBuilder}: {@code retry},
     * {@code hedging} and {@code firstByteTimeout}; what speaks of endpoints or connections is a problem when the gateway is
     * built.
     */
    public static Upstream local(String name, Handler handler) {
        Builder builder = builder(name);
        builder.handler = Objects.requireNonNull(handler, "handler");
        return builder.build();
    }

    /** The host's own code as an upstream, called on the pool for blocking work; policies as for {@link #local}. */
    public static Upstream localBlocking(String name, BlockingHandler handler) {
        Builder builder = builder(name);
        builder.blockingHandler = Objects.requireNonNull(handler, "handler");
        return builder.build();
    }

    /** The unique name. */
    public String name() {
        return name;
    }

    /** The fixed endpoints; empty with a discovery or a handler. */
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    /** Who tells the endpoints, or null when they are fixed. */
    public @Nullable Discovery discovery() {
        return discovery;
    }

    /** The host's code, or null. */
    public @Nullable Handler handler() {
        return handler;
    }

    /** The host's blocking code, or null. */
    public @Nullable BlockingHandler blockingHandler() {
        return blockingHandler;
    }

    /** Who picks the endpoint. */
    public LoadBalancer loadBalancer() {
        return loadBalancer;
    }

    /** Who asks endpoints whether they are well, or null. */
    public @Nullable HealthCheck healthCheck() {
        return healthCheck;
    }

    /** When a failed attempt is made again. */
    public RetryPolicy retry() {
        return retry;
    }

    /** Who takes endpoints out by their answers, or null. */
    public @Nullable OutlierDetection outlierDetection() {
        return outlierDetection;
    }

    /** Who refuses calls of single endpoints, or null. */
    public @Nullable EndpointBreaker endpointBreaker() {
        return endpointBreaker;
    }

    /** The share of usable endpoints below which health is not believed. */
    public double panicThreshold() {
        return panicThreshold;
    }

    /** How long an endpoint takes to its full share, or null. */
    public @Nullable Duration slowStart() {
        return slowStart;
    }

    /** When a second attempt is made beside a slow one, or null. */
    public @Nullable Hedging hedging() {
        return hedging;
    }

    /** The label whose number says which endpoints come first, or null. */
    public @Nullable String priorityLabel() {
        return priorityLabel;
    }

    /** The label that names an endpoint's zone, or null. */
    public @Nullable String zoneLabel() {
        return zoneLabel;
    }

    /** The zone that is preferred, or null. */
    public @Nullable String zone() {
        return zone;
    }

    /** The label that divides the endpoints into subsets, or null. */
    public @Nullable String subsetLabel() {
        return subsetLabel;
    }

    /** What of a request names its subset, or null. */
    public @Nullable RequestKey subsetKey() {
        return subsetKey;
    }

    /** How certificates are judged. */
    public UpstreamTls tls() {
        return tls;
    }

    /** What is spoken with the endpoints. */
    public Protocol protocol() {
        return protocol;
    }

    /** The bound on making a connection, TLS included. */
    public Duration connectTimeout() {
        return connectTimeout;
    }

    /** The bound on waiting for a free connection. */
    public Duration poolTimeout() {
        return poolTimeout;
    }

    /** The bound of one attempt, from the request sent to the response head; null for the exchange's deadline alone. */
    public @Nullable Duration firstByteTimeout() {
        return firstByteTimeout;
    }

    /** How long an idle connection is kept. */
    public Duration keepAlive() {
        return keepAlive;
    }

    /** Connections to one endpoint. */
    public int maxConnections() {
        return maxConnections;
    }

    /** Exchanges that may wait for a connection to one endpoint. */
    public int maxPending() {
        return maxPending;
    }

    /** A builder that begins with this upstream's settings. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Upstream that
                && that.name.equals(name)
                && that.endpoints.equals(endpoints)
                && Objects.equals(that.discovery, discovery)
                && Objects.equals(that.handler, handler)
                && Objects.equals(that.blockingHandler, blockingHandler)
                && that.loadBalancer.equals(loadBalancer)
                && Objects.equals(that.healthCheck, healthCheck)
                && that.retry.equals(retry)
                && Objects.equals(that.outlierDetection, outlierDetection)
                && Objects.equals(that.endpointBreaker, endpointBreaker)
                && that.panicThreshold == panicThreshold
                && Objects.equals(that.slowStart, slowStart)
                && Objects.equals(that.hedging, hedging)
                && Objects.equals(that.priorityLabel, priorityLabel)
                && Objects.equals(that.zoneLabel, zoneLabel)
                && Objects.equals(that.zone, zone)
                && Objects.equals(that.subsetLabel, subsetLabel)
                && Objects.equals(that.subsetKey, subsetKey)
                && that.tls.equals(tls)
                && that.protocol == protocol
                && that.connectTimeout.equals(connectTimeout)
                && that.poolTimeout.equals(poolTimeout)
                && Objects.equals(that.firstByteTimeout, firstByteTimeout)
                && that.keepAlive.equals(keepAlive)
                && that.maxConnections == maxConnections
                && that.maxPending == maxPending;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    @Override
    public String toString() {
        return "upstream \"" + name + '"';
    }

    /** Collects the settings of an upstream; problems in texts and names are reported when the gateway is built. */
    public static final class Builder {
        private final String name;
        private final List<Endpoint> endpoints = new ArrayList<>();
        private @Nullable Discovery discovery;
        private @Nullable Handler handler;
        private @Nullable BlockingHandler blockingHandler;
        private LoadBalancer loadBalancer = LoadBalancer.roundRobin();
        private @Nullable HealthCheck healthCheck;
        private RetryPolicy retry = RetryPolicy.none();
        private @Nullable OutlierDetection outlierDetection;
        private @Nullable EndpointBreaker endpointBreaker;
        private double panicThreshold = 0.5;
        private @Nullable Duration slowStart;
        private @Nullable Hedging hedging;
        private @Nullable String priorityLabel;
        private @Nullable String zoneLabel;
        private @Nullable String zone;
        private @Nullable String subsetLabel;
        private @Nullable RequestKey subsetKey;
        private UpstreamTls tls = UpstreamTls.verified();
        private Protocol protocol = Protocol.HTTP_1_1;
        private Duration connectTimeout = Duration.ofSeconds(2);
        private Duration poolTimeout = Duration.ofSeconds(1);
        private @Nullable Duration firstByteTimeout;
        private Duration keepAlive = Duration.ofSeconds(20);
        private int maxConnections = 1024;
        private int maxPending = 1024;

        private Builder(String name) {
            this.name = name;
        }

        private Builder(Upstream upstream) {
            name = upstream.name;
            endpoints.addAll(upstream.endpoints);
            discovery = upstream.discovery;
            handler = upstream.handler;
            blockingHandler = upstream.blockingHandler;
            loadBalancer = upstream.loadBalancer;
            healthCheck = upstream.healthCheck;
            retry = upstream.retry;
            outlierDetection = upstream.outlierDetection;
            endpointBreaker = upstream.endpointBreaker;
            panicThreshold = upstream.panicThreshold;
            slowStart = upstream.slowStart;
            hedging = upstream.hedging;
            priorityLabel = upstream.priorityLabel;
            zoneLabel = upstream.zoneLabel;
            zone = upstream.zone;
            subsetLabel = upstream.subsetLabel;
            subsetKey = upstream.subsetKey;
            tls = upstream.tls;
            protocol = upstream.protocol;
            connectTimeout = upstream.connectTimeout;
            poolTimeout = upstream.poolTimeout;
            firstByteTimeout = upstream.firstByteTimeout;
            keepAlive = upstream.keepAlive;
            maxConnections = upstream.maxConnections;
            maxPending = upstream.maxPending;
        }

        /** Adds endpoints of weight 1: {@code http://10.0.0.7:8081}. */
        public Builder endpoints(String... uris) {
            for (String uri : uris) {
                endpoints.add(Endpoint.of(uri));
            }
            return this;
        }

        /** Adds an endpoint. */
        public Builder endpoint(Endpoint endpoint) {
            endpoints.add(Objects.requireNonNull(endpoint, "endpoint"));
            return this;
        }

        /** Drops all endpoints, to declare them anew. */
        public Builder withoutEndpoints() {
            endpoints.clear();
            return this;
        }

        /** Leaves it to a discovery to tell the endpoints. */
        public Builder discovery(Discovery newDiscovery) {
            discovery = Objects.requireNonNull(newDiscovery, "newDiscovery");
            return this;
        }

        /** Who picks the endpoint; the default is {@link LoadBalancer#roundRobin}. */
        public Builder loadBalancer(LoadBalancer newLoadBalancer) {
            loadBalancer = Objects.requireNonNull(newLoadBalancer, "newLoadBalancer");
            return this;
        }

        /** Asks endpoints whether they are well; the default is not to. */
        public Builder healthCheck(HealthCheck newHealthCheck) {
            healthCheck = Objects.requireNonNull(newHealthCheck, "newHealthCheck");
            return this;
        }

        /** When a failed attempt is made again; the default is {@link RetryPolicy#none}. */
        public Builder retry(RetryPolicy newRetry) {
            retry = Objects.requireNonNull(newRetry, "newRetry");
            return this;
        }

        /** Takes endpoints out by what their answers say; the default is not to. */
        public Builder outlierDetection(OutlierDetection newOutlierDetection) {
            outlierDetection = Objects.requireNonNull(newOutlierDetection, "newOutlierDetection");
            return this;
        }

        /**
         * Gives each endpoint a circuit breaker of its own: {@code CircuitBreaker.builder("orders").forEndpoints()}. The
         * default is none.
         */
        public Builder endpointBreaker(EndpointBreaker newEndpointBreaker) {
            endpointBreaker = Objects.requireNonNull(newEndpointBreaker, "newEndpointBreaker");
            return this;
        }

        /**
         * Below this share of endpoints that are neither unhealthy nor ejected, health is not believed and all are used, 0
         * to 1; the default is 0.5. With 0 the few that are left get everything.
         */
        public Builder panicThreshold(double share) {
            if (!(share >= 0 && share <= 1)) {
                throw new IllegalArgumentException("panicThreshold: " + share + " (expected: 0 to 1)");
            }
            panicThreshold = share;
            return this;
        }

        /**
         * Gives an endpoint that is new on the list, or back after it was out, a share of the requests that grows from a
         * tenth to the full one over this time, more than zero. The default is the full share at once.
         */
        public Builder slowStart(Duration newSlowStart) {
            slowStart = Durations.positive("slowStart", newSlowStart);
            return this;
        }

        /** Makes a second attempt beside a slow one; the default is not to. */
        public Builder hedging(Hedging newHedging) {
            hedging = Objects.requireNonNull(newHedging, "newHedging");
            return this;
        }

        /**
         * Uses endpoints in the order of the number that this label has: those of 0 first, which is also that of endpoints
         * without the label; those without a number last. The default is to use all alike.
         *
         * <p>A group takes 1.4 times the share of its endpoints that is healthy, at most everything; the next takes what is
         * left. So a group hands over nothing until more than two of seven are out, and then bit by bit.
         */
        public Builder priorities(String label) {
            priorityLabel = Objects.requireNonNull(label, "label");
            return this;
        }

        /**
         * Prefers endpoints on which {@code label} has the value {@code preferred}, the zone that the gateway runs in. The
         * others of the same priority take over as with {@link #priorities}. The default is to use all alike.
         */
        public Builder preferZone(String label, String preferred) {
            zoneLabel = Objects.requireNonNull(label, "label");
            zone = Objects.requireNonNull(preferred, "preferred");
            return this;
        }

        /**
         * Sends a request that has the key to the endpoints only on which {@code label} has its value: {@code
         * subset("version", RequestKey.header("X-Version"))}. When there are none, the answer is 503. A request without the
         * key may go to any, as all do by default.
         */
        public Builder subset(String label, RequestKey key) {
            subsetLabel = Objects.requireNonNull(label, "label");
            subsetKey = Objects.requireNonNull(key, "key");
            return this;
        }

        /** How certificates of {@code https} endpoints are judged; the default verifies them. */
        public Builder tls(UpstreamTls newTls) {
            tls = Objects.requireNonNull(newTls, "newTls");
            return this;
        }

        /**
         * What is spoken with the endpoints; the default is HTTP/1.1. HTTP/2 is agreed on over TLS (ALPN; a connection on
         * which it is not fails), and begun without a word in cleartext. Nothing is tried out and nothing upgraded.
         */
        public Builder protocol(Protocol newProtocol) {
            protocol = Objects.requireNonNull(newProtocol, "newProtocol");
            return this;
        }

        /** The bound on making a connection, TLS included, more than zero; the default is 2 seconds. */
        public Builder connectTimeout(Duration newConnectTimeout) {
            connectTimeout = Durations.positive("connectTimeout", newConnectTimeout);
            return this;
        }

        /** The bound on waiting for a free connection, more than zero; the default is 1 second, then 503. */
        public Builder poolTimeout(Duration newPoolTimeout) {
            poolTimeout = Durations.positive("poolTimeout", newPoolTimeout);
            return this;
        }

        /** The bound of one attempt up to the response head, more than zero; the default is the exchange's deadline. */
        public Builder firstByteTimeout(Duration newFirstByteTimeout) {
            firstByteTimeout = Durations.positive("firstByteTimeout", newFirstByteTimeout);
            return this;
        }

        /**
         * How long an idle connection is kept, more than zero; the default is 20 seconds. Keep it shorter than what the
         * endpoints do, else they close connections that are just being reused.
         */
        public Builder keepAlive(Duration newKeepAlive) {
            keepAlive = Durations.positive("keepAlive", newKeepAlive);
            return this;
        }

        /**
         * Connections to one endpoint, 1 or more; the default is 1,024. One of HTTP/2 may carry up to 100 short requests at a
         * time.
         */
        public Builder maxConnections(int newMaxConnections) {
            if (newMaxConnections < 1) {
                throw new IllegalArgumentException("maxConnections: " + newMaxConnections + " (expected: >= 1)");
            }
            maxConnections = newMaxConnections;
            return this;
        }

        /** Exchanges that may wait for a connection to one endpoint, 0 or more; the default is 1,024, then 503. */
        public Builder maxPending(int newMaxPending) {
            if (newMaxPending < 0) {
                throw new IllegalArgumentException("maxPending: " + newMaxPending + " (expected: >= 0)");
            }
            maxPending = newMaxPending;
            return this;
        }

        /** The upstream. */
        public Upstream build() {
            return new Upstream(this);
        }
    }
}
