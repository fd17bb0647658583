package dev.postern.runtime.listener;

import dev.postern.Body;
import dev.postern.ClientInfo;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.runtime.edge.Authority;
import dev.postern.runtime.edge.RequestHead;
import dev.postern.runtime.edge.RequestHead.Reported;
import dev.postern.runtime.message.Channels;
import dev.postern.runtime.message.ClientCertificate;
import dev.postern.runtime.message.FieldLines;
import dev.postern.runtime.message.Provenance;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.message.WireBody;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.reply.DateField;
import dev.postern.runtime.reply.HttpReply;
import dev.postern.runtime.snapshot.Snapshot;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.HostAndPort;
import io.vertx.core.net.SocketAddress;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Where requests come in, from a listener of ours or from a server of the host: judges the head, finds out who is calling,
 * and starts the exchange.
 */
public final class HttpEntry implements Handler<HttpServerRequest> {
    private static final System.Logger LOG = System.getLogger(HttpEntry.class.getName());
    private static final String NO_QUERY = "/";
    /** RFC 9113 7. */
    private static final long NO_ERROR = 0;

    private final Front front;
    // Replaced as one when a config changes the listener where it stands.
    private volatile Settled settled;
    private final @Nullable ConnectionTable connections;
    // Connections of a server of the host that have had their last answer; until they are closed.
    private final Set<HttpConnection> last = ConcurrentHashMap.newKeySet();

    /**
     * An entry.
     *
     * @param connections the table of its loop, or null in a server of the host
     */
    HttpEntry(Front front, EntrySettings settings, @Nullable ConnectionTable connections) {
        this.front = front;
        this.settled = new Settled(settings);
        this.connections = connections;
    }

    /** Follows a change of the listener's settings; requests that come from now on go by it. */
    void settings(EntrySettings next) {
        settled = new Settled(next);
    }

    /** A connection that is not ours: it is known only from its last answer to its end. */
    private final class Mounted implements HttpReply.Fate {
        private final HttpConnection connection;

        Mounted(HttpConnection connection) {
            this.connection = connection;
        }

        @Override
        public void kept() {
            // Not counted here.
        }

        @Override
        public void closing() {
            last.add(connection);
        }

        @Override
        public void closed() {
            last.remove(connection);
        }

        @Override
        public void tunnelClosed() {
            last.remove(connection);
        }
    }

    private static final class Settled {
        private final EntrySettings settings;
        private final Callers callers;

        Settled(EntrySettings settings) {
            this.settings = settings;
            this.callers = new Callers(settings.trustedProxies());
        }
    }

    /** An entry for requests that a server of the host hands over. */
    public static HttpEntry mounted(Front front, EntrySettings settings) {
        return new HttpEntry(front, settings, null);
    }

    @Override
    public void handle(HttpServerRequest incoming) {
        ConnectionTable.Entry entry = connections == null ? null : connections.find(incoming.connection());
        Http2Guard guard = entry == null ? null : entry.guard();
        if (guard == null) {
            handle(incoming, entry);
            return;
        }
        incoming.pause();
        VertxLoop loop = front.loop();
        guard.later(() -> loop.enter(() -> {
            // Cancelled in the packet it came in: nobody's request any more.
            if (!incoming.response().closed()) {
                handle(incoming, entry);
            }
        }));
    }

