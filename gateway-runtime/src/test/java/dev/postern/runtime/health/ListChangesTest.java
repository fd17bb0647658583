package dev.postern.runtime.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.HealthCheck;
import dev.postern.OutlierDetection;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Of a long list little changes at a time: what is kept for endpoints is made and ended for those that change. */
class ListChangesTest {
    private static final int ENDPOINTS = 1_000;

    private final LentServices services = new LentServices();
    private final Cluster cluster = new Cluster("orders", services.time, 0);
    private final Prober prober = new Prober(any -> services);
    private final Outliers outliers = new Outliers(services);

    /** Is asked for its interval once by each probe that is made. */
    private static final class Counted implements HealthCheck {
        private final AtomicInteger probes = new AtomicInteger();

        @Override
        public CompletionStage<Boolean> check(Endpoint endpoint, Services services) {
            return CompletableFuture.completedFuture(true);
        }

        @Override
        public Duration interval() {
            probes.incrementAndGet();
            return Duration.ofSeconds(5);
        }
    }

    @Test
    void one_endpoint_that_is_exchanged_among_a_thousand_is_the_only_one_that_anything_is_done_for() {
        Counted check = new Counted();
        Upstream config = Upstream.builder("orders")
                .healthCheck(check)
                .outlierDetection(OutlierDetection.standard())
                .build();
        List<Endpoint> list = new ArrayList<>();
        for (int i = 0; i < ENDPOINTS; i++) {
            list.add(Endpoint.of("http://10.0." + i / 256 + "." + i % 256 + ":8080"));
        }
        ClusterView before = watched(cluster.view(config, list));
        before.endpoints().get(7).health(false);
        int timers = services.time.pending();
        int probes = check.probes.get();
        list.set(500, Endpoint.of("http://10.1.0.1:8080"));
        ClusterView after = watched(cluster.view(config, list));
        int same = 0;
        for (int i = 0; i < ENDPOINTS; i++) {
            same += after.endpoints().get(i) == before.endpoints().get(i) ? 1 : 0;
        }
        assertThat(same).isEqualTo(ENDPOINTS - 1);
        assertThat(after.endpoints().get(7).well()).isFalse();
        assertThat(check.probes).hasValue(probes + 1);
        // One check began and one ended; the others keep their turns.
        assertThat(services.time.pending()).isEqualTo(timers);
        prober.stop();
        outliers.stop();
    }

    private ClusterView watched(ClusterView view) {
        outliers.watch(view);
        prober.watch(view);
        return view;
    }
}
