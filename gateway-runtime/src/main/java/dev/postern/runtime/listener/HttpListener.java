package dev.postern.runtime.listener;

import dev.postern.BoundListener;
import dev.postern.ExchangeObserver;
import dev.postern.GatewayStartException;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Protocol;
import dev.postern.Tls;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.observe.ListenerFigures;
import dev.postern.runtime.tls.PemException;
import dev.postern.runtime.tls.ReloadingTls;
import dev.postern.runtime.tls.ServerTls;
import dev.postern.runtime.tls.TlsEngine;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.util.concurrent.ScheduledFuture;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.tracing.TracingPolicy;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One listener on all loops of a gateway: a server for each loop, sharing the port. Connections are counted before Vert.x
 * knows of them, raw bytes are judged before its decoder sees them.
 */
public final class HttpListener {
    private static final System.Logger LOG = System.getLogger(HttpListener.class.getName());
    // Numbers for random ports that the servers of one listener share; a Vertx may be shared with a host and other
    // gateways.
    private static final AtomicInteger SHARED_PORTS = new AtomicInteger(0x5057);

    // The most that Limits can be set to, and a little.
    private static final int DECODER_LINE_BYTES = 65_536 + 64;
    private static final int DECODER_HEAD_BYTES = 262_144 + 64;

    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final int STREAM_WINDOW_BYTES = 64 * 1024;
    private static final int CONNECTION_WINDOW_BYTES = 1024 * 1024;

    // By name: native transports are optional.
    private static final ChannelOption<Long> UNSENT =
            ChannelOption.valueOf("io.netty.channel.epoll.EpollChannelOption#TCP_NOTSENT_LOWAT");
    // The kernel would take megabytes for a slow reader. What is on its way is not counted: fast readers that are far
    // away lose nothing.
    private static final long UNSENT_BYTES = 128 * 1024;

    private final Vertx vertx;
    // Written by the control thread, read by all.
    private volatile Listener config;
    private final List<VertxLoop> loops;
    private final Front front;
    private final List<HttpServer> servers = new ArrayList<>();
    private final List<HttpEntry> entries = new ArrayList<>();
    private final List<ConnectionTable> tables = new ArrayList<>();
    private final AcceptGovernor governor = new AcceptGovernor();
    private final Refusals refusals = new Refusals();
    // Of the config.
    private volatile AcceptRules rules;
    // Of the loop that sweeps.
    private long reportedNanos;
    private long reportedRefusals;
    private long toldNanos;
    private long toldEnded;
    // Each on its own loop; here only to be told of a drain.
    private final Set<Http2Guard> guards = ConcurrentHashMap.newKeySet();
    private volatile @Nullable ServerChannel channel;
    private volatile boolean closing;
    private volatile boolean ended;
    private volatile int boundPort;
    private @Nullable ScheduledFuture<?> sweep;
    private final Arrivals arrivals = new Arrivals();
    // Read when it is bound.
    private volatile @Nullable ReloadingTls tls;
    // What the files were when they could not be used, so that it is said once.
    private volatile String unusable = "";
    private volatile long reloadTimer = -1;
    private volatile boolean open;

    /** A listener, not bound. */
    public HttpListener(Vertx vertx, Listener config, List<VertxLoop> loops, Front front) {
        this.vertx = vertx;
        this.config = config;
        this.rules = new AcceptRules(config);
        this.loops = List.copyOf(loops);
        this.front = front;
    }

    /** The value it was made from. */
    public Listener config() {
        return config;
    }

    /** Whether a listener of another config can be had by changing this one where it stands. */
    public boolean canBecome(Listener next) {
        boolean samePlace = next.host().equals(config.host())
                && next.port() == config.port()
                && (next.port() != 0 || next.name().equals(config.name()));
        return samePlace
                && (next.tls() == null) == (config.tls() == null)
                && next.byteGuard() == config.byteGuard()
                && next.protocols().equals(config.protocols());
    }

    /**
     * Gets ready for another config: reads what can turn out to be unreadable. What comes out makes the change and cannot
     * fail. No connection is closed, unless clients have to show other certificates than they have shown; what
     * connections under way have begun with, they keep.
     */
    public Future<Runnable> prepare(Listener next) {
        Tls wanted = next.tls();
        if (wanted == null || wanted.equals(config.tls())) {
            return Future.succeededFuture(() -> follow(next));
        }
        return vertx.executeBlocking(() -> ServerTls.read(wanted), false)
                .recover(unreadable -> Future.failedFuture(startFailure("cannot change its certificates", unreadable)))
                .map(read -> () -> {
                    follow(next);
                    change(read);
                });
    }

