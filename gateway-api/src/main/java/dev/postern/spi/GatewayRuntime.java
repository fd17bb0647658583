package dev.postern.spi;

import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.InvalidConfigException;

/** The engine behind the API; found by {@link java.util.ServiceLoader} or handed to the builder. */
public interface GatewayRuntime {
    /**
     * Makes a gateway that is not started.
     *
     * @throws InvalidConfigException with every problem there is
     */
    Gateway create(GatewayConfig config, Environment environment);
}
