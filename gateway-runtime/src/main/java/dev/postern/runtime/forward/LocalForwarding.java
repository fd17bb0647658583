package dev.postern.runtime.forward;

import dev.postern.BufferedBody;
import dev.postern.Exchange;
import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Attempts;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.RetryAfter;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.LoopStage;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks the host's own code for the response to one request of an exchange, over as many attempts as the policy and the facts
 * allow: what {@link Forwarding} is for endpoints, with the same {@link Attempts} deciding.
 *
 * <pre>
 *   1 choose ─▶ 2 call ─▶ 3 response head ─▶ 4 give back
 *      ▲          │ broke off, too late │ not good enough
 *      └──────────┴──── 5 again? ◀──────┘
 * </pre>
 *
 * <p>The code has been called, so whatever it did may have had its effect: what is not idempotent is never called twice.
 *
 * <p>On the exchange's loop only.
 */
public final class LocalForwarding {
    private final UpstreamClient client;
    private final GatewayExchange exchange;
    private final Request request;
    private final Attempts attempts;
    private final Upstream config;
    private final Code code;
    private final boolean primary;
    private final @Nullable ReplayBody replay;
    private final @Nullable Duration bound;
    private final LoopStage<Response> result;
    private final Runnable onCut = this::exchangeOver;

    private long deadlineNanos;
    private int attempt;
    private boolean over;
    private TimeSource.@Nullable Timer pause;
    private TimeSource.@Nullable Timer hedgeTimer;
    private @Nullable Try current;
    /** The attempt beside it, while both are under way. */
    private @Nullable Try hedge;

    /** The host's code. */
    @FunctionalInterface
    public interface Code {
        /**
         * Calls it once.
         *
         * @return a stage that completes on any thread, with a response or a {@link GatewayException}
         */
        CompletionStage<Response> answer(Request request, Exchange seen);
    }

    /**
     * Prepares; nothing is called.
     *
     * @param client counts what is under way
     * @param views gives the newest view of the upstream
     * @param primary whether this is for the answer of the exchange, not for a call of a filter
     */
    public LocalForwarding(
            UpstreamClient client,
            GatewayExchange exchange,
            Request request,
            Supplier<ClusterView> views,
            Code code,
            boolean primary) {
        this.client = client;
        this.exchange = exchange;
        this.request = request;
        this.code = code;
        this.primary = primary;
        attempts = new Attempts(views, request, key -> key.of(request, exchange));
        config = attempts.config();
        replay = ReplayBody.of(request.body(), attempts.replayBytes(), exchange);
        bound = shorter(config.firstByteTimeout(), config.retry().perTryTimeout());
        result = new LoopStage<>(exchange.loop());
    }

    /** Whether the upstream has a policy that has a say in its attempts: without any this is not needed. */
    public static boolean isNeeded(Upstream config) {
        return config.retry().maxRetries() > 0
                || config.retry().perTryTimeout() != null
                || config.hedging() != null
                || config.endpointBreaker() != null
                || config.firstByteTimeout() != null;
    }

    private static @Nullable Duration shorter(@Nullable Duration one, @Nullable Duration other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.compareTo(other) < 0 ? one : other;
    }

    /** Begins. The stage completes at the head of the response. */
    public LoopStage<Response> start() {
        exchange.onCut(onCut);
        // Without a deadline: so far ahead that the comparison of differences still holds.
        deadlineNanos = exchange.deadlineNanos();
        choose(null);
        return result;
    }

    /** Gives up: the attempt under way is cut, or what is left of the answer. From any thread. */
    public void cancel(GatewayException why) {
        exchange.loop().enter(() -> {
            cut(why, false);
            exchange.withdraw(onCut);
        });
    }

    private void exchangeOver() {
        cut(new GatewayException(Failure.CLIENT_GONE, "the exchange has ended"), true);
    }

    private void cut(GatewayException why, boolean exchangeOver) {
        Try mine = current;
        if (mine != null) {
            mine.cut(why, exchangeOver);
        }
        Try beside = hedge;
        if (beside != null) {
            beside.cut(why, exchangeOver);
        }
        finish(why);
    }

