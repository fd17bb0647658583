package dev.postern.runtime.forward;

import dev.postern.Body;
import dev.postern.BufferedBody;
import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.StickyCookie;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Attempts;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.balancing.PinCookie;
import dev.postern.runtime.balancing.RetryAfter;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.message.FieldSink;
import dev.postern.runtime.message.Handshake;
import dev.postern.runtime.message.HeadBytes;
import dev.postern.runtime.message.PlainHead;
import dev.postern.runtime.message.Pump;
import dev.postern.runtime.message.ResponseHead;
import dev.postern.runtime.message.TrailerFields;
import dev.postern.runtime.message.TunnelBody;
import dev.postern.runtime.message.UpstreamHead;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.message.WireBody;
import dev.postern.runtime.observe.Trace;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.LoopStage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.buffer.BufferInternal;
import io.vertx.core.net.HostAndPort;
import io.vertx.core.streams.ReadStream;
import io.vertx.core.streams.WriteStream;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends one request of an exchange to an upstream and brings back its response, over as many attempts as the policy and
 * the facts allow.
 *
 * <pre>
 *   1 choose ─▶ 2 connect ─▶ 3 head ─▶ 4 body ─▶ 5 response head ─▶ 6 response body ─▶ 7 give back
 *      ▲            │            └────────┴──────────────┤ broke off
 *      └────────────┴───────── 8 again? ◀────────────────┘
 * </pre>
 *
 * <p>Lives on one event loop, that of its connections. The exchange usually lives there too; when it does not (calls of
 * {@code handle()}), what concerns the exchange hops to its loop.
 */
public final class Forwarding {
    /** How long an exchange that is over waits for the end of a message whose bytes are all in. */
    private static final long LAST_BYTES_NANOS = 1_000_000_000L;

    /** RFC 9113 7. */
    private static final long CANCEL = 8;

    /** What is copied behind its head, to go out with it. */
    private static final int SHORT_BYTES = 16 * 1024;

    /** Less than what a socket takes before it says that it is full: what is handed over must not wait in a queue. */
    private static final int MAX_CALL_BYTES = 48 * 1024;

    private static final Buffer NOTHING = BufferInternal.buffer(Unpooled.EMPTY_BUFFER);
    private static final Supplier<Headers> NO_TRAILERS = () -> Headers.EMPTY;

    private final UpstreamClient client;
    private final VertxLoop loop;
    private final GatewayExchange exchange;
    private final Request request;
    private final Attempts attempts;
    private final Upstream config;
    private final @Nullable StickyCookie sticky;
    private final @Nullable String host;
    private final boolean primary;
    private final String via;
    private final @Nullable Handshake handshake;
    private final LoopStage<Response> result;
    private final Runnable onCut = () -> cancel(new GatewayException(Failure.CLIENT_GONE, "the exchange has ended"));

    private long deadlineNanos;
    private int attempt;
    private boolean retriedStale;
    private boolean over;
    private @Nullable ReplayBody replay;
    private TimeSource.@Nullable Timer pause;
    private @Nullable Try current;
    /** The attempt beside it, while both are under way. */
    private @Nullable Try hedge;

    private TimeSource.@Nullable Timer hedgeTimer;

    /**
     * Prepares; nothing is sent.
     *
     * @param views gives the newest view of the upstream
     * @param host the {@code Host} to send, or null for the endpoint's own
     * @param primary whether this is for the answer of the exchange, not for a call of a filter
     */
    public Forwarding(
            UpstreamClient client,
            VertxLoop loop,
            GatewayExchange exchange,
            Request request,
            Supplier<ClusterView> views,
            @Nullable String host,
            boolean primary,
            String via) {
        this.client = client;
        this.loop = loop;
        this.exchange = exchange;
        this.attempts = new Attempts(views, request, key -> key.of(request, exchange));
        this.config = attempts.config();
        sticky = config.loadBalancer() instanceof StickyCookie cookie ? cookie : null;
        // Between the client and us only: it says nothing to the endpoint, nor to what the endpoint keeps of requests.
        this.request = remembered(sticky == null ? request : PinCookie.without(request, sticky.name()));
        this.host = host;
        this.primary = primary;
        this.via = via;
        handshake = primary ? exchange.get(Handshake.KEY) : null;
        result = new LoopStage<>(exchange.loop());
    }

