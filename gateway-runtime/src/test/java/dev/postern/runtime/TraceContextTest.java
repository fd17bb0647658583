package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.ClientInfo;
import dev.postern.Headers;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.runtime.observe.FakeServices;
import dev.postern.runtime.observe.Trace;
import dev.postern.testing.FakeChain;
import dev.postern.testing.FakeExchange;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceContextTest {
    private static final String ID = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String SPAN = "00f067aa0ba902b7";
    private static final String WELL_FORMED = "00-" + ID + "-" + SPAN + "-01";
    private static final String TRACEPARENT = "00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]";

    @Test
    void a_caller_without_a_trace_gets_one_that_the_log_can_show() {
        FakeChain chain = chain();
        Request upstream = run(TraceContext.restartingUntrusted(), chain, Request.get("/"));
        String parent = upstream.header("traceparent");
        assertThat(parent).matches(TRACEPARENT).endsWith("-03");
        assertThat(chain.fakeExchange().get(TraceContext.TRACE_ID)).isEqualTo(parent.substring(3, 35));
        assertThat(upstream.headers().contains("tracestate")).isFalse();
    }

    @Test
    void strangers_cannot_join_a_trace_nor_choose_its_sampling() {
        Request request = traced(WELL_FORMED).withHeader("tracestate", "vendor=1");
        Request upstream = run(TraceContext.restartingUntrusted().sampled(0), chain(), request);
        assertThat(upstream.header("traceparent"))
                .matches(TRACEPARENT)
                .doesNotContain(ID)
                .doesNotContain(SPAN)
                .endsWith("-02");
        assertThat(upstream.headers().contains("tracestate")).isFalse();
    }

    @Test
    void trusted_proxies_have_their_traces_continued() {
        FakeChain chain = chain();
        chain.fakeExchange().client(ClientInfo.local().viaTrustedProxy());
        Request upstream = run(TraceContext.restartingUntrusted(), chain, traced(WELL_FORMED));
        assertContinued(upstream, "01");
        assertThat(chain.fakeExchange().get(TraceContext.TRACE_ID)).isEqualTo(ID);
    }

    @Test
    void everybody_has_their_traces_continued_where_that_was_asked_for() {
        Request request = traced(WELL_FORMED).withHeader("tracestate", "a=1, b=2,");
        Request upstream = run(TraceContext.continuing(), chain(), request);
        assertContinued(upstream, "01");
        assertThat(upstream.headers().all("tracestate")).containsExactly("a=1,b=2");
    }

    @ParameterizedTest
    @CsvSource({
        "00, 00", "01, 01", "02, 02", "03, 03", "04, 00", "ff, 03", "f9, 01",
    })
    void sampled_and_random_flags_are_kept_and_unknown_ones_are_not(String sent, String passed) {
        assertContinued(run(TraceContext.continuing(), chain(), traced("00-" + ID + "-" + SPAN + "-" + sent)), passed);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-", "-what-the-future-will-be-like"})
    void later_versions_are_read_as_far_as_they_are_known_and_written_as_version_00(String rest) {
        assertContinued(run(TraceContext.continuing(), chain(), traced("cc-" + ID + "-" + SPAN + "-01" + rest)), "01");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-012",
                "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
                "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "CC-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
                "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
                "00-.bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-.0f067aa0ba902b7-01",
            })
    void a_malformed_traceparent_restarts_the_trace_and_takes_tracestate_with_it(String parent) {
        Request request = traced(parent).withHeader("tracestate", "a=1");
        Request upstream = run(TraceContext.continuing(), chain(), request);
        assertThat(upstream.headers().all("traceparent")).hasSize(1);
        assertThat(upstream.header("traceparent")).matches(TRACEPARENT).isNotEqualTo(parent);
        assertThat(upstream.headers().contains("tracestate")).isFalse();
    }

    @Test
    void two_traceparents_name_no_trace() {
        Request request = Request.get("/")
                .withHeaders(Headers.of("traceparent", WELL_FORMED).adding("Traceparent", WELL_FORMED));
        Request upstream = run(TraceContext.continuing(), chain(), request);
        assertThat(upstream.headers().all("traceparent")).hasSize(1);
        assertThat(upstream.header("traceparent")).doesNotContain(ID);
    }

    @Test
    void a_malformed_tracestate_goes_alone() {
        Request request = traced(WELL_FORMED).withHeader("tracestate", "A=1");
        Request upstream = run(TraceContext.continuing(), chain(), request);
        assertContinued(upstream, "01");
        assertThat(upstream.headers().contains("tracestate")).isFalse();
    }

    @Test
    void proceeding_again_stays_in_the_trace_with_another_parent_id() {
        FakeChain chain = chain();
        TraceContext filter = TraceContext.restartingUntrusted();
        String first = run(filter, chain, Request.get("/")).header("traceparent");
        String second = run(filter, chain, Request.get("/")).header("traceparent");
        assertThat(second.substring(0, 35)).isEqualTo(first.substring(0, 35));
        assertThat(second.substring(36, 52)).isNotEqualTo(first.substring(36, 52));
    }

    @Test
    void further_attempts_have_parent_ids_of_their_own() {
        FakeChain chain = chain();
        Request first =
                run(TraceContext.continuing(), chain, traced(WELL_FORMED).withHeader("tracestate", "a=1"));
        Request second = Trace.renewed(first, chain.exchange());
        assertContinued(second, "01");
        assertThat(second.header("traceparent")).isNotEqualTo(first.header("traceparent"));
        assertThat(second.header("tracestate")).isEqualTo("a=1");
    }

    @Test
    void an_attempt_outside_any_trace_stays_as_it_is() {
        Request foreign = traced(WELL_FORMED);
        assertThat(Trace.renewed(foreign, new FakeExchange())).isSameAs(foreign);
        assertThat(Trace.joined(foreign, new FakeExchange())).isSameAs(foreign);
    }

    @Test
    void an_attempt_from_which_a_filter_took_the_trace_does_not_get_it_back() {
        FakeChain chain = chain();
        Request bare =
                run(TraceContext.continuing(), chain, traced(WELL_FORMED)).withoutHeader("traceparent");
        assertThat(Trace.renewed(bare, chain.exchange())).isSameAs(bare);
    }

    @Test
    void calls_within_an_exchange_join_its_trace() {
        FakeChain chain = chain();
        run(TraceContext.continuing(), chain, traced(WELL_FORMED).withHeader("tracestate", "a=1"));
        Request call = Trace.joined(Request.get("/users/7"), chain.exchange());
        assertContinued(call, "01");
        assertThat(call.header("tracestate")).isEqualTo("a=1");
        assertThat(chain.exchange().get(Trace.CURRENT)).hasToString(ID);
    }

    @ParameterizedTest
    @CsvSource({"1024, true", "1025, false"})
    void baggage_is_passed_on_up_to_one_kibibyte(int bytes, boolean passed) {
        Request request = Request.get("/").withHeader("Baggage", "k=" + "v".repeat(bytes - 2));
        assertThat(run(TraceContext.continuing(), chain(), request).headers().contains("baggage"))
                .isEqualTo(passed);
    }

    @Test
    void baggage_in_several_lines_counts_together() {
        String half = "k=" + "v".repeat(510);
        Headers halves = Headers.of("baggage", half).adding("baggage", half);
        assertThat(run(TraceContext.continuing(), chain(), Request.get("/").withHeaders(halves))
                        .headers()
                        .contains("baggage"))
                .as("512 + 1 + 512 bytes")
                .isFalse();
    }

    @Test
    void ids_come_from_the_gateways_generator() {
        assertThat(firstParent(7)).isEqualTo(firstParent(7)).isNotEqualTo(firstParent(8));
    }

    @Test
    void a_generator_of_zeros_still_makes_valid_ids() {
        TraceContext filter = TraceContext.restartingUntrusted();
        filter.start(new FakeServices(() -> 0)).toCompletableFuture().join();
        assertThat(run(filter, chain(), Request.get("/")).header("traceparent"))
                .isEqualTo("00-00000000000000000000000000000001-0000000000000001-03");
    }

    @Test
    void the_share_of_sampled_traces_is_the_one_asked_for() {
        TraceContext filter = TraceContext.restartingUntrusted().sampled(0.25);
        filter.start(new FakeServices(42)).toCompletableFuture().join();
        int sampled = 0;
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            String parent = run(filter, chain(), Request.get("/")).header("traceparent");
            sampled += parent.endsWith("-03") ? 1 : 0;
            ids.add(parent.substring(3, 35));
        }
        assertThat(sampled).isBetween(2_350, 2_650);
        assertThat(ids).hasSize(10_000);
    }

    @Test
    void filters_with_the_same_options_are_equal() {
        assertThat(TraceContext.restartingUntrusted())
                .isEqualTo(TraceContext.restartingUntrusted().sampled(1))
                .hasSameHashCodeAs(TraceContext.restartingUntrusted())
                .isNotEqualTo(TraceContext.continuing())
                .isNotEqualTo(TraceContext.restartingUntrusted().sampled(0.5))
                .hasToString("TraceContext[restarting untrusted, sampled 1.0]");
        assertThat(TraceContext.continuing()).hasToString("TraceContext[continuing, sampled 1.0]");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void a_share_outside_0_to_1_is_refused(double share) {
        assertThatThrownBy(() -> TraceContext.continuing().sampled(share))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("share: " + share + " (expected: 0 to 1)");
    }

    private static String firstParent(long seed) {
        TraceContext filter = TraceContext.restartingUntrusted();
        filter.start(new FakeServices(seed)).toCompletableFuture().join();
        return run(filter, chain(), Request.get("/")).header("traceparent");
    }

    private static FakeChain chain() {
        return FakeChain.answering(Response.of(200));
    }

    private static Request traced(String parent) {
        return Request.get("/").withHeader("traceparent", parent);
    }

    private static Request run(TraceContext filter, FakeChain chain, Request request) {
        assertThat(chain.run(filter, request).status()).isEqualTo(200);
        return chain.proceeded().get(chain.proceeded().size() - 1);
    }

    private static void assertContinued(Request upstream, String flags) {
        assertThat(upstream.headers().all("traceparent")).hasSize(1);
        assertThat(upstream.header("traceparent"))
                .matches(TRACEPARENT)
                .startsWith("00-" + ID + "-")
                .doesNotContain(SPAN)
                .endsWith("-" + flags);
    }
}
