package dev.postern.runtime;

import dev.postern.BoundListener;
import dev.postern.ClientInfo;
import dev.postern.ExchangeObserver;
import dev.postern.Explanation;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.GatewayException;
import dev.postern.GatewayStartException;
import dev.postern.Listener;
import dev.postern.Managed;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Route;
import dev.postern.StateSpec;
import dev.postern.StateView;
import dev.postern.TimeSource;
import dev.postern.Upstream;
import dev.postern.UpstreamState;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import dev.postern.runtime.balancing.Keys;
import dev.postern.runtime.discovery.Roster;
import dev.postern.runtime.discovery.Rosters;
import dev.postern.runtime.edge.RequestHead;
import dev.postern.runtime.forward.UpstreamClient;
import dev.postern.runtime.health.Outliers;
import dev.postern.runtime.health.Prober;
import dev.postern.runtime.listener.EntrySettings;
import dev.postern.runtime.listener.Front;
import dev.postern.runtime.listener.HttpEntry;
import dev.postern.runtime.listener.HttpListener;
import dev.postern.runtime.listener.Upgrades;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.observe.ConnectionMeters;
import dev.postern.runtime.observe.ListenerFigures;
import dev.postern.runtime.observe.SafeObservers;
import dev.postern.runtime.observe.StateGauges;
import dev.postern.runtime.observe.UpstreamGauges;
import dev.postern.runtime.pipeline.Bounds;
import dev.postern.runtime.pipeline.CallerLoop;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import dev.postern.runtime.pipeline.MemoryLedger;
import dev.postern.runtime.pipeline.Watchdog;
import dev.postern.runtime.routing.Explained;
import dev.postern.runtime.routing.Routed;
import dev.postern.runtime.snapshot.Epoch;
import dev.postern.runtime.snapshot.Lease;
import dev.postern.runtime.snapshot.Lifecycles;
import dev.postern.runtime.snapshot.Snapshot;
import dev.postern.runtime.snapshot.StateRegistry;
import dev.postern.runtime.tls.UpstreamTlsFiles;
import dev.postern.spi.Environment;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.internal.ContextInternal;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A started gateway: what outlives configs (connections, state, endpoints, loops) and the snapshot in force. {@link #apply}
 * and {@link #stop} are called on the control thread, one at a time, and may wait; everything else is safe on any thread.
 */
final class RunningGateway implements Front {
    private static final System.Logger LOG = System.getLogger(RunningGateway.class.getName());
    private static final long START_SECONDS = 60;
    /** How long the connections of a listener that a config has dropped may go on. */
    private static final Duration LISTENER_DRAIN = Duration.ofSeconds(10);

    /** After so long without a request nobody is told to go any more: who is there has nothing to ask. */
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final Duration LONGEST_DRAIN = Duration.ofDays(365);

    private final VertxHost host;
    private final Compiler compiler;
    private final TimeSource time;
    private final RandomGenerator random;
    private final RequestIds ids;
    private final StateRegistry states = new StateRegistry();
    private final MemoryLedger memory;
    private final AtomicInteger openExchanges = new AtomicInteger();
    private final Set<GatewayExchange> exchanges = ConcurrentHashMap.newKeySet();
    private final UpstreamClient client;
    private final OwnCalls ownCalls;
    private final NettyLookups lookups;
    private final RuntimeServices services;
    private final Lifecycles lifecycles;
    private final Prober prober;
    private final Outliers outliers;
    private final Rosters rosters;
    private final Watchdog watchdog;
    // Doors that no config has any more, and the timers that look after them.
    private final Map<HttpListener, Long> retired = new ConcurrentHashMap<>();
    // Written on the control thread.
    private volatile List<HttpListener> listeners = List.of();
    private volatile boolean draining;
    private volatile boolean over;
    private volatile boolean ready;
    private volatile @Nullable Loaded loaded;

    /** A config in force with what belongs to it alone. */
    private record Loaded(
            Snapshot snapshot,
            Destinations destinations,
            Map<String, Roster> rosters,
            List<UpstreamGauges.Watch> gauges,
            List<Lease> leases) {
        /** Nobody uses it any more. */
        void release() {
            rosters.values().forEach(Roster::close);
            // The parts before the state they use.
            for (int i = leases.size() - 1; i >= 0; i--) {
                leases.get(i).release();
            }
        }
    }

    private RunningGateway(GatewayConfig config, Environment environment, VertxHost host, Compiler compiler) {
        this.host = host;
        this.compiler = compiler;
        host.open(environment.time());
        time = environment.time() == null ? host.systemTime() : environment.time();
        random = environment.random() == null ? new SharedRandom() : environment.random();
        memory = new MemoryLedger(config.maxBufferedBytes());
        ids = new RequestIds(random);
        UpstreamTlsFiles tlsFiles = new UpstreamTlsFiles(host.vertx());
        client = new UpstreamClient(host.vertx(), tlsFiles);
        ownCalls = new OwnCalls(host.vertx(), tlsFiles);
        lookups = new NettyLookups();
        services = new RuntimeServices(
                time,
                random,
                states,
                ownCalls,
                new VertxLineCalls(host.vertx(), tlsFiles),
                lookups,
                host,
                OwnCalls.Manner.STANDARD);
        lifecycles = new Lifecycles(services);
        prober = new Prober(services::toward);
        outliers = new Outliers(services);
        rosters = new Rosters(services, random.nextLong(), new Watching());
        watchdog = new Watchdog(config.name(), host.watches());
    }

    /** Starts everything or nothing. */
    static RunningGateway start(GatewayConfig config, Environment environment, VertxHost host, Compiler compiler) {
        ParserSwitches.check();
        RunningGateway gateway = new RunningGateway(config, environment, host, compiler);
        try {
            gateway.load(config);
            gateway.ready = true;
            return gateway;
        } catch (RuntimeException | Error failed) {
            gateway.shutDown();
            throw failed;
        }
    }

    GatewayConfig config() {
        return loaded().snapshot().config();
    }

    // ---- swap

    /** Puts a checked config in force, all or nothing. */
    void apply(GatewayConfig next) {
        load(next);
    }

    /**
     * The swap: what can fail comes first and is taken back when it does; then one write; then the old config goes when
     * its last exchange has ended.
     */
    private void load(GatewayConfig wanted) {
        Loaded old = loaded;
        // 1. Parts equal to running ones are the running ones.
        GatewayConfig next = old == null
                ? wanted
                : Lifecycles.canonicalise(wanted, old.snapshot().config());
        // 2. State and managed parts. What a refused config has begun is given back.
        List<Lease> leases = new ArrayList<>();
        Map<String, Roster> opened = new LinkedHashMap<>();
        List<HttpListener> bound = new ArrayList<>();
        List<UpstreamGauges.Watch> watches = new ArrayList<>();
        try {
            leases.add(states.prepare(next));
            leases.add(await(lifecycles.start(next)));
            // 3. Upstreams, routes and pipelines, compiled aside.
            Map<String, Destinations.Target> targets = new LinkedHashMap<>();
            for (Upstream upstream : next.upstreams()) {
                Roster roster = rosters.open(upstream);
                opened.put(upstream.name(), roster);
                targets.put(upstream.name(), new Destinations.Target(upstream, roster));
            }
            Destinations destinations = new Destinations(host, client, next.name(), targets, random.nextLong());
            Epoch epoch = new Epoch();
            ExchangeObserver observer = SafeObservers.of(next.observers());
            Snapshot snapshot = new Snapshot(
                    next,
                    compiler.table(next),
                    epoch,
                    destinations::lastStep,
                    mine -> new GatewayContext(
                            next.name(),
                            time,
                            observer,
                            next.errorHandler(),
                            memory,
                            ids,
                            destinations,
                            host,
                            this::ended,
                            epoch));
            // 4. Listeners that are new; the last thing that can fail.
            ListenerChange doors = doors(next.listeners());
            watches.addAll(gauges(next, opened));
            Loaded now =
                    new Loaded(snapshot, destinations, Map.copyOf(opened), List.copyOf(watches), List.copyOf(leases));
            if (old == null) {
                loaded = now;
            }
            List<Runnable> changes = new ArrayList<>();
            doors.changed()
                    .forEach((door, changed) ->
                            changes.add(await(door.prepare(changed).toCompletionStage())));
            for (HttpListener door : doors.added()) {
                bound.add(door);
                await(door.bind().toCompletionStage());
            }
            // 5. From here on nothing fails. One write puts the config in force.
            loaded = now;
            memory.most(next.maxBufferedBytes());
            listeners = doors.all();
            changes.forEach(Runnable::run);
            doors.removed().forEach(this::retire);
            if (old != null) {
                retire(old);
            }
        } catch (RuntimeException | Error failed) {
            bound.forEach(door -> quietly("close " + door.config(), door.close()));
            watches.forEach(UpstreamGauges.Watch::close);
            opened.values().forEach(Roster::close);
            for (int i = leases.size() - 1; i >= 0; i--) {
                leases.get(i).release();
            }
            throw failed;
        }
    }

    private static void retire(Loaded old) {
        old.gauges().forEach(UpstreamGauges.Watch::close);
        old.snapshot().epoch().retire(old::release);
    }

    private void retire(HttpListener door) {
        door.stopAccepting();
        door.drain();
        long deadline = System.nanoTime() + LISTENER_DRAIN.toNanos();
        retired.put(door, host.vertx().setPeriodic(100, timer -> {
            door.closeQuiet(0);
            if (door.open() == 0 || System.nanoTime() - deadline > 0) {
                host.vertx().cancelTimer(timer);
                retired.remove(door);
                door.close();
            }
        }));
    }

    /** All doors behind which somebody may be. */
    private List<HttpListener> allDoors() {
        List<HttpListener> all = new ArrayList<>(listeners);
        all.addAll(retired.keySet());
        return all;
    }

    private record ListenerChange(
            List<HttpListener> all,
            List<HttpListener> added,
            List<HttpListener> removed,
            Map<HttpListener, Listener> changed) {}

    private ListenerChange doors(List<Listener> wanted) {
        List<HttpListener> free = new ArrayList<>(listeners);
        List<HttpListener> all = new ArrayList<>();
        List<HttpListener> added = new ArrayList<>();
        Map<HttpListener, Listener> changed = new LinkedHashMap<>();
        for (Listener listener : wanted) {
            HttpListener kept = free.stream()
                    .filter(door -> door.canBecome(listener))
                    .findFirst()
                    .orElse(null);
            if (kept == null) {
                refusePortInUse(listener, free);
                HttpListener door = new HttpListener(host.vertx(), listener, host.loops(), this);
                added.add(door);
                all.add(door);
            } else {
                free.remove(kept);
                all.add(kept);
                if (!kept.config().equals(listener)) {
                    changed.put(kept, listener);
                }
            }
        }
        return new ListenerChange(List.copyOf(all), added, free, changed);
    }

    /** Vert.x would let a second server share the port of the first, with the first one's TLS and guard. */
    private static void refusePortInUse(Listener listener, List<HttpListener> running) {
        for (HttpListener door : running) {
            if (listener.port() != 0 && door.bound().port() == listener.port()) {
                throw new GatewayStartException(
                        listener + " cannot bind port " + listener.port() + ": the running " + door.config()
                                + " has it (change the port, or drop the other listener in a swap of its own first)",
                        null);
            }
        }
    }

    /** Health checks follow the newest list of each upstream. */
    private final class Watching implements Rosters.Listener {
        @Override
        public void changed(ClusterView view) {
            outliers.watch(view);
            prober.watch(view);
        }

        @Override
        public void gone(String upstream) {
            outliers.forget(upstream);
            prober.forget(upstream);
        }
    }

    private List<UpstreamGauges.Watch> gauges(GatewayConfig config, Map<String, Roster> opened) {
        List<UpstreamGauges.Watch> watches = new ArrayList<>();
        Set<String> routes = config.routes().stream().map(Route::id).collect(Collectors.toSet());
        for (ExchangeObserver observer : config.observers()) {
            if (observer instanceof UpstreamGauges shown) {
                watches.add(shown.watch(
                        time,
                        () -> routes,
                        () -> opened.values().stream()
                                .map(roster -> roster.cluster().state(roster.current()))
                                .toList()));
            }
            if (observer instanceof StateGauges shown) {
                watches.add(shown.watchStates(time, () -> shownStates(config.name())));
            }
        }
        return watches;
    }

    // ---- requests

    @Override
    public Snapshot enter() {
        while (true) {
            Snapshot snapshot = loaded().snapshot();
            if (snapshot.epoch().enter()) {
                return snapshot;
            }
            if (over) {
                throw new GatewayException(Failure.NOT_RUNNING, "the gateway has stopped");
            }
            // It was retired between the two lines; the next one is in force.
            Thread.onSpinWait();
        }
    }

    @Override
    public VertxLoop loop() {
        return host.current();
    }

    @Override
    public boolean isDraining() {
        return draining;
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public String newId() {
        return ids.next();
    }

    @Override
    public void begun(GatewayExchange exchange) {
        exchanges.add(exchange);
        openExchanges.incrementAndGet();
    }

    @Override
    public void refused(ExchangeObserver.Refused refused) {
        Loaded now = loaded;
        if (now != null) {
            now.snapshot().observer().refused(refused);
        }
    }

    @Override
    public void connections(String listener, @Nullable ListenerFigures figures) {
        Loaded now = loaded;
        if (now == null) {
            return;
        }
        for (ExchangeObserver observer : now.snapshot().config().observers()) {
            if (!(observer instanceof ConnectionMeters shown)) {
                continue;
            }
            if (figures == null) {
                shown.closed(listener);
            } else {
                shown.connections(listener, figures);
            }
        }
    }

    private void ended(GatewayExchange exchange) {
        exchanges.remove(exchange);
        openExchanges.decrementAndGet();
    }

    CompletionStage<Response> handle(Request request, ClientInfo client) {
        ContextInternal context = ContextInternal.current();
        boolean ours = context != null && context.isEventLoopContext() && host.owns(context);
        Loop loop = ours ? host.current() : new CallerLoop(time);
        LoopStage<Response> result = new LoopStage<>(loop);
        InProcessReply reply = new InProcessReply(result);
        loop.enter(() -> {
            Snapshot snapshot;
            try {
                snapshot = enter();
            } catch (GatewayException stopped) {
                result.fail(stopped);
                return;
            }
            RequestHead head;
            try {
                head = judged(request);
            } catch (GatewayException refused) {
                snapshot.refuse(request, client, loop, reply, this::begun, refused);
                return;
            }
            Request checked = validated(request, head);
            Consumer<GatewayExchange> born = exchange -> {
                begun(exchange);
                Upgrades.judge(head, exchange, draining);
            };
            if (checked.body().length() >= 0) {
                snapshot.run(checked, client, loop, reply, born);
                return;
            }
            LimitedBody limited = new LimitedBody(checked.body());
            snapshot.run(checked.withBody(limited), client, loop, reply, exchange -> {
                limited.limit(exchange.bounds().maxRequestBytes());
                born.accept(exchange);
            });
        });
        return result;
    }

    Explanation explain(Request request, ClientInfo client) {
        Loaded mine = loaded();
        Snapshot snapshot = mine.snapshot();
        Request checked;
        try {
            checked = validated(request, judged(request));
        } catch (GatewayException refused) {
            return new Explanation(
                    request.path(), refused.reason(), List.of(), null, Map.of(), List.of(), "", null, null, List.of());
        }
        Explained explained = snapshot.table().explain(checked, client, time);
        Routed routed = explained.routed();
        Route route = routed.route();
        if (routed.failure() != null) {
            return new Explanation(
                    checked.path(),
                    routed.failure().code(),
                    explained.considered(),
                    null,
                    Map.of(),
                    snapshot.filters(routed),
                    "",
                    null,
                    null,
                    List.of());
        }
        GatewayExchange standIn = new GatewayExchange(
                snapshot.context(),
                new CallerLoop(time),
                client,
                checked,
                route,
                Bounds.of(route),
                routed::pathVariables,
                new InProcessReply(new LoopStage<>(new CallerLoop(time))));
        String upstream = mine.destinations().explain(route, checked, standIn);
        Roster roster = upstream == null ? null : mine.rosters().get(upstream);
        ClusterView view = roster == null ? null : roster.current();
        Keys keys = view == null ? Keys.NONE : Keys.of(view.config(), key -> key.of(checked, standIn));
        int index = view == null ? -1 : view.peek(checked, keys);
        return new Explanation(
                checked.path(),
                null,
                explained.considered(),
                route.id(),
                routed.pathVariables(),
                snapshot.filters(routed),
                String.valueOf(route.destination()),
                upstream,
                // The host's own code has no address.
                view == null || index < 0 || view.endpoints().get(index).local()
                        ? null
                        : view.endpoints().get(index).uri(),
                view == null ? List.of() : view.describe(keys),
                states(snapshot.config(), route));
    }

    Handler<HttpServerRequest> requestHandler(List<String> trustedProxies) {
        return HttpEntry.mounted(this, EntrySettings.mounted(trustedProxies));
    }

    /** A request from the host is judged as one from the wire would be. */
    private static RequestHead judged(Request request) {
        return RequestHead.of(
                request.method(), request.target(), request.headers(), request.authority(), request.scheme(), 100);
    }

    private static Request validated(Request request, RequestHead head) {
        return Request.of(
                head.method(),
                request.scheme(),
                head.authority(),
                head.target().path(),
                head.target().query(),
                head.headers(),
                request.body());
    }

    /** How the state of a route's filters stands; a filter may keep several pieces, and several filters one. */
    private List<StateView> states(GatewayConfig config, Route route) {
        Map<StateSpec, StateView> views = new LinkedHashMap<>();
        for (List<Filter> filters : List.of(config.filters(), route.filters())) {
            for (Filter filter : filters) {
                for (StateSpec spec : filter instanceof Managed managed ? managed.state() : List.<StateSpec>of()) {
                    StateView view = states.view(spec);
                    if (view != null) {
                        views.put(spec, view);
                    }
                }
            }
        }
        return List.copyOf(views.values());
    }

    // ---- state

    List<StateView> states() {
        return states.views();
    }

    /** For meters: with what belongs to no filter. */
    private List<StateView> shownStates(String gateway) {
        List<StateView> views = new ArrayList<>(states.views());
        views.add(memory.view(gateway));
        return views;
    }

    UpstreamState upstream(String name) {
        Loaded mine = loaded();
        Roster roster = mine.rosters().get(name);
        if (roster != null) {
            return roster.cluster().state(roster.current());
        }
        throw unknown(mine, name);
    }

    Cluster cluster(String name) {
        Loaded mine = loaded();
        Roster roster = mine.rosters().get(name);
        if (roster != null) {
            return roster.cluster();
        }
        throw unknown(mine, name);
    }

    private static IllegalArgumentException unknown(Loaded mine, String name) {
        return new IllegalArgumentException("upstream: \"" + name + "\" is not defined (defined: "
                + mine.snapshot().config().upstreams().stream()
                        .map(Upstream::name)
                        .collect(Collectors.joining(", "))
                + ")");
    }

    List<BoundListener> listeners() {
        return listeners.stream().map(HttpListener::bound).toList();
    }

    String leases() {
        return "exchanges=" + openExchanges.get() + " attempts=" + client.attempts() + " kept=" + memory.kept();
    }

    // ---- end

    /** Phase by phase; see {@link dev.postern.Gateway#stop}. */
    void stop(Duration drain) {
        long nanos = drain.compareTo(LONGEST_DRAIN) < 0 ? drain.toNanos() : LONGEST_DRAIN.toNanos();
        long deadline = System.nanoTime() + nanos;
        // 1. Nobody new is sent here, and who is here is told to go elsewhere with the next request.
        ready = false;
        draining = true;
        listeners.forEach(HttpListener::drain);
        // Streams would last as long as they like: they end one by one, so that not all clients come back at once.
        for (GatewayExchange exchange : exchanges) {
            long delay = nanos < 3 ? 0 : random.nextLong(nanos / 3 * 2);
            exchange.loop().enter(() -> exchange.drain(delay));
        }
        // 2. Those who ask once more are answered, and told. A third of the time, or until nobody is left who asks.
        long begun = System.nanoTime();
        waitUntil(
                begun + nanos / 3,
                () -> allDoors().stream().allMatch(door -> door.open() == 0)
                        || (System.nanoTime() - begun >= QUIET_NANOS
                                && allDoors().stream().allMatch(door -> door.isQuiet(QUIET_NANOS))));
        // 3. The door closes; exchanges under way may finish.
        listeners.forEach(HttpListener::stopAccepting);
        waitUntil(deadline, () -> {
            List<HttpListener> doors = allDoors();
            doors.forEach(door -> door.closeQuiet(TimeUnit.SECONDS.toNanos(1)));
            return openExchanges.get() == 0 && doors.stream().allMatch(door -> door.busy() == 0 && door.open() == 0);
        });
        // 4. What is left is cut.
        for (GatewayExchange exchange : List.copyOf(exchanges)) {
            exchange.loop()
                    .enter(() -> exchange.cut(new GatewayException(
                            Failure.NOT_RUNNING, "the gateway stops and the exchange has not ended within " + drain)));
        }
        waitUntil(System.nanoTime() + TimeUnit.SECONDS.toNanos(1), () -> openExchanges.get() == 0);
        shutDown();
    }

    private static void waitUntil(long deadlineNanos, BooleanSupplier condition) {
        while (!condition.getAsBoolean() && System.nanoTime() - deadlineNanos < 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private void shutDown() {
        ready = false;
        draining = true;
        over = true;
        retired.values().forEach(timer -> host.vertx().cancelTimer(timer));
        for (HttpListener door : allDoors()) {
            quietly("close " + door.config(), door.close());
        }
        retired.clear();
        Loaded mine = loaded;
        if (mine != null) {
            retire(mine);
        }
        prober.stop();
        outliers.stop();
        // An exchange that would not end still holds its config.
        lifecycles.stopAll();
        states.close();
        client.close();
        ownCalls.close();
        lookups.close();
        watchdog.close();
        quietly("close Vert.x", host.close());
    }

    private static void quietly(String what, Future<Void> future) {
        try {
            await(future.toCompletionStage());
        } catch (RuntimeException failed) {
            LOG.log(Level.WARNING, "could not " + what, failed);
        }
    }

    private Loaded loaded() {
        Loaded mine = loaded;
        if (mine == null) {
            throw new IllegalStateException("the gateway is still starting");
        }
        return mine;
    }

    private static <T> T await(CompletionStage<T> stage) {
        try {
            return stage.toCompletableFuture()
                    .orTimeout(START_SECONDS, TimeUnit.SECONDS)
                    .join();
        } catch (CompletionException failed) {
            Throwable cause = failed.getCause() == null ? failed : failed.getCause();
            if (cause instanceof GatewayStartException known) {
                throw known;
            }
            throw new GatewayStartException("the gateway cannot start: " + cause, cause);
        }
    }
}
