package dev.postern.runtime.reply;

import dev.postern.Body;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Response;
import dev.postern.TimeSource;
import dev.postern.WebSocketRules;
import dev.postern.runtime.message.Channels;
import dev.postern.runtime.message.Fields;
import dev.postern.runtime.message.Handshake;
import dev.postern.runtime.message.Pump;
import dev.postern.runtime.message.Tunnel;
import dev.postern.runtime.message.TunnelBody;
import dev.postern.runtime.message.WireBody;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.Outlet;
import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.NetSocket;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes one response to a client.
 *
 * <p>A response that comes before the request was read to its end closes the connection behind it (T014): what is left of
 * the request is read and thrown away, up to 64 KiB or for a second, so that the client can read the answer, and never
 * taken for another request.
 */
public final class HttpReply implements Outlet {
    /** What becomes of the connection behind an answer. Told on its loop. */
    public interface Fate {
        /** The answer is out and the connection stays open. */
        void kept();

        /** It is going to say that it is the last; whatever the client has sent behind this request is for nobody. */
        void closing();

        /** It is closed, or as good as: nothing more can come. May be told twice. */
        void closed();

        /** It had become a tunnel and is closed, or as good as; the connection itself will not tell. */
        void tunnelClosed();

        /**
         * An HTTP/2 connection is to end behind the streams under way.
         *
         * @return whether the client is told so by somebody else
         */
        default boolean isToldElsewhere() {
            return false;
        }
    }

    private static final long LINGER_BYTES = 64 * 1024;
    /** How long other streams of a connection may go on that is told to end. */
    private static final Duration STREAMS_LINGER = Duration.ofMinutes(5);

    /** RFC 9113 7. */
    private static final long NO_ERROR = 0;

    private static final long INTERNAL_ERROR = 2;
    private static final long CANCEL = 8;

    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final HttpServerRequest request;
    private final HttpServerResponse out;
    private final Loop loop;
    private final @Nullable WireBody requestBody;
    private final boolean closeAsked;
    private final BooleanSupplier draining;
    private final long stallNanos;
    private final Fate fate;
    /** HTTP/2: what ends with an exchange is a stream, never the connection. */
    private final boolean multiplexed;

    private @Nullable Pump pump;
    private @Nullable Tunnel tunnel;
    private @Nullable GatewayExchange exchange;
    private boolean replaced;
    private boolean closing;
    private boolean clientGone;
    private boolean ended;
    private boolean streamGone;
    private TimeSource.@Nullable Timer lastWrite;

    /**
     * A reply to this request. Called on the loop of its connection.
     *
     * @param requestBody the body, or null when the request has none
     * @param closeAsked whether the client wants the connection closed
     * @param draining whether the gateway wants connections closed; asked when the head is written
     * @param stallNanos how long the client may take nothing
     * @param fate is told what becomes of the connection
     */
    public HttpReply(
            HttpServerRequest request,
            Loop loop,
            @Nullable WireBody requestBody,
            boolean closeAsked,
            BooleanSupplier draining,
            long stallNanos,
            Fate fate) {
        this.request = request;
        this.out = request.response();
        this.loop = loop;
        this.requestBody = requestBody;
        this.closeAsked = closeAsked;
        this.draining = draining;
        this.stallNanos = stallNanos;
        this.fate = fate;
        this.multiplexed = request.version() == HttpVersion.HTTP_2;
    }

    /** Ties the reply to its exchange: from here on a client that leaves cuts it. */
    public void watch(GatewayExchange mine) {
        exchange = mine;
        out.exceptionHandler(broken -> gone());
    }

    /** The exchange it is tied to, or null before {@link #watch}. */
    public @Nullable GatewayExchange exchange() {
        return exchange;
    }

