package dev.postern.traffic;

import dev.postern.Headers;
import dev.postern.Request;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One call of an {@link Aggregate}: which upstream is asked for what, and what becomes of the whole when it fails. Immutable;
 * every option gives a new leg.
 *
 * <p>Targets and bodies may refer to values in braces: {@code {id}} is a variable of the route's path, {@code {query:page}} a
 * query parameter of the client (empty when there is none), {@code {user.team.id}} the value under these names in the result
 * of the call {@code user}, {@code {user.roles.0}} an element of a list. A leg that refers to another call runs after it;
 * those that do not refer to each other run at the same time.
 *
 * <p>Values are percent-encoded and never change the shape of a target: one that holds a slash, a backslash or a control
 * character, or makes a segment empty, {@code .} or {@code ..}, cannot stand in a path. A client that sends such a value gets
 * 400; in the result of another call it is a failure of this leg.
 *
 * <p>Nothing of the client's request is sent along, credentials least of all, but for the headers named by {@link
 * #forwardHeaders}. Which upstream is asked is fixed.
 *
 * <p>A leg fails when the call fails or takes too long, when the status is not accepted, when the answer is larger than
 * {@link #maxBytes}, and when it is not JSON: another content type or content coding than {@code application/json} or
 * {@code …+json} and {@code identity}, not UTF-8, a member twice in one object, deeper than 64 levels.
 */
public final class Leg {
    /** What becomes of the aggregate when a leg fails. */
    enum OnFailure {
        FAIL,
        NULL,
        DEFAULT
    }

    private final String name;
    private final String upstream;
    private final String target;
    // Below: written by with() only, on a copy that nobody else has seen.
    private String method = "GET";
    private @Nullable String body;
    private @Nullable Duration timeout;
    private int maxBytes = 1 << 20;
    // Lower case.
    private Set<String> forwarded = Set.of();
    private Headers headers = Headers.EMPTY;
    // Empty for 200 to 299.
    private Set<Integer> accepted = Set.of();
    private Set<Integer> passedOn = Set.of();
    private OnFailure onFailure = OnFailure.FAIL;
    private String fallback = "null";

    private Leg(String name, String upstream, String target) {
        this.name = Objects.requireNonNull(name, "name");
        this.upstream = Objects.requireNonNull(upstream, "upstream");
        this.target = Objects.requireNonNull(target, "target");
    }

    private Leg with(Consumer<Leg> change) {
        Leg copy = new Leg(name, upstream, target);
        copy.method = method;
        copy.body = body;
        copy.timeout = timeout;
        copy.maxBytes = maxBytes;
        copy.forwarded = forwarded;
        copy.headers = headers;
        copy.accepted = accepted;
        copy.passedOn = passedOn;
        copy.onFailure = onFailure;
        copy.fallback = fallback;
        change.accept(copy);
        return copy;
    }

    /**
     * A {@code GET}.
     *
     * @param name of the call and of the member in the result; a letter, then letters, digits, {@code _} and {@code -}
     * @param upstream the name of an upstream of the gateway
     * @param target path and query with references: {@code /users/{id}?full=true}
     */
    public static Leg get(String name, String upstream, String target) {
        return new Leg(name, upstream, target);
    }

    /**
     * A {@code POST} with a JSON body.
     *
     * @param json a document whose strings may hold references; a string that is one reference becomes the value itself, be it
     *     an object or a list: {@code {"ids": "{user.friends}"}}
     */
    public static Leg post(String name, String upstream, String target, String json) {
        return get(name, upstream, target).method("POST").body(json);
    }

    /** Another method. */
    public Leg method(String newMethod) {
        // Only to have the method checked.
        Request.of(newMethod, "/");
        return with(copy -> copy.method = newMethod);
    }

    /** A JSON body, as for {@link #post}. */
    public Leg body(String json) {
        Objects.requireNonNull(json, "json");
        return with(copy -> copy.body = json);
    }

    /** How long the call may take until its answer is read; more than zero. The default is as long as the aggregate may. */
    public Leg timeout(Duration newTimeout) {
        Aggregate.positive("timeout", newTimeout);
        return with(copy -> copy.timeout = newTimeout);
    }

    /** The largest answer in bytes, 1 or more; the default is 1 MiB. */
    public Leg maxBytes(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("maxBytes: " + bytes + " (expected: >= 1)");
        }
        return with(copy -> copy.maxBytes = bytes);
    }

    /** Sends these headers of the client along, all their lines. Name {@code Authorization} only for upstreams that may have it. */
    public Leg forwardHeaders(String... headerNames) {
        Set<String> all = new HashSet<>(forwarded);
        for (String headerName : headerNames) {
            // Only to have the name checked.
            Headers.of(headerName, "");
            all.add(headerName.toLowerCase(Locale.ROOT));
        }
        return with(copy -> copy.forwarded = Set.copyOf(all));
    }

    /** Sends a header of one's own. It takes the place of a forwarded one. */
    public Leg header(String headerName, String value) {
        return with(copy -> copy.headers = headers.with(headerName, value));
    }

    /** The statuses that are no failure; the default is all from 200 to 299. */
    public Leg accept(int... statuses) {
        Set<Integer> all = statuses("accept", 200, statuses);
        return with(copy -> copy.accepted = all);
    }

    /**
     * Statuses, 400 to 599, with which this leg fails and the aggregate answers itself, in the place of 502: {@code
     * passOn(404)} for the call that knows whether the thing asked for exists.
     */
    public Leg passOn(int... statuses) {
        Set<Integer> all = statuses("passOn", 400, statuses);
        return with(copy -> copy.passedOn = all);
    }

    /** When this leg fails the rest is answered: its member is null, and {@code _errors} tells why. */
    public Leg optional() {
        return with(copy -> {
            copy.onFailure = OnFailure.NULL;
            copy.fallback = "null";
        });
    }

    /** When this leg fails, this JSON stands in for its result, also for calls that refer to it; {@code _errors} tells why. */
    public Leg orElse(String json) {
        Objects.requireNonNull(json, "json");
        return with(copy -> {
            copy.onFailure = OnFailure.DEFAULT;
            copy.fallback = json;
        });
    }

    /** The name. */
    public String name() {
        return name;
    }

    /** The upstream's name. */
    public String upstream() {
        return upstream;
    }

    String target() {
        return target;
    }

    String method() {
        return method;
    }

    @Nullable
    String body() {
        return body;
    }

    @Nullable
    Duration timeout() {
        return timeout;
    }

    int maxBytes() {
        return maxBytes;
    }

    Set<String> forwarded() {
        return forwarded;
    }

    Headers headers() {
        return headers;
    }

    boolean accepts(int status) {
        return accepted.isEmpty() ? status >= 200 && status <= 299 : accepted.contains(status);
    }

    boolean passesOn(int status) {
        return passedOn.contains(status);
    }

    OnFailure onFailure() {
        return onFailure;
    }

    /** JSON that stands in for the result when the leg failed. */
    String fallback() {
        return fallback;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Leg that
                && that.name.equals(name)
                && that.upstream.equals(upstream)
                && that.target.equals(target)
                && that.method.equals(method)
                && Objects.equals(that.body, body)
                && Objects.equals(that.timeout, timeout)
                && that.maxBytes == maxBytes
                && that.forwarded.equals(forwarded)
                && that.headers.equals(headers)
                && that.accepted.equals(accepted)
                && that.passedOn.equals(passedOn)
                && that.onFailure == onFailure
                && that.fallback.equals(fallback);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, upstream, target);
    }

    /** {@code user: GET /users/{id} of users}. */
    @Override
    public String toString() {
        return name + ": " + method + ' ' + target + " of " + upstream;
    }

    private static Set<Integer> statuses(String option, int lowest, int... statuses) {
        Set<Integer> all = new HashSet<>();
        for (int status : statuses) {
            if (status < lowest || status > 599) {
                throw new IllegalArgumentException(option + ": " + status + " (expected: " + lowest + " to 599)");
            }
            all.add(status);
        }
        return Set.copyOf(all);
    }
}
