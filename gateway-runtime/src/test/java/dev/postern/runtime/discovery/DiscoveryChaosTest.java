package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Upstream;
import dev.postern.runtime.ConsulDiscovery;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.Selection;
import dev.postern.runtime.rig.Figures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/**
 * A register whose content changes all the time and of whose answers 30 % are bad. In virtual time; {@code
 * -Dpostern.discovery.changes=100000} makes the long run.
 */
class DiscoveryChaosTest {
    private static final int CHANGES = Integer.getInteger("postern.discovery.changes", 5_000);
    private static final int SEED = Integer.getInteger("postern.discovery.seed", 1);
    private static final Duration STEP = Duration.ofMillis(50);

    private final ScriptedServices services = new ScriptedServices();
    private final Random random = new Random(SEED);
    private final Set<Integer> registered = new TreeSet<>(List.of(1, 2, 3, 4, 5));
    /** When the gateway was told of a list without this endpoint, in virtual nanoseconds. */
    private final Map<String, Long> gone = new HashMap<>();

    private Set<String> toldLast = Set.of();
    private long index = 1;
    private long good;
    private long bad;

    @Test
    void nobody_removed_is_used_after_a_second_and_the_pool_is_never_empty() {
        services.network = this::answer;
        Rosters rosters = new Rosters(services, SEED, new Rosters.Listener() {
            @Override
            public void changed(ClusterView view) {
                // Judged by who is picked.
            }

            @Override
            public void gone(String upstream) {
                // Judged by who is picked.
            }
        });
        Roster roster = rosters.open(Upstream.builder("orders")
                .discovery(ConsulDiscovery.service("http://127.0.0.1:8500", "orders"))
                .build());
        while (good == 0) {
            services.time.advance(STEP);
        }
        long picks = 0;
        for (int change = 0; change < CHANGES; change++) {
            mutate();
            for (int step = 0, steps = 1 + random.nextInt(30); step < steps; step++) {
                services.time.advance(STEP);
                ClusterView view = roster.current();
                assertThat(view.endpoints()).as("change %s", change).isNotEmpty();
                Selection selection = view.select(Request.get("/"), null);
                assertThat(selection).as("change %s", change).isNotNull();
                String uri = selection.endpoint().uri();
                Long since = gone.get(uri);
                assertThat(since == null || services.time.nanoTime() - since <= 1_000_000_000L)
                        .as("change %s: %s was removed %s ns ago", change, uri, since)
                        .isTrue();
                picks++;
                selection.release();
            }
        }
        roster.close();
        Figures.seen("changes %d, good answers %d, bad %d, picks %d", CHANGES, good, bad, picks);
        assertThat(bad).isGreaterThan(good / 5);
        assertThat(services.time.pending()).isZero();
    }

    private void mutate() {
        index++;
        switch (random.nextInt(4)) {
            case 0 -> registered.add(1 + random.nextInt(40));
            case 1, 2 -> {
                if (random.nextInt(20) == 0) {
                    // A new version of everything.
                    registered.clear();
                }
                registered.remove(1 + random.nextInt(40));
                registered.add(1 + random.nextInt(40));
            }
            default -> registered.remove(registered.iterator().next());
        }
        if (registered.isEmpty()) {
            registered.add(1 + random.nextInt(40));
        }
    }

    private CompletionStage<Response> answer(Request request) {
        if (random.nextInt(10) < 3) {
            bad++;
            return switch (random.nextInt(6)) {
                case 0 -> CompletableFuture.failedFuture(new IllegalStateException("connection reset"));
                case 1 -> CompletableFuture.completedFuture(Response.text(500, "No cluster leader"));
                case 2 -> CompletableFuture.completedFuture(Response.text(200, "[]"));
                case 3 -> CompletableFuture.completedFuture(Response.text(200, "[{\"Service\": "));
                case 4 -> CompletableFuture.completedFuture(Response.text(200, "<html>"));
                default ->
                    CompletableFuture.completedFuture(
                            Response.text(200, "[{\"Node\": {}, \"Service\": {\"Port\": 0}}]"));
            };
        }
        good++;
        List<String> instances = new ArrayList<>();
        Set<String> now = new HashSet<>();
        for (int host : registered) {
            instances.add("{\"Node\": {\"Address\": \"10.0.0." + host + "\"}, \"Service\": {\"Port\": 8080}}");
            now.add("http://10.0.0." + host + ":8080");
        }
        for (String uri : toldLast) {
            if (!now.contains(uri)) {
                gone.putIfAbsent(uri, services.time.nanoTime());
            }
        }
        now.forEach(gone::remove);
        toldLast = now;
        return CompletableFuture.completedFuture(
                Response.text(200, instances.toString()).withHeader("X-Consul-Index", String.valueOf(index)));
    }
}
