package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.ClientInfo;
import dev.postern.Endpoint;
import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Explanation;
import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.InvalidConfigException;
import dev.postern.LoadBalancer;
import dev.postern.Match;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.TextRule;
import dev.postern.Upstream;
import dev.postern.runtime.rig.Figures;
import dev.postern.testing.ManualTime;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What {@code explain} says is what {@code handle} does, and saying it changes nothing. The short run is part of the build;
 * {@code -Dpostern.explain.configs=1000 -Dpostern.explain.requests=1000} makes 10^6.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExplainIsHandleTest {
    private static final int CONFIGS = Integer.getInteger("postern.explain.configs", 10);
    private static final int REQUESTS = Integer.getInteger("postern.explain.requests", 300);
    private static final List<LoadBalancer> BALANCERS = List.of(
            LoadBalancer.roundRobin(), LoadBalancer.weighted(), LoadBalancer.random(), LoadBalancer.leastRequests());
    private static final String[] SEGMENTS = {"a", "b", "orders", "%41", ".", "..", "x;y", "7", ""};
    private static final String[] METHODS = {"GET", "POST", "HEAD", "PUT"};
    private static final Exchange.Key<String> SEEN = Exchange.Key.named("seen");

    private final Vertx vertx = Vertx.vertx();
    private final List<Endpoint> endpoints = new ArrayList<>();

    @BeforeAll
    void startOrigins() throws Exception {
        for (int i = 0; i < 4; i++) {
            HttpServer origin = vertx.createHttpServer()
                    .requestHandler(request -> request.response().end("origin"));
            origin.listen(0, "127.0.0.1")
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get();
            endpoints.add(Endpoint.of("http://127.0.0.1:" + origin.actualPort()).weight(1 + i));
        }
    }

    @AfterAll
    void stopOrigins() throws Exception {
        vertx.close().toCompletionStage().toCompletableFuture().get();
    }

    @Test
    void explain_says_what_handle_does_and_changes_nothing() throws Exception {
        VertxRuntime runtime = new VertxRuntime().eventLoops(1);
        long compared = 0;
        long forwarded = 0;
        int configs = 0;
        for (int seed = 0; configs < CONFIGS; seed++) {
            Random random = new Random(seed);
            BlockingQueue<String> ended = new LinkedBlockingQueue<>();
            AtomicLong counter = new AtomicLong();
            SimpleMeterRegistry meters = new SimpleMeterRegistry();
            GatewayBuilder builder = randomConfig(random, ended, counter)
                    .observe(MicrometerMetrics.to(meters))
                    .runtime(runtime)
                    .time(ManualTime.create());
            Optional<Gateway> built = built(builder.random(new Random(seed)));
            if (built.isEmpty()) {
                continue;
            }
            configs++;
            try (Gateway gateway = built.get()) {
                gateway.start();
                for (int i = 0; i < REQUESTS; i++) {
                    Request request = randomRequest(random);
                    await(() -> gateway.upstream("three").inFlight() == 0 && isQuiet(meters));
                    String before = i % 50 == 0 ? state(gateway, meters) : "";
                    long counted = counter.get();
                    Explanation twice = gateway.explain(request, ClientInfo.local());
                    Explanation said = gateway.explain(request, ClientInfo.local());
                    assertThat(said).isEqualTo(twice);
                    assertThat(counter).hasValue(counted);
                    if (i % 50 == 0) {
                        assertThat(state(gateway, meters)).isEqualTo(before);
                    }
                    ended.clear();
                    Response response = gateway.handle(request, ClientInfo.local())
                            .toCompletableFuture()
                            .get();
                    response.body().discard();
                    String done = ended.poll(10, TimeUnit.SECONDS);
                    assertThat(done)
                            .as("config %s, request %s %s\n%s", seed, request.method(), request.target(), said)
                            .isEqualTo(expected(said));
                    compared++;
                    forwarded += said.endpoint() == null ? 0 : 1;
                }
                gateway.stop(Duration.ZERO);
            }
        }
        Figures.seen("compared %d over %d configs, %d forwarded", compared, configs, forwarded);
        assertThat(compared).isEqualTo((long) CONFIGS * REQUESTS);
        assertThat(forwarded).isGreaterThan(compared / 20);
    }

    /** Meters hear of the end of an exchange after the observer of this test. */
    private static boolean isQuiet(SimpleMeterRegistry meters) {
        return meters.find("postern.requests.in.flight").gauges().stream().allMatch(gauge -> gauge.value() == 0);
    }

    private static String expected(Explanation said) {
        if (said.refusal() != null) {
            return "unmatched -> " + said.refusal() + " []";
        }
        return said.route() + " -> " + (said.upstream() == null ? "none" : said.upstream()) + " at " + said.endpoint()
                + " " + said.pathVariables();
    }

    /** Random routes may shadow each other; such a config is refused and another is drawn. */
    private static Optional<Gateway> built(GatewayBuilder builder) {
        try {
            return Optional.of(builder.build());
        } catch (InvalidConfigException shadowed) {
            return Optional.empty();
        }
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    /** What there is to be changed: the endpoints' counts and marks, and every meter but those that follow the clock. */
    private static String state(Gateway gateway, SimpleMeterRegistry meters) {
        return gateway.upstream("three") + meters.getMetersAsString();
    }

    private GatewayBuilder randomConfig(Random random, BlockingQueue<String> ended, AtomicLong counter) {
        GatewayBuilder builder = Gateway.builder().observe(new ExchangeObserver() {
            @Override
            public void attemptStarted(Attempt attempt, Exchange exchange) {
                exchange.set(SEEN, attempt.upstream() + " at " + attempt.endpoint());
            }

            @Override
            public void ended(Request request, Exchange exchange, Outcome outcome) {
                if (outcome.reason() != null && exchange.route() == Route.UNMATCHED) {
                    ended.add("unmatched -> " + outcome.reason() + " []");
                } else {
                    String upstream = exchange.get(SEEN);
                    ended.add(exchange.route().id() + " -> " + (upstream == null ? "none at null" : upstream) + " "
                            + exchange.pathVariables());
                }
            }
        });
        for (String name : List.of("one", "two")) {
            builder.upstream(Upstream.local(name, (request, exchange) -> {
                exchange.set(SEEN, name + " at null");
                return CompletableFuture.completedFuture(Response.text(200, name));
            }));
        }
        Upstream.Builder three =
                Upstream.builder("three").loadBalancer(BALANCERS.get(random.nextInt(BALANCERS.size())));
        endpoints.forEach(three::endpoint);
        builder.upstream(three.build());
        builder.filter(Filter.onRequest("count", request -> {
            counter.incrementAndGet();
            return request.withHeader("X-Touched", "yes");
        }));
        int routes = 1 + random.nextInt(8);
        for (int i = 0; i < routes; i++) {
            Match match = randomMatch(random);
            Route.Builder route = Route.builder("r" + i).match(match);
            switch (random.nextInt(4)) {
                case 0 -> route.to(Split.to("one", 1 + random.nextInt(5)).and("two", random.nextInt(5)));
                case 1 -> route.to(Split.to("one", 3).and("three", 7).stickyBy(RequestKey.header("X-User")));
                case 2 -> route.answer(Response.of(204));
                default -> route.to(List.of("one", "two", "three").get(random.nextInt(3)));
            }
            builder.route(route.build());
        }
        return builder;
    }

    private static Match randomMatch(Random random) {
        StringBuilder template = new StringBuilder();
        int segments = 1 + random.nextInt(3);
        for (int i = 0; i < segments; i++) {
            template.append('/').append(random.nextInt(3) == 0 ? "{v" + i + "}" : SEGMENTS[random.nextInt(3)]);
        }
        Match match = random.nextInt(3) == 0
                ? Match.prefix('/' + SEGMENTS[random.nextInt(3)])
                : Match.path(template.toString() + (random.nextInt(4) == 0 ? "/{rest...}" : ""));
        if (random.nextInt(3) == 0) {
            match = match.method(METHODS[random.nextInt(METHODS.length)]);
        }
        if (random.nextInt(4) == 0) {
            match = match.header("X-Kind", random.nextBoolean() ? TextRule.is("gold") : TextRule.present());
        }
        if (random.nextInt(5) == 0) {
            match = match.query("q", "1");
        }
        if (random.nextInt(5) == 0) {
            match = match.and(Match.host(random.nextBoolean() ? "localhost" : "*.example.com"));
        }
        return match;
    }

    private static Request randomRequest(Random random) {
        StringBuilder target = new StringBuilder();
        int segments = 1 + random.nextInt(4);
        for (int i = 0; i < segments; i++) {
            target.append('/').append(SEGMENTS[random.nextInt(random.nextInt(4) == 0 ? SEGMENTS.length : 3)]);
        }
        if (random.nextInt(3) == 0) {
            target.append("?q=").append(random.nextInt(2));
        }
        Request request = Request.of(METHODS[random.nextInt(METHODS.length)], target.toString());
        if (random.nextInt(2) == 0) {
            request = request.withHeader("X-Kind", random.nextBoolean() ? "gold" : "tin");
        }
        if (random.nextInt(2) == 0) {
            request = request.withHeader("X-User", "u" + random.nextInt(50));
        }
        return random.nextInt(3) == 0 ? request.withAuthority("api.example.com") : request;
    }
}
