package dev.postern.runtime.rig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.postern.Gateway;
import dev.postern.GatewayBuilder;
import dev.postern.Listener;
import dev.postern.Match;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.Leases;
import dev.postern.runtime.VertxRuntime;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Starts gateways, origins and clients over loopback, closes them after each test, and fails the test that left something
 * behind: an exchange, an attempt, an endpoint in use, a thread, an uncaught exception, a leaked buffer.
 */
public final class GatewayRig implements BeforeEachCallback, AfterEachCallback {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Logs LOGS = Logs.shared();

    private final int loops;
    private final boolean nio;
    private final List<Running> gateways = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> closeables = new CopyOnWriteArrayList<>();
    private final List<String> expected = new ArrayList<>();
    private Set<Thread> threadsBefore = Set.of();

    private GatewayRig(int loops, boolean nio) {
        this.loops = loops;
        this.nio = nio;
    }

    /** Gateways of two loops on native transport. */
    public GatewayRig() {
        this(2, false);
    }

    /** Gateways of this many loops on native transport. */
    public static GatewayRig ofLoops(int loops) {
        return new GatewayRig(loops, false);
    }

    /** The same on the JDK's transport. */
    public GatewayRig onNio() {
        return new GatewayRig(loops, true);
    }

    // ---- what tests use

    /** Starts a gateway; without a listener in the settings it gets one on loopback. */
    public Running start(UnaryOperator<GatewayBuilder> settings) {
        Running running = prepare(settings);
        running.gateway().start();
        return running;
    }

    /** The same, not started. */
    public Running prepare(UnaryOperator<GatewayBuilder> settings) {
        return prepare(settings, runtime());
    }

    /** The same in a runtime of the test's own. */
    public Running prepare(UnaryOperator<GatewayBuilder> settings, VertxRuntime runtime) {
        Ends ends = new Ends();
        GatewayBuilder builder =
                settings.apply(Gateway.builder().runtime(runtime).observe(ends));
        if (builder.toConfig().listeners().isEmpty()) {
            builder.listen(Listener.http(0).host("127.0.0.1"));
        }
        Running running = new Running(builder.build(), ends, this);
        gateways.add(running);
        return running;
    }

    /** Starts a gateway whose one route "all" leads to this origin. */
    public Running proxy(RawOrigin origin) {
        return proxy(origin, route -> route, upstream -> upstream);
    }

    /** The same with changes. */
    public Running proxy(
            RawOrigin origin, UnaryOperator<Route.Builder> route, UnaryOperator<Upstream.Builder> upstream) {
        return start(gateway -> gateway.upstream(
                        upstream.apply(Upstream.builder("orders").endpoints(origin.url()))
                                .build())
                .route(route.apply(Route.builder("all").match(Match.prefix("/")).to("orders"))
                        .build()));
    }

    /** An origin with this script. */
    public RawOrigin origin(RawOrigin.Script script) throws Exception {
        return close(RawOrigin.answering(script));
    }

    /** Closes something after the test. */
    public <T extends AutoCloseable> T close(T closeable) {
        closeables.add(closeable);
        return closeable;
    }

    /** The lines logged in this test, warnings and above of the gateway's own. */
    public List<String> warnings() {
        return LOGS.entries().stream()
                .filter(line ->
                        line.logger().startsWith("dev.postern") && line.level().intValue() >= Level.WARNING.intValue())
                .map(Logs.Entry::toString)
                .toList();
    }

    /** A complaint of Vert.x or Netty that this test provokes. */
    public void expectLog(String part) {
        expected.add(part);
    }

    /** The runtime that gateways of this rig get. */
    public VertxRuntime runtime() {
        return nio ? VertxRuntime.using(vertx()).eventLoops(loops) : new VertxRuntime().eventLoops(loops);
    }

    /** A Vertx of the test's own, closed after it. */
    public Vertx vertx() {
        Vertx vertx = Vertx.vertx(
                new VertxOptions().setEventLoopPoolSize(Math.max(2, loops)).setPreferNativeTransport(!nio));
        // Closed last: gateways that borrow it stop before.
        closeables.add(
                0, () -> vertx.close().toCompletionStage().toCompletableFuture().join());
        return vertx;
    }

