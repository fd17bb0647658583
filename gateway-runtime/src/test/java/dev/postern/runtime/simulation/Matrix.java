package dev.postern.runtime.simulation;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.OutlierDetection;
import dev.postern.RequestKey;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The policies under which chaos is let loose: every balancer with every set of the others. 20 requests a second for 60 s are
 * 1,200; troubles are three to five endpoints' worth.
 */
final class Matrix {
    private Matrix() {}

    static List<Simulation> simulations() {
        RequestKey key = RequestKey.header("x");
        List<LoadBalancer> balancers = List.of(
                LoadBalancer.roundRobin(),
                LoadBalancer.leastRequests(),
                LoadBalancer.peakEwma(),
                LoadBalancer.weightedLeastRequests(),
                LoadBalancer.weighted(),
                LoadBalancer.random(),
                LoadBalancer.ringHash(key),
                LoadBalancer.maglev(key),
                LoadBalancer.boundedHash(key, 1.25),
                LoadBalancer.strictHash(key));
        RetryPolicy retry = RetryPolicy.builder()
                .onConnectFailure()
                .onReset()
                .onGatewayErrors()
                .maxRetries(3)
                .budget(0.2, 1)
                .build();
        List<UnaryOperator<Upstream.Builder>> policies = List.of(
                upstream -> upstream.retry(retry),
                upstream -> upstream.retry(retry)
                        .outlierDetection(OutlierDetection.builder()
                                .maxEjectedShare(0.4)
                                .baseEjection(Duration.ofSeconds(5))
                                .interval(Duration.ofSeconds(2))
                                .build())
                        .slowStart(Duration.ofSeconds(5)),
                upstream -> upstream.retry(retry)
                        .healthCheck(HealthCheck.http("/health"))
                        .slowStart(Duration.ofSeconds(3))
                        .panicThreshold(0.3),
                upstream -> upstream.retry(retry)
                        .firstByteTimeout(Duration.ofSeconds(1))
                        .hedging(Hedging.after(Duration.ofMillis(60)).share(0.1))
                        .outlierDetection(OutlierDetection.standard())
                        .healthCheck(HealthCheck.http("/health")),
                upstream -> upstream.retry(retry)
                        .priorities("priority")
                        .outlierDetection(OutlierDetection.standard())
                        .healthCheck(HealthCheck.http("/health")),
                upstream -> upstream.retry(RetryPolicy.builder()
                                .onConnectFailure()
                                .onTimeout()
                                .perTryTimeout(Duration.ofMillis(500))
                                .budget(0.1, 2)
                                .build())
                        .preferZone("zone", "here")
                        .hedging(Hedging.afterPercentile(0.95).share(0.05))
                        .slowStart(Duration.ofSeconds(4)),
                upstream -> upstream.retry(retry)
                        .subset("version", RequestKey.header("version"))
                        .outlierDetection(OutlierDetection.standard())
                        .panicThreshold(0),
                upstream -> upstream.outlierDetection(OutlierDetection.builder()
                                .interval(Duration.ofSeconds(3))
                                .baseEjection(Duration.ofSeconds(2))
                                .failureShare(0.5, 3, 20)
                                .maxEjectedShare(0.5)
                                .build())
                        .slowStart(Duration.ofSeconds(2)));
        List<Simulation> simulations = new ArrayList<>();
        for (LoadBalancer balancer : balancers) {
            for (UnaryOperator<Upstream.Builder> policy : policies) {
                Upstream upstream = policy.apply(Upstream.builder("orders")
                                .loadBalancer(balancer)
                                .endpoint(labelled("http://a", "0", "here", "1"))
                                .endpoint(labelled("http://b", "0", "here", "1"))
                                .endpoint(
                                        labelled("http://c", "0", "there", "1").weight(3))
                                .endpoint(labelled("http://d", "1", "there", "2"))
                                .endpoint(labelled("http://e", "1", "there", "2")))
                        .build();
                Simulation.Builder simulation = Simulation.of(upstream)
                        .requestsPerSecond(20)
                        .chaos(5)
                        .leaving(0.05)
                        .writes(0.2)
                        .property(Property.amplificationAtMost(1.3));
                // A strict hash refuses rather than goes elsewhere while its endpoint is out, so it may take longer.
                if (!balancer.equals(LoadBalancer.strictHash(key))) {
                    simulation.property(Property.recoversWithin(Duration.ofSeconds(10), 0.95));
                }
                simulations.add(simulation.build());
            }
        }
        return simulations;
    }

    private static Endpoint labelled(String uri, String priority, String zone, String version) {
        return Endpoint.of(uri).label("priority", priority).label("zone", zone).label("version", version);
    }
}
