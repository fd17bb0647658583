package dev.postern.runtime.snapshot;

import dev.postern.GatewayConfig;
import dev.postern.Problem;
import java.util.List;

/** TEMP. */
public final class ConfigCheck {
    private ConfigCheck() {}

    public static List<Problem> check(GatewayConfig a) {
        return List.of();
    }
}
