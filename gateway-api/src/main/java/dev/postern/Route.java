package dev.postern;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which requests go through which filters to which destination.
 *
 * <p>{@link #timeout} runs from the request head to the end of the response. For event streams, WebSockets and routes
 * marked {@link Builder#streaming} it ends at the head of the response; from there {@link #idleTimeout} and {@link
 * #maxDuration} rule.
 */
public final class Route {
    /** Stands in for the route of an exchange that no route took: its id is {@code unmatched}, it answers 404 or 405. */
    public static final Route UNMATCHED =
            builder("unmatched").answer(Response.of(404)).build();

    private final String id;
    private final Match match;
    private final List<Filter> filters;
    private final @Nullable Destination destination;
    private final Rewrite rewrite;
    private final @Nullable Duration timeout;
    private final Duration idleTimeout;
    private final @Nullable Duration maxDuration;
    private final boolean streaming;
    private final long maxRequestBytes;
    private final List<String> trailers;
    private final @Nullable WebSocketRules webSockets;

    private Route(Builder builder) {
        id = builder.id;
        match = builder.match;
        filters = List.copyOf(builder.filters);
        destination = builder.destination;
        rewrite = builder.rewrite;
        timeout = builder.timeout;
        idleTimeout = builder.idleTimeout;
        maxDuration = builder.maxDuration;
        streaming = builder.streaming;
        maxRequestBytes = builder.maxRequestBytes;
        trailers = builder.trailers;
        webSockets = builder.webSockets;
    }

    /**
     * Begins a route.
     *
     * @param id unique in its gateway; stands in logs, metrics and messages
     */
    public static Builder builder(String id) {
        if (id.isBlank()) {
            throw new IllegalArgumentException("route id: \"" + id + "\" (expected: not blank)");
        }
        return new Builder(id);
    }

    /** The unique name. */
    public String id() {
        return id;
    }

    /** What it accepts; everything unless set. */
    public Match match() {
        return match;
    }

    /** Its own filters, in order of execution. */
    public List<Filter> filters() {
        return filters;
    }

    /** Where it leads; null when the builder was not told, which is a problem when the gateway is built. */
    public @Nullable Destination destination() {
        return destination;
    }

    /** What is changed on the way to the upstream. */
    public Rewrite rewrite() {
        return rewrite;
    }

    /** From request head to end of response; null for no bound. */
    public @Nullable Duration timeout() {
        return timeout;
    }

    /** The longest silence of a body, or of both directions of a WebSocket. */
    public Duration idleTimeout() {
        return idleTimeout;
    }

    /** The longest life of a streaming response or WebSocket; null for no bound. */
    public @Nullable Duration maxDuration() {
        return maxDuration;
    }

    /** Whether the timeout ends at the response head. */
    public boolean streaming() {
        return streaming;
    }

    /** The largest request body in bytes; {@link Long#MAX_VALUE} for no bound. */
    public long maxRequestBytes() {
        return maxRequestBytes;
    }

    /** The trailer fields that pass besides those of gRPC, lower-case; {@code *} at the end stands for anything. */
    public List<String> trailers() {
        return trailers;
    }

    /** The rules for WebSockets; null when the route takes none. */
    public @Nullable WebSocketRules webSockets() {
        return webSockets;
    }

    /** A builder that begins with this route's settings. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Route that
                && that.id.equals(id)
                && that.match.equals(match)
                && that.filters.equals(filters)
                && Objects.equals(that.destination, destination)
                && that.rewrite.equals(rewrite)
                && Objects.equals(that.timeout, timeout)
                && that.idleTimeout.equals(idleTimeout)
                && Objects.equals(that.maxDuration, maxDuration)
                && that.streaming == streaming
                && that.maxRequestBytes == maxRequestBytes
                && that.trailers.equals(trailers)
                && Objects.equals(that.webSockets, webSockets);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "route \"" + id + '"';
    }

    /** Collects the settings of a route; problems in texts and names are reported when the gateway is built. */
    public static final class Builder {
        // One object for all routes that leave them: among many routes what they share is in the processor's cache.
        private static final Duration TIMEOUT = Duration.ofSeconds(30);
        private static final Duration IDLE_TIMEOUT = Duration.ofSeconds(60);

        private final String id;
        private Match match = Match.any();
        private final List<Filter> filters = new ArrayList<>();
        private @Nullable Destination destination;
        private Rewrite rewrite = Rewrite.none();
        private @Nullable Duration timeout = TIMEOUT;
        private Duration idleTimeout = IDLE_TIMEOUT;
        private @Nullable Duration maxDuration;
        private boolean streaming;
        private long maxRequestBytes = 10L << 20;
        private List<String> trailers = List.of();
        private @Nullable WebSocketRules webSockets;

        private Builder(String id) {
            this.id = id;
        }

        private Builder(Route route) {
            id = route.id;
            match = route.match;
            filters.addAll(route.filters);
            destination = route.destination;
            rewrite = route.rewrite;
            timeout = route.timeout;
            idleTimeout = route.idleTimeout;
            maxDuration = route.maxDuration;
            streaming = route.streaming;
            maxRequestBytes = route.maxRequestBytes;
            trailers = route.trailers;
            webSockets = route.webSockets;
        }

        /** What the route accepts; the default is every request. */
        public Builder match(Match newMatch) {
            match = Objects.requireNonNull(newMatch, "newMatch");
            return this;
        }

        /** Adds a filter behind those already added. */
        public Builder filter(Filter filter) {
            filters.add(Objects.requireNonNull(filter, "filter"));
            return this;
        }

        /** Drops all filters of the route, to declare them anew. */
        public Builder withoutFilters() {
            filters.clear();
            return this;
        }

        /** Leads to the upstream of this name. */
        public Builder to(String upstream) {
            destination = new Destination.ToUpstream(Objects.requireNonNull(upstream, "upstream"));
            return this;
        }

        /** Leads to several upstreams by weight. */
        public Builder to(Split split) {
            destination = new Destination.ToSplit(Objects.requireNonNull(split, "split"));
            return this;
        }

        /** Leads to the host's own code, on the event loop. */
        public Builder handler(Handler handler) {
            destination = new Destination.ToHandler(Objects.requireNonNull(handler, "handler"));
            return this;
        }

        /** Leads to the host's own code, which may block. */
        public Builder blockingHandler(BlockingHandler handler) {
            destination = new Destination.ToBlockingHandler(Objects.requireNonNull(handler, "handler"));
            return this;
        }

        /** Always answers this; its body must be in memory. */
        public Builder answer(Response response) {
            if (!(response.body() instanceof BufferedBody body)) {
                throw new IllegalArgumentException("answer: the body is a stream (expected: Body.of(…))");
            }
            destination = new Destination.Answer(response.status(), response.headers(), body);
            return this;
        }

        /** Sends the client elsewhere. */
        public Builder redirect(Redirect redirect) {
            destination = new Destination.ToRedirect(Objects.requireNonNull(redirect, "redirect"));
            return this;
        }

        /** What is changed on the way to the upstream and on the response; the default is nothing. */
        public Builder rewrite(Rewrite newRewrite) {
            rewrite = Objects.requireNonNull(newRewrite, "newRewrite");
            return this;
        }

        /**
         * The deadline of the whole exchange, all attempts included, more than zero; the default is 30 seconds. For event
         * streams, WebSockets, gRPC calls and {@link #streaming} routes it ends at the response head. A {@code grpc-timeout}
         * that is shorter comes before it and holds to the end.
         */
        public Builder timeout(Duration newTimeout) {
            timeout = Durations.positive("timeout", newTimeout);
            return this;
        }

        /** No deadline: the idle timeout alone ends an exchange whose upstream is silent. */
        public Builder withoutTimeout() {
            timeout = null;
            return this;
        }

        /**
         * The longest silence while a body is being sent or received, or of both sides of a WebSocket (pings are no
         * silence), more than zero; the default is 60 seconds.
         */
        public Builder idleTimeout(Duration newIdleTimeout) {
            idleTimeout = Durations.positive("idleTimeout", newIdleTimeout);
            return this;
        }

        /** Responses of this route may take as long as they flow: the timeout ends at the response head. */
        public Builder streaming() {
            streaming = true;
            return this;
        }

        /** The longest life of a streaming response or WebSocket, more than zero; the default is no bound. */
        public Builder maxDuration(Duration newMaxDuration) {
            maxDuration = Durations.positive("maxDuration", newMaxDuration);
            return this;
        }

        /**
         * The largest request body in bytes, 0 or more; larger ones get 413. The default is 10 MiB. For gRPC calls it is the
         * largest message: a call may go on for ever.
         */
        public Builder maxRequestBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("maxRequestBytes: " + bytes + " (expected: >= 0)");
            }
            maxRequestBytes = bytes;
            return this;
        }

        /** Request bodies of any size; they are streamed, so memory stays bounded. */
        public Builder withoutRequestSizeLimit() {
            maxRequestBytes = Long.MAX_VALUE;
            return this;
        }

        /**
         * The trailer fields that pass: names, with {@code *} at the end for all that begin so, {@code "*"} for all. The
         * default is none but {@code grpc-status}, {@code grpc-message} and {@code grpc-status-details-bin}, which always
         * pass; of gRPC calls all do, being their metadata. Fields that mean something for framing, routing, credentials, caches or the kind of the content (RFC 9110
         * 6.5.1) never do.
         *
         * <p>Trailers of responses reach clients over HTTP/2, and over HTTP/1.1 when the request says {@code TE: trailers}
         * and the response has no length. Trailers of requests are dropped.
         */
        public Builder trailers(String... names) {
            List<String> lower = new ArrayList<>();
            for (String name : names) {
                FieldRules.name(
                        name.equals("*") ? "x" : name.endsWith("*") ? name.substring(0, name.length() - 1) : name);
                lower.add(name.toLowerCase(Locale.ROOT));
            }
            trailers = List.copyOf(lower);
            return this;
        }

        /**
         * Takes WebSocket handshakes too, by the {@linkplain WebSocketRules#standard() standard rules}; the route must lead
         * to an upstream with endpoints. The default is that the wish to upgrade is dropped and the handshake is an
         * ordinary request.
         */
        public Builder webSockets() {
            return webSockets(WebSocketRules.standard());
        }

        /** Takes WebSocket handshakes too, by these rules. */
        public Builder webSockets(WebSocketRules rules) {
            webSockets = Objects.requireNonNull(rules, "rules");
            return this;
        }

        /** The route. */
        public Route build() {
            return new Route(this);
        }
    }
}