    // 1. There is one place only; a drained one is none.
    private void choose(@Nullable GatewayException before) {
        if (over) {
            return;
        }
        Selection selection;
        try {
            selection = attempts.select();
        } catch (GatewayException broken) {
            finish(broken);
            return;
        }
        if (selection == null) {
            finish(before != null ? before : attempts.nobody());
            return;
        }
        Try mine = new Try(selection, ++attempt);
        current = mine;
        mine.begin();
        long patience = mine.done || over ? -1 : attempts.hedgeAfter();
        if (patience >= 0 && patience < timeLeft() && hedgeTimer == null) {
            hedgeTimer = exchange.loop().schedule(patience, this::hedge);
        }
    }

    /** Why the code is not called. */
    public static GatewayException drained(Upstream config) {
        return new GatewayException(
                Failure.NO_ENDPOINT, "upstream \"" + config.name() + "\" has no endpoint that may be used");
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
            beside.begin();
        }
    }

    /** The attempt that goes on is the only one now. */
    private void letGo(Try loser) {
        if (current == loser) {
            current = hedge;
        }
        hedge = null;
    }

    private void finish(GatewayException failure) {
        if (over) {
            return;
        }
        settle();
        if (replay != null) {
            replay.close();
        }
        current = null;
        hedge = null;
        exchange.withdraw(onCut);
        result.fail(failure);
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
    }

    private void stopHedgeTimer() {
        if (hedgeTimer != null) {
            hedgeTimer.cancel();
            hedgeTimer = null;
        }
    }

    // 5. Again? It was called; the policy decides, then whether there is a body that could be read again.
    private void failed(Try failed, GatewayException failure) {
        if (failure.failure().party() == Failure.Party.UPSTREAM) {
            failed.selection.unanswered(failure.failure());
        }
        long wait = attempts.afterFailure(failed.selection, failure.failure(), true, bodyIntact(), timeLeft());
        failed.release();
        goOn(failed, wait, failure);
        if (wait == -1) {
            finish(failure);
        }
    }

    private void goOn(Try last, long wait, @Nullable GatewayException before) {
        if (wait == Attempts.OTHER_GOES_ON) {
            letGo(last);
        } else if (wait >= 0) {
            current = null;
            stopHedgeTimer();
            if (wait == 0) {
                choose(before);
                return;
            }
            pause = exchange.loop().schedule(wait, () -> {
                pause = null;
                choose(before);
            });
        }
    }

    /** Whoever called it does not know what it has read. */
    private boolean bodyIntact() {
        return replay != null
                ? replay.replayable()
                : request.body().length() == 0 || request.body().replayable();
    }

    private long timeLeft() {
        return exchange.isOver() ? 0 : exchange.remainingNanos();
    }

    /** One call of the code. */
    private final class Try {
        private final Selection selection;
        private final int number;
        private final long startedNanos = exchange.time().nanoTime();
        private final AttemptExchange seen = new AttemptExchange(exchange, bound);
        private final @Nullable AttemptBody body;
        private TimeSource.@Nullable Timer timer;
        /** It has answered, failed, or was given up. */
        private boolean done;

        private boolean released;

        Try(Selection selection, int number) {
            this.selection = selection;
            this.number = number;
            body = replay == null ? null : new AttemptBody(replay, exchange.loop());
            client.attemptBegun();
            report(0, null, false);
        }

        // 2. The call.
        void begin() {
            CompletionStage<Response> stage = code.answer(body == null ? request : request.withBody(body), seen);
            try {
                stage.whenComplete((response, failure) ->
                        exchange.loop().enter(() -> completed(response, failure == null ? null : root(failure))));
            } catch (RuntimeException broken) {
                fail(new GatewayException(
                        Failure.HANDLER_FAILED,
                        "the handler of upstream \"" + config.name() + "\" returned a broken stage",
                        broken));
            }
            Duration patience = bound;
            if (patience != null && !done) {
                timer = exchange.loop().schedule(patience.toNanos(), () -> {
                    timer = null;
                    tooLate(patience);
                });
            }
        }

        private void tooLate(Duration patience) {
            boolean early = exchange.awaitsClient();
            fail(new GatewayException(
                    early ? Failure.REQUEST_BODY_TIMEOUT : Failure.FIRST_BYTE_TIMEOUT,
                    selection + (early ? " did not get the whole request" : " gave no response") + " within " + patience
                            + " (upstream " + config.name() + ", attempt " + number + ")"));
        }

        private void completed(@Nullable Response response, @Nullable Throwable failure) {
            if (done) {
                if (response != null) {
                    response.body().discard();
                }
            } else if (response != null) {
                answered(response);
            } else {
                fail(
                        failure instanceof GatewayException known
                                ? known
                                : new GatewayException(Failure.INTERNAL, "unexpected: " + failure, failure));
            }
        }

        private static Throwable root(Throwable failure) {
            return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        }

        // 3. The response head.
        private void answered(Response response) {
            over();
            selection.answered(response.status());
            report(response.status(), null, true);
            if (attempts.judgesAnswers()) {
                long wait = attempts.afterAnswer(
                        selection,
                        response.status(),
                        GrpcStatus.of(response.headers()),
                        RetryAfter.nanos(
                                response.header("Retry-After"), exchange.time().now()),
                        bodyIntact(),
                        timeLeft());
                if (wait != -1) {
                    response.body().discard();
                    giveUp(response.status(), new GatewayException(Failure.CLIENT_GONE, "another attempt is made"));
                    goOn(this, wait, null);
                    return;
                }
            }
            Selection loser = attempts.won(selection);
            Try other = current == this ? hedge : current;
            if (loser != null && other != null && other.selection == loser) {
                other.lose();
            }
            current = this;
            hedge = null;
            settle();
            boolean streams = !(response.body() instanceof BufferedBody);
            if (body != null) {
                body.last(streams);
            }
            if (!streams) {
                // 4. Nothing is still to come.
                release();
                if (seen.detach()) {
                    exchange.withdraw(onCut);
                }
            }
            if (exchange.isOver() || !result.deliver(response)) {
                response.body().discard();
                cutBody();
            }
        }

        private void fail(GatewayException failure) {
            if (done) {
                return;
            }
            over();
            report(0, failure.failure(), true);
            end(failure.failure().status(), failure);
            failed(this, failure);
        }

        /** The exchange was cut or has ended, or whoever called does not want the answer, or the rest of it. */
        void cut(GatewayException why, boolean exchangeOver) {
            if (!done) {
                over();
                if (exchange.time().nanoTime() - deadlineNanos >= 0 && !exchange.isFailedByClient()) {
                    // Not the client but the deadline has ended it, waiting for this code.
                    selection.unanswered(Failure.DEADLINE_EXCEEDED);
                }
                if (!exchange.owesBody()) {
                    selection.abandoned();
                }
                report(0, why.failure(), true);
            }
            if (exchangeOver) {
                seen.letGo();
                cutBody();
                release();
            } else {
                giveUp(why.failure().status(), why);
            }
        }

        /** The other attempt has answered. */
        private void lose() {
            if (!done) {
                selection.outpaced();
                GatewayException why = new GatewayException(Failure.CLIENT_GONE, "another attempt was faster");
                over();
                report(0, why.failure(), true);
                giveUp(why.failure().status(), why);
            }
        }

        private void giveUp(int status, GatewayException why) {
            end(status, why);
            release();
        }

        private void end(int status, GatewayException why) {
            seen.end(status, why, startedNanos);
            cutBody();
        }

        private void cutBody() {
            if (body != null) {
                body.cut();
            }
        }

        private void over() {
            done = true;
            if (timer != null) {
                timer.cancel();
                timer = null;
            }
        }

        /** Once, whatever comes first: the end of the answer or of the exchange. */
        private void release() {
            if (!released) {
                released = true;
                client.attemptOver();
                selection.release();
            }
        }

        private void report(int status, @Nullable Failure failure, boolean ended) {
            Attempt facts = new Attempt(
                    config.name(),
                    selection.endpoint().uri(),
                    number,
                    startedNanos,
                    ended ? exchange.time().nanoTime() : startedNanos,
                    status,
                    failure);
            if (!primary) {
                if (ended) {
                    exchange.context().observer().attemptEnded(facts, exchange);
                } else {
                    exchange.context().observer().attemptStarted(facts, exchange);
                }
            } else if (ended) {
                exchange.localAttemptEnded(facts);
            } else {
                exchange.attemptStarted(facts);
            }
        }
    }
}
