package dev.postern;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Also implemented by filters, balancers, discoveries and observers that own something: keys, timers, counters.
 *
 * <p>A managed object that is in the old and in the new config of a swap, as the same object or an equal one, is started
 * once and stopped once.
 */
public interface Managed {
    /**
     * The state this object asks {@link Services#state} for, so that a plan can say what survives. Called before {@link
     * #start}.
     */
    default List<StateSpec> state() {
        return List.of();
    }

    /**
     * Called once before the first exchange. The gateway does not start, and a swap does not happen, while this has not
     * completed; a failure refuses the whole config.
     */
    default CompletionStage<Void> start(Services services) {
        return CompletableFuture.completedFuture(null);
    }

    /** Called once after the last exchange that uses this object. Must not throw and must not block. */
    default void stop() {}
}
