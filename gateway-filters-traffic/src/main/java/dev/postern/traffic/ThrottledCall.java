package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Outcome;
import dev.postern.Response;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One call that was let through; told once whether it was accepted: by the head of the response, by the failure, or by the end
 * of the exchange. What is nobody's or the caller's doing is not told. Belongs to its exchange's loop.
 */
final class ThrottledCall {
    private final Throttler throttler;
    private final Priority priority;
    private final Exchange exchange;
    private boolean over;

    ThrottledCall(Throttler throttler, Priority priority, Exchange exchange) {
        this.throttler = throttler;
        this.priority = priority;
        this.exchange = exchange;
    }

    /** The stage behind the throttle has completed. */
    void answered(@Nullable Response response, @Nullable Throwable failure, Predicate<Response> failing) {
        if (over) {
            return;
        }
        if (response == null) {
            end(failure == null ? null : Thrown.failure(failure));
            return;
        }
        over = true;
        boolean fails;
        try {
            fails = failing.test(response);
        } catch (RuntimeException | Error thrown) {
            response.body().discard();
            throw thrown;
        }
        throttler.ended(priority, !fails, exchange.time().nanoTime());
    }

    /** The exchange has ended. */
    void ended(Outcome outcome) {
        if (!over) {
            end(outcome.failure());
        }
    }

    private void end(@Nullable Failure failure) {
        over = true;
        if (failure != null && failure.party() == Failure.Party.UPSTREAM) {
            throttler.ended(priority, false, exchange.time().nanoTime());
        }
    }
}
