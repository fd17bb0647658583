package dev.postern.traffic;

import dev.postern.Failure;
import dev.postern.GatewayException;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** What a stage failed with. */
final class Thrown {
    private Thrown() {}

    /** The failure beneath what stages wrap around it; null for one that is not the gateway's. */
    static @Nullable Failure failure(@Nullable Throwable thrown) {
        Throwable root = thrown;
        while (root instanceof CompletionException && root.getCause() != null) {
            root = root.getCause();
        }
        return root instanceof GatewayException known ? known.failure() : null;
    }
}
