package dev.postern.runtime.forward;

import dev.postern.Protocol;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.message.Channels;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.tracing.TracingPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Connections to upstreams, for all loops of a gateway. Outlives configs: a swap drops no connection. */
public final class UpstreamClient {
    /** Heads of upstreams are larger than those we take from strangers: sessions, policies, signed URLs. */
    private static final int MAX_HEAD_BYTES = 64 * 1024;
    // RFC 9113 6.5.2: what a stream has unless something else is said.
    private static final int STREAM_WINDOW_BYTES = 65_535;
    /**
     * Where sockets cannot be had, Vert.x bounds what it holds for a reader that is slower than the sender by the number of
     * chunks, and looks at it only after as many reads as Netty makes in a row: with chunks of 64 KiB that is 3 MiB for
     * every slow client, with 16 it is about one, at a fifth to a third of the throughput of one large body.
     */
    private static final int CHUNK_BYTES = Channels.areKnown() ? 64 * 1024 : 16 * 1024;

    /** Streams last as long as their routes allow, whatever becomes of the agent that made their connection. */
    private static final Duration STREAMS_LINGER = Duration.ofDays(1);

    private final Vertx vertx;
    private final UpstreamTlsFiles tlsFiles;
    private final boolean takesCalls;
    private final Map<AgentKey, HttpClientAgent> agents = new ConcurrentHashMap<>();
    private final Map<VertxLoop, LoopPools> pools = new ConcurrentHashMap<>();
    private final Map<EndpointState, EndpointQueue> queues = new ConcurrentHashMap<>();
    private final AtomicInteger lent = new AtomicInteger();

    /** A client on this Vertx; makes no connection by itself. */
    public UpstreamClient(Vertx vertx, UpstreamTlsFiles tlsFiles) {
        this.vertx = vertx;
        this.tlsFiles = tlsFiles;
        takesCalls = !vertx.isMetricsEnabled();
    }

    /** Whether requests may go out past Vert.x's client: its own meters, where it has some, are to count every request. */
    boolean takesCalls() {
        return takesCalls;
    }

    /** Attempts under way; zero when nothing leaks. */
    public int attempts() {
        return lent.get();
    }

    /** Closes all idle connections and everything else when the attempts are over. */
    public void close() {
        pools.forEach((loop, mine) -> loop.enter(mine::close));
        agents.values().forEach(HttpClientAgent::close);
    }

    /** Endpoints that something is kept for. */
    int endpoints() {
        return queues.size();
    }

    void attemptBegun() {
        lent.incrementAndGet();
    }

    void attemptOver() {
        lent.decrementAndGet();
    }

    LoopPools pools(VertxLoop loop) {
        LoopPools known = pools.get(loop);
        return known != null ? known : pools.computeIfAbsent(loop, at -> new LoopPools(at, this));
    }

    EndpointQueue queue(EndpointState endpoint) {
        return queues.computeIfAbsent(endpoint, EndpointQueue::new);
    }

    /** Whether nothing is left of this pool's endpoint to keep it for. */
    boolean forgets(EndpointPool pool) {
        EndpointQueue queue = pool.queue();
        if (queue.endpoint().connections() > 0 || queue.hasWaiters()) {
            return false;
        }
        queue.leave(pool);
        if (queues.computeIfPresent(queue.endpoint(), (endpoint, known) -> known.isUnused() ? null : known) == null) {
            forget(queue.endpoint());
        }
        return true;
    }

    /**
     * Who makes the connections: one for each connect timeout, as Vert.x ignores the one of HttpConnectOptions, and over
     * HTTP/2 one for each endpoint, so that {@link #giveUp} concerns no other.
     */
    HttpClientAgent agent(EndpointState endpoint, Upstream config) {
        return agents.computeIfAbsent(key(endpoint, config), key -> vertx.createHttpClient(options(key)));
    }

    /**
     * A connection was not made in time. Over HTTP/2 that may be for want of the endpoint's first frame, for which Vert.x
     * waits as long as the socket lasts: it ends with its agent. So do idle ones, but no stream that is under way.
     */
    void giveUp(EndpointState endpoint, Upstream config, HttpClientAgent agent) {
        if (config.protocol() == Protocol.HTTP_2 && agents.remove(key(endpoint, config), agent)) {
            agent.shutdown(STREAMS_LINGER);
        }
    }

    private void forget(EndpointState endpoint) {
        agents.forEach((key, agent) -> {
            if (key.endpoint() == endpoint && agents.remove(key, agent)) {
                agent.shutdown(STREAMS_LINGER);
            }
        });
    }

    private static AgentKey key(EndpointState endpoint, Upstream config) {
        int millis = (int)
                Math.min(Integer.MAX_VALUE, Math.max(1, config.connectTimeout().toMillis()));
        return new AgentKey(millis, config.protocol(), config.protocol() == Protocol.HTTP_2 ? endpoint : null);
    }

    private record AgentKey(
            int connectTimeoutMillis,
            Protocol protocol,
            @Nullable EndpointState endpoint) {}

    /** For a connection to an endpoint; at once unless files have to be looked at. Fails when certificates cannot be used. */
    Future<HttpConnectOptions> connectOptions(EndpointState endpoint, Upstream config) {
        HttpConnectOptions options = new HttpConnectOptions()
                .setServer(SocketAddress.inetSocketAddress(endpoint.port(), endpoint.host()))
                .setHost(endpoint.host())
                .setPort(endpoint.port())
                .setSsl(endpoint.secure())
                .setProtocolVersion(version(config.protocol()));
        if (!endpoint.secure()) {
            return Future.succeededFuture(options);
        }
        String name = config.tls().serverName();
        if (name != null) {
            options.setHost(name);
        }
        return tlsFiles.current(config.tls())
                .map(ssl -> options.setSslOptions(ssl.setUseAlpn(config.protocol() == Protocol.HTTP_2)));
    }

    private static HttpVersion version(Protocol protocol) {
        return protocol == Protocol.HTTP_2 ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1;
    }

    private static HttpClientOptions options(AgentKey key) {
        HttpClientOptions options = new HttpClientOptions();
        if (key.protocol() == Protocol.HTTP_2) {
            options.setUseAlpn(true).setAlpnVersions(List.of(HttpVersion.HTTP_2));
        }
        return options.setProtocolVersion(version(key.protocol()))
                .setConnectTimeout(key.connectTimeoutMillis())
                .setSslHandshakeTimeout(Math.max(1, key.connectTimeoutMillis() / 1000 + 1))
                .setHttp2ClearTextUpgrade(false)
                .setPipelining(false)
                .setDecompressionSupported(false)
                .setMaxHeaderSize(MAX_HEAD_BYTES)
                // What clients read slowly waits in the windows of their streams, and stops no other stream.
                .setHttp2ConnectionWindowSize(EndpointPool.MAX_STREAMS * STREAM_WINDOW_BYTES)
                // RFC 9113 8.4: nobody here could pass a push on.
                .setInitialSettings(new Http2Settings().setPushEnabled(false).setMaxHeaderListSize(MAX_HEAD_BYTES))
                .setMaxInitialLineLength(4096)
                .setMaxChunkSize(CHUNK_BYTES)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true)
                .setTracingPolicy(TracingPolicy.IGNORE);
    }
}