    private void follow(Listener next) {
        config = next;
        rules = new AcceptRules(next);
        for (HttpEntry entry : entries) {
            entry.settings(EntrySettings.of(next));
        }
    }

    /** What is bound. */
    public BoundListener bound() {
        return new BoundListener(config.name(), config.host(), boundPort, config.tls() != null);
    }

    /** Binds, checks the guard, and looks after idle connections from then on. All or nothing. */
    public Future<Void> bind() {
        SocketAddress address = config.port() == 0
                ? SocketAddress.sharedRandomPort(SHARED_PORTS.incrementAndGet(), config.host())
                : SocketAddress.inetSocketAddress(config.port(), config.host());
        Tls wanted = config.tls();
        Future<Void> read = wanted == null
                ? Future.succeededFuture()
                : vertx.executeBlocking(() -> ServerTls.read(wanted), false)
                        .recover(bad -> Future.failedFuture(startFailure("cannot use its certificates", bad)))
                        .map(good -> {
                            tls = new ReloadingTls(good);
                            return null;
                        });
        return read.compose(v -> bind(address));
    }

    private Future<Void> bind(SocketAddress address) {
        HttpServerOptions options = options();
        if (tls != null) {
            LOG.log(Level.INFO, "{0}: TLS by {1}", config, TlsEngine.describe());
        }
        Future<Void> all = Future.succeededFuture();
        for (VertxLoop loop : loops) {
            all = all.compose(v -> listen(loop, options, address));
        }
        return all.compose(v -> config.byteGuard() ? guardChecked() : Future.<Void>succeededFuture())
                .onSuccess(v -> {
                    open = true;
                    startSweeping();
                    startReloading();
                })
                .recover(failure -> close().transform(closed -> Future.failedFuture(explained(failure))));
    }

    @SuppressWarnings("NullAway") // a Void future has no other value
    private Future<Void> guardChecked() {
        Canary canary = new Canary(bound(), serves(Protocol.HTTP_1_1), exampleName());
        return vertx.executeBlocking(
                () -> {
                    canary.check();
                    return null;
                },
                false);
    }

    private Future<Void> listen(VertxLoop loop, HttpServerOptions options, SocketAddress address) {
        ConnectionTable table = new ConnectionTable();
        HttpEntry entry = new HttpEntry(front, EntrySettings.of(config), table);
        HttpServer server = vertx.createHttpServer(options);
        server.connectionHandler(connection -> opened(connection, table));
        server.requestHandler(entry);
        server.exceptionHandler(broken -> LOG.log(Level.DEBUG, "connection of {0}: {1}", config, broken));
        servers.add(server);
        entries.add(entry);
        tables.add(table);
        return ListenHook.listen(loop.context(), server, address, new Accepting())
                .map(bound -> {
                    boundPort = bound.actualPort();
                    return null;
                });
    }

    private boolean serves(Protocol protocol) {
        return config.protocols().contains(protocol);
    }

    private void opened(HttpConnection connection, ConnectionTable table) {
        if (connection.protocolVersion() != HttpVersion.HTTP_2 && !serves(Protocol.HTTP_1_1)) {
            // Over TLS, without a word about the protocol.
            connection.close();
            return;
        }
        Arrival arrival = arrivals.find(connection);
        if (arrival != null && !arrival.isTrial()) {
            table.opened(connection, arrival).guard(Http2Guard.opening());
        }
        connection.closeHandler(v -> table.closed(connection));
        // A connection that breaks is told to its exchange; alone it is nobody's business.
        connection.exceptionHandler(broken -> LOG.log(Level.TRACE, "connection broke", broken));
    }

    // ---- drain and end

    /** Clients of HTTP/2 are told to go elsewhere; what they have asked for is answered. */
    public void drain() {
        guards.forEach(Http2Guard::drain);
    }

    /** No more connections are accepted; those there are go on. */
    public void stopAccepting() {
        closing = true;
        ServerChannel open = channel;
        if (open != null) {
            open.close().addListener(closed -> LOG.log(Level.DEBUG, "{0} accepts no more", config));
        }
    }

    /** Connections with a request under way. */
    public int busy() {
        int sum = 0;
        for (ConnectionTable table : tables) {
            sum += table.busy();
        }
        return sum;
    }