    // ---- around each test

    @Override
    public void beforeEach(ExtensionContext context) {
        threadsBefore = Thread.getAllStackTraces().keySet();
        LOGS.clear();
        context.getParent()
                .orElseThrow()
                .getStore(ExtensionContext.Namespace.create(GatewayRig.class))
                .getOrComputeIfAbsent("leaks", key -> (AutoCloseable) GatewayRig::checkLeaks);
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        boolean failedAlready = context.getExecutionException().isPresent();
        List<Throwable> problems = new ArrayList<>();
        for (Running running : gateways) {
            running.closeClients();
        }
        for (Running running : gateways) {
            attempt(problems, running::checkNothingHeld);
            attempt(problems, () -> running.gateway().stop(Duration.ZERO));
            attempt(problems, running::checkEnds);
        }
        for (int i = closeables.size() - 1; i >= 0; i--) {
            AutoCloseable closeable = closeables.get(i);
            attempt(problems, closeable::close);
        }
        attempt(problems, this::checkThreads);
        attempt(problems, this::checkLogs);
        gateways.clear();
        closeables.clear();
        expected.clear();
        if (!problems.isEmpty() && !failedAlready) {
            AssertionError all = new AssertionError("left behind: "
                    + problems.stream().map(Throwable::getMessage).collect(Collectors.joining("\n")));
            problems.forEach(all::addSuppressed);
            throw all;
        }
    }

    private interface Check {
        void run() throws Exception;
    }

    private static void attempt(List<Throwable> problems, Check check) {
        try {
            check.run();
        } catch (Throwable problem) {
            problems.add(problem);
        }
    }

    private void checkThreads() {
        // The control thread ends by itself a tenth of a second after its last work; waiting for it each time is not
        // worth it (LifecycleTest does).
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(newThreads()).as("threads").isEmpty());
    }

    private List<String> newThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive() && !threadsBefore.contains(thread))
                .map(Thread::getName)
                .filter(name -> name.startsWith("vert.x-")
                        || (name.startsWith("postern-") && !name.startsWith("postern-control")))
                .toList();
    }

    private void checkLogs() {
        List<String> complaints = LOGS.entries().stream()
                .filter(line -> line.logger().startsWith("dev.postern")
                        ? line.level().intValue() >= Level.SEVERE.intValue()
                        : line.level().intValue() >= Level.WARNING.intValue())
                .map(Logs.Entry::toString)
                .filter(line -> expected.stream().noneMatch(line::contains))
                // A connection that comes just when the last loop of a server goes: Netty closes it and says so.
                .filter(line -> !line.contains("Failed to register an accepted channel"))
                .toList();
        assertThat(complaints).as("complaints of Vert.x, Netty and the gateway").isEmpty();
    }

    /** Leaks show when what was lost is collected and somebody allocates again. */
    private static void checkLeaks() {
        LOGS.clear();
        for (int i = 0; i < 3; i++) {
            System.gc();
            for (int n = 0; n < 64; n++) {
                ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(16);
                buffer.release();
            }
        }
        assertThat(LOGS.entries().stream()
                        .map(Logs.Entry::toString)
                        .filter(line -> line.contains("LEAK"))
                        .toList())
                .as("leaked buffers")
                .isEmpty();
    }

    /** The state of an upstream in words. */
    static String inUse(Gateway gateway) {
        return gateway.config().upstreams().stream()
                .map(upstream -> gateway.upstream(upstream.name()))
                .filter(state -> state.inFlight() != 0
                        || state.pending() != 0
                        || state.endpoints().stream().anyMatch(endpoint -> endpoint.inFlight() != 0))
                .map(UpstreamState::toString)
                .collect(Collectors.joining(", "));
    }

    static String leases(Gateway gateway) {
        return Leases.of(gateway);
    }
}
