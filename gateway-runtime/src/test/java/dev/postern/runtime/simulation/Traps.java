package dev.postern.runtime.simulation;

import dev.postern.Hedging;
import dev.postern.LoadBalancer;
import dev.postern.OutlierDetection;
import dev.postern.RetryPolicy;
import dev.postern.Upstream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Simulations in which a certain bug would show. Loaded anew for each bug, with the class that has it. */
final class Traps {
    private static final int SEEDS = 2;

    private Traps() {}

    /** What the simulator says about this one, or null when all is well. Called by reflection. */
    static @Nullable String spring(String name) {
        try {
            simulation(name).check(1, SEEDS);
            return null;
        } catch (AssertionError found) {
            return found.getMessage();
        }
    }

    private static Simulation simulation(String name) {
        Behaviour well = Behaviour.answering(Duration.ofMillis(20));
        RetryPolicy.Builder retry = RetryPolicy.builder()
                .onConnectFailure()
                .onReset()
                .onGatewayErrors()
                .maxRetries(3);
        return switch (name) {
            case "permits" ->
                Simulation.of(three().build())
                        .behaviour(Behaviour.answering(Duration.ofSeconds(1)))
                        .leaving(0.3)
                        .duration(Duration.ofSeconds(10))
                        .build();
            case "budget" ->
                Simulation.of(three().retry(retry.backOff(Duration.ofSeconds(1), Duration.ofSeconds(2))
                                        .budget(0.2, 1)
                                        .build())
                                .build())
                        .behaviour(well.failing(1, 503))
                        .leaving(0.6)
                        .build();
            case "share" ->
                Simulation.of(three().endpoints("http://d", "http://e")
                                .outlierDetection(OutlierDetection.builder()
                                        .maxEjectedShare(0.4)
                                        .build())
                                .build())
                        .behaviour(well.failing(1, 500))
                        .duration(Duration.ofSeconds(10))
                        .build();
            case "deadline" ->
                Simulation.of(three().retry(retry.backOff(Duration.ofSeconds(1), Duration.ofSeconds(4))
                                        .withoutBudget()
                                        .build())
                                .build())
                        .behaviour(well.failing(1, 503))
                        .deadline(Duration.ofSeconds(2))
                        .duration(Duration.ofSeconds(10))
                        .build();
            case "stale" ->
                Simulation.of(three().retry(retry.backOff(Duration.ofSeconds(1), Duration.ofSeconds(1))
                                        .withoutBudget()
                                        .build())
                                .build())
                        .behaviour(well.failing(0.5, 503))
                        .leaves(Duration.ofSeconds(5), "http://b")
                        .duration(Duration.ofSeconds(10))
                        .build();
            case "probes" ->
                Simulation.of(three().build())
                        .behaves(Duration.ofSeconds(2), "http://b", Behaviour.unreachable())
                        .build();
            case "forgiving" ->
                Simulation.of(three().loadBalancer(LoadBalancer.peakEwma()).build())
                        .behaves(Duration.ofSeconds(5), "http://b", Behaviour.answering(Duration.ofMillis(400)))
                        .behaves(Duration.ofSeconds(10), "http://b", well)
                        .duration(Duration.ofSeconds(90))
                        .property(Property.forgivesWithin(Duration.ofSeconds(60), 0.3))
                        .build();
            case "warming" ->
                Simulation.of(three().slowStart(Duration.ofSeconds(20)).build())
                        .joins(Duration.ofSeconds(20), "http://d", well)
                        .duration(Duration.ofSeconds(45))
                        .property(Property.warmsUpBelow(0.6))
                        .build();
            case "losers" ->
                Simulation.of(three().hedging(Hedging.after(Duration.ofMillis(30)))
                                .build())
                        .behaviour("http://b", Behaviour.answering(Duration.ofMillis(300)))
                        .duration(Duration.ofSeconds(20))
                        .build();
            case "panic" ->
                Simulation.of(three().endpoints("http://d", "http://e")
                                .outlierDetection(OutlierDetection.standard())
                                .build())
                        .behaviour("http://b", well.failing(1, 500))
                        .duration(Duration.ofSeconds(20))
                        .build();
            case "jitter" ->
                Simulation.of(three().retry(retry.withoutBudget().build()).build())
                        .behaviour(well.failing(1, 503))
                        .duration(Duration.ofSeconds(10))
                        .build();
            case "wrap" ->
                Simulation.of(three().build()).duration(Duration.ofSeconds(20)).build();
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static Upstream.Builder three() {
        return Upstream.builder("orders").endpoints("http://a", "http://b", "http://c");
    }
}
