package dev.postern.benchmarks;

import dev.postern.Filter;
import dev.postern.Gateway;
import dev.postern.Match;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.security.ApiKey;
import dev.postern.security.ApiKeyAuth;
import dev.postern.security.JwtAuth;
import dev.postern.security.JwtKey;
import dev.postern.traffic.RateLimit;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one filter adds to an exchange on its event loop: each against {@code none}. The token is one that has been seen
 * before, the limit is never reached.
 */
@SuppressWarnings("NullAway.Init") // JMH calls start() before anything else.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class FilterBenchmark {
    private static final String KEY = "k-0123456789abcdef0123456789";

    @Param({"none", "nothing", "header-edit", "rate-limit", "api-key", "jwt"})
    String filter;

    private OnLoop loop;
    private Gateway gateway;
    private Request request;

    @Setup(Level.Trial)
    public void start() throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair issuer = generator.generateKeyPair();
        Route.Builder route =
                Route.builder("orders").match(Match.path("/orders/{id}")).answer(Response.text(200, "ok"));
        if (!filter.equals("none")) {
            route.filter(filter(issuer));
        }
        loop = new OnLoop();
        gateway = Gateway.builder().runtime(loop.runtime()).route(route.build()).build();
        gateway.start();
        request = Request.get("/orders/7")
                .withHeader("User-Agent", "jmh")
                .withHeader("X-API-Key", KEY)
                .withHeader("Authorization", "Bearer " + token(issuer));
        int answered = answer();
        if (answered != OnLoop.BATCH) {
            throw new IllegalStateException(filter + ": " + answered + " of " + OnLoop.BATCH + " answered");
        }
    }

    private Filter filter(KeyPair issuer) {
        return switch (filter) {
            case "nothing" -> Filter.named("nothing", (passing, chain) -> chain.proceed(passing));
            case "header-edit" ->
                Filter.named(
                        "header-edit",
                        (passing, chain) -> chain.proceed(passing.withHeaders(passing.headers()
                                .edit(all -> all.set("X-Added", "1").remove("X-API-Key")))));
            case "rate-limit" -> RateLimit.perClient(1_000_000_000, Duration.ofSeconds(1));
            case "api-key" -> ApiKeyAuth.builder().key(KEY, ApiKey.of("jmh")).build();
            case "jwt" ->
                JwtAuth.builder()
                        .issuer("https://issuer.example")
                        .withoutAudience()
                        .key(JwtKey.of(issuer.getPublic()))
                        .build();
            default -> throw new IllegalArgumentException(filter);
        };
    }

    private static String token(KeyPair issuer) throws GeneralSecurityException {
        long now = Instant.now().getEpochSecond();
        String text = base64("{\"alg\":\"RS256\"}".getBytes(StandardCharsets.UTF_8))
                + '.'
                + base64(("{\"iss\":\"https://issuer.example\",\"sub\":\"jmh\",\"iat\":" + now + ",\"exp\":"
                                + (now + 3600) + "}")
                        .getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(issuer.getPrivate());
        signature.update(text.getBytes(StandardCharsets.US_ASCII));
        return text + '.' + base64(signature.sign());
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    @TearDown(Level.Trial)
    public void stop() {
        gateway.close();
        loop.close();
    }

    @Benchmark
    @OperationsPerInvocation(OnLoop.BATCH)
    public int answer() {
        return loop.exchanges(gateway, request);
    }
}