    /** Open connections. */
    public int open() {
        return governor.open();
    }

    /** Whether nothing is under way on any connection, and nothing was for this long. */
    public boolean isQuiet(long nanos) {
        return tables.stream().allMatch(table -> table.isQuiet(nanos));
    }

    /** Closes connections that have had no request for this long. */
    public void closeQuiet(long nanos) {
        for (int i = 0; i < tables.size(); i++) {
            ConnectionTable table = tables.get(i);
            loops.get(i).execute(() -> table.closeQuiet(nanos));
        }
    }

    /** Ends at once. */
    public Future<Void> close() {
        stopAccepting();
        if (sweep != null) {
            sweep.cancel(false);
        }
        ended = true;
        front.connections(config.name(), null);
        vertx.cancelTimer(reloadTimer);
        guards.forEach(Http2Guard::closeNow);
        List<Future<Void>> all = new ArrayList<>();
        for (HttpServer server : servers) {
            all.add(server.close());
        }
        return Future.join(all).mapEmpty();
    }

    // ---- certificates

    /** Reads the files of certificates again if they have changed: all of them together, or none. */
    public Future<Boolean> reloadCertificates() {
        ReloadingTls running = tls;
        if (running == null) {
            return Future.succeededFuture(false);
        }
        ServerTls known = running.current();
        Tls files = known.config();
        return vertx.executeBlocking(() -> changed(files, known.fingerprint()), false)
                .map(now -> {
                    // A swap may have brought other files meanwhile.
                    if (now == null || running.current() != known) {
                        return false;
                    }
                    change(now);
                    LOG.log(Level.INFO, "{0}: certificates reloaded ({1})", config, files);
                    return true;
                });
    }

    private @Nullable ServerTls changed(Tls files, String known) {
        String fingerprint = ServerTls.fingerprint(files);
        if (fingerprint.equals(known) || fingerprint.equals(unusable)) {
            return null;
        }
        try {
            return ServerTls.read(files);
        } catch (PemException bad) {
            unusable = fingerprint;
            LOG.log(Level.WARNING, "{0}: {1}; the old certificates stay", config, bad.getMessage());
            return null;
        }
    }

    private void change(ServerTls next) {
        ReloadingTls running = tls;
        if (running != null) {
            int before = running.judgement();
            running.change(next);
            if (running.judgement() != before) {
                closeQuiet(0);
            }
        }
    }

    private void startReloading() {
        Tls files = config.tls();
        if (files != null && !closing) {
            reloadTimer = vertx.setTimer(
                    Math.max(1, files.reloadEvery().toMillis()),
                    tick -> reloadCertificates().onComplete(done -> startReloading()));
        }
    }

    private @Nullable String exampleName() {
        ReloadingTls running = tls;
        return running == null ? null : running.current().exampleName();
    }

    private HttpServerOptions options() {
        Limits limits = config.limits();
        HttpServerOptions options = new HttpServerOptions()
                .setHost(config.host())
                // Alone on its port: HTTP/1.1 beside it would pass by the guard (G41).
                .setHttp2ClearTextEnabled(config.tls() == null && serves(Protocol.HTTP_2))
                .setUseAlpn(false)
                .setInitialSettings(http2(limits))
                .setHttp2ConnectionWindowSize(CONNECTION_WINDOW_BYTES)
                // The guard counts, by a limit that may change, and knows whose fault a reset is.
                .setHttp2RstFloodMaxRstFramePerWindow(config.byteGuard() ? 0 : limits.maxStreamResets())
                .setHttp2RstFloodWindowDuration(30)
                .setHttp2RstFloodWindowDurationTimeUnit(TimeUnit.SECONDS)
                // The guard judges sizes, by limits that may change; without it the decoder has to.
                .setMaxInitialLineLength(config.byteGuard() ? DECODER_LINE_BYTES : limits.maxTargetBytes())
                .setMaxHeaderSize(config.byteGuard() ? DECODER_HEAD_BYTES : limits.maxHeadBytes())
                // As in UpstreamClient: chunks are counted, not weighed.
                .setMaxChunkSize(16 * 1024)
                .setDecompressionSupported(false)
                .setCompressionSupported(false)
                .setHandle100ContinueAutomatically(false)
                .setPerMessageWebSocketCompressionSupported(false)
                .setPerFrameWebSocketCompressionSupported(false)
                .setUseSemicolonAsQueryParamDelimiter(false)
                .setAcceptBacklog(1024)
                .setReuseAddress(true)
                .setTcpNoDelay(true)
                .setTcpKeepAlive(true)
                .setTracingPolicy(TracingPolicy.IGNORE);
        ReloadingTls secure = tls;
        if (secure != null) {
            options.setSsl(true)
                    .setUseAlpn(true)
                    .setAlpnVersions(alpn())
                    .setSslEngineOptions(secure.engine())
                    .setKeyCertOptions(ReloadingTls.placeholder())
                    // Ours is counted from the first byte on, see Doorstep.
                    .setSslHandshakeTimeout(0);
        }
        return options;
    }

