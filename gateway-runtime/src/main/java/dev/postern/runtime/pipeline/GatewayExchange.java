package dev.postern.runtime.pipeline;

import dev.postern.Body;
import dev.postern.Call;
import dev.postern.ClientInfo;
import dev.postern.ErrorHandler;
import dev.postern.Exchange;
import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.MessageHook;
import dev.postern.Outcome;
import dev.postern.Principal;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.TimeSource;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One exchange: its identity, its deadline, what it holds, and its one end.
 *
 * <pre>
 *   RUNNING ── settle ──▶ ANSWERING ── end ──▶ ENDED
 *      └──────── cut (nobody to answer) ─────────┘
 * </pre>
 *
 * <p>Everything here happens on the exchange's loop; fields are plain. Foreign threads come in through {@link Loop#enter}.
 */
public final class GatewayExchange implements Exchange {
    private static final System.Logger LOG = System.getLogger(GatewayExchange.class.getName());
    /** Without a deadline; 292 years, so that it can still be converted to any unit. */
    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

    private enum State {
        RUNNING,
        ANSWERING,
        ENDED
    }

    private final ExchangeContext context;
    private final Loop loop;
    private final ClientInfo client;
    private final Request original;
    private final Route route;
    private final Bounds bounds;
    private final Supplier<Map<String, String>> variables;
    private final Outlet outlet;
    private final long startedNanos;

    private State state = State.RUNNING;
    private Kind kind = Kind.HTTP;
    private @Nullable String id;
    private @Nullable Principal principal;
    // Keys and values alternate; an exchange has a handful at most, a map would cost more than it saves.
    private @Nullable List<Object> values;
    private @Nullable List<Consumer<Outcome>> onEnd;
    private @Nullable List<Runnable> onCut;
    private long deadlineNanos = Long.MAX_VALUE;
    // How long a gRPC call may take, as it says itself.
    private long callNanos = Long.MAX_VALUE;
    private TimeSource.@Nullable Timer deadline;
    private boolean streams;
    private @Nullable BooleanSupplier clientSends;
    private @Nullable GatewayException cause;
    private int status;
    private @Nullable LongSupplier requestBytes;
    private long responseBytes;
    private long keptBytes;
    private int attempts;
    private long upstreamNanos;
    private @Nullable Attempt lastAttempt;
    private @Nullable String waitingFor;
    private boolean answeredByUpstream;
    private @Nullable Body upstreamBody;
    private @Nullable GatewayException refusal;
    private @Nullable List<MessageHook> hooks;
    private boolean hooksFixed;
    private @Nullable Consumer<GatewayException> streamEnd;
    private @Nullable String listener;

    /**
     * An exchange that has just begun.
     *
     * @param original the request as validated, before any filter
     * @param variables makes the path variables when somebody asks
     */
    public GatewayExchange(
            ExchangeContext context,
            Loop loop,
            ClientInfo client,
            Request original,
            Route route,
            Bounds bounds,
            Supplier<Map<String, String>> variables,
            Outlet outlet) {
        this.context = context;
        this.loop = loop;
        this.client = client;
        this.original = original;
        this.route = route;
        this.bounds = bounds;
        this.variables = variables;
        this.outlet = outlet;
        this.startedNanos = context.time().nanoTime();
        if (GrpcCall.is(original)) {
            kind = Kind.GRPC;
        }
    }

    // ---- what filters see

    @Override
    public String id() {
        if (id == null) {
            id = context.newId();
        }
        return id;
    }

    /** Takes over an id that a trusted proxy has given this request. */
    public void adoptId(String trusted) {
        id = trusted;
    }

    @Override
    public Kind kind() {
        return kind;
    }

    @Override
    public Route route() {
        return route;
    }

    @Override
    public Map<String, String> pathVariables() {
        return variables.get();
    }

    @Override
    public @Nullable String listener() {
        return listener;
    }

    /** Says which listener it came in by, before anybody sees it. */
    public void listener(@Nullable String name) {
        listener = name;
    }

    @Override
    public ClientInfo client() {
        return client;
    }