    /** The request, its body remembered if it streams and may be wanted a second time. */
    private Request remembered(Request wanted) {
        replay = ReplayBody.of(wanted.body(), attempts.replayBytes(), exchange);
        return replay == null ? wanted : wanted.withBody(replay);
    }

    /** Begins; called on the exchange's loop. The stage completes there, at the head of the response. */
    public LoopStage<Response> start() {
        exchange.onCut(onCut);
        deadlineNanos = exchange.deadlineNanos();
        // Made here, on the exchange's loop: the head may be written on another.
        exchange.id();
        loop.enter(() -> choose(null, false, null));
        return result;
    }

    /** Gives up: the attempt under way is cut. */
    public void cancel(GatewayException why) {
        loop.enter(() -> {
            Try mine = current;
            if (mine != null) {
                mine.cut(why);
            }
            Try beside = hedge;
            if (beside != null) {
                beside.cut(why);
            }
            finish(null, why);
        });
    }

    // 1. Choose an endpoint that may be used and was not tried before.
    private void choose(@Nullable Selection again, boolean fresh, @Nullable GatewayException before) {
        if (over) {
            if (again != null) {
                again.release();
            }
            return;
        }
        Selection selection;
        try {
            selection = again != null ? again : attempts.select();
        } catch (GatewayException broken) {
            finish(null, broken);
            return;
        }
        if (selection == null) {
            finish(null, before != null ? before : attempts.nobody());
            return;
        }
        Try mine = new Try(selection, ++attempt);
        current = mine;
        // Two endpoints could both accept a handshake.
        long patience = handshake != null ? -1 : attempts.hedgeAfter();
        if (patience >= 0 && patience < timeLeft() && hedgeTimer == null) {
            hedgeTimer = loop.schedule(patience, this::hedge);
        }
        mine.connect(fresh);
    }

    /** The attempt under way is slow: another beside it, if the policy has one to spend. */
    private void hedge() {
        hedgeTimer = null;
        if (over || current == null || hedge != null) {
            return;
        }
        Selection selection;
        try {
            selection = attempts.selectHedge();
        } catch (GatewayException broken) {
            // The first attempt may still succeed; the next one will meet it too, and say so.
            return;
        }
        if (selection != null) {
            Try beside = new Try(selection, ++attempt);
            hedge = beside;
            beside.connect(false);
        }
    }

    private void stopHedgeTimer() {
        if (hedgeTimer != null) {
            hedgeTimer.cancel();
            hedgeTimer = null;
        }
    }

    /** The attempt that goes on is the only one now. */
    private void letGo(Try loser) {
        if (current == loser) {
            current = hedge;
        }
        hedge = null;
    }

    private void finish(@Nullable Response response, @Nullable GatewayException failure) {
        if (over) {
            return;
        }
        settle();
        current = null;
        hedge = null;
        onExchange(() -> {
            if (failure != null) {
                exchange.withdraw(onCut);
                result.fail(failure);
            } else if (response != null && !result.deliver(response)) {
                response.body().discard();
            }
        });
    }

    /** There will be no other attempt. */
    private void settle() {
        over = true;
        attempts.end();
        stopHedgeTimer();
        if (pause != null) {
            pause.cancel();
            pause = null;
        }
        ReplayBody kept = replay;
        if (kept != null) {
            onExchange(kept::close);
        }
    }

    // 8. Again? What was sent decides, then the policy, then whether there is a body that could be sent again.
    private void failed(Try failed, GatewayException failure) {
        if (over) {
            return;
        }
        Selection selection = failed.selection;
        boolean safe = !failed.headStarted || attempts.repeatable();
        boolean bodyIntact = bodyIntact(failed);
        boolean stale = failed.onReused && isStale(failure.failure());
        if (timeLeft() > 0 && bodyIntact && (stale || failed.unprocessed) && safe && !retriedStale && hedge == null) {
            // RFC 9112 9.3.1: the endpoint closed an idle connection just when we took it. RFC 9113 8.7: or it has said
            // that
            // it takes no more.
            retriedStale = true;
            choose(selection, true, failure);
            return;
        }
        if (failure.failure().party() == Failure.Party.UPSTREAM) {
            selection.unanswered(failure.failure());
        }
        long wait = attempts.afterFailure(selection, failure.failure(), failed.headStarted, bodyIntact, timeLeft());
        selection.release();
        if (wait == Attempts.OTHER_GOES_ON) {
            letGo(failed);
        } else if (wait < 0) {
            finish(null, failure);
        } else {
            againAfter(wait, failure);
        }
    }

