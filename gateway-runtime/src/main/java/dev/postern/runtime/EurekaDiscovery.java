package dev.postern.runtime;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Request;
import dev.postern.Services;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.discovery.Sources;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The instances of an application that a Netflix Eureka server lists as {@code UP}, with their metadata as labels.
 *
 * <p>While the server is away, answers nonsense or names nobody, the endpoints known stay in use; the log says so once. A
 * list that loses more than half of them at once is looked at a second time first, which takes less than a second.
 *
 * <p>Immutable; each method gives a changed copy. Two are equal when they ask the same.
 */
public final class EurekaDiscovery implements Discovery {
    private final String server;
    private final String basePath;
    private final String application;
    private final Duration interval;
    private final boolean secure;

    private EurekaDiscovery(String server, String basePath, String application, Duration interval, boolean secure) {
        this.server = server;
        this.basePath = basePath;
        this.application = application;
        this.interval = interval;
        this.secure = secure;
    }

    /**
     * Asks a server for an application every 30 seconds; its instances are spoken to over cleartext.
     *
     * @param server scheme, host and port: {@code http://10.0.0.5:8761}
     * @param application its name in Eureka, in upper or lower case
     */
    public static EurekaDiscovery application(String server, String application) {
        EndpointAddress.of(server);
        if (application.isBlank()) {
            throw new IllegalArgumentException("application: \"" + application + "\" (expected: not blank)");
        }
        return new EurekaDiscovery(server, "/eureka", application, Duration.ofSeconds(30), false);
    }

    /** Where the server's API begins; the default is {@code /eureka}, as Spring Cloud has it. */
    public EurekaDiscovery basePath(String newBasePath) {
        if (!newBasePath.startsWith("/") || newBasePath.endsWith("/")) {
            throw new IllegalArgumentException(
                    "basePath: \"" + newBasePath + "\" (expected: a slash at the beginning and none at the end)");
        }
        return new EurekaDiscovery(server, newBasePath, application, interval, secure);
    }

    /** The pause between two questions, 1 second or more, spread by ±10 %; the default is 30 seconds. */
    public EurekaDiscovery interval(Duration newInterval) {
        return new EurekaDiscovery(
                server, basePath, application, Intervals.atLeastASecond("interval", newInterval), secure);
    }

    /** Speaks to the secure ports of the instances, by host name; the default is cleartext, by address. */
    public EurekaDiscovery https() {
        return new EurekaDiscovery(server, basePath, application, interval, true);
    }

    @Override
    public Watch watch(Services services, Consumer<List<Endpoint>> endpoints) {
        String name = URLEncoder.encode(application, StandardCharsets.UTF_8).replace("+", "%20");
        Request question = Request.get(basePath + "/apps/" + name).withHeader("Accept", "application/json");
        return Sources.eureka(services, endpoints, toString(), Endpoint.of(server), question, secure, interval);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof EurekaDiscovery that
                && that.server.equals(server)
                && that.basePath.equals(basePath)
                && that.application.equals(application)
                && that.interval.equals(interval)
                && that.secure == secure;
    }

    @Override
    public int hashCode() {
        return Objects.hash(server, basePath, application, interval, secure);
    }

    @Override
    public String toString() {
        return "Eureka application \"" + application + "\" at " + server;
    }
}