    private List<HttpVersion> alpn() {
        List<HttpVersion> versions = new ArrayList<>();
        if (serves(Protocol.HTTP_2)) {
            versions.add(HttpVersion.HTTP_2);
        }
        if (serves(Protocol.HTTP_1_1)) {
            versions.add(HttpVersion.HTTP_1_1);
        }
        return versions;
    }

    private static Http2Settings http2(Limits limits) {
        return new Http2Settings()
                .setMaxConcurrentStreams(limits.maxStreams())
                .setMaxHeaderListSize(limits.maxHeadBytes())
                .setInitialWindowSize(STREAM_WINDOW_BYTES);
    }

    // ---- housekeeping

    /** Idle connections are looked at once a second: exact to a second is exact enough, and a request costs no timer. */
    private void startSweeping() {
        sweep = loops.get(0).context().nettyEventLoop().scheduleAtFixedRate(this::sweepUp, 1, 1, TimeUnit.SECONDS);
    }

    private void sweepUp() {
        if (ended) {
            return;
        }
        closeQuiet(config.limits().keepAlive().toNanos());
        long now = System.nanoTime();
        governor.forget(now);
        Map<String, Long> refused = new TreeMap<>();
        StringBuilder text = new StringBuilder();
        long sum = 0;
        for (AcceptGovernor.Refusal refusal : AcceptGovernor.Refusal.values()) {
            long count = governor.refused(refusal);
            refused.put(refusal.label(), count);
            sum += count;
            if (count > 0) {
                text.append(text.isEmpty() ? "" : ", ")
                        .append(count)
                        .append(" by ")
                        .append(refusal.option());
            }
        }
        Map<String, Long> ended = refusals.byReason();
        long requests = 0;
        for (ConnectionTable table : tables) {
            requests += table.requests();
        }
        front.connections(config.name(), new ListenerFigures(governor.open(), requests, refused, ended));
        tell(ended, now);
        if (sum > reportedRefusals && (reportedRefusals == 0 || now - reportedNanos >= REPORT_NANOS)) {
            reportedRefusals = sum;
            reportedNanos = now;
            LOG.log(Level.WARNING, "{0} has closed connections at once since its start: {1}", config, text);
        }
    }

    /** What guards have ended is the noise of the internet, or an attack, or a client with a defect: worth a line now and then. */
    private void tell(Map<String, Long> ended, long now) {
        long sum = 0;
        for (long count : ended.values()) {
            sum += count;
        }
        if (sum > toldEnded && (toldEnded == 0 || now - toldNanos >= REPORT_NANOS)) {
            toldEnded = sum;
            toldNanos = now;
            LOG.log(Level.INFO, "{0} has refused {1} times since its start: {2}", config, sum, ended);
        }
    }

    /** On the connection's loop. */
    private void refused(Refusal refusal, Arrival arrival) {
        LOG.log(
                Level.DEBUG,
                "{0} has refused {1} from {2} after {3} bytes (request {4})",
                config,
                refusal.reason().code(),
                arrival.peer(),
                refusal.offset(),
                refusal.requestId());
        if (open) {
            // Before that it is our own question.
            Reason reason = refusal.reason();
            refusals.note(reason);
            front.refused(new ExchangeObserver.Refused(
                    config.name(), reason.code(), reason.status(), refusal.requestId(), arrival.peer()));
        }
    }

    private Throwable explained(Throwable failure) {
        if (failure instanceof GatewayStartException) {
            return failure;
        }
        for (Throwable at = failure; at != null; at = at.getCause()) {
            // Native transports have exceptions of their own.
            if (at instanceof BindException || String.valueOf(at.getMessage()).startsWith("bind(")) {
                return startFailure(
                        "cannot bind port " + config.port() + " on " + config.host() + ": " + at.getMessage()
                                + " (is another program listening there?)",
                        failure);
            }
        }
        return startFailure("cannot start: " + failure.getMessage(), failure);
    }