    @Override
    public @Nullable Principal principal() {
        // Behind a proxy the certificate says who the proxy is.
        if (principal == null && !client.certificates().isEmpty() && !client.trustedPeer()) {
            principal = CertificatePrincipal.of(client.certificates().get(0));
        }
        return principal;
    }

    @Override
    public void authenticate(Principal newPrincipal) {
        principal = Objects.requireNonNull(newPrincipal, "newPrincipal");
    }

    @Override
    @SuppressWarnings("unchecked") // set() put a T under a Key<T>
    public <T> @Nullable T get(Key<T> key) {
        if (values != null) {
            for (int i = 0; i < values.size(); i += 2) {
                if (values.get(i) == key) {
                    return (T) values.get(i + 1);
                }
            }
        }
        return null;
    }

    @Override
    public <T> void set(Key<T> key, T value) {
        if (values == null) {
            values = new ArrayList<>(4);
        }
        for (int i = 0; i < values.size(); i += 2) {
            if (values.get(i) == key) {
                values.set(i + 1, value);
                return;
            }
        }
        values.add(key);
        values.add(value);
    }

    @Override
    public TimeSource time() {
        return context.time();
    }

    @Override
    public Duration remaining() {
        return deadlineNanos == Long.MAX_VALUE
                ? FOREVER
                : Duration.ofNanos(Math.max(0, deadlineNanos - context.time().nanoTime()));
    }

    /** What is left of the deadline in nanoseconds; {@link Long#MAX_VALUE} without one. */
    public long remainingNanos() {
        return deadlineNanos == Long.MAX_VALUE
                ? Long.MAX_VALUE
                : Math.max(0, deadlineNanos - context.time().nanoTime());
    }

    /** When the deadline is, in the exchange's time; without one far ahead, yet near enough for differences to hold. */
    public long deadlineNanos() {
        return deadlineNanos == Long.MAX_VALUE ? context.time().nanoTime() + Long.MAX_VALUE / 2 : deadlineNanos;
    }

    @Override
    public Executor executor() {
        return loop;
    }

    @Override
    public CompletionStage<Void> delay(Duration delay) {
        LoopStage<Void> stage = new LoopStage<>(loop);
        Runnable[] hook = new Runnable[1];
        TimeSource.Timer timer = loop.schedule(Math.max(0, delay.toNanos()), () -> {
            withdraw(hook[0]);
            deliverNothing(stage);
        });
        hook[0] = () -> {
            timer.cancel();
            stage.fail(ended());
        };
        onCut(hook[0]);
        return stage;
    }

    @SuppressWarnings("NullAway") // a Void stage has no other value
    private static void deliverNothing(LoopStage<Void> stage) {
        stage.deliver(null);
    }

    @Override
    public void onEnd(Consumer<Outcome> callback) {
        Objects.requireNonNull(callback, "callback");
        if (state == State.ENDED) {
            callback.accept(outcome());
            return;
        }
        if (onEnd == null) {
            onEnd = new ArrayList<>(4);
        }
        onEnd.add(callback);
    }

    @Override
    public void onMessage(MessageHook hook) {
        Objects.requireNonNull(hook, "hook");
        if (hooksFixed) {
            throw new IllegalStateException("onMessage: the handshake has been sent (expected: before proceed)");
        }
        if (kind == Kind.WEBSOCKET) {
            if (hooks == null) {
                hooks = new ArrayList<>(2);
            }
            hooks.add(hook);
        }
    }

    @Override
    public Call call(String upstream, Request request) {
        return context.call(upstream, request, this);
    }

    @Override
    public <T> CompletionStage<T> offload(Callable<T> work) {
        LoopStage<T> stage = new LoopStage<>(loop);
        ExchangeContext.Offload<T> offload = context.offload(work);
        Runnable hook = () -> {
            offload.cancel();
            stage.fail(ended());
        };
        onCut(hook);
        offload.result()
                .whenComplete((value, failure) -> loop.enter(() -> {
                    withdraw(hook);
                    if (failure != null) {
                        stage.fail(failure);
                    } else {
                        boolean late = !stage.deliver(value);
                        if (late && value instanceof Response unwanted) {
                            unwanted.body().discard();
                        }
                    }
                }));
        return stage;
    }