    private void handle(HttpServerRequest incoming, ConnectionTable.@Nullable Entry entry) {
        // 1. Nothing of the body may arrive before its reader is known (G37).
        Settled mine = settled;
        boolean bodyPossible = mayHaveBody(incoming);
        if (bodyPossible) {
            incoming.pause();
        }
        VertxLoop loop = front.loop();
        HttpConnection connection = incoming.connection();
        if (connections != null && entry == null) {
            // It came before the listener was open, or it is gone.
            incoming.pause();
            connection.close();
            return;
        }
        if (entry == null ? last.contains(connection) : entry.isClosing()) {
            // Sent behind a request that was the last one (T014, T016): the connection closes any moment now.
            incoming.pause();
            return;
        }
        ClientInfo peer = entry == null ? peer(incoming) : entry.client();
        if (entry != null) {
            entry.begin();
        }
        HttpReply.Fate fate = entry == null ? new Mounted(connection) : entry;
        Snapshot snapshot;
        try {
            snapshot = front.enter();
        } catch (GatewayException stopped) {
            // Behind a server of the host: the host's loop goes on, and so does its connection's end.
            bare(incoming, 503, "not running\n", true, fate);
            return;
        }
        try {
            admit(incoming, mine, loop, snapshot, entry, fate, peer, bodyPossible);
        } catch (RuntimeException | Error broken) {
            // Before there was an exchange: nobody else answers, and nobody else leaves the epoch.
            LOG.log(Level.WARNING, "a request could not be begun", broken);
            snapshot.epoch().leave();
            bare(incoming, 500, "internal error\n", true, fate);
        }
    }

    private void admit(
            HttpServerRequest incoming,
            Settled mine,
            VertxLoop loop,
            Snapshot snapshot,
            ConnectionTable.@Nullable Entry entry,
            HttpReply.Fate fate,
            ClientInfo peer,
            boolean bodyPossible) {
        EntrySettings settings = mine.settings;
        // 2. The head, judged once.
        RequestHead head;
        try {
            head = read(incoming, settings);
            if (entry != null) {
                checkConnection(entry.arrival(), head);
            }
        } catch (GatewayException refused) {
            refuse(snapshot, loop, incoming, peer, fate, refused);
            return;
        }
        // 3. The body, still in the socket.
        // HTTP/2 ends a body with a flag and needs no length for it.
        boolean unannounced =
                incoming.version() == HttpVersion.HTTP_2 && !incoming.headers().contains("content-length");
        long length = unannounced ? -1 : head.length();
        WireBody body = bodyPossible && length != 0 ? body(incoming, loop, head, length) : null;
        if (bodyPossible && body == null) {
            incoming.resume();
        }
        // 4. Who is calling.
        ClientInfo client = peer;
        Reported reported = head.reported();
        boolean believed = reported != null && mine.callers.trusts(peer.peer().getAddress());
        if (believed && reported != null) {
            client = mine.callers.behind(peer, reported);
        }
        Request request = Request.of(
                head.method(),
                client.secure() ? "https" : "http",
                head.authority(),
                head.target().path(),
                head.target().query(),
                head.headers(),
                body == null ? Body.empty() : body);
        HttpReply reply = new HttpReply(
                incoming,
                loop,
                body,
                head.close(),
                entry == null
                        ? front::isDraining
                        : () -> front.isDraining() || entry.arrival().isOutdated(),
                settings.writeTimeout().toNanos(),
                fate);
        // 5. A load balancer's question is answered here: no route can hide it, no filter can refuse it.
        if (isHealthQuestion(head, settings)) {
            snapshot.epoch().leave();
            boolean ready = front.isReady();
            bare(
                    incoming,
                    ready ? 200 : 503,
                    ready ? "ready\n" : "not ready\n",
                    head.close() || body != null || front.isDraining(),
                    fate);
            return;
        }
        // 6. The exchange.
        try {
            snapshot.run(request, client, loop, reply, exchange -> {
                front.begun(exchange);
                exchange.listener(settings.name());
                reply.watch(exchange);
                if (body != null) {
                    limit(body.keptBy(exchange), exchange, settings);
                    exchange.countRequest(body::received);
                    exchange.watchClient(body::awaitsSender);
                }
                if (believed && reported != null) {
                    adopt(exchange, reported);
                }
                ClientCertificate told = entry == null ? null : entry.arrival().told();
                if (told != null) {
                    // Behind a proxy the certificate says who the proxy is.
                    exchange.set(
                            ClientCertificate.KEY, exchange.client().trustedPeer() ? ClientCertificate.NONE : told);
                }
                if (head.upgrade() != null && incoming.version() == HttpVersion.HTTP_1_1) {
                    Upgrades.judge(head, exchange, front.isDraining());
                }
            });
        } catch (RuntimeException | Error broken) {
            GatewayExchange begun = reply.exchange();
            if (begun == null) {
                throw broken;
            }
            begun.cut(new GatewayException(Failure.INTERNAL, "the exchange could not be run: " + broken, broken));
        }
    }