    private void againAfter(long nanos, @Nullable GatewayException before) {
        current = null;
        stopHedgeTimer();
        if (nanos == 0) {
            choose(null, false, before);
        } else {
            pause = loop.schedule(nanos, () -> {
                pause = null;
                choose(null, false, before);
            });
        }
    }

    private boolean bodyIntact(Try failed) {
        return !failed.bodyBegun || request.body().replayable();
    }

    private long timeLeft() {
        return exchange.isOver() ? 0 : exchange.remainingNanos();
    }

    /** What a connection looks like that was given up, or spoilt by bytes nobody asked for, while it was in the pool. */
    private static boolean isStale(Failure failure) {
        return failure == Failure.RESET_BEFORE_HEAD || failure == Failure.RESPONSE_MALFORMED;
    }

    private void onExchange(Runnable action) {
        exchange.loop().enter(action);
    }

    /** One attempt at one endpoint. */
    private final class Try implements Waiter.Want, ShortCall {
        private final Selection selection;
        private final EndpointState endpoint;
        private final int number;
        private final long startedNanos = exchange.time().nanoTime();

        private @Nullable Waiter waiter;
        private final EndpointPool pool;
        private @Nullable PooledConnection connection;
        private @Nullable Pump pump;
        private @Nullable HttpClientResponse arrived;
        private @Nullable LongBody arriving;
        private @Nullable WireBody responseBody;
        private TimeSource.@Nullable Timer firstByte;
        private TimeSource.@Nullable Timer wholeTry;
        private boolean superseded;
        private boolean headStarted;
        private boolean unprocessed;
        // Given up for no fault of the endpoint.
        private boolean unwanted;
        private boolean tooLate;
        private long answersBefore;
        private long lentNanos;
        private @Nullable HttpClientRequest stream;
        private boolean bodyBegun;
        private boolean onReused;
        private boolean requestSent;
        // The end of the request, handed over and perhaps not yet in the socket; null before that.
        private @Nullable Future<Void> requestFlushed;
        private @Nullable ChannelFuture callFlushed;
        private boolean headReceived;
        private boolean reusable;
        private boolean tunnelled;
        private boolean done;

        Try(Selection selection, int number) {
            this.selection = selection;
            this.endpoint = selection.endpoint();
            this.number = number;
            this.pool = client.pools(loop).of(endpoint, config);
            client.attemptBegun();
            report(0, null, false);
        }

        // 2. A connection: idle, new, or the next one free.
        void connect(boolean fresh) {
            Duration bound = config.retry().perTryTimeout();
            if (bound != null) {
                wholeTry = loop.schedule(bound.toNanos(), () -> tooLate(bound));
            }
            Waiter mine = pool.acquire(config, fresh, isShort(), this);
            if (!mine.isTaken()) {
                waiter = mine;
            }
        }

        @Override
        public void failed(GatewayException failure) {
            waiter = null;
            switch (failure.failure()) {
                case CONNECT_FAILED, CONNECT_TIMEOUT, DNS_FAILED, TLS_FAILED -> selection.connectFailed();
                default -> {
                    // Says nothing about the endpoint.
                }
            }
            fail(failure);
        }

        @Override
        public void connected(PooledConnection lent) {
            waiter = null;
            if (done) {
                lent.giveBack();
                return;
            }
            connection = lent;
            if (lent.isMultiplexed()) {
                answersBefore = lent.answers();
                lentNanos = exchange.time().nanoTime();
            }
            onReused = lent.isReused();
            if (lent.isFresh()) {
                selection.succeeded();
            }
            lent.begin(request.method());
            if (isShort() && !isHead() && lent.takesCalls()) {
                headStarted = true;
                if (request.body().length() == 0) {
                    call(lent, NOTHING);
                } else {
                    ShortUpload out = new ShortUpload(body -> call(lent, body), () -> inParts(lent));
                    pump(out, out::writeHead);
                }
                return;
            }
            Future<HttpClientRequest> made = asked(lent);
            if (made.isComplete()) {
                begin(made);
            } else {
                made.onComplete(v -> begin(made));
            }
        }

