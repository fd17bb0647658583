package dev.postern.examples.springboot;

import dev.postern.Gateway;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Opens the gateway when every bean is ready, and closes it before the first one goes. A port that is taken fails the start
 * of the application.
 */
@Component
class GatewayLifecycle implements SmartLifecycle {
    private final Gateway gateway;
    private final Duration drain;

    GatewayLifecycle(Gateway gateway, @Value("${gateway.drain}") Duration drain) {
        this.gateway = gateway;
        this.drain = drain;
    }

    @Override
    public void start() {
        gateway.start();
    }

    /** Requests under way may end within the drain. The phase is the default one: last to start, first to stop. */
    @Override
    public void stop() {
        gateway.stop(drain);
    }

    @Override
    public boolean isRunning() {
        return gateway.health().live();
    }
}
