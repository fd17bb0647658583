package dev.postern;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * Asks endpoints whether they are well, in the background. An endpoint that fails {@link #unhealthyAfter} checks in a row
 * gets no more requests until it has passed {@link #healthyAfter} in a row. When no endpoint is left, all are used: a
 * check that condemns everybody is more likely to be wrong itself.
 */
public interface HealthCheck {
    /** One check; completes with whether the endpoint is well. A failed stage counts as not well. */
    CompletionStage<Boolean> check(Endpoint endpoint, Services services);

    /** The pause between two checks of one endpoint. */
    default Duration interval() {
        return Duration.ofSeconds(5);
    }

    /** The pause while the endpoint is not well; that of {@link #interval} by default. */
    default Duration unhealthyInterval() {
        return interval();
    }

    /** How far pauses are spread so that checks do not march in step, as a part of the pause; ±10 % by default. */
    default double jitter() {
        return 0.1;
    }

    /** Failures in a row that take an endpoint out. */
    default int unhealthyAfter() {
        return 3;
    }

    /** Successes in a row that bring it back. */
    default int healthyAfter() {
        return 2;
    }

    /**
     * {@code GET path} every five seconds; a status from 200 to 299 within a second is well.
     *
     * @param path percent-encoded, a query included: {@code /health?deep}
     */
    static HttpHealthCheck http(String path) {
        return HttpHealthCheck.of(Request.get(path).target());
    }

    /**
     * A connection every five seconds, closed at once; one that is made within a second is well. For endpoints that have no
     * page to ask for: it says that the process is there, no more.
     */
    static TcpHealthCheck tcp() {
        return TcpHealthCheck.DEFAULT;
    }

    /**
     * gRPC's own health check of the server as a whole, every five seconds; {@code SERVING} within a second is well. For
     * upstreams of {@link Protocol#HTTP_2}.
     */
    static GrpcHealthCheck grpc() {
        return GrpcHealthCheck.DEFAULT;
    }

    /**
     * The same for one service of the server, by the name under which the server reports on it; one that it does not know is
     * not well.
     *
     * @param service 1 to 1,000 characters, such as {@code shop.Orders}
     */
    static GrpcHealthCheck grpc(String service) {
        return GrpcHealthCheck.of(service);
    }
}
