package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.HealthCheck;
import dev.postern.Hedging;
import dev.postern.Match;
import dev.postern.OutlierDetection;
import dev.postern.Request;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.rig.GatewayRig;
import dev.postern.runtime.rig.RawClient;
import dev.postern.runtime.rig.RawOrigin;
import dev.postern.runtime.rig.Running;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Endpoints that fail over sockets, and what the gateway makes of it. */
class HealingTest {
    private static final String FAILED = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

    @RegisterExtension
    final GatewayRig rig = GatewayRig.ofLoops(4);

    @Test
    void an_endpoint_that_answers_5xx_is_ejected_seen_as_such_and_comes_back() throws Exception {
        AtomicInteger bad = new AtomicInteger();
        RawOrigin flaky = rig.origin((request, in, out, socket) -> {
            RawOrigin.Script script = bad.getAndIncrement() < 5 ? RawOrigin.bytes(FAILED) : RawOrigin.ok("back");
            return script.answer(request, in, out, socket);
        });
        RawOrigin good = rig.origin(RawOrigin.ok("good"));
        Running running = start(
                upstream -> upstream.outlierDetection(OutlierDetection.builder()
                        .interval(Duration.ofMillis(100))
                        .baseEjection(Duration.ofMillis(500))
                        .build()),
                flaky,
                good);
        RawClient client = running.client();
        int failures = 0;
        for (int i = 0; i < 10; i++) {
            failures += client.get("/").read().status() == 500 ? 1 : 0;
        }
        assertThat(failures).isEqualTo(5);
        UpstreamState.EndpointState state =
                running.gateway().upstream("orders").endpoints().get(0);
        assertThat(state.ejection()).isEqualTo("5 answers of 5xx in a row");
        assertThat(running.gateway().upstream("orders").policies().ejections()).isEqualTo(1);
        assertThat(state.usable()).isFalse();
        assertThat(state.healthy()).isTrue();
        List<String> lines = running.gateway()
                .explain(Request.get("/"), ClientInfo.of(new java.net.InetSocketAddress("127.0.0.1", 1)))
                .endpoints();
        assertThat(lines.get(0)).contains(": ejected for PT0.").contains(" after 5 answers of 5xx in a row");
        for (int i = 0; i < 4; i++) {
            assertThat(client.get("/").read().text()).isEqualTo("good");
        }
        org.awaitility.Awaitility.await()
                .until(() -> client.get("/").read().text().equals("back"));
        assertThat(rig.warnings())
                .filteredOn(line -> line.contains("is ejected"))
                .hasSize(1);
    }

    @Test
    void a_deadline_that_passes_while_an_endpoint_is_silent_counts_against_it_and_a_client_that_leaves_does_not()
            throws Exception {
        RawOrigin silent = rig.origin((request, in, out, socket) -> in.read() >= 0);
        RawOrigin good = rig.origin(RawOrigin.ok("good"));
        Running running = start(
                upstream -> upstream.outlierDetection(
                        OutlierDetection.builder().consecutive5xx(2).build()),
                silent,
                good);
        while (silent.received().size() < 3) {
            int seen = silent.received().size();
            int ended = running.outcomes().size();
            RawClient impatient = running.client().get("/");
            org.awaitility.Awaitility.await()
                    .until(() -> silent.received().size() > seen
                            || running.outcomes().size() > ended);
            impatient.close();
        }
        running.checkNothingHeld();
        assertThat(running.gateway().upstream("orders").endpoints().get(0).ejection())
                .isNull();
        // More than two may be needed: on a busy machine the deadline may pass before anything was sent.
        org.awaitility.Awaitility.await().until(() -> {
            running.client().get("/").read();
            return running.gateway().upstream("orders").endpoints().get(0).ejection() != null;
        });
        assertThat(running.gateway().upstream("orders").endpoints().get(0).ejection())
                .isEqualTo("2 answers of 5xx in a row");
    }

    @Test
    void an_endpoint_that_takes_no_connection_is_found_by_connecting_and_nothing_is_sent_to_the_other()
            throws Exception {
        RawOrigin gone = rig.origin(RawOrigin.ok("gone"));
        RawOrigin there = rig.origin(RawOrigin.ok("there"));
        Running running = start(
                upstream -> upstream.healthCheck(
                        HealthCheck.tcp().interval(Duration.ofMillis(20)).unhealthyAfter(2)),
                gone,
                there);
        org.awaitility.Awaitility.await().until(() -> gone.connections() > 2 && there.connections() > 2);
        gone.close();
        org.awaitility.Awaitility.await()
                .until(() ->
                        !running.gateway().upstream("orders").endpoints().get(0).healthy());
        assertThat(running.gateway().upstream("orders").endpoints().get(1).healthy())
                .isTrue();
        assertThat(there.received()).isEmpty();
        org.awaitility.Awaitility.await().until(() -> there.open() <= 1);
    }

    @Test
    void the_faster_of_two_attempts_answers_and_the_other_is_cut_at_once() throws Exception {
        RawOrigin slow = rig.origin((request, in, out, socket) -> in.read() >= 0);
        RawOrigin good = rig.origin(RawOrigin.ok("good"));
        Running running = start(
                upstream ->
                        upstream.hedging(Hedging.after(Duration.ofMillis(20)).share(1)),
                slow,
                good);
        for (int i = 0; i < 6; i++) {
            assertThat(running.client().get("/").read().text()).isEqualTo("good");
        }
        assertThat(slow.received().size()).isPositive();
        org.awaitility.Awaitility.await().until(() -> slow.open() == 0);
        assertThat(running.gateway().upstream("orders").endpoints()).allMatch(endpoint -> endpoint.inFlight() == 0);
    }

    @Test
    void an_answer_that_is_not_acceptable_waits_for_the_other_attempt() throws Exception {
        RawOrigin slow = rig.origin((request, in, out, socket) -> {
            java.util.concurrent.locks.LockSupport.parkNanos(60_000_000);
            return RawOrigin.ok("late").answer(request, in, out, socket);
        });
        RawOrigin broken = rig.origin(RawOrigin.bytes(FAILED));
        Running running = start(
                upstream ->
                        upstream.hedging(Hedging.after(Duration.ofMillis(20)).share(1)),
                slow,
                broken);
        int late = 0;
        for (int i = 0; i < 4; i++) {
            RawClient.Answer answer = running.client().get("/").read();
            late += answer.text().equals("late") ? 1 : 0;
        }
        // Whoever went to the slow one first: the hedge failed at once and was let go.
        assertThat(late).isPositive().isEqualTo(slow.received().size());
    }

    private Running start(UnaryOperator<Upstream.Builder> policies, RawOrigin... origins) {
        return rig.start(gateway -> gateway.upstream(policies.apply(Upstream.builder("orders")
                                .endpoints(Arrays.stream(origins)
                                        .map(RawOrigin::url)
                                        .toArray(String[]::new)))
                        .build())
                .route(Route.builder("all")
                        .match(Match.prefix("/"))
                        .timeout(Duration.ofMillis(300))
                        .to("orders")
                        .build()));
    }
}