        private Future<HttpClientRequest> asked(PooledConnection lent) {
            return lent.connection()
                    .request(new RequestOptions()
                            .setMethod(HttpMethod.valueOf(request.method()))
                            .setURI(request.target()));
        }

        private boolean isHead() {
            return request.method().equals("HEAD");
        }

        /** Whether all of its body may wait unread without stopping what else the connection carries. */
        private boolean isShort() {
            long length = request.body().length();
            return handshake == null && length >= 0 && length <= SHORT_BYTES;
        }

        /** 3. and 4. in one write, past Vert.x. */
        private void call(PooledConnection lent, Buffer content) {
            if (done) {
                // A body from another loop came too late: the connection is another's now.
                return;
            }
            if (lent.isClosed()) {
                // While the body was waited for.
                headStarted = false;
                fail(new GatewayException(Failure.RESET_BEFORE_HEAD, endpoint.uri() + " has closed the connection"));
                return;
            }
            try {
                HeadBytes bytes = HeadBytes.ofRequest(
                        request.method(),
                        request.target(),
                        host == null ? lent.pool().authority() : host);
                writeHead(bytes);
                if (content.length() > 0 || saysEmpty()) {
                    bytes.add(HttpHeaders.CONTENT_LENGTH, Integer.toString(content.length()));
                }
                HttpClientRequest large = bytes.size() + content.length() > MAX_CALL_BYTES ? inParts(lent) : null;
                if (done) {
                    return;
                }
                requestSent = true;
                selection.uploaded();
                if (large == null) {
                    ByteBuf body = ((BufferInternal) content).getByteBuf();
                    callFlushed = lent.send(bytes.build(lent.allocator(), body), this);
                } else {
                    requestFlushed = content.length() == 0 ? large.end() : large.end(content);
                }
            } catch (RuntimeException unwritable) {
                unwritable(unwritable);
                return;
            }
            expectFirstByte();
        }

        /** The body comes in parts: Vert.x sends them. */
        private @Nullable HttpClientRequest inParts(PooledConnection lent) {
            if (done) {
                return null;
            }
            Future<HttpClientRequest> made = asked(lent);
            if (!made.succeeded()) {
                fail(new GatewayException(Failure.RESET_BEFORE_HEAD, endpoint.uri() + " has closed the connection"));
                return null;
            }
            HttpClientRequest sending = made.result();
            stream = sending;
            try {
                prepare(sending);
            } catch (RuntimeException unwritable) {
                unwritable(unwritable);
                return null;
            }
            return sending;
        }

        @Override
        public void handOver() {
            PooledConnection mine = connection;
            if (done || mine == null) {
                return;
            }
            loop.enter(() -> {
                Future<HttpClientRequest> made = asked(mine);
                if (made.succeeded()) {
                    stream = made.result();
                    expectHead(made.result());
                    made.result().end();
                }
            });
        }

        @Override
        public void answered(PlainHead lines, Buffer content) {
            loop.enter(() -> {
                ResponseHead head = read(lines);
                if (head == null) {
                    return;
                }
                WireBody body = body(head, new ShortBody(content), NO_TRAILERS);
                judged(head);
                Response answer = isLetGo(head, body) ? null : answer(head, body);
                // Nothing of it is in the connection any more.
                giveBack(!head.close());
                if (answer != null) {
                    finishWith(answer);
                }
            });
        }

        @Override
        public void answers(PlainHead lines, LongBody content) {
            arriving = content;
            loop.enter(() -> {
                ResponseHead head = read(lines);
                if (head == null) {
                    content.letGo();
                    return;
                }
                reusable = !head.close();
                WireBody body = body(head, content, NO_TRAILERS);
                responseBody = body;
                body.onEnd(() -> loop.enter(this::bodyOver));
                judged(head);
                if (!isLetGo(head, body)) {
                    finishWith(answer(head, body));
                }
            });
        }

        /** Null when nobody wants it, or when it is malformed, which has been told. */
        private @Nullable ResponseHead read(PlainHead lines) {
            if (done) {
                return null;
            }
            headReceived = true;
            stopFirstByte();
            try {
                return ResponseHead.of(lines.status(), lines, endpoint.uri());
            } catch (GatewayException malformed) {
                fail(malformed);
                return null;
            }
        }