    // ---- what the stations of the runtime use

    /** The loop this exchange lives on. */
    public Loop loop() {
        return loop;
    }

    /** What bounds it: the settings of its route. */
    public Bounds bounds() {
        return bounds;
    }

    /** What it shares with others of its epoch. */
    public ExchangeContext context() {
        return context;
    }

    /** The request as validated, before any filter. */
    public Request original() {
        return original;
    }

    /** A handshake on a route that takes WebSockets. */
    public void becomesWebSocket() {
        kind = Kind.WEBSOCKET;
    }

    /** Whether its outlet can become a WebSocket. */
    public boolean tunnels() {
        return outlet.tunnels();
    }

    /** Refuses it before any filter sees it; called before it runs. */
    public void refuse(GatewayException why) {
        refusal = why;
    }

    /** Why it shall not run, or null. */
    public @Nullable GatewayException refusal() {
        return refusal;
    }

    /** The hooks for messages; from here on there can be no more. */
    public List<MessageHook> messageHooks() {
        hooksFixed = true;
        return hooks == null ? List.of() : hooks;
    }

    /** What a hook says to a message; null when it failed, which is logged. */
    public MessageHook.@Nullable Verdict judge(
            MessageHook hook, MessageHook.Direction direction, MessageHook.Message message) {
        LoopWatch watch = loop.watch();
        String outer = watch.enter("a message hook", route.id());
        try {
            MessageHook.Verdict verdict = hook.onMessage(direction, message);
            // A hook of the host may return null whatever its type says.
            if (Objects.isNull(verdict)) {
                LOG.log(Level.WARNING, "a message hook of route \"{0}\" returned nothing", route.id());
            }
            return verdict;
        } catch (RuntimeException | Error broken) {
            LOG.log(Level.WARNING, "a message hook of route \"" + route.id() + "\" failed", broken);
            return null;
        } finally {
            watch.exit(outer);
        }
    }

    /** Says how its stream can be ended in an orderly manner; without, it can only be cut. */
    public void onStreamEnd(Consumer<GatewayException> end) {
        streamEnd = end;
    }

    /** The gateway stops: a stream that can be ended is ended after {@code delayNanos}. */
    public void drain(long delayNanos) {
        if (streamEnd != null && state != State.ENDED) {
            endStreamIn(delayNanos, StreamEnd.draining());
        }
    }

    private void endStreamIn(long nanos, GatewayException why) {
        TimeSource.Timer timer = loop.schedule(Math.max(0, nanos), () -> endStream(why));
        onCut(timer::cancel);
    }

    private void endStream(GatewayException why) {
        if (streamEnd != null) {
            streamEnd.accept(why);
        } else {
            cut(why);
        }
    }

    /** Says that no gRPC service can be behind it: what a client calls its content must not lift the limits of the route. */
    public void isNoCall() {
        if (kind == Kind.GRPC) {
            kind = Kind.HTTP;
        }
    }

    /** Starts the deadline of the route. */
    public void startDeadline() {
        callNanos = kind == Kind.GRPC ? GrpcCall.timeoutNanos(original.header("grpc-timeout")) : Long.MAX_VALUE;
        long nanos = Math.min(callNanos, bounds.timeoutNanos());
        if (nanos != Long.MAX_VALUE) {
            deadlineNanos = startedNanos + nanos;
            deadline = loop.schedule(nanos, this::deadlinePassed);
        }
    }

    /** Notes which part the exchange waits for, so that the deadline can name it; null for the upstream or nobody. */
    void waitingFor(@Nullable String part) {
        waitingFor = part;
    }

