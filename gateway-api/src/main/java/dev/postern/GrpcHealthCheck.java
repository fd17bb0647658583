package dev.postern;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Asks by gRPC's health checking protocol, {@code grpc.health.v1.Health/Check}: {@code SERVING} within a second is well, all
 * else is not, a server that does not know the service or the protocol included. For upstreams of {@link Protocol#HTTP_2},
 * which is checked when the gateway is built; endpoints are spoken to as by their traffic, in cleartext or over TLS. An
 * answer is judged by what it is: at most 4 KiB, one uncompressed message, and {@code grpc-status: 0} behind it. Immutable,
 * with value equality: each method gives a changed copy.
 */
public final class GrpcHealthCheck implements HealthCheck {
    static final GrpcHealthCheck DEFAULT = new GrpcHealthCheck("", CheckPace.DEFAULT);

    private static final int MAX_SERVICE_LENGTH = 1000;

    private final String service;
    private final CheckPace pace;

    private GrpcHealthCheck(String service, CheckPace pace) {
        this.service = service;
        this.pace = pace;
    }

    static GrpcHealthCheck of(String service) {
        if (service.isBlank() || service.length() > MAX_SERVICE_LENGTH) {
            throw new IllegalArgumentException("service: " + (service.isBlank() ? '"' + service + '"' : "too long")
                    + " (expected: 1 to " + MAX_SERVICE_LENGTH + " characters, such as \"shop.Orders\"; grpc() for the"
                    + " server as a whole)");
        }
        return new GrpcHealthCheck(service, CheckPace.DEFAULT);
    }

    /** How long an answer may take, more than zero; the default is 1 second. */
    public GrpcHealthCheck timeout(Duration newTimeout) {
        return new GrpcHealthCheck(service, pace.withTimeout(newTimeout));
    }

    /** The pause between two checks of one endpoint, more than zero; the default is 5 seconds. */
    public GrpcHealthCheck interval(Duration newInterval) {
        return new GrpcHealthCheck(service, pace.withInterval(newInterval));
    }

    /** The pause while an endpoint is not well, more than zero; the default is that of {@link #interval(Duration)}. */
    public GrpcHealthCheck unhealthyInterval(Duration newInterval) {
        return new GrpcHealthCheck(service, pace.withUnhealthyInterval(newInterval));
    }

    /** How far pauses are spread, so that checks do not march in step, 0 to 0.9 of the pause; the default is 0.1. */
    public GrpcHealthCheck jitter(double newJitter) {
        return new GrpcHealthCheck(service, pace.withJitter(newJitter));
    }

    /** Failures in a row that take an endpoint out, 1 or more; the default is 3. */
    public GrpcHealthCheck unhealthyAfter(int failures) {
        return new GrpcHealthCheck(service, pace.withUnhealthyAfter(failures));
    }

    /** Successes in a row that bring it back, 1 or more; the default is 2. */
    public GrpcHealthCheck healthyAfter(int successes) {
        return new GrpcHealthCheck(service, pace.withHealthyAfter(successes));
    }

    @Override
    public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
        Request request = GrpcHealth.request(service, pace.timeout());
        return services.send(endpoint, request, new CallLimits(pace.timeout(), GrpcHealth.MAX_BYTES))
                .thenCompose(response -> GrpcHealth.verdict(endpoint, response));
    }

    @Override
    public Duration interval() {
        return pace.interval();
    }

    @Override
    public Duration unhealthyInterval() {
        return pace.unhealthyInterval();
    }

    @Override
    public double jitter() {
        return pace.jitter();
    }

    @Override
    public int unhealthyAfter() {
        return pace.unhealthyAfter();
    }

    @Override
    public int healthyAfter() {
        return pace.healthyAfter();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof GrpcHealthCheck that && that.service.equals(service) && that.pace.equals(pace);
    }

    @Override
    public int hashCode() {
        return service.hashCode() * 31 + pace.hashCode();
    }

    @Override
    public String toString() {
        return service.isEmpty() ? "gRPC health" : "gRPC health of " + service;
    }
}