    /** A call may go on for ever; what its service has to keep at a time is a message. */
    private static void limit(WireBody body, GatewayExchange exchange, EntrySettings settings) {
        long most = exchange.bounds().maxRequestBytes();
        if (exchange.kind() == Exchange.Kind.GRPC) {
            body.limitMessages(most);
            return;
        }
        body.limit(most);
        if (settings.minBodyRate() > 0 && !exchange.bounds().streaming()) {
            body.pace(settings.minBodyRate(), settings.bodyRateWindow(), exchange.time());
        }
    }

    /** An answer that no exchange stands behind. */
    private static void bare(HttpServerRequest incoming, int status, String text, boolean last, HttpReply.Fate fate) {
        boolean multiplexed = incoming.version() == HttpVersion.HTTP_2;
        HttpServerResponse out = incoming.response()
                .setStatusCode(status)
                .putHeader("Content-Type", "text/plain; charset=utf-8")
                .putHeader("Cache-Control", "no-store")
                .putHeader(HttpHeaders.DATE, DateField.of(Instant.now()));
        if (last && !multiplexed) {
            fate.closing();
            out.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        out.end(text).onComplete(written -> {
            if (multiplexed) {
                if (!incoming.isEnded() && !out.closed()) {
                    // RFC 9113 8.1: the rest of the request is for nobody.
                    out.reset(NO_ERROR);
                }
                fate.kept();
            } else if (last) {
                Channels.close(incoming.connection()).onComplete(closed -> fate.closed());
            } else {
                fate.kept();
            }
        });
    }

    private static RequestHead read(HttpServerRequest incoming, EntrySettings settings) {
        HttpVersion version = incoming.version();
        if (version == HttpVersion.HTTP_1_0) {
            throw new GatewayException(
                    Failure.VERSION_NOT_SUPPORTED, "framing.version", "HTTP/1.0 is not served", null);
        }
        HostAndPort pseudo = version == HttpVersion.HTTP_2 ? incoming.authority(true) : null;
        return RequestHead.of(
                incoming.method().name(),
                incoming.uri(),
                FieldLines.of(incoming.headers()),
                pseudo == null ? null : pseudo.toString(),
                incoming.isSSL() ? "https" : "http",
                settings.maxHeaders());
    }

    /** RFC 9110 15.5.20: what this connection was agreed upon for, and by whose rules. */
    private static void checkConnection(Arrival arrival, RequestHead head) {
        if (arrival.isOutdated()) {
            throw new GatewayException(
                    Failure.MISDIRECTED_REQUEST,
                    "client certificates are judged by other rules than on this connection");
        }
        if (!arrival.isFor(head.authority())) {
            throw new GatewayException(
                    Failure.MISDIRECTED_REQUEST,
                    "host.misdirected",
                    "another certificate is for " + head.authority(),
                    null);
        }
    }

    private static boolean mayHaveBody(HttpServerRequest incoming) {
        if (incoming.version() == HttpVersion.HTTP_2) {
            return !incoming.isEnded();
        }
        return incoming.headers().contains("content-length")
                || incoming.headers().contains("transfer-encoding");
    }

    private static WireBody body(HttpServerRequest incoming, VertxLoop loop, RequestHead head, long length) {
        WireBody body = new WireBody(
                incoming,
                loop,
                loop,
                length,
                Failure.REQUEST_BODY_TOO_LARGE,
                broken -> new GatewayException(
                        Failure.REQUEST_BODY_BROKEN, "the client broke off its body: " + broken, broken),
                () -> Headers.EMPTY,
                HttpEntry::nothing);
        if (head.expectsContinue()) {
            body.beforeReading(() -> incoming.response().writeContinue());
        }
        return body;
    }

    private void refuse(
            Snapshot snapshot,
            VertxLoop loop,
            HttpServerRequest incoming,
            ClientInfo peer,
            HttpReply.Fate fate,
            GatewayException why) {
        incoming.pause();
        WireBody unread = new WireBody(
                incoming,
                loop,
                loop,
                -1,
                Failure.REQUEST_BODY_TOO_LARGE,
                broken -> new GatewayException(Failure.REQUEST_BODY_BROKEN, "the client broke off its body", broken),
                () -> Headers.EMPTY,
                HttpEntry::nothing);
        HttpReply reply = new HttpReply(
                incoming,
                loop,
                unread,
                true,
                () -> true,
                settled.settings.writeTimeout().toNanos(),
                fate);
        // What could not be understood is not shown: a stand-in with the method, if that is one.
        String method = why.reason().startsWith("method.") ? "GET" : safeMethod(incoming);
        Request standIn = Request.of(method, NO_QUERY);
        snapshot.refuse(
                standIn,
                peer,
                loop,
                reply,
                exchange -> {
                    front.begun(exchange);
                    exchange.listener(settled.settings.name());
                    reply.watch(exchange);
                },
                why);
    }

    private static String safeMethod(HttpServerRequest incoming) {
        HttpMethod method = incoming.method();
        return method == HttpMethod.HEAD ? "HEAD" : method == HttpMethod.POST ? "POST" : "GET";
    }

    private static boolean isHealthQuestion(RequestHead head, EntrySettings settings) {
        return settings.healthPath() != null
                && head.target().path().equals(settings.healthPath())
                && (head.method().equals("GET") || head.method().equals("HEAD"));
    }

    private static void adopt(GatewayExchange exchange, Reported reported) {
        exchange.set(
                Provenance.KEY,
                new Provenance(reported.forwardedFor(), reported.forwarded(), canonicalHost(reported.forwardedHost())));
        String id = reported.requestId();
        if (id != null && id.length() >= 8 && id.length() <= 128 && isPlain(id)) {
            exchange.adoptId(id);
        }
    }

    /** A proxy often hands on what the client wrote there: what is no host is not believed. */
    private static @Nullable String canonicalHost(@Nullable String reported) {
        if (reported == null) {
            return null;
        }
        try {
            return Authority.canonical(reported);
        } catch (GatewayException malformed) {
            return null;
        }
    }

    private static boolean isPlain(String id) {
        for (int i = 0; i < id.length(); i++) {
            char c = id.charAt(i);
            boolean plain =
                    (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
            if (!plain) {
                return false;
            }
        }
        return true;
    }

    /** The caller on a connection of a server of the host. */
    private static ClientInfo peer(HttpServerRequest incoming) {
        SocketAddress remote = incoming.remoteAddress();
        InetSocketAddress address = null;
        if (remote != null && remote.hostAddress() != null) {
            address = new InetSocketAddress(remote.hostAddress(), Math.max(0, remote.port()));
        }
        // A domain socket has no address; whoever can open it is on this machine.
        ClientInfo client =
                ClientInfo.of(address == null ? new InetSocketAddress(InetAddress.getLoopbackAddress(), 0) : address);
        return incoming.isSSL() ? client.encrypted().withCertificates(certificates(incoming)) : client;
    }

    private static List<X509Certificate> certificates(HttpServerRequest incoming) {
        SSLSession session = incoming.sslSession();
        return session == null ? List.of() : Arrival.certificates(session);
    }

    private static void nothing() {}
}
