package dev.postern.runtime.balancing;

import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Hedging;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The attempts of one exchange at one upstream: which endpoint is next, whether a failed attempt is made again, and when.
 * Whoever sends (the forwarding, the simulator) asks here and does what it is told.
 *
 * <pre>
 *   select ─▶ Selection ─▶ … failed:   afterFailure ─┬─ -1: it stands
 *      ▲                   … answered: afterAnswer  ─┘
 *      └────── after so many nanoseconds ◀───────────── 0 or more
 * </pre>
 *
 * <p>The rules, in the order in which they are asked (each ends it):
 *
 * <ol>
 *   <li>The policy has a condition for what happened, and retries left.
 *   <li>Nothing was sent, or the request is idempotent.
 *   <li>The body can be sent again.
 *   <li>The pause ends before the deadline does.
 *   <li>The upstream's budget has a retry left.
 * </ol>
 *
 * <p>Belongs to its exchange and one thread at a time.
 */
public final class Attempts {
    /** What {@link #afterFailure} and {@link #afterAnswer} say while a hedge goes on: this attempt is let go. */
    public static final long OTHER_GOES_ON = -2;

    /** RFC 9110 9.2.1. */
    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    /** RFC 9110 9.2.2. */
    private static final Set<String> IDEMPOTENT = Set.of("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE");

    /** Those who were told to wait come back spread, not together (as Envoy does). */
    private static final double RETRY_AFTER_SPREAD = 0.5;

    private final Supplier<ClusterView> views;
    private final Upstream config;
    private final RetryPolicy policy;
    private final Request request;
    private final Keys keys;
    private final boolean repeatable;
    private ClusterView view;
    private @Nullable Tried tried;
    private int retries;
    /** How many of them were made. */
    private int retried;

    private final @Nullable Hedging hedging;
    private boolean hedged;
    /** The attempts under way: one, or two with a hedge. */
    private @Nullable Selection first;

    private @Nullable Selection second;
    /** The slot of the retry that was allowed and has not begun, or -1. */
    private long allowed = -1;

    /**
     * An exchange begins; counts it for the budget.
     *
     * @param views gives the newest view of the upstream: a retry must not use an endpoint that has left meanwhile
     * @param key gives the value of a key for this exchange, or null when it has none; asked now, and no more later
     */
    public Attempts(Supplier<ClusterView> views, Request request, Function<RequestKey, @Nullable String> key) {
        this.views = views;
        this.request = request;
        view = views.get();
        config = view.config();
        keys = Keys.of(config, key);
        policy = config.retry();
        repeatable = IDEMPOTENT.contains(request.method())
                || policy.extraMethods().contains(request.method())
                || (policy.trustsIdempotencyKey() && request.header("Idempotency-Key") != null);
        boolean hedgeable = SAFE.contains(request.method()) && request.body().length() == 0;
        hedging = hedgeable ? config.hedging() : null;
        if (hedging != null) {
            view.pace().hedgeBudget().request(view.pace().now());
        }
        if (policy.maxRetries() > 0) {
            view.pace().budget().request(view.pace().now());
        }
    }

    /** The configuration that the exchange began with. */
    public Upstream config() {
        return config;
    }

    /** Whether the request may be made again although something of it was sent. */
    public boolean repeatable() {
        return repeatable;
    }

    /** Whether any answer may be worth another attempt. */
    public boolean judgesAnswers() {
        return !policy.statuses().isEmpty() || !policy.grpcStatuses().isEmpty() || second != null;
    }

    /** Bytes of the request's body worth remembering; 0 when it could not be sent again anyway. */
    public int replayBytes() {
        return policy.maxRetries() > 0 && repeatable ? policy.replayBytes() : 0;
    }

    /** Picks an endpoint for the next attempt, an untried one if there is one; null when none may be used. */
    public @Nullable Selection select() {
        allowed = -1;
        view = views.get();
        if (tried != null && tried.size() >= view.endpoints().size()) {
            tried = null;
        }
        Selection selection = view.select(request, tried, keys);
        if (retries > retried && selection != null) {
            retried = retries;
            view.pace().deeds().retried();
        }
        first = selection;
        return selection;
    }

    /** Why {@link #select} has found nobody. */
    public GatewayException nobody() {
        return view.nobody(keys);
    }

    /** How long to wait for a response head before a {@link #selectHedge} beside it, in nanoseconds; -1 for ever. */
    public long hedgeAfter() {
        if (hedging == null || hedged) {
            return -1;
        }
        return hedging.delay() != null
                ? hedging.delay().toNanos()
                : view.pace().latencies().percentile(hedging.percentile());
    }