        // 3. The head, written anew from typed fields.
        private void begin(Future<HttpClientRequest> made) {
            if (made.failed()) {
                fail(UpstreamFailures.beforeHead(endpoint.uri(), made.cause()));
                return;
            }
            HttpClientRequest sending = made.result();
            if (done) {
                sending.reset();
                return;
            }
            headStarted = true;
            stream = sending;
            try {
                send(sending);
            } catch (RuntimeException unwritable) {
                unwritable(unwritable);
            }
        }

        /** Nobody above us would tell the exchange: it would wait for its deadline. */
        private void unwritable(RuntimeException cause) {
            fail(new GatewayException(
                    Failure.INTERNAL,
                    "the request to " + endpoint.uri() + " cannot be written (route \""
                            + exchange.route().id() + "\"): " + cause.getMessage(),
                    cause));
        }

        private void writeHead(FieldSink out) {
            // Every attempt is a span of its own.
            UpstreamHead.write(
                    out, number == 1 ? request : Trace.renewed(request, exchange), exchange, via, config.protocol());
        }

        private void expectHead(HttpClientRequest sending) {
            sending.exceptionHandler(this::lost);
            Future<HttpClientResponse> response = sending.response();
            response.onComplete(result -> {
                if (result.failed()) {
                    lost(result.cause());
                } else {
                    head(result.result());
                }
            });
        }

        /** RFC 9110 8.6: a POST without content says so. */
        private boolean saysEmpty() {
            return switch (request.method()) {
                case "GET", "HEAD", "DELETE", "OPTIONS" -> false;
                default -> true;
            };
        }

        private void prepare(HttpClientRequest sending) {
            expectHead(sending);
            MultiMap fields = sending.headers();
            writeHead(fields::add);
            if (host != null) {
                // Whole, as it is: Vert.x's parser takes [::ffff:192.0.2.1] for no host, and then none would be sent.
                sending.authority(HostAndPort.create(host, -1));
            }
            long length = handshake != null ? 0 : request.body().length();
            if (length < 0) {
                sending.setChunked(true);
            } else if (length > 0 || (handshake == null && saysEmpty())) {
                fields.set(HttpHeaders.CONTENT_LENGTH, Long.toString(length));
            }
        }

        private void send(HttpClientRequest sending) {
            prepare(sending);
            if (handshake != null) {
                askToUpgrade(sending, sending.headers(), handshake);
            } else if (request.body().length() == 0) {
                requestSent = true;
                requestFlushed = sending.end();
                expectFirstByte();
            } else {
                pump(sending, sending::writeHead);
            }
        }

        // 4. The body, as fast as the endpoint takes it.
        private void pump(WriteStream<Buffer> out, Runnable writeHead) {
            Body body = request.body();
            bodyBegun = true;
            if (!(body instanceof BufferedBody)) {
                selection.uploads();
            }
            long idle = exchange.bounds().idleNanos();
            Pump newPump = new Pump(
                    out,
                    exchange.loop(),
                    loop,
                    writeHead,
                    trailers -> {},
                    bytes -> {},
                    exchange.time(),
                    idle,
                    Failure.REQUEST_BODY_TIMEOUT,
                    Failure.REQUEST_BODY_BROKEN,
                    idle,
                    Failure.FIRST_BYTE_TIMEOUT,
                    new Pump.End() {
                        @Override
                        public void done(Future<Void> flushed) {
                            loop.enter(() -> requestOut(flushed));
                        }

                        @Override
                        public void failed(GatewayException failure) {
                            loop.enter(() -> fail(failure));
                        }
                    });
            pump = newPump;
            newPump.into(connection == null ? null : connection.socket());
            onExchange(() -> newPump.start(body));
        }

        /** A WebSocket: the head, and nothing behind it until the endpoint has accepted. */
        private void askToUpgrade(HttpClientRequest sending, MultiMap fields, Handshake mine) {
            mine.offer(fields, request.headers(), !exchange.messageHooks().isEmpty());
            requestSent = true;
            sending.connect();
            expectFirstByte();
        }

        /** The request body is all handed over. */
        private void requestOut(Future<Void> flushed) {
            if (requestSent) {
                return;
            }
            requestSent = true;
            requestFlushed = flushed;
            selection.uploaded();
            if (responseBody != null && responseBody.isDone()) {
                giveBack(isComplete());
            }
            expectFirstByte();
        }

