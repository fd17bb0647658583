package dev.postern.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Gateway;
import dev.postern.GatewayConfig;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** That the comparison measures what it says, and judges as it says. */
class CompareTest {
    @Test
    void what_is_measured_as_postern_are_the_shipped_defaults_with_metrics_on() {
        GatewayConfig measured = PosternPeer.gateway(0, 19_000, 0, 0).config();

        GatewayConfig shipped = Gateway.builder()
                .listen(Listener.http(0))
                .upstream(Upstream.builder("origin")
                        .endpoints("http://127.0.0.1:19000")
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .to("origin")
                        .build())
                .build()
                .config();
        assertThat(measured.listeners()).isEqualTo(shipped.listeners());
        assertThat(measured.upstreams()).isEqualTo(shipped.upstreams());
        assertThat(measured.routes()).isEqualTo(shipped.routes());
        assertThat(measured.filters()).isEmpty();
        assertThat(measured.errorHandler()).isEqualTo(shipped.errorHandler());
        assertThat(measured.observers()).hasSize(1);
    }

    @Test
    void the_gate_fails_only_when_the_median_and_the_best_rounds_exceed_the_limit() {
        assertThat(Gate.exceeds(1.31, 1.31, 1.30)).isTrue();
        assertThat(Gate.exceeds(1.90, 1.30, 1.30)).isFalse();
        assertThat(Gate.exceeds(1.30, 1.90, 1.30)).isFalse();
    }

    @Test
    void a_target_says_whether_it_was_met_and_never_that_what_was_not_measured_was() {
        Target target = Target.atMost(1.18, 1.08, "× raw");

        assertThat(target.verdict(1.05)).isEqualTo("≤ 1.18 × raw: met; stretch ≤ 1.08: met");
        assertThat(target.verdict(1.18)).isEqualTo("≤ 1.18 × raw: met; stretch ≤ 1.08: missed");
        assertThat(target.verdict(1.19)).isEqualTo("≤ 1.18 × raw: **missed**; stretch ≤ 1.08: missed");
        assertThat(target.verdict(Double.NaN)).isEqualTo("≤ 1.18 × raw: not measured");
        assertThat(Target.stretch(0.85, "× nginx").verdict(0.86)).isEqualTo("stretch ≤ 0.85 × nginx: missed");
    }

    @Test
    void the_scores_of_jmh_are_found_by_method_parameter_and_metric() {
        JmhTable table = JmhTable.of(List.of(
                "\"Benchmark\",\"Mode\",\"Threads\",\"Samples\",\"Score\",\"Score Error (99.9%)\",\"Unit\",\"Param: filter\"",
                "\"dev.postern.X.answer\",\"avgt\",1,5,812.5,3.0,\"ns/op\",none",
                "\"dev.postern.X.answer:gc.alloc.rate.norm\",\"avgt\",1,5,1424.0,0.1,\"B/op\",none"));

        assertThat(table.value("answer", "none", "")).isEqualTo(812.5);
        assertThat(table.value("answer", "none", "gc.alloc.rate.norm")).isEqualTo(1424);
        assertThat(table.value("answer", "jwt", "")).isNaN();
    }

    @Test
    void an_option_that_is_not_known_is_refused_instead_of_ignored() {
        assertThatThrownBy(() -> Settings.of(Map.of("round", "9")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("option round (expected: one of");
    }
}
