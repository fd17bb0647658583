package dev.postern.traffic;

import dev.postern.Services;
import dev.postern.StateSpec;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The state that a filter object uses between its start and its stop, shared with others of its name. */
final class Held<S> {
    // Written by start and stop, which the runtime calls before and after all exchanges.
    private volatile @Nullable S state;

    /** What is used now. */
    S of(Object filter) {
        S mine = state;
        if (mine == null) {
            throw new IllegalStateException(filter + " is not started (expected: a filter of a gateway that runs)");
        }
        return mine;
    }

    /** Fails when the filter has problems, and when another gateway has started this very object. */
    CompletionStage<Void> start(
            Object filter, List<String> problems, Services services, Supplier<StateSpec> spec, Supplier<S> factory) {
        if (!problems.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new IllegalStateException(filter + ": " + String.join("; ", problems)));
        }
        S mine = services.state(spec.get(), factory);
        S other = state;
        if (other != null && other != mine) {
            return CompletableFuture.failedFuture(new IllegalStateException(
                    filter + " belongs to another gateway (expected: a filter object for each gateway)"));
        }
        state = mine;
        return CompletableFuture.completedFuture(null);
    }

    void stop() {
        state = null;
    }
}