    private GatewayStartException startFailure(String what, Throwable cause) {
        return new GatewayStartException(config + " " + what, cause);
    }

    /** Judges connections before they are registered. On the acceptor's thread. */
    private final class Accepting implements ListenHook.Accept {
        @Override
        public boolean accept(Channel child) {
            if (closing) {
                return false;
            }
            ReloadingTls secure = tls;
            AcceptRules mine = rules;
            Limits limits = config.limits();
            // Our own question has neither a certificate nor a balancer; it is never served.
            boolean trial = !open
                    && (mine.anyBalancers()
                            || (secure != null && secure.current().config().requiresClientCertificate()));
            InetAddress peer = child.remoteAddress() instanceof InetSocketAddress remote ? remote.getAddress() : null;
            boolean balanced = peer != null && !trial && mine.isBalancer(peer);
            if (mine.balancersOnly() && !balanced && !trial) {
                governor.note(AcceptGovernor.Refusal.NOT_A_BALANCER);
                return reset(child);
            }
            AcceptGovernor.Stay stay = governor.enter(limits);
            if (stay == null) {
                return reset(child);
            }
            if (peer != null && !trial && !balanced && mine.isClient(peer)) {
                if (stay.of(peer, System.nanoTime(), limits) != null) {
                    stay.leave();
                    return reset(child);
                }
            }
            child.closeFuture().addListener(closed -> stay.leave());
            // False on transports that do not know it.
            child.config().setOption(UNSENT, UNSENT_BYTES);
            Arrival arrival = new Arrival(child, secure, trial);
            arrivals.add(child, arrival);
            Consumer<Reason> without = reason -> refused(new Refusal(reason, 0, null, null), arrival);
            if (secure == null && serves(Protocol.HTTP_2)) {
                PrefaceGuard.install(
                        child,
                        config.limits().headTimeout(),
                        config.byteGuard() ? http2Guard("http", 0, arrival) : null,
                        without);
            } else if (config.byteGuard()) {
                GuardInstaller.install(child, guard(arrival));
            }
            if (secure != null) {
                // Our own question is not refused for coming slowly: its own time ends it.
                Doorstep.install(child, arrival, open ? limits.handshakeTimeout() : Canary.TIMEOUT, without);
            }
            if (balanced) {
                ProxyGate.install(
                        child,
                        limits.handshakeTimeout(),
                        source -> source == null || comes(source, arrival, stay, mine, limits),
                        () -> governor.note(AcceptGovernor.Refusal.PROXY_HEADER));
            }
            return true;
        }

        /** The first word about a connection of a load balancer: whose it is. */
        private boolean comes(
                InetSocketAddress source, Arrival arrival, AcceptGovernor.Stay stay, AcceptRules mine, Limits limits) {
            arrival.comesFrom(source);
            InetAddress client = source.getAddress();
            return !mine.isClient(client) || stay.of(client, System.nanoTime(), limits) == null;
        }

        /** RST instead of FIN: a connection that was never wanted leaves nothing to wait for (TIME_WAIT). */
        private boolean reset(Channel child) {
            child.config().setOption(ChannelOption.SO_LINGER, 0);
            return false;
        }

        @Override
        public void listening(ServerChannel opened) {
            channel = opened;
        }

        private ByteGuard guard(Arrival arrival) {
            Limits limits = config.limits();
            HeadLimits heads = new HeadLimits(
                    limits.maxTargetBytes(),
                    Math.max(limits.maxHeadBytes(), limits.maxTargetBytes()),
                    limits.maxHeaders(),
                    HeadLimits.DEFAULTS.chunkExtensionBytes(),
                    HeadLimits.DEFAULTS.trailerBytes(),
                    HeadLimits.DEFAULTS.trailerFields());
            return new ByteGuard(
                            FramingGuard.http11(heads),
                            limits.headTimeout(),
                            limits.keepAlive(),
                            front::newId,
                            refusal -> refused(refusal, arrival))
                    .http2(() -> http2Guard("https", Http2Guard.PREFACE_BYTES, arrival));
        }

        private Http2Guard http2Guard(String scheme, int preface, Arrival arrival) {
            return new Http2Guard(config.limits(), scheme, preface, guards, refusal -> refused(refusal, arrival));
        }
    }
}
