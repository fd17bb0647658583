package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.postern.ClientInfo;
import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Failure;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.StateView;
import dev.postern.UpstreamState;
import dev.postern.UpstreamState.EndpointState;
import dev.postern.runtime.observe.GatewayMeter;
import dev.postern.runtime.observe.ListenerFigures;
import dev.postern.runtime.observe.LogCapture;
import dev.postern.runtime.observe.UpstreamGauges.Watch;
import dev.postern.runtime.routing.RoutingTable;
import dev.postern.runtime.snapshot.Snapshot;
import dev.postern.testing.FakeExchange;
import dev.postern.testing.ManualTime;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MicrometerMetricsTest {
    private static final Duration INTERVAL = Duration.ofSeconds(10);

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final MicrometerMetrics metrics = MicrometerMetrics.to(registry);
    private final ManualTime time = ManualTime.create();

    @Test
    void an_exchange_is_counted_and_its_time_split_between_gateway_and_upstream() {
        exchange("orders", "GET", new Outcome(200, null, null, ms(50), ms(30), 10, 2_000, 1, "u", "e"));
        exchange("orders", "GET", new Outcome(200, null, null, ms(10), ms(10), 5, 1_000, 1, "u", "e"));
        Timer requests = registry.get("postern.requests")
                .tags("route", "orders", "method", "GET", "status", "200", "outcome", "success")
                .timer();
        assertThat(requests.count()).isEqualTo(2);
        assertThat(requests.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(60);
        assertThat(registry.get("postern.gateway.time").timer().totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(20);
        assertThat(counter("postern.route.gateway.time", "orders")).isEqualTo(0.020);
        assertThat(counter("postern.request.bytes", "orders")).isEqualTo(15);
        assertThat(counter("postern.response.bytes", "orders")).isEqualTo(3_000);
        assertThat(registry.find("postern.failures").counters()).isEmpty();
    }

    @Test
    void exchanges_under_way_are_shown_by_route() {
        FakeExchange orders = within("orders");
        metrics.started(Request.get("/"), orders);
        metrics.started(Request.get("/"), orders);
        metrics.started(Request.get("/"), within("users"));
        assertThat(inFlight("orders")).isEqualTo(2);
        metrics.ended(Request.get("/"), orders, ok());
        assertThat(inFlight("orders")).isEqualTo(1);
        assertThat(inFlight("users")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "200, , success",
        "304, , success",
        "429, , client_error",
        "503, , server_error",
        "404, NO_ROUTE, client_error",
        "499, CLIENT_GONE, client_error",
        "200, CLIENT_STALLED, client_error",
        "200, STREAM_ENDED, success",
        "500, FILTER_FAILED, gateway_failure",
        "502, CONNECT_FAILED, upstream_failure",
        "200, RESPONSE_BODY_BROKEN, upstream_failure",
    })
    void the_outcome_says_who_has_to_be_looked_at(int status, Failure failure, String outcome) {
        exchange("r", "GET", ended(status, failure));
        assertThat(registry.get("postern.requests").timer().getId().getTag("outcome"))
                .isEqualTo(outcome);
        if (failure != null) {
            assertThat(registry.get("postern.failures")
                            .tags(
                                    "route",
                                    "r",
                                    "failure",
                                    failure.code(),
                                    "party",
                                    lower(failure.party().name()))
                            .counter()
                            .count())
                    .isEqualTo(1);
        }
    }

    @Test
    void failures_are_counted_by_reason() {
        exchange("r", "GET", ended(504, Failure.CONNECT_TIMEOUT));
        exchange("r", "GET", ended(504, Failure.CONNECT_TIMEOUT));
        exchange("r", "GET", ended(499, Failure.CLIENT_GONE));
        Map<String, Double> counts = registry.get("postern.failures").counters().stream()
                .collect(Collectors.toMap(counter -> counter.getId().getTag("failure"), counter -> counter.count()));
        assertThat(counts).containsOnly(Map.entry("connect_timeout", 2.0), Map.entry("client_gone", 1.0));
    }

    @Test
    void attempts_are_timed_by_endpoint_and_by_what_came_of_them() {
        metrics.attemptStarted(new Attempt("orders", "http://a", 1, 0, 0, 0, null), new FakeExchange());
        attempt("orders", "http://a", 5, 200, null);
        attempt("orders", "http://a", 7, 200, null);
        attempt("orders", "http://b", 9, 503, null);
        attempt("orders", "http://b", 2, 0, Failure.CONNECT_FAILED);
        attempt("orders", "http://b", 2, 0, Failure.CONNECT_FAILED);
        assertThat(attempts("http://a", "200", "none").totalTime(TimeUnit.MILLISECONDS))
                .isEqualTo(12);
        assertThat(attempts("http://b", "503", "none").count()).isEqualTo(1);
        assertThat(attempts("http://b", "none", "connect_failed").count()).isEqualTo(2);
        assertThat(registry.get("postern.upstream.attempts").timers()).hasSize(3);
    }

    // T140
    @Test
    void a_million_random_requests_make_no_more_series_than_there_are_labels() {
        Random random = new Random(1);
        FakeExchange exchange = within("only");
        int[] statuses = {200, 404, 299, 599, 450, 999};
        int after = 0;
        for (int i = 0; i < 1_000_000; i++) {
            String path = "/" + Long.toHexString(random.nextLong());
            Request request = Request.of(i % 3 == 0 ? "M" + random.nextInt() : "GET", path.replace('-', '_'))
                    .withAuthority(Integer.toHexString(i) + ".example");
            metrics.started(request, exchange);
            metrics.ended(request, exchange, ended(statuses[i % statuses.length], null));
            if (i == 1_000) {
                after = registry.getMeters().size();
            }
        }
        assertThat(registry.getMeters()).hasSize(after).hasSizeLessThan(20);
        assertThat(labels("postern.requests", "method")).containsExactlyInAnyOrder("GET", "other");
        assertThat(labels("postern.requests", "status"))
                .containsExactlyInAnyOrder("200", "404", "2xx", "5xx", "4xx", "9xx");
    }

    @ParameterizedTest
    @CsvSource({
        "GET, GET",
        "HEAD, HEAD",
        "POST, POST",
        "PUT, PUT",
        "PATCH, PATCH",
        "DELETE, DELETE",
        "OPTIONS, OPTIONS",
        "QUERY, QUERY",
        "CONNECT, CONNECT",
        "TRACE, TRACE",
        "get, other",
        "PROPFIND, other",
    })
    void methods_outside_the_fixed_set_share_a_label(String method, String label) {
        exchange("r", method, ok());
        assertThat(labels("postern.requests", "method")).containsExactly(label);
    }

    @Test
    void every_method_status_and_outcome_has_a_series_of_its_own() {
        String[] methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE", "X"
        };
        Failure[] failures = {null, Failure.NO_ROUTE, Failure.INTERNAL, Failure.CONNECT_FAILED};
        int made = 0;
        for (String method : methods) {
            for (int status : new int[] {101, 200, 226, 304, 418, 451, 499, 511}) {
                for (Failure failure : failures) {
                    exchange("r", method, ended(status, failure));
                }
                // A 4xx without a failure and one that the client is to blame for are one ending.
                made += status >= 400 && status < 500 ? 3 : 4;
            }
        }
        assertThat(registry.get("postern.requests").timers()).hasSize(made).allMatch(timer -> timer.count() <= 2);
    }

    @Test
    void an_exchange_costs_no_garbage_once_its_meters_are_there() {
        FakeExchange exchange = within("orders");
        Request request = Request.get("/");
        Attempt attempt = new Attempt("orders", "http://a", 1, 0, 1_000, 200, null);
        Outcome outcome = new Outcome(200, null, null, ms(2), ms(1), 1, 1, 1, "orders", "http://a");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = 0;
        for (int round = 0; round < 3; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 20_000; i++) {
                metrics.started(request, exchange);
                metrics.attemptEnded(attempt, exchange);
                metrics.ended(request, exchange, outcome);
            }
            bytes = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(bytes / 20_000.0).as("bytes an exchange").isLessThan(16);
    }

    @Test
    void pools_are_shown_as_the_gateway_sees_them_a_second_ago_at_most() {
        AtomicInteger readings = new AtomicInteger();
        List<UpstreamState> states = new ArrayList<>(List.of(orders(3, 1, usable("http://a", 2, 4))));
        Watch watch = metrics.watch(time, () -> Set.of("r"), () -> {
            readings.incrementAndGet();
            return states;
        });
        assertThat(gauge("postern.upstream.in.flight")).isEqualTo(3);
        assertThat(gauge("postern.upstream.pending")).isEqualTo(1);
        assertThat(gauge("postern.endpoint.in.flight")).isEqualTo(2);
        assertThat(gauge("postern.endpoint.connections")).isEqualTo(4);
        assertThat(gauge("postern.endpoint.usable")).isEqualTo(1);
        assertThat(readings).as("one reading for all gauges").hasValue(1);

        states.set(0, orders(5, 0, new EndpointState("http://a", false, true, ms(100), 0, 0, null)));
        assertThat(gauge("postern.upstream.in.flight")).as("within the second").isEqualTo(3);
        time.advance(Duration.ofSeconds(1));
        assertThat(gauge("postern.upstream.in.flight")).isEqualTo(5);
        assertThat(gauge("postern.endpoint.usable")).isZero();
        watch.close();
    }

    @Test
    void what_policies_have_done_is_counted() {
        List<UpstreamState> states = new ArrayList<>(List.of(orders(0, 0)));
        Watch watch = metrics.watch(time, Set::of, () -> List.copyOf(states));
        assertThat(gauge("postern.upstream.panic")).isZero();
        states.set(0, new UpstreamState("orders", 0, 0, List.of(), new UpstreamState.Policies(5, 4, 3, 2, 1, 6, true)));
        time.advance(Duration.ofSeconds(1));
        assertThat(gauge("postern.upstream.panic")).isEqualTo(1);
        assertThat(List.of("retry", "retry_refused", "hedge", "hedge_refused", "ejection", "breaker_opened"))
                .extracting(event -> registry.get("postern.upstream.policies")
                        .tag("upstream", "orders")
                        .tag("event", event)
                        .functionCounter()
                        .count())
                .containsExactly(5.0, 4.0, 3.0, 2.0, 1.0, 6.0);
        watch.close();
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void endpoints_that_come_are_shown_and_those_that_go_are_removed() {
        List<UpstreamState> states = new ArrayList<>(List.of(orders(0, 0, usable("http://a", 0, 0))));
        Watch watch = metrics.watch(time, Set::of, () -> List.copyOf(states));
        attempt("orders", "http://a", 5, 200, null);
        states.set(0, orders(0, 0, usable("http://b", 0, 0)));
        time.advance(INTERVAL);
        assertThat(labels("postern.endpoint.usable", "endpoint")).containsExactly("http://b");
        assertThat(labels("postern.upstream.attempts", "endpoint"))
                .as("used a moment ago")
                .containsExactly("http://a");
        time.advance(INTERVAL);
        assertThat(labels("postern.upstream.attempts", "endpoint")).isEmpty();
        states.clear();
        time.advance(INTERVAL);
        assertThat(registry.getMeters()).isEmpty();
        watch.close();
        assertThat(time.pending()).isZero();
    }

    @Test
    void routes_that_go_lose_their_meters_when_their_last_exchange_has_ended() {
        Set<String> routes = new HashSet<>(Set.of("old", "stays"));
        Watch watch = metrics.watch(time, () -> Set.copyOf(routes), List::of);
        exchange("stays", "GET", ok());
        FakeExchange last = within("old");
        metrics.started(Request.get("/"), last);
        routes.remove("old");
        time.advance(INTERVAL.multipliedBy(5));
        assertThat(labels("postern.requests.in.flight", "route")).containsExactlyInAnyOrder("old", "stays");
        metrics.ended(Request.get("/"), last, ended(502, Failure.CONNECT_FAILED));
        assertThat(labels("postern.failures", "route")).containsExactly("old");
        time.advance(INTERVAL.multipliedBy(2));
        assertThat(registry.getMeters())
                .filteredOn(meter -> !meter.getId().getName().equals("postern.gateway.time"))
                .allMatch(meter -> "stays".equals(meter.getId().getTag("route")));
        assertThat(labels("postern.requests", "route")).containsExactly("stays");
        watch.close();
    }

    @Test
    void without_a_gateway_to_ask_nothing_is_removed_and_no_timer_runs() {
        Watch watch = metrics.watch(time, Set::of, () -> List.of(orders(0, 0, usable("http://a", 0, 0))));
        exchange("r", "GET", ok());
        watch.close();
        watch.close();
        time.advance(INTERVAL.multipliedBy(5));
        assertThat(time.pending()).isZero();
        assertThat(labels("postern.requests", "route")).containsExactly("r");
        assertThat(registry.find("postern.endpoint.usable").gauges()).isEmpty();
    }

    @Test
    void two_gateways_that_share_meters_are_shown_as_one() {
        Watch first = metrics.watch(time, Set::of, () -> List.of(orders(1, 0, usable("http://a", 1, 2))));
        Watch second = MicrometerMetrics.to(registry)
                .watch(ManualTime.create(), Set::of, () -> List.of(orders(2, 5, usable("http://a", 3, 4))));
        assertThat(gauge("postern.upstream.in.flight")).isEqualTo(3);
        assertThat(gauge("postern.endpoint.connections")).isEqualTo(6);
        first.close();
        assertThat(gauge("postern.upstream.in.flight")).isEqualTo(2);
        second.close();
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void a_gateway_that_cannot_answer_is_shown_as_it_was_and_logged_once() {
        AtomicInteger readings = new AtomicInteger();
        try (LogCapture log = new LogCapture("dev.postern.observe", Level.WARNING)) {
            Watch watch = metrics.watch(time, Set::of, () -> {
                if (readings.incrementAndGet() > 1) {
                    throw new IllegalStateException("stopping");
                }
                return List.of(orders(7, 0));
            });
            time.advance(INTERVAL.multipliedBy(3));
            assertThat(gauge("postern.upstream.in.flight")).isEqualTo(7);
            Watch silent = MicrometerMetrics.to(new SimpleMeterRegistry())
                    .watch(
                            time,
                            () -> {
                                throw new IllegalStateException("stopped");
                            },
                            List::of);
            assertThat(log.messages()).hasSize(2).allMatch(line -> line.startsWith("WARNING cannot read"));
            silent.close();
            watch.close();
        }
    }

    @Test
    void endpoints_without_end_share_a_label() {
        for (int i = 0; i < 2_500; i++) {
            attempt("u", "http://10.0." + i / 256 + "." + i % 256, 1, 200, null);
        }
        assertThat(labels("postern.upstream.attempts", "endpoint"))
                .hasSize(2_001)
                .contains("other");
        assertThat(registry.get("postern.upstream.attempts")
                        .tags("endpoint", "other")
                        .timer()
                        .count())
                .isEqualTo(500);
    }

    @Test
    void all_meters_are_those_of_the_table_with_their_kinds_units_and_labels() {
        Watch watch = metrics.watch(time, Set::of, () -> List.of(orders(0, 0, usable("http://a", 0, 0))));
        Watch states = metrics.watchStates(
                time,
                () -> List.of(new StateView("limit", "orders", "3", Map.of("in_flight", 3.0), Map.of("refused", 7L))));
        time.advance(Duration.ofSeconds(1));
        exchange("r", "GET", ended(502, Failure.CONNECT_FAILED));
        attempt("orders", "http://a", 1, 200, null);
        metrics.connections(
                "edge", new ListenerFigures(3, 40, Map.of("max_connections", 7L), Map.of("framing.bare_lf", 5L)));
        assertThat(registry.get("postern.listener.connections").gauge().value()).isEqualTo(3);
        assertThat(registry.getMeters().stream()
                        .map(MicrometerMetricsTest::described)
                        .distinct())
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(GatewayMeter.values())
                        .map(MicrometerMetricsTest::described)
                        .toList());
        metrics.closed("edge");
        assertThat(registry.find("postern.edge.refusals").meters()).isEmpty();
        assertThat(registry.find("postern.listener.connections").meters()).isEmpty();
        states.close();
        watch.close();
    }

    @Test
    void equal_observers_share_their_meters_and_others_do_not() {
        MicrometerMetrics same = MicrometerMetrics.to(registry);
        assertThat(same)
                .isEqualTo(metrics)
                .hasSameHashCodeAs(metrics)
                .isNotEqualTo(MicrometerMetrics.to(new SimpleMeterRegistry()))
                .isNotEqualTo(same.tag("gateway", "edge"))
                .isNotEqualTo("metrics");
        assertThat(same.tag("gateway", "edge")).isEqualTo(metrics.tag("gateway", "edge"));
        assertThat(same.tag("gateway", "edge"))
                .hasToString("MicrometerMetrics[SimpleMeterRegistry, [tag(gateway=edge)]]");
        metrics.started(Request.get("/"), within("r"));
        same.ended(Request.get("/"), within("r"), ok());
        assertThat(inFlight("r")).isZero();
    }

    @Test
    void common_labels_stand_on_every_meter() {
        MicrometerMetrics tagged = metrics.tag("gateway", "edge");
        tagged.started(Request.get("/"), within("r"));
        tagged.ended(Request.get("/"), within("r"), ok());
        assertThat(registry.getMeters())
                .isNotEmpty()
                .allMatch(meter -> "edge".equals(meter.getId().getTag("gateway")));
        assertThatThrownBy(() -> metrics.tag("gateway", " "))
                .hasMessage("tag: \"gateway\"=\" \" (expected: not blank)");
        assertThatThrownBy(() -> metrics.tag("", "edge")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void counts_are_exact_when_four_loops_count_at_once() throws InterruptedException {
        List<Thread> loops = IntStream.range(0, 4)
                .mapToObj(loop -> new Thread(() -> {
                    FakeExchange exchange = within("r");
                    for (int i = 0; i < 10_000; i++) {
                        metrics.started(Request.get("/"), exchange);
                        metrics.ended(
                                Request.get("/"),
                                exchange,
                                new Outcome(200 + i % 7, null, null, ms(2), ms(1), 3, 5, 1, "u", "e"));
                    }
                }))
                .toList();
        loops.forEach(Thread::start);
        for (Thread loop : loops) {
            loop.join();
        }
        assertThat(registry.get("postern.requests").timers().stream()
                        .mapToLong(Timer::count)
                        .sum())
                .isEqualTo(40_000);
        assertThat(inFlight("r")).isZero();
        assertThat(counter("postern.request.bytes", "r")).isEqualTo(120_000);
        assertThat(counter("postern.response.bytes", "r")).isEqualTo(200_000);
        assertThat(counter("postern.route.gateway.time", "r")).isEqualTo(40);
    }

    @Test
    void observers_of_one_gateway_keep_their_own_count_of_a_route() {
        MicrometerMetrics tagged = metrics.tag("gateway", "edge");
        FakeExchange exchange = routed("r");
        for (MicrometerMetrics each : List.of(metrics, tagged, metrics, tagged, tagged)) {
            each.started(Request.get("/r"), exchange);
            each.ended(Request.get("/r"), exchange, ok());
        }
        List<Long> counts = registry.get("postern.requests").timers().stream()
                .map(Timer::count)
                .sorted()
                .toList();
        assertThat(counts).containsExactly(2L, 3L);
    }

    @Test
    void a_route_that_comes_again_is_counted_again() {
        Set<String> routes = new HashSet<>(Set.of("r"));
        Watch watch = metrics.watch(time, () -> Set.copyOf(routes), List::of);
        FakeExchange exchange = routed("r");
        for (int times = 1; times <= 2; times++) {
            routes.add("r");
            metrics.started(Request.get("/r"), exchange);
            metrics.ended(Request.get("/r"), exchange, ok());
            assertThat(registry.get("postern.requests").timer().count()).isEqualTo(1);
            routes.clear();
            time.advance(INTERVAL.multipliedBy(5));
            assertThat(registry.find("postern.requests").timers()).isEmpty();
        }
        watch.close();
    }

    @Test
    void a_gauge_that_an_earlier_gateway_left_behind_is_replaced() {
        Gauge.builder("postern.requests.in.flight", () -> Double.NaN)
                .tags("route", "r")
                .register(registry);
        metrics.started(Request.get("/"), within("r"));
        assertThat(inFlight("r")).isEqualTo(1);
    }

    // T138
    @Test
    void no_credential_is_in_a_meter() {
        String canary = "CANARY5f3a";
        Request request = Request.get("/" + canary + "?t=" + canary)
                .withMethod(canary)
                .withAuthority(canary)
                .withHeader("Authorization", canary);
        FakeExchange exchange = within("r");
        metrics.started(request, exchange);
        metrics.ended(request, exchange, new Outcome(401, null, canary, ms(1), ms(0), 0, 0, 0, null, null));
        assertThat(registry.getMetersAsString()).doesNotContain(canary);
    }

    private void exchange(String route, String method, Outcome outcome) {
        FakeExchange exchange = within(route);
        Request request = Request.of(method, "/");
        metrics.started(request, exchange);
        metrics.ended(request, exchange, outcome);
    }

    private void attempt(String upstream, String endpoint, long millis, int status, Failure failure) {
        metrics.attemptEnded(
                new Attempt(upstream, endpoint, 1, 0, millis * 1_000_000, status, failure), new FakeExchange());
    }

    private Timer attempts(String endpoint, String status, String failure) {
        return registry.get("postern.upstream.attempts")
                .tags("upstream", "orders", "endpoint", endpoint, "status", status, "failure", failure)
                .timer();
    }

    private double inFlight(String route) {
        return registry.get("postern.requests.in.flight")
                .tags("route", route)
                .gauge()
                .value();
    }

    private double counter(String name, String route) {
        return registry.get(name).tags("route", route).functionCounter().count();
    }

    private double gauge(String name) {
        return registry.get(name).tags("upstream", "orders").gauge().value();
    }

    private Set<String> labels(String meter, String label) {
        return registry.find(meter).meters().stream()
                .map(found -> found.getId().getTag(label))
                .collect(Collectors.toSet());
    }

    private static String described(Meter meter) {
        Meter.Id id = meter.getId();
        List<String> labels = id.getTags().stream().map(Tag::getKey).toList();
        return id.getName()
                + ' '
                + id.getType()
                + ' '
                + (id.getBaseUnit() == null ? "" : id.getBaseUnit())
                + ' '
                + labels
                + ' '
                + id.getDescription();
    }

    private static String described(GatewayMeter meter) {
        return meter.meter()
                + ' '
                + meter.kind()
                + ' '
                + meter.unit()
                + ' '
                + meter.labels().stream().sorted().toList()
                + ' '
                + meter.meaning();
    }

    /** Within an exchange that went through a table, where observers leave what they keep for the next one. */
    private static FakeExchange routed(String route) {
        FakeExchange exchange = within(route);
        RoutingTable table = RoutingTable.compile(List.of(exchange.route()), new ArrayList<>());
        exchange.set(Snapshot.ROUTED, table.find(Request.get("/r"), ClientInfo.local(), ManualTime.create()));
        return exchange;
    }

    private static FakeExchange within(String route) {
        return new FakeExchange()
                .route(Route.builder(route).answer(Response.of(200)).build());
    }

    private static UpstreamState orders(int inFlight, int pending, EndpointState... endpoints) {
        return new UpstreamState("orders", inFlight, pending, List.of(endpoints));
    }

    private static EndpointState usable(String uri, int inFlight, int connections) {
        return new EndpointState(uri, true, true, Duration.ZERO, inFlight, connections, null);
    }

    private static Outcome ok() {
        return ended(200, null);
    }

    private static Outcome ended(int status, Failure failure) {
        return new Outcome(status, failure, null, ms(1), ms(0), 0, 0, 0, null, null);
    }

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    @Test
    void state_of_filters_is_shown_and_goes_when_it_goes() {
        List<StateView> states = new ArrayList<>(List.of(
                new StateView("circuit breaker", "orders", "open", Map.of("open", 1.0), Map.of("failed", 10L))));
        Watch watch = metrics.watchStates(time, () -> List.copyOf(states));
        Watch other = metrics.watchStates(
                time,
                () -> List.of(
                        new StateView("circuit breaker", "orders", "open", Map.of("open", 1.0), Map.of("failed", 5L))));
        assertThat(reading("postern.state", "open").gauge().value()).isEqualTo(2);
        assertThat(reading("postern.state.events", "failed").functionCounter().count())
                .isEqualTo(15);

        other.close();
        states.set(0, new StateView("circuit breaker", "orders", "closed", Map.of("open", 0.0), Map.of("failed", 12L)));
        time.advance(Duration.ofSeconds(1));
        assertThat(reading("postern.state", "open").gauge().value()).isZero();
        assertThat(reading("postern.state.events", "failed").functionCounter().count())
                .isEqualTo(12);

        states.clear();
        time.advance(INTERVAL);
        assertThat(registry.find("postern.state").meters()).isEmpty();
        assertThat(registry.find("postern.state.events").meters()).isEmpty();
        watch.close();
        watch.close();
        assertThat(time.pending()).isZero();
    }

    @Test
    void a_gateway_that_cannot_tell_its_state_is_shown_as_it_was() {
        AtomicInteger asked = new AtomicInteger();
        try (LogCapture log = new LogCapture("dev.postern.observe", Level.WARNING)) {
            Watch watch = metrics.watchStates(time, () -> {
                if (asked.getAndIncrement() > 0) {
                    throw new IllegalStateException("no state today");
                }
                return List.of(new StateView("limit", "orders", "3", Map.of("in_flight", 3.0), Map.of()));
            });
            for (int i = 0; i < 3; i++) {
                time.advance(Duration.ofSeconds(1));
                assertThat(registry.get("postern.state")
                                .tag("reading", "in_flight")
                                .gauge()
                                .value())
                        .isEqualTo(3);
            }
            assertThat(log.messages()).containsExactly("WARNING cannot read the state of filters for metrics");
            watch.close();
        }
    }

    private io.micrometer.core.instrument.search.RequiredSearch reading(String meter, String reading) {
        return registry.get(meter).tags("kind", "circuit breaker", "name", "orders", "reading", reading);
    }
}