    @Override
    public void answer(Response response, GatewayExchange mine) {
        if (clientGone || out.closed()) {
            response.body().discard();
            mine.end(new GatewayException(Failure.CLIENT_GONE, "the client left before the answer"));
            return;
        }
        boolean upgraded = response.status() == 101;
        if (upgraded != response.body() instanceof TunnelBody) {
            response.body().discard();
            mine.answerInstead(new GatewayException(
                    Failure.FILTER_FAILED,
                    "route \"" + mine.route().id() + "\": the body of an accepted upgrade goes with its 101, and only"
                            + " with that"));
            return;
        }
        // 1. The head. Framing and connection are ours alone.
        MultiMap fields = head(response, mine);
        if (response.body() instanceof TunnelBody accepted) {
            join(accepted, fields, mine);
            return;
        }
        boolean handshake = mine.kind() == Exchange.Kind.WEBSOCKET;
        boolean unread = requestBody != null && !requestBody.isComplete() && !requestBody.hasAllBytes();
        // T017: whatever came behind a handshake that was refused is for nobody.
        closing = !multiplexed && (closeAsked || unread || handshake || draining.getAsBoolean());
        if (closing) {
            fate.closing();
            fields.set(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        if (handshake && response.status() == 426) {
            // RFC 9110 15.5.22.
            fields.set("Connection", "close, Upgrade");
            fields.set("Upgrade", "websocket");
        }
        // 2. The framing, from the body and from what the status allows (RFC 9110 6.4.1, 8.6).
        Body body = response.body();
        long length = body.length();
        boolean head = request.method() == HttpMethod.HEAD;
        boolean bodiless = head || response.status() == 204 || response.status() == 304;
        if (bodiless) {
            if (length >= 0 && (head || (response.status() == 304 && length > 0)) && response.status() != 204) {
                fields.set(HttpHeaders.CONTENT_LENGTH, Long.toString(length));
            }
            body.discard();
            finished(out.end());
            return;
        }
        if (multiplexed
                && mine.kind() == Exchange.Kind.GRPC
                && response.headers().contains("grpc-status")) {
            // Trailers-only: that the head is the end is part of what it says.
            body.discard();
            finished(out.end());
            return;
        }
        if (length >= 0) {
            fields.set(HttpHeaders.CONTENT_LENGTH, Long.toString(length));
        } else if (!multiplexed) {
            out.setChunked(true);
        }
        // 3. The body.
        Pump newPump = new Pump(
                out,
                loop,
                loop,
                out::writeHead,
                last -> trailers(last, length < 0 && Fields.welcomesTrailers(request.getHeader("TE"))),
                mine::countResponse,
                mine.time(),
                mine.bounds().idleNanos(),
                Failure.RESPONSE_BODY_STALLED,
                Failure.RESPONSE_BODY_BROKEN,
                stallNanos,
                Failure.CLIENT_STALLED,
                new Pump.End() {
                    @Override
                    public void done(Future<Void> flushed) {
                        finished(flushed);
                    }

                    @Override
                    public void failed(GatewayException failure) {
                        broken(failure);
                    }
                });
        pump = newPump;
        newPump.into(Channels.exclusive(request.connection())).lending().start(body);
    }

    /** Over HTTP/1.1 only in a chunked message, and only for who has asked for them (RFC 9110 6.5.1). */
    private void trailers(Headers trailers, boolean welcome) {
        if (multiplexed || welcome) {
            for (int i = 0; i < trailers.size(); i++) {
                out.trailers().add(trailers.name(i), trailers.value(i));
            }
        }
    }

    private MultiMap head(Response response, GatewayExchange mine) {
        out.setStatusCode(response.status());
        MultiMap fields = out.headers();
        Headers headers = response.headers();
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.name(i);
            if (Fields.ofResponse(name) == Fields.Kind.END_TO_END) {
                fields.add(name, headers.value(i));
            }
        }
        if (!headers.contains("Date")) {
            fields.set(HttpHeaders.DATE, DateField.of(mine.time().now()));
        }
        return fields;
    }

    /** The upgrade is accepted: the head goes out, and from then on the connection is one end of a tunnel. */
    private void join(TunnelBody accepted, MultiMap fields, GatewayExchange mine) {
        WebSocketRules rules = mine.route().webSockets();
        NetSocket upstream = accepted.take();
        if (rules == null || upstream == null) {
            mine.answerInstead(new GatewayException(
                    Failure.FILTER_FAILED,
                    "route \"" + mine.route().id() + "\": a filter has discarded an upgrade and passed it on"));
            return;
        }
        Handshake.Agreed agreed = accepted.agreed();
        fields.set("Connection", "Upgrade");
        fields.set("Upgrade", "websocket");
        fields.set("Sec-WebSocket-Accept", agreed.accept());
        set(fields, "Sec-WebSocket-Protocol", agreed.protocol());
        set(fields, "Sec-WebSocket-Extensions", agreed.extensions());
        request.toNetSocket().onComplete(switched -> {
            if (switched.failed()) {
                broken(new GatewayException(
                        Failure.INTERNAL, "the client's connection cannot be upgraded", switched.cause()));
                return;
            }
            Tunnel joined = new Tunnel(mine, switched.result(), accepted, upstream, rules, stallNanos, failure -> {
                ended = true;
                mine.end(failure);
                fate.tunnelClosed();
            });
            tunnel = joined;
            mine.countRequest(joined::fromClient);
            mine.onStreamEnd(joined::end);
        });
    }

    private static void set(MultiMap fields, String name, @Nullable String value) {
        if (value == null) {
            fields.remove(name);
        } else {
            fields.set(name, value);
        }
    }

    @Override
    public boolean tunnels() {
        return request.version() == HttpVersion.HTTP_1_1;
    }

    @Override
    public void abort(GatewayException cause) {
        Tunnel joined = tunnel;
        if (joined != null) {
            ended = true;
            joined.cut(cause);
            fate.tunnelClosed();
            return;
        }
        if (pump != null) {
            pump.stop();
        }
        cutConnection(cause);
    }

    @Override
    public boolean awaitsClient() {
        Pump running = pump;
        return lastWrite != null || (running != null && running.awaitsSink());
    }

    // 4. The last byte is out when it was written, not when it was given away; a client may never take it.
    private void finished(Future<Void> flushed) {
        if (flushed.isComplete()) {
            over(flushed.succeeded());
        } else {
            Channel socket = Channels.exclusive(request.connection());
            watchEnd(socket, socket == null ? 0 : Channels.mark(socket));
            flushed.onComplete(written -> over(written.succeeded()));
        }
    }

    private void watchEnd(@Nullable Channel socket, long mark) {
        lastWrite = loop.schedule(stallNanos, () -> {
            lastWrite = null;
            long now = socket == null ? mark : Channels.mark(socket);
            if (ended) {
                return;
            }
            if (now == mark) {
                endNotTaken();
            } else {
                watchEnd(socket, now);
            }
        });
    }

    private void endNotTaken() {
        ended = true;
        if (multiplexed) {
            out.reset(CANCEL);
            streamGone();
        } else {
            Channels.closeNow(request.connection());
            fate.closed();
        }
        if (exchange != null) {
            exchange.end(new GatewayException(
                    Failure.CLIENT_STALLED,
                    "the end of the answer was not taken for " + TimeUnit.NANOSECONDS.toMillis(stallNanos) + " ms"));
        }
    }

    private void stopWatching() {
        if (lastWrite != null) {
            lastWrite.cancel();
            lastWrite = null;
        }
    }

    private void over(boolean written) {
        stopWatching();
        if (ended) {
            return;
        }
        ended = true;
        GatewayExchange mine = exchange;
        if (mine != null) {
            mine.end(written ? null : new GatewayException(Failure.CLIENT_GONE, "the client left during the answer"));
        }
        if (multiplexed) {
            streamOver();
            return;
        }
        if (!written) {
            fate.closed();
            return;
        }
        if (closing) {
            closeBehind();
        } else {
            fate.kept();
        }
    }

    private void broken(GatewayException failure) {
        GatewayExchange mine = exchange;
        if (mine != null && !replaced && !clientGone && !out.headWritten() && !out.closed()) {
            // Nothing of the response head has left yet: the client may still get an answer instead of a cut.
            replaced = true;
            pump = null;
            out.headers().clear();
            out.setChunked(false);
            mine.answerInstead(failure);
            return;
        }
        cutConnection(failure);
        if (exchange != null) {
            Failure known = failure.failure();
            boolean asBroken = known == Failure.CLIENT_GONE && !clientGone;
            exchange.end(
                    asBroken
                            ? new GatewayException(
                                    Failure.RESPONSE_BODY_BROKEN, String.valueOf(failure.getMessage()), failure)
                            : failure);
        }
    }

    private void gone() {
        if (clientGone || ended) {
            return;
        }
        clientGone = true;
        if (multiplexed) {
            streamGone();
        } else {
            fate.closed();
        }
        if (exchange != null) {
            exchange.cut(new GatewayException(Failure.CLIENT_GONE, "the client left"));
        }
    }

    /** An unfinished message: the client sees that the end is missing (T116). */
    private void cutConnection(GatewayException why) {
        ended = true;
        stopWatching();
        if (multiplexed) {
            if (!clientGone && !out.closed()) {
                out.reset(INTERNAL_ERROR);
            }
            streamGone();
            return;
        }
        if (!out.ended() && !out.closed()) {
            out.reset();
        }
        // A reset is refused once the end was given away, written or not; and where it closes the connection it waits
        // for
        // the client.
        if (why.failure() == Failure.CLIENT_STALLED) {
            // It has been waited for; what it did not take until now it goes without.
            Channels.closeNow(request.connection());
        } else {
            Channels.close(request.connection());
        }
        fate.closed();
    }

    /** Nobody is going to read what is left of the request: the client is told to stop sending (RFC 9113 8.1). */
    private void streamOver() {
        WireBody rest = requestBody;
        if (rest != null && !rest.isComplete() && !out.closed()) {
            out.reset(NO_ERROR);
        }
        streamGone();
        if (draining.getAsBoolean() && !fate.isToldElsewhere()) {
            // GOAWAY; the streams under way may finish.
            request.connection().shutdown(STREAMS_LINGER);
        }
    }

    private void streamGone() {
        if (!streamGone) {
            streamGone = true;
            fate.kept();
        }
    }

    private void closeBehind() {
        WireBody rest = requestBody;
        // The end may also have come after whoever read the body gave it up: then Vert.x takes no handlers any more.
        if (rest == null || rest.isComplete() || rest.hasAllBytes() || request.isEnded()) {
            closeNow();
            return;
        }
        Linger linger = new Linger();
        request.handler(linger::read);
        request.endHandler(v -> linger.close());
        request.exceptionHandler(broken -> linger.close());
        // The client sees the end at once, and who was too slow before is not waited for as long as others.
        Channels.halfClose(request.connection());
        linger.timer = loop.schedule(out.getStatusCode() == 408 ? LINGER_NANOS / 2 : LINGER_NANOS, linger::close);
        request.resume();
    }

    private void closeNow() {
        Channels.close(request.connection()).onComplete(closed -> fate.closed());
    }

    private final class Linger {
        private long bytes;
        private TimeSource.@Nullable Timer timer;

        void read(Buffer chunk) {
            bytes += chunk.length();
            if (bytes > LINGER_BYTES) {
                close();
            }
        }

        void close() {
            if (timer != null) {
                timer.cancel();
                timer = null;
                closeNow();
            }
        }
    }
}