    /** The response has come; whatever fails from here on cannot be answered any more. */
    void settle(@Nullable Response response, @Nullable GatewayException failure) {
        if (state != State.RUNNING) {
            if (response != null) {
                response.body().discard();
            }
            return;
        }
        state = State.ANSWERING;
        Response answer = response;
        if (answer == null) {
            cause = failure == null ? new GatewayException(Failure.INTERNAL, "no response and no failure") : failure;
            log(cause);
            answer = context.sign(errorAnswer(cause), this, cause);
        } else if (!answeredByUpstream || (isReplaced(answer) && answer.header("X-Request-Id") == null)) {
            answer = context.sign(answer, this, null);
        }
        if (kind == Kind.GRPC && (failure != null || !answeredByUpstream || isReplaced(answer))) {
            answer = GrpcCall.told(answer, cause);
        }
        status = answer.status();
        enterStreaming(answer);
        outlet.answer(answer, this);
    }

    /** The head of an upstream's response for the answer is here, with this body. */
    public void answeredWith(Body body) {
        upstreamBody = body;
    }

    /** Whether a filter has put its own answer, or body at least, in the place of the upstream's. */
    private boolean isReplaced(Response answer) {
        return answer.body() != upstreamBody;
    }

    /** The response broke before anything of it was sent: answers with the failure. Called by the outlet. */
    public void answerInstead(GatewayException failure) {
        if (state == State.ANSWERING) {
            state = State.RUNNING;
            settle(null, failure);
        }
    }

    private Response errorAnswer(GatewayException failure) {
        try {
            Response answer = context.errorHandler().answer(failure, original);
            // A handler of the host may return null whatever its type says.
            if (Objects.nonNull(answer)) {
                return answer;
            }
            LOG.log(Level.WARNING, "the error handler returned nothing for {0}", failure.reason());
        } catch (RuntimeException | Error broken) {
            LOG.log(Level.WARNING, "the error handler failed for " + failure.reason(), broken);
        }
        return ErrorHandler.problemDetails().answer(failure, original);
    }

    private void enterStreaming(Response answer) {
        String type = answer.header("content-type");
        boolean events = type != null && type.regionMatches(true, 0, "text/event-stream", 0, 17);
        if (events) {
            kind = Kind.SSE;
        }
        boolean tunnel = kind == Kind.WEBSOCKET && answer.status() == 101;
        if ((events || tunnel) && principal != null && principal.expiresAt() != null) {
            Duration left = Duration.between(context.time().now(), principal.expiresAt());
            if (left.compareTo(FOREVER) < 0) {
                endStreamIn(left.isNegative() ? 0 : left.toNanos(), StreamEnd.expired());
            }
        }
        if (events || tunnel || kind == Kind.GRPC || bounds.streaming()) {
            cancelDeadline();
            long now = context.time().nanoTime();
            long left = callNanos == Long.MAX_VALUE ? callNanos : Math.max(0, startedNanos + callNanos - now);
            long most = bounds.maxDurationNanos();
            long nanos = Math.min(left, most);
            if (nanos != Long.MAX_VALUE) {
                deadlineNanos = now + nanos;
                deadline = loop.schedule(nanos, this::deadlinePassed);
                streams = most <= left;
            }
        }
    }

    private void deadlinePassed() {
        deadline = null;
        if (streamEnd != null) {
            endStream(StreamEnd.maxDuration());
            return;
        }
        cut(state == State.ANSWERING ? tooLong() : tooLate());
    }

    /** The head of the response is out: who was waited for. */
    private GatewayException tooLong() {
        if (streams) {
            return StreamEnd.maxDuration();
        }
        // That of the route has ended with the head, where there is one of the call.
        boolean byCall = callNanos != Long.MAX_VALUE;
        if (outlet.awaitsClient()) {
            return new GatewayException(
                    Failure.CLIENT_STALLED,
                    "client_too_slow",
                    passed(byCall) + " and the client has not taken the response",
                    null);
        }
        return byCall
                ? new GatewayException(Failure.CALL_DEADLINE, "call_cut_off", passed(true) + atEndpoint(), null)
                : new GatewayException(Failure.RESPONSE_BODY_BROKEN, passed(false) + atEndpoint());
    }