        /** From here on the endpoint is at work; before, the bounds on the request's body hold. */
        private void expectFirstByte() {
            if (config.firstByteTimeout() != null && !headReceived && !done) {
                firstByte = loop.schedule(config.firstByteTimeout().toNanos(), this::noFirstByte);
            }
        }

        private void noFirstByte() {
            firstByte = null;
            tooLate(Objects.requireNonNull(config.firstByteTimeout()));
        }

        private void tooLate(Duration bound) {
            if (!headReceived) {
                boolean early = bodyBegun && !requestSent && exchange.awaitsClient();
                fail(new GatewayException(
                        early ? Failure.REQUEST_BODY_TIMEOUT : Failure.FIRST_BYTE_TIMEOUT,
                        endpoint.uri() + (early ? " did not get the whole request" : " gave no response") + " within "
                                + bound + " (upstream " + config.name() + ", attempt " + number + ")"));
            }
        }

        @Override
        public void broke(Throwable cause) {
            loop.enter(() -> lost(cause));
        }

        private void lost(Throwable cause) {
            // After the head the response body reports it, with what had come.
            if (!headReceived && !done) {
                if (isVouchedFor(cause)) {
                    unprocessed = true;
                    headStarted = false;
                }
                fail(UpstreamFailures.beforeHead(endpoint.uri(), cause));
            }
        }

        /** Whether the endpoint says that it has not looked at the request: it may be sent again, whatever it is. */
        private boolean isVouchedFor(Throwable cause) {
            PooledConnection mine = connection;
            HttpClientRequest its = stream;
            return mine != null
                    && its != null
                    && mine.isMultiplexed()
                    && (UpstreamFailures.isRefused(cause) || mine.isBeyondGoAway(its.streamId()));
        }

        // 5. The response head, judged before anybody sees it.
        private void head(HttpClientResponse response) {
            if (done) {
                return;
            }
            arrived = response;
            response.pause();
            headReceived = true;
            if (connection != null) {
                connection.answered();
            }
            stopFirstByte();
            if (handshake != null && response.statusCode() == 101) {
                upgraded(response, handshake);
                return;
            }
            ResponseHead head;
            try {
                head = ResponseHead.of(response.statusCode(), response.headers(), endpoint.uri());
            } catch (GatewayException malformed) {
                // Nobody will read it, and nobody wants to hear that it ended.
                response.exceptionHandler(broken -> {});
                fail(malformed);
                return;
            }
            // A handshake that was refused has no end that Vert.x could see.
            reusable = !head.close() && response.version() != HttpVersion.HTTP_1_0 && handshake == null;
            if (head.status() >= 400 && !requestSent) {
                // An early refusal: the rest of the body would be read by nobody.
                stopPump();
            }
            boolean bodiless = isHead() || head.status() == 204 || head.status() == 304;
            // 6. The body stays in the socket until somebody reads it.
            WireBody body = body(head, response, () -> TrailerFields.of(response.trailers(), exchange))
                    .from(connection == null ? null : connection.socket());
            responseBody = body;
            if (response.version() == HttpVersion.HTTP_2) {
                body.endsApart();
            }
            if (bodiless) {
                body.withoutContent();
            }
            body.onEnd(() -> loop.enter(this::bodyOver));
            judged(head);
            if (isLetGo(head, body)) {
                return;
            }
            if (bodiless) {
                response.resume();
            }
            finishWith(answer(head, body));
        }

        private WireBody body(ResponseHead head, ReadStream<Buffer> content, Supplier<Headers> trailers) {
            return new WireBody(
                            content,
                            loop,
                            exchange.loop(),
                            head.length(),
                            Failure.RESPONSE_BODY_TOO_LARGE,
                            cause -> UpstreamFailures.withinBody(endpoint.uri(), cause),
                            trailers,
                            this::drop)
                    .keptBy(exchange);
        }

        private void judged(ResponseHead head) {
            selection.succeeded();
            selection.answered(head.status());
            report(head.status(), null, true);
        }

        private Response answer(ResponseHead head, WireBody body) {
            // One that fails is nobody to stay with.
            Headers headers = head.status() < 500 ? pinned(head.headers()) : head.headers();
            return Response.of(head.status()).withHeaders(headers).withBody(body);
        }

