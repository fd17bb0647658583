package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.postern.testing.FakeServices;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who the endpoints are, and whether they are well. */
class DiscoveryTest {
    private static final List<Endpoint> A = List.of(Endpoint.of("http://a"));
    private static final List<Endpoint> B = List.of(Endpoint.of("http://b"));

    private final FakeServices services = new FakeServices();

    @Test
    void a_watcher_is_told_at_once_and_at_every_change() {
        ManualDiscovery discovery = Discovery.manual("http://a");
        List<List<Endpoint>> told = new ArrayList<>();

        discovery.watch(services, told::add);
        discovery.set(B);
        discovery.set(List.of());

        assertThat(told).containsExactly(A, B, List.of());
        assertThat(discovery.endpoints()).isEmpty();
    }

    @Test
    void after_a_watch_has_stopped_only_the_others_are_told() {
        ManualDiscovery discovery = Discovery.manual();
        List<List<Endpoint>> first = new ArrayList<>();
        List<List<Endpoint>> second = new ArrayList<>();
        Discovery.Watch watch = discovery.watch(services, first::add);
        discovery.watch(services, second::add);

        watch.stop();
        discovery.set(A);

        assertThat(first).containsExactly(List.of());
        assertThat(second).containsExactly(List.of(), A);
    }

    // A set() under way on another thread used to tell a watcher whose stop() had already returned.
    @Test
    @Timeout(20)
    void stopping_waits_for_a_change_that_is_being_told() throws Exception {
        ManualDiscovery discovery = Discovery.manual();
        CountDownLatch telling = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        List<String> order = new ArrayList<>();
        Discovery.Watch watch = discovery.watch(services, endpoints -> {
            if (!endpoints.isEmpty()) {
                telling.countDown();
                awaited(goOn);
                order.add("told");
            }
        });
        Thread setter = new Thread(() -> discovery.set(A));
        setter.start();
        telling.await();
        Thread stopper = new Thread(() -> {
            watch.stop();
            order.add("stopped");
        });
        stopper.start();
        while (stopper.getState() != Thread.State.BLOCKED && stopper.isAlive()) {
            Thread.onSpinWait();
        }
        goOn.countDown();
        setter.join();
        stopper.join();

        assertThat(order).containsExactly("told", "stopped");
    }

    private static void awaited(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void a_list_is_copied_and_holds_no_null() {
        ManualDiscovery discovery = Discovery.manual();
        List<Endpoint> mine = new ArrayList<>(A);
        discovery.set(mine);

        mine.clear();

        assertThat(discovery.endpoints()).isEqualTo(A);
        assertThatNullPointerException().isThrownBy(() -> discovery.set(null));
        assertThatNullPointerException().isThrownBy(() -> Discovery.manual((String) null));
    }

    @ParameterizedTest
    @CsvSource({"200, true", "204, true", "299, true", "300, false", "404, false", "500, false"})
    void an_endpoint_is_well_when_it_answers_with_2xx(int status, boolean well) {
        services.answering((endpoint, request) -> CompletableFuture.completedFuture(Response.of(status)));

        assertThat(HealthCheck.http("/health").check(A.get(0), services)).isCompletedWithValue(well);
    }

    // The query was cut off: /health?deep asked for /health.
    @Test
    void a_check_asks_for_path_and_query() {
        List<String> asked = new ArrayList<>();
        services.answering((endpoint, request) -> {
            asked.add(endpoint + request.target());
            return CompletableFuture.completedFuture(Response.of(200));
        });

        HealthCheck.http("/health?deep=1").check(A.get(0), services);

        assertThat(asked).containsExactly("http://a/health?deep=1");
    }

    @Test
    void a_check_has_the_pace_of_its_documentation() {
        HealthCheck check = HealthCheck.http("/health");
        HealthCheck mine = (endpoint, lent) -> CompletableFuture.completedFuture(true);

        assertThat(check.interval()).isEqualTo(Duration.ofSeconds(5));
        assertThat(mine.interval()).isEqualTo(Duration.ofSeconds(5));
        assertThat(mine.unhealthyAfter()).isEqualTo(3);
        assertThat(mine.healthyAfter()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"200, up and well, true", "200, down, false", "302, up, true", "303, up, false", "404, up, false"})
    void a_check_may_ask_for_a_status_and_a_text(int status, String text, boolean well) {
        services.answering((endpoint, request) ->
                CompletableFuture.completedFuture(Response.of(status).withBody(Body.of(text))));

        HealthCheck check = HealthCheck.http("/health").expecting(200, 302).containing("up");

        assertThat(check.check(A.get(0), services)).isCompletedWithValue(well);
    }

    @Test
    void a_check_has_the_pace_it_is_told() {
        HttpHealthCheck check = HealthCheck.http("/health")
                .interval(Duration.ofSeconds(2))
                .unhealthyInterval(Duration.ofSeconds(1))
                .jitter(0.5)
                .unhealthyAfter(4)
                .healthyAfter(5)
                .timeout(Duration.ofMillis(300));

        assertThat(check.interval()).isEqualTo(Duration.ofSeconds(2));
        assertThat(check.unhealthyInterval()).isEqualTo(Duration.ofSeconds(1));
        assertThat(check.jitter()).isEqualTo(0.5);
        assertThat(check.unhealthyAfter()).isEqualTo(4);
        assertThat(check.healthyAfter()).isEqualTo(5);
        assertThat(HealthCheck.http("/health").interval(Duration.ofSeconds(2)).unhealthyInterval())
                .isEqualTo(Duration.ofSeconds(2));
        assertThat(check).hasToString("GET /health");
    }
}