    private GatewayException tooLate() {
        if (awaitsClient()) {
            return new GatewayException(
                    Failure.REQUEST_BODY_TIMEOUT,
                    passed(isByClient()) + " and the client has not sent all of its body");
        }
        // Who names a deadline hangs up then: no more held against anybody than a client that leaves.
        if (isByClient()) {
            return new GatewayException(
                    Failure.CALL_DEADLINE, passed(true) + (waitingFor == null ? atEndpoint() : " in " + waitingFor));
        }
        if (waitingFor != null) {
            return new GatewayException(
                    Failure.FILTER_FAILED,
                    "filter_timeout",
                    waitingFor + " of route \"" + route.id() + "\" did not complete within " + route.timeout(),
                    null);
        }
        return new GatewayException(Failure.DEADLINE_EXCEEDED, passed(false) + atEndpoint());
    }

    /** Whether the deadline is the client's own, and shorter than the route's. */
    private boolean isByClient() {
        return callNanos != Long.MAX_VALUE && callNanos < bounds.timeoutNanos();
    }

    private String passed(boolean ofCall) {
        return ofCall
                ? "the deadline of a call on route \"" + route.id() + "\" has passed"
                : "the deadline of route \"" + route.id() + "\" (" + route.timeout() + ") has passed";
    }

    private String atEndpoint() {
        return lastAttempt == null ? "" : " at " + lastAttempt.endpoint();
    }

    /** Runs when the exchange is cut or ends: releases what a part of it holds. Each runs once. */
    public void onCut(Runnable release) {
        if (state == State.ENDED) {
            release.run();
            return;
        }
        if (onCut == null) {
            onCut = new ArrayList<>(4);
        }
        onCut.add(release);
    }

    /** Takes back a hook given to {@link #onCut}. */
    public void withdraw(Runnable release) {
        if (onCut != null) {
            onCut.remove(release);
        }
    }

    /**
     * The one cancellation: client gone, deadline passed, drain over. Everything held is released; the client gets an
     * answer when it can still have one.
     */
    public void cut(GatewayException why) {
        if (state == State.ENDED) {
            return;
        }
        boolean running = state == State.RUNNING;
        boolean answerable = running && why.failure() != Failure.CLIENT_GONE;
        if (cause == null || !answerable) {
            cause = why;
        }
        // Taken first: what is released fails stages, and those must find the exchange decided.
        List<Runnable> hooks = onCut;
        onCut = null;
        if (answerable) {
            settle(null, why);
            release(hooks);
            return;
        }
        state = State.ANSWERING;
        if (running) {
            status = why.failure().status();
        } else {
            outlet.abort(why);
        }
        release(hooks);
        end(why);
    }

    /** The last byte is out, or it could not get out. The second call is ignored: there is one end. */
    public void end(@Nullable GatewayException failure) {
        if (state == State.ENDED) {
            return;
        }
        if (failure != null && cause == null) {
            cause = failure;
        }
        state = State.ENDED;
        cancelDeadline();
        List<Runnable> hooks = onCut;
        onCut = null;
        release(hooks);
        if (keptBytes != 0) {
            context.memory().release(keptBytes);
        }
        Outcome outcome = outcome();
        List<Consumer<Outcome>> callbacks = onEnd;
        onEnd = null;
        for (int i = callbacks == null ? -1 : callbacks.size() - 1; i >= 0; i--) {
            callBack(Objects.requireNonNull(callbacks).get(i), outcome);
        }
        context.observer().ended(original, this, outcome);
        context.ended(this);
    }

    /** Whether it is over. */
    public boolean isOver() {
        return state == State.ENDED;
    }

    /** Whether the response is on its way, so that a failure can no longer be answered. */
    public boolean isAnswering() {
        return state != State.RUNNING;
    }

    /** Says where the bytes of the request body are counted. */
    public void countRequest(LongSupplier received) {
        requestBytes = received;
    }

    /** Says how to find out whether somebody reads the request's body and waits for the client to send more of it. */
    public void watchClient(BooleanSupplier sends) {
        clientSends = sends;
    }

    /** Whether somebody reads the request's body and waits for the client to send more of it. */
    public boolean awaitsClient() {
        return clientSends != null && clientSends.getAsBoolean();
    }

