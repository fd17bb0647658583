package dev.postern;

import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One request and its response, from the first byte in to the last byte out. It belongs to one event loop: call its
 * methods there, which is where filters are called and stages complete; {@link #executor()} leads back.
 */
public interface Exchange {
    /** What kind of traffic this is; decides which timeouts apply. */
    enum Kind {
        /** A request with an ordinary response. */
        HTTP,
        /** A response that is a stream of server-sent events; known from the response head on. */
        SSE,
        /** A WebSocket handshake on a route that takes them, and the connection that becomes of it. */
        WEBSOCKET,
        /** A gRPC call: by its content type, and on a route to an upstream of HTTP/2. */
        GRPC
    }

    /** The request id: 32 hexadecimal digits, in the log, in gateway-made answers and in {@code X-Request-Id} upstream. */
    String id();

    /** What kind of traffic this is. */
    Kind kind();

    /** The route taken; {@link Route#UNMATCHED} when none was. */
    Route route();

    /** The decoded values of the variables in the route's path template, in order. */
    Map<String, String> pathVariables();

    /** The decoded value of one variable of the route's path template, or null when there is none of that name. */
    default @Nullable String pathVariable(String name) {
        return pathVariables().get(name);
    }

    /** The name of the {@link Listener} that the request came in by; null behind a server of the host and for {@code handle()}. */
    @Nullable
    String listener();

    /** Who is calling. */
    ClientInfo client();

    /**
     * Who the caller was proven to be: by a filter, else by the certificate of a connection that it made itself (scheme
     * {@code certificate}); null until then.
     */
    @Nullable
    Principal principal();

    /**
     * Says who the caller is; called by the filter that has proven it. Who was there before is replaced: of several filters
     * that authenticate, each demands its own credentials, and the last one names the principal.
     */
    void authenticate(Principal principal);

    /** The value under {@code key}, or null. */
    <T> @Nullable T get(Key<T> key);

    /** Puts a value where later filters find it. */
    <T> void set(Key<T> key, T value);

    /** The gateway's clock. */
    TimeSource time();

    /** What is left of the deadline; zero when it has passed, {@code Duration.ofNanos(Long.MAX_VALUE)} (292 years)
     * without one. */
    Duration remaining();

    /** Runs tasks on this exchange's event loop, in the order in which they are given. */
    Executor executor();

    /** Completes on the event loop after {@code delay}, and fails when the exchange ends first. */
    CompletionStage<Void> delay(Duration delay);

    /**
     * Calls back exactly once, on the event loop, when the last byte is out or the exchange was cut: the only right place
     * to release a permit or to judge an outcome. Callbacks run in the reverse of the order in which they were given;
     * one given after the end runs at once.
     */
    void onEnd(Consumer<Outcome> callback);

    /**
     * Lets a hook see every message of the WebSocket that this exchange may become; several hooks see it in the order of
     * the filters, on the way back in the reverse. Does nothing when the {@link #kind} is another.
     *
     * @throws IllegalStateException when the handshake has been sent already: call it before {@code proceed}
     */
    void onMessage(MessageHook hook);

    /**
     * Sends a request to another upstream of this gateway, under this exchange's deadline, trace and cancellation.
     *
     * @param upstream its name; the stage fails with {@link Failure#NO_ENDPOINT} when there is none of that name
     */
    Call call(String upstream, Request request);

    /**
     * Runs blocking or CPU-heavy work on the gateway's bounded pool (virtual threads where there are any) and completes
     * on the event loop. Fails with {@link Failure#OVERLOADED} when the pool is full, and when the exchange ends first:
     * then the work is interrupted.
     */
    <T> CompletionStage<T> offload(Callable<T> work);

    /** Names a value that filters share. Declare it once, as a constant next to the filter that sets it. */
    @SuppressWarnings("UnusedTypeParameter") // T is what get and set are checked against.
    final class Key<T> {
        private final String name;

        private Key(String name) {
            this.name = Objects.requireNonNull(name, "name");
        }

        /** A new key; two keys with one name are different keys. */
        public static <T> Key<T> named(String name) {
            return new Key<>(name);
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
