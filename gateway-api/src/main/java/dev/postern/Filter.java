package dev.postern;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;

/**
 * One step that every exchange of a route passes through, on the way in and on the way back. A filter may change the
 * request before handing it to {@code chain.proceed}, change the response that comes back, answer by itself without
 * proceeding, or proceed again.
 *
 * <p>Gateway filters run first, then the filters of the route, each in the order in which they were written; the way back
 * is the reverse. One instance serves all exchanges at once: state that belongs to one exchange goes into the {@link
 * Exchange}. Filters are called on the exchange's event loop and must not block; {@link Exchange#offload} takes work that
 * does. A stage completed on another thread is brought back to the loop by the runtime.
 *
 * <p>A filter that throws, returns null or never completes fails its own exchange with {@link Failure#FILTER_FAILED} (or
 * the deadline) and is named in the log; others are not touched.
 *
 * <p>A filter that owns something implements {@link Managed}; one whose options can be wrong in ways that only show when
 * all are known implements {@link Checked}. Filters with value equality keep their instance over a config swap.
 */
@FunctionalInterface
public interface Filter {
    /** Handles one exchange; the stage completes when the head of the response is known. */
    CompletionStage<Response> apply(Request request, Chain chain);

    /** The name in logs, metrics and {@code explain}. */
    default String name() {
        Class<?> type = getClass();
        return type.isSynthetic() || type.isAnonymousClass() || type.isHidden() ? "filter" : type.getSimpleName();
    }

    /** Gives a lambda a name. */
    static Filter named(String name, Filter filter) {
        return new NamedFilter(name, filter);
    }

    /** A filter that only rewrites requests. */
    static Filter onRequest(String name, UnaryOperator<Request> edit) {
        Objects.requireNonNull(edit, "edit");
        return named(name, (request, chain) -> chain.proceed(edit.apply(request)));
    }

    /** A filter that only rewrites responses. */
    static Filter onResponse(String name, UnaryOperator<Response> edit) {
        Objects.requireNonNull(edit, "edit");
        return named(name, (request, chain) -> chain.proceed(request).thenApply(edit));
    }

    /** What lies behind a filter: the filters after it and, at the end, the destination. */
    interface Chain {
        /**
         * Runs the rest of the chain. A second call starts it over, as a retry does, once the first has been answered; it
         * needs a replayable body, and the earlier response must have been discarded. The stage completes on the exchange's event loop, at the head of
         * the response, or fails with a {@link GatewayException}.
         */
        CompletionStage<Response> proceed(Request request);

        /** The exchange this call belongs to. */
        Exchange exchange();

        /** Answers without going further. */
        default CompletionStage<Response> answer(Response response) {
            return CompletableFuture.completedFuture(response);
        }
    }
}