    /** Whether the client has not sent all of its body while somebody waits for it, or has failed by its body. */
    public boolean owesBody() {
        Failure failed = cause == null ? null : cause.failure();
        return awaitsClient()
                || failed == Failure.REQUEST_BODY_TIMEOUT
                || failed == Failure.REQUEST_BODY_BROKEN
                || failed == Failure.REQUEST_BODY_TOO_LARGE;
    }

    /** Whether it has failed, and that is the client's doing. */
    public boolean isFailedByClient() {
        return cause != null && cause.failure().party() == Failure.Party.CLIENT;
    }

    /** Counts bytes of the response body. */
    public void countResponse(int bytes) {
        responseBytes += bytes;
    }

    /**
     * Reserves memory until the exchange ends, or {@link #letGo} gives it back.
     *
     * @return null, or why it cannot be had
     */
    public @Nullable GatewayException keep(long bytes) {
        MemoryLedger memory = context.memory();
        if (state == State.ENDED || !memory.reserve(bytes)) {
            return memory.full();
        }
        keptBytes += bytes;
        return null;
    }

    /** Like {@link #keep} for what one can do without: it is refused while there is still room for what one cannot. */
    public boolean keepSpare(long bytes) {
        if (state == State.ENDED || !context.memory().reserveSpare(bytes)) {
            return false;
        }
        keptBytes += bytes;
        return true;
    }

    /** Gives back some of what was kept; after the end all of it is back. */
    public void letGo(long bytes) {
        if (state != State.ENDED) {
            keptBytes -= bytes;
            context.memory().release(bytes);
        }
    }

    /** An upstream is about to be tried for the answer. */
    public void attemptStarted(Attempt attempt) {
        attempts++;
        lastAttempt = attempt;
        waitingFor = null;
        context.observer().attemptStarted(attempt, this);
    }

    /** The head of its response has come, or it has failed. */
    public void attemptEnded(Attempt attempt) {
        answeredByUpstream = attempt.failure() == null;
        localAttemptEnded(attempt);
    }

    /** The same of an attempt at the host's own code: what that answers is still an answer of the gateway's own. */
    public void localAttemptEnded(Attempt attempt) {
        lastAttempt = attempt;
        upstreamNanos += attempt.endedNanos() - attempt.startedNanos();
        context.observer().attemptEnded(attempt, this);
    }

    private static void release(@Nullable List<Runnable> hooks) {
        for (int i = hooks == null ? -1 : hooks.size() - 1; i >= 0; i--) {
            Objects.requireNonNull(hooks).get(i).run();
        }
    }

    private void cancelDeadline() {
        if (deadline != null) {
            deadline.cancel();
            deadline = null;
        }
        deadlineNanos = Long.MAX_VALUE;
    }

    /** Calls back somebody who waited for an end; what that throws is logged. */
    public void callBack(Consumer<Outcome> callback, Outcome outcome) {
        try {
            callback.accept(outcome);
        } catch (RuntimeException | Error broken) {
            // Errors too: an exchange that did not end would hold the next drain.
            LOG.log(
                    Level.WARNING,
                    "a callback for the end of an exchange of route \"" + route.id() + "\" failed",
                    broken);
        }
    }

    private Outcome outcome() {
        Attempt last = lastAttempt;
        return new Outcome(
                status,
                cause == null ? null : cause.failure(),
                cause == null ? null : cause.reason(),
                Duration.ofNanos(context.time().nanoTime() - startedNanos),
                Duration.ofNanos(upstreamNanos),
                requestBytes == null ? 0 : requestBytes.getAsLong(),
                responseBytes,
                attempts,
                last == null ? null : last.upstream(),
                last == null ? null : last.endpoint());
    }

    private void log(GatewayException failure) {
        // What is refused for want of room is counted; a line for each would be one more load.
        boolean broken = failure.failure().party() == Failure.Party.GATEWAY
                && failure.failure().status() == 500;
        Level level = broken ? Level.WARNING : Level.DEBUG;
        if (LOG.isLoggable(level)) {
            LOG.log(level, id() + " " + failure.reason() + ": " + failure.getMessage(), failure.getCause());
        }
    }

    private static GatewayException ended() {
        return new GatewayException(Failure.CLIENT_GONE, "the exchange has ended");
    }
}
