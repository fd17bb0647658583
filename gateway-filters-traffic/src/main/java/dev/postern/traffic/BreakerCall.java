package dev.postern.traffic;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Outcome;
import dev.postern.Response;
import dev.postern.traffic.Breaker.Ending;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One call under a breaker's permit, which goes back exactly once: by the response, by the failure, or by the end of the
 * exchange, whichever tells first how the call ended. Belongs to its exchange's loop.
 *
 * <pre>
 *   permit ──┬─ head: failing status ─────────────────────────── FAILURE
 *            ├─ head: fine ──┬─ a trial, a stream, an upgrade ── SUCCESS
 *            │               └─ body ──┬─ whole, or not taken ── SUCCESS
 *            │                         └─ broke off ──────────── FAILURE
 *            ├─ no head, the upstream's doing ────────────────── FAILURE
 *            ├─ no head, the client left, ─┬─ after slowCall ─── SUCCESS, slow
 *            │  or its own deadline passed └─ before ─────────── IGNORED
 *            └─ no head, anything else ───────────────────────── IGNORED
 * </pre>
 */
final class BreakerCall {
    private final Breaker breaker;
    private final BreakerRules rules;
    private final Exchange exchange;
    private final long permit;
    private final long began;
    private long headAfter = -1;
    private boolean over;

    BreakerCall(Breaker breaker, BreakerRules rules, Exchange exchange, long permit, long began) {
        this.breaker = breaker;
        this.rules = rules;
        this.exchange = exchange;
        this.permit = permit;
        this.began = began;
    }

    /** The stage behind the breaker has completed. */
    @Nullable
    Ending answered(@Nullable Response response, @Nullable Throwable failure, Predicate<Response> failing) {
        if (over) {
            return null;
        }
        long nanos = exchange.time().nanoTime() - began;
        if (response == null) {
            return end(failure == null ? Ending.IGNORED : judged(Thrown.failure(failure), nanos), nanos);
        }
        boolean bad;
        try {
            bad = failing.test(response);
        } catch (RuntimeException | Error thrown) {
            end(Ending.IGNORED, nanos);
            response.body().discard();
            throw thrown;
        }
        if (bad) {
            return end(Ending.FAILURE, nanos);
        }
        // A trial is not kept waiting by a client that reads slowly, nor by a stream that lasts for hours.
        if (Breaker.isTrial(permit) || streams(response)) {
            return end(Ending.SUCCESS, nanos);
        }
        headAfter = nanos;
        return null;
    }

    private boolean streams(Response response) {
        String type = response.header("content-type");
        return exchange.kind() != Exchange.Kind.HTTP
                || exchange.route().streaming()
                || response.status() == 101
                || (type != null && type.regionMatches(true, 0, "text/event-stream", 0, 17));
    }

    /** The exchange has ended. */
    void ended(Outcome outcome) {
        if (over) {
            return;
        }
        if (headAfter >= 0) {
            end(outcome.truncated() ? Ending.FAILURE : Ending.SUCCESS, headAfter);
        } else {
            long nanos = exchange.time().nanoTime() - began;
            end(judged(outcome.failure(), nanos), nanos);
        }
    }

    /** Nothing was called after all. */
    void ignore() {
        if (!over) {
            end(Ending.IGNORED, 0);
        }
    }

    private Ending judged(@Nullable Failure failure, long nanos) {
        if (failure == null) {
            return Ending.IGNORED;
        }
        if (failure == Failure.CLIENT_GONE || failure == Failure.CALL_DEADLINE) {
            return rules.isSlow(nanos) ? Ending.SUCCESS : Ending.IGNORED;
        }
        return failure.party() == Failure.Party.UPSTREAM ? Ending.FAILURE : Ending.IGNORED;
    }

    private Ending end(Ending ending, long nanos) {
        over = true;
        breaker.end(permit, ending, nanos, exchange.time().nanoTime());
        return ending;
    }
}