        /** Whether this answer is let go for the sake of another attempt. */
        private boolean isLetGo(ResponseHead head, WireBody body) {
            if (over || !attempts.judgesAnswers()) {
                return false;
            }
            long wait = attempts.afterAnswer(
                    selection,
                    head.status(),
                    GrpcStatus.of(head.headers()),
                    RetryAfter.nanos(
                            head.headers().get("Retry-After"), exchange.time().now()),
                    bodyIntact(this),
                    timeLeft());
            if (wait == -1) {
                return false;
            }
            superseded = true;
            if (arrived != null || arriving != null) {
                // What is left of it is read if that is quick, else lost with its connection.
                firstByte = loop.schedule(LAST_BYTES_NANOS, this::drop);
            }
            stopPump();
            onExchange(body::discard);
            if (wait == Attempts.OTHER_GOES_ON) {
                letGo(this);
            } else {
                againAfter(wait, null);
            }
            return true;
        }

        /** From here on the connection is one end of a tunnel: it never carries another request. */
        private void upgraded(HttpClientResponse response, Handshake mine) {
            ResponseHead head;
            Handshake.Agreed agreed;
            try {
                head = ResponseHead.ofUpgrade(response.headers(), endpoint.uri());
                agreed = mine.accepted(response.headers(), endpoint.uri());
            } catch (GatewayException malformed) {
                // Nobody will read it, and nobody wants to hear that it ended.
                response.exceptionHandler(broken -> {});
                fail(malformed);
                return;
            }
            tunnelled = true;
            selection.succeeded();
            selection.answered(101);
            report(101, null, true);
            TunnelBody body = new TunnelBody(
                    exchange.loop(),
                    response.netSocket(),
                    connection == null ? null : connection.socket(),
                    agreed,
                    this::drop);
            finishWith(Response.of(101).withHeaders(pinned(head.headers())).withBody(body));
        }

        /** Tells the client whose answer this is, if it has to know and does not yet. */
        private Headers pinned(Headers headers) {
            String pin = sticky == null ? null : attempts.newPin(selection);
            return sticky == null || pin == null
                    ? headers
                    : headers.adding("Set-Cookie", sticky.fieldValue(pin, exchange.client()));
        }

        private void finishWith(Response response) {
            Selection loser = attempts.won(selection);
            Try other = current == this ? hedge : current;
            if (loser != null && other != null && other.selection == loser) {
                other.lose();
            }
            hedge = null;
            current = this;
            settle();
            onExchange(() -> {
                if (primary) {
                    exchange.answeredWith(response.body());
                }
                if (exchange.isOver() || !result.deliver(response)) {
                    response.body().discard();
                }
            });
        }

        // 7. The connection goes back when both messages are complete, and only then.
        private void bodyOver() {
            if (requestSent) {
                giveBack(isComplete());
            } else if (responseBody != null && responseBody.isDone()) {
                // The endpoint has answered all there is to answer; what is left of the request is for nobody.
                stopPump();
                drop();
            }
        }

        private boolean isComplete() {
            return reusable && responseBody != null && responseBody.isComplete();
        }

        private void giveBack(boolean complete) {
            if (done) {
                return;
            }
            over();
            PooledConnection mine = connection;
            if (mine != null) {
                if (complete && isGoingOut()) {
                    // The endpoint has answered early and may never read the rest, which stands before the next
                    // request.
                    if (isMultiplexed()) {
                        discardConnection();
                    } else {
                        mine.discardNow();
                    }
                } else if (complete) {
                    mine.giveBackAfterRead(loop);
                } else if (isMultiplexed()) {
                    discardConnection();
                } else {
                    mine.discard();
                }
            }
            selection.release();
            withdraw();
        }

        private boolean isGoingOut() {
            return (requestFlushed != null && !requestFlushed.isComplete())
                    || (callFlushed != null && !callFlushed.isDone());
        }

        /** An attempt that was let go leaves the hook to the one that came after it. */
        private void withdraw() {
            if (!superseded) {
                onExchange(() -> exchange.withdraw(onCut));
            }
        }

        /** The exchange does not want the rest: the connection cannot be used again. */
        private void drop() {
            if (done) {
                return;
            }
            over();
            stopPump();
            discardConnection();
            selection.release();
            withdraw();
        }

        private void fail(GatewayException failure) {
            if (done) {
                return;
            }
            over();
            if (waiter != null) {
                pool.cancel(waiter);
                waiter = null;
            }
            stopPump();
            WireBody body = responseBody;
            if (body != null) {
                // The answer is on its way: there is no other attempt, and the fault is told as it is, not as the cut
                // we make.
                onExchange(() -> body.fail(failure));
                withdraw();
                discardConnection();
                selection.release();
                return;
            }
            discardConnection();
            report(0, failure.failure(), true);
            Forwarding.this.failed(this, failure);
        }

