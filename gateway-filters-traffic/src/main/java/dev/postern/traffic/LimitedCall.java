package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter.Chain;
import dev.postern.GatewayException;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.traffic.Bulkhead.Standing;
import dev.postern.traffic.Bulkhead.Ticket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One exchange at a bulkhead: waits for its place, and gives it back at the exchange's end, whoever gave up. How
 * long the first call took is what an adaptive limit learns from. Belongs to its
 * exchange's loop; only {@link #told} comes from elsewhere.
 */
final class LimitedCall {
    private final Bulkhead bulkhead;
    private final Exchange exchange;
    private final int retryAfterSeconds;
    private final Ticket ticket;
    // Whether there is a place; fails when the exchange ends first.
    private final CompletableFuture<Boolean> turn = new CompletableFuture<>();
    private boolean timed;
    private boolean observed;
    private long began;

    LimitedCall(Bulkhead bulkhead, Priority priority, Exchange exchange, int retryAfterSeconds) {
        this.bulkhead = bulkhead;
        this.exchange = exchange;
        this.retryAfterSeconds = retryAfterSeconds;
        ticket = bulkhead.enter(priority, exchange.time().nanoTime(), this::told);
    }

    /** Begins to wait, if it has to. */
    void begin(Duration longest) {
        exchange.onEnd(this::ended);
        Standing standing = ticket.standing();
        if (standing != Standing.WAITING) {
            turn.complete(standing == Standing.ADMITTED);
            return;
        }
        // Who waits for all of its deadline has nothing left for the call.
        Duration half = exchange.remaining().dividedBy(2);
        exchange.delay(half.compareTo(longest) < 0 ? half : longest).whenComplete((unused, cut) -> {
            if (cut == null && ticket.giveUp(exchange.time().nanoTime())) {
                decide();
            }
        });
    }

    boolean isRefused() {
        return turn.isDone() && ticket.standing() == Standing.REFUSED;
    }

    /** Proceeds as soon as there is a place, or answers that there is none. */
    CompletionStage<Response> pass(Request request, Chain chain) {
        return turn.isDone() && !turn.isCompletedExceptionally()
                ? passNow(turn.join(), request, chain)
                : turn.thenCompose(admitted -> passNow(admitted, request, chain));
    }

    private CompletionStage<Response> passNow(boolean admitted, Request request, Chain chain) {
        if (!admitted) {
            return chain.answer(
                    Response.problem(503, "concurrency_limited", "too many requests are under way; try again later")
                            .withHeader("Retry-After", Integer.toString(retryAfterSeconds)));
        }
        if (timed) {
            return chain.proceed(request);
        }
        timed = true;
        began = exchange.time().nanoTime();
        return chain.proceed(request).whenComplete((response, failure) -> {
            if (!observed) {
                observed = true;
                answered(response, failure);
            }
        });
    }

    /** What fails says nothing about time, except that it ran out. */
    private void answered(@Nullable Response response, @Nullable Throwable failure) {
        Failure why = response == null ? Thrown.failure(failure) : null;
        if (response == null ? timedOut(why) : response.status() < 500) {
            observe(isOfClient(why));
        }
    }

    private static boolean timedOut(@Nullable Failure failure) {
        return failure == Failure.FIRST_BYTE_TIMEOUT
                || failure == Failure.DEADLINE_EXCEEDED
                || failure == Failure.CALL_DEADLINE;
    }

    /** Whether the client did not wait for longer: it would have taken so long at least. */
    private static boolean isOfClient(@Nullable Failure failure) {
        return failure == Failure.CLIENT_GONE || failure == Failure.CALL_DEADLINE;
    }

    private void observe(boolean atLeast) {
        long now = exchange.time().nanoTime();
        bulkhead.observed(now - began, atLeast, now);
    }

    private void told() {
        exchange.executor().execute(this::decide);
    }

    private void decide() {
        if (!turn.isDone()) {
            turn.complete(ticket.standing() == Standing.ADMITTED);
        }
    }

    private void ended(Outcome outcome) {
        if (timed && !observed) {
            observed = true;
            if (timedOut(outcome.failure()) || outcome.failure() == Failure.CLIENT_GONE) {
                observe(isOfClient(outcome.failure()));
            }
        }
        ticket.release(exchange.time().nanoTime());
        Failure failure = outcome.failure() == null ? Failure.CLIENT_GONE : outcome.failure();
        turn.completeExceptionally(new GatewayException(failure, "the exchange ended while it waited for its turn"));
    }
}