    /**
     * Picks an endpoint for an attempt beside the one under way; null when there is no other or nothing to spend. The host's
     * own code has no other place: there it is the same again.
     */
    public @Nullable Selection selectHedge() {
        Selection running = first;
        view = views.get();
        if (hedging == null || hedged || running == null) {
            return null;
        }
        boolean local = running.endpoint().local();
        if (view.endpoints().size() < 2 && !local) {
            return null;
        }
        Pace pace = view.pace();
        long taken = pace.hedgeBudget().take(pace.now(), hedging.share(), 0);
        if (taken < 0) {
            pace.deeds().hedgeRefused();
            return null;
        }
        Tried avoided = new Tried();
        if (tried != null) {
            avoided.addAll(tried);
        }
        avoided.add(running.endpoint());
        Selection hedge = view.select(request, avoided, keys);
        if (hedge != null && hedge.endpoint() == running.endpoint() && !local) {
            hedge.release();
            hedge = null;
        }
        if (hedge == null) {
            pace.hedgeBudget().refund(taken);
            return null;
        }
        hedged = true;
        pace.deeds().hedged();
        second = hedge;
        return hedge;
    }

    /** What the client's sticky cookie is to say after this answer; null when it says so already, or there is none. */
    public @Nullable String newPin(Selection answered) {
        String pin = answered.pin();
        return pin == null || pin.equals(keys.pin()) ? null : pin;
    }

    /** The answer of this attempt is taken; the other one under way, to be cut at once, or null. */
    public @Nullable Selection won(Selection winner) {
        Selection other = other(winner);
        first = null;
        second = null;
        return other;
    }

    private @Nullable Selection other(Selection one) {
        return first == one ? second : first;
    }

    /** Whether the other attempt is still under way, which is then the only one. */
    private boolean otherGoesOn(Selection failed) {
        Selection other = other(failed);
        first = other;
        second = null;
        return other != null;
    }

    /**
     * An attempt has brought no response head.
     *
     * @param sent whether anything of the request may have reached the endpoint
     * @param bodyIntact whether the body can be sent (again)
     * @param remainingNanos of the deadline
     * @return the pause before the next attempt in nanoseconds, -1 when this failure stands, or {@link #OTHER_GOES_ON}
     */
    public long afterFailure(Selection failed, Failure failure, boolean sent, boolean bodyIntact, long remainingNanos) {
        if (otherGoesOn(failed)) {
            return OTHER_GOES_ON;
        }
        boolean named = switch (failure) {
            case CONNECT_FAILED, CONNECT_TIMEOUT, DNS_FAILED, TLS_FAILED -> policy.afterConnectFailure();
            // The host's own code that throws has broken off before it answered, as a connection does.
            case RESET_BEFORE_HEAD, HANDLER_FAILED -> policy.afterReset();
            case FIRST_BYTE_TIMEOUT -> policy.afterTimeout();
            default -> false;
        };
        boolean safe = repeatable || !sent;
        boolean elsewhere = !sent && failure != Failure.FIRST_BYTE_TIMEOUT && untriedBesides(failed);
        return named && safe ? again(failed, bodyIntact, elsewhere ? 0 : backOff(), remainingNanos) : -1;
    }

    /**
     * A response head has come, and nothing of it was passed on.
     *
     * @param grpcStatus the head's {@code grpc-status}, or -1
     * @param retryAfterNanos what its {@code Retry-After} asks for, or -1
     * @return the pause before the next attempt in nanoseconds, -1 when this response stands, or {@link #OTHER_GOES_ON}
     */
    public long afterAnswer(
            Selection answered,
            int status,
            int grpcStatus,
            long retryAfterNanos,
            boolean bodyIntact,
            long remainingNanos) {
        boolean named =
                policy.statuses().contains(status) || policy.grpcStatuses().contains(grpcStatus);
        if ((named || status >= 500) && otherGoesOn(answered)) {
            return OTHER_GOES_ON;
        }
        if (!named || !repeatable || retryAfterNanos > policy.maxRetryAfter().toNanos()) {
            return -1;
        }
        long pause = retryAfterNanos < 0
                ? backOff()
                : (long)
                        (retryAfterNanos * (1 + RETRY_AFTER_SPREAD * view.pace().chance()));
        return again(answered, bodyIntact, pause, remainingNanos);
    }

    /** The exchange is over: a retry that was allowed and has not begun is not made. */
    public void end() {
        if (allowed >= 0) {
            view.pace().budget().refund(allowed);
            allowed = -1;
        }
    }

    private long again(Selection failed, boolean bodyIntact, long pause, long remainingNanos) {
        if (retries >= policy.maxRetries() || !bodyIntact || pause >= remainingNanos) {
            return -1;
        }
        if (policy.budgetShare() <= 1) {
            Pace pace = view.pace();
            allowed = pace.budget().take(pace.now(), policy.budgetShare(), policy.budgetPerSecond());
            if (allowed < 0) {
                pace.deeds().retryRefused();
                return -1;
            }
        }
        retries++;
        if (tried == null) {
            tried = new Tried();
        }
        tried.add(failed.endpoint());
        return pause;
    }

    private boolean untriedBesides(Selection failed) {
        int known = tried == null ? 0 : tried.size();
        boolean counted = tried != null && tried.contains(failed.endpoint());
        return known + (counted ? 0 : 1) < views.get().endpoints().size();
    }

    /** Full jitter: what came together goes apart. */
    private long backOff() {
        long steps = (1L << Math.min(retries + 1, 30)) - 1;
        double longest = Math.min(
                (double) policy.maxBackOff().toNanos(),
                (double) policy.backOff().toNanos() * steps);
        return (long) (longest * view.pace().chance());
    }
}
