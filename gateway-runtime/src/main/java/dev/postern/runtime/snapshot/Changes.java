package dev.postern.runtime.snapshot;

import dev.postern.GatewayConfig;
import dev.postern.Plan;
import java.util.List;

/** TEMP. */
public final class Changes {
    private Changes() {}

    public static List<Plan.Change> between(GatewayConfig a, GatewayConfig b) {
        return List.of();
    }
}