        /** The exchange was cut, or has just ended. */
        void cut(GatewayException why) {
            if (done) {
                return;
            }
            if (requestSent && responseBody != null && (responseBody.hasAllBytes() || responseBody.isDraining())) {
                // All is in, or so little is missing that it is read rather than lost with the connection. The end of
                // the
                // message gives the connection back; if it does not come soon, nobody waits for it.
                responseBody.resume();
                if (firstByte == null) {
                    firstByte = loop.schedule(LAST_BYTES_NANOS, this::drop);
                }
                return;
            }
            over();
            if (waiter != null) {
                pool.cancel(waiter);
                waiter = null;
            }
            stopPump();
            WireBody body = responseBody;
            if (body != null) {
                onExchange(() -> body.fail(why));
            } else if (!tunnelled) {
                if (headStarted && exchange.time().nanoTime() - deadlineNanos >= 0) {
                    tooLate = true;
                    // Not a client that left but the deadline has ended it, waiting for this endpoint.
                    if (!exchange.isFailedByClient()) {
                        selection.unanswered(Failure.DEADLINE_EXCEEDED);
                    } else if (requestSent) {
                        selection.outpaced();
                    }
                }
                report(0, why.failure(), true);
            }
            unwanted |= why.failure() == Failure.CLIENT_GONE;
            // Who has not sent all of the request has not waited for the endpoint.
            if (unwanted && requestSent) {
                selection.abandoned();
            }
            discardConnection();
            selection.release();
        }

        /** The other attempt has answered. */
        private void lose() {
            if (done) {
                return;
            }
            superseded = true;
            if (requestSent || !headStarted) {
                selection.outpaced();
            }
            cut(new GatewayException(Failure.CLIENT_GONE, "another attempt was faster"));
        }

        private void over() {
            done = true;
            if (arriving != null) {
                // Its connection may know nothing of it any more: all has come.
                arriving.letGo();
            }
            stopFirstByte();
            client.attemptOver();
        }

        private void discardConnection() {
            if (arrived != null) {
                // What was decoded while it was paused would be lost with the connection, its buffers never released.
                arrived.resume();
            }
            PooledConnection mine = connection;
            if (mine == null) {
                return;
            }
            if (!isMultiplexed()) {
                mine.discard();
                return;
            }
            if (stream != null) {
                if (stream.streamId() <= 0) {
                    // Vert.x goes on counting a stream that ends before it has a number.
                    mine.leave();
                }
                stream.reset(CANCEL);
            }
            if (headReceived || unprocessed || leftEarly() || mine.answers() != answersBefore) {
                // An endpoint that is alive loses the stream only.
                loop.execute(mine::giveBack);
            } else {
                mine.discard();
            }
        }

        /** Whether nobody wants an answer that need not have been there. */
        private boolean leftEarly() {
            return unwanted
                    && !tooLate
                    && exchange.time().nanoTime() - lentNanos
                            < config.connectTimeout().toNanos();
        }

        private boolean isMultiplexed() {
            return connection != null && connection.isMultiplexed();
        }

        private void stopFirstByte() {
            if (firstByte != null) {
                firstByte.cancel();
                firstByte = null;
            }
            if (wholeTry != null) {
                wholeTry.cancel();
                wholeTry = null;
            }
        }

        private void stopPump() {
            Pump running = pump;
            pump = null;
            if (running != null && !requestSent) {
                onExchange(running::stop);
            }
        }

        private void report(int status, @Nullable Failure failure, boolean ended) {
            Attempt facts = new Attempt(
                    config.name(),
                    endpoint.uri(),
                    number,
                    startedNanos,
                    ended ? exchange.time().nanoTime() : startedNanos,
                    status,
                    failure);
            onExchange(() -> {
                if (!primary) {
                    if (ended) {
                        exchange.context().observer().attemptEnded(facts, exchange);
                    } else {
                        exchange.context().observer().attemptStarted(facts, exchange);
                    }
                } else if (ended) {
                    exchange.attemptEnded(facts);
                } else {
                    exchange.attemptStarted(facts);
                }
            });
        }
    }
}
