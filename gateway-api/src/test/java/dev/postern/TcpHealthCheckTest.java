package dev.postern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.testing.FakeServices;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class TcpHealthCheckTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    @Test
    void has_the_defaults_of_all_checks_and_changes_as_a_copy() {
        TcpHealthCheck check = HealthCheck.tcp();
        assertThat(check)
                .returns(Duration.ofSeconds(5), TcpHealthCheck::interval)
                .returns(Duration.ofSeconds(5), TcpHealthCheck::unhealthyInterval)
                .returns(0.1, TcpHealthCheck::jitter)
                .returns(3, TcpHealthCheck::unhealthyAfter)
                .returns(2, TcpHealthCheck::healthyAfter)
                .isEqualTo(HealthCheck.tcp())
                .hasToString("TCP connect");
        List<TcpHealthCheck> others = List.of(
                check.interval(SECOND),
                check.unhealthyInterval(SECOND),
                check.timeout(Duration.ofSeconds(2)),
                check.jitter(0.2),
                check.unhealthyAfter(1),
                check.healthyAfter(1));
        assertThat(others).doesNotHaveDuplicates().doesNotContain(check);
        assertThat(check.interval(SECOND).unhealthyInterval()).isEqualTo(SECOND);
        assertThat(check.interval(SECOND)).isEqualTo(check.interval(SECOND)).hasSameHashCodeAs(check.interval(SECOND));
    }

    @Test
    void what_makes_no_sense_is_refused() {
        TcpHealthCheck check = HealthCheck.tcp();
        List.<Runnable>of(
                        () -> check.timeout(Duration.ZERO),
                        () -> check.interval(Duration.ofSeconds(-1)),
                        () -> check.unhealthyInterval(Duration.ZERO),
                        () -> check.jitter(1),
                        () -> check.unhealthyAfter(0),
                        () -> check.healthyAfter(0))
                .forEach(wrong -> assertThatThrownBy(wrong::run).hasMessageContaining("(expected: "));
    }

    @Test
    void a_runtime_that_makes_no_connections_says_so() {
        assertThatThrownBy(() -> HealthCheck.tcp()
                        .check(Endpoint.of("http://10.0.0.7:8081"), new FakeServices())
                        .toCompletableFuture()
                        .join())
                .isInstanceOf(CompletionException.class)
                .hasRootCauseInstanceOf(UnsupportedOperationException.class);
    }
}
