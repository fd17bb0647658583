package dev.postern.runtime.snapshot;

import dev.postern.ClientInfo;
import dev.postern.Destination;
import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Failure;
import dev.postern.GatewayConfig;
import dev.postern.GatewayException;
import dev.postern.Protocol;
import dev.postern.Request;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Upstream;
import dev.postern.runtime.pipeline.Bounds;
import dev.postern.runtime.pipeline.ExchangeContext;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import dev.postern.runtime.pipeline.Outlet;
import dev.postern.runtime.pipeline.Pipeline;
import dev.postern.runtime.routing.Routed;
import dev.postern.runtime.routing.RoutingTable;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * One config, compiled: what a request needs is reached from here without a look at the config. Immutable; an exchange
 * keeps the snapshot it began with, so it is never decided by two configs.
 */
public final class Snapshot {
    /** The methods that the path of a refused request has; the answer's {@code Allow} is made of it. */
    public static final Exchange.Key<List<String>> ALLOWED = Exchange.Key.named("allowed methods");

    /** Where the exchange keeps what routing found. */
    public static final Exchange.Key<Routed> ROUTED = Exchange.Key.named("routed");

    private static final byte OWN = -1;
    private static final int MOST_SHARED = 128;

    private final GatewayConfig config;
    private final RoutingTable table;
    // By the number of the route: its course, and the place of that among the shared ones, or OWN. A byte for each
    // route stays in the processor's cache where a reference for each does not.
    private final Course[] courses;
    private final byte[] places;
    private final Course[] shared;
    private final Course unmatched;
    private final Epoch epoch;
    private final ExchangeContext context;

    /**
     * What the exchanges of a route go through.
     *
     * @param takesCalls whether a gRPC service may be behind it
     */
    private record Course(Pipeline pipeline, Bounds bounds, boolean takesCalls) {}

    /** What makes the courses of two routes the same: without filters and rewrites of their own. */
    private record Plain(Destination destination, Bounds bounds) {}

    /**
     * Compiles.
     *
     * @param lastSteps makes the last step of a route
     * @param context makes what the exchanges of this snapshot share
     */
    public Snapshot(
            GatewayConfig config,
            RoutingTable table,
            Epoch epoch,
            Function<Route, Pipeline.LastStep> lastSteps,
            Function<Snapshot, ExchangeContext> context) {
        this.config = config;
        this.table = table;
        this.epoch = epoch;
        Set<String> calling = new HashSet<>();
        for (Upstream upstream : config.upstreams()) {
            if (upstream.protocol() == Protocol.HTTP_2) {
                calling.add(upstream.name());
            }
        }
        courses = new Course[config.routes().size()];
        Map<Bounds, Bounds> bounds = new HashMap<>();
        // Among many routes what they share is in the processor's cache, and what each has for itself is not.
        Map<Plain, Course> plain = new HashMap<>();
        Map<Course, Byte> known = new IdentityHashMap<>();
        places = new byte[courses.length];
        for (int i = 0; i < courses.length; i++) {
            Route route = config.routes().get(i);
            Destination destination = Objects.requireNonNull(route.destination(), "destination");
            Bounds own = bounds.computeIfAbsent(Bounds.of(route), same -> same);
            Supplier<Course> course = () -> new Course(
                    Pipeline.of(config.filters(), route.filters(), lastSteps.apply(route)),
                    own,
                    takesCalls(destination, calling));
            courses[i] = isPlain(route)
                    ? plain.computeIfAbsent(new Plain(destination, own), any -> course.get())
                    : course.get();
            places[i] = isPlain(route)
                    ? known.computeIfAbsent(courses[i], first -> known.size() < MOST_SHARED ? (byte) known.size() : OWN)
                    : OWN;
        }
        shared = new Course[Math.min(known.size(), MOST_SHARED)];
        known.forEach((course, place) -> {
            if (place != OWN) {
                shared[place] = course;
            }
        });
        unmatched = new Course(
                Pipeline.of(config.filters(), List.of(), Snapshot::refuse), Bounds.of(Route.UNMATCHED), true);
        this.context = context.apply(this);
    }

    private static boolean isPlain(Route route) {
        return route.filters().isEmpty()
                && route.destination() instanceof Destination.ToUpstream
                && route.rewrite().equals(Rewrite.none());
    }

    /** Only HTTP/2 carries calls. */
    private static boolean takesCalls(Destination destination, Set<String> calling) {
        if (destination instanceof Destination.ToUpstream to) {
            return calling.contains(to.name());
        }
        return destination instanceof Destination.ToSplit to
                && to.split().shares().stream().anyMatch(share -> calling.contains(share.upstream()));
    }

    private Course course(Routed routed) {
        int number = routed.number();
        if (number < 0) {
            return unmatched;
        }
        byte place = places[number];
        return place == OWN ? courses[number] : shared[place];
    }

    /** The config. */
    public GatewayConfig config() {
        return config;
    }

    /** The compiled routes. */
    public RoutingTable table() {
        return table;
    }

    /** Counts the exchanges under way with this snapshot. */
    public Epoch epoch() {
        return epoch;
    }

    /** What its exchanges share. */
    public ExchangeContext context() {
        return context;
    }

    /** All observers as one. */
    public ExchangeObserver observer() {
        return context.observer();
    }

    /** The names of the filters that the request would run through. */
    public List<String> filters(Routed routed) {
        return course(routed).pipeline().names();
    }

    /**
     * Routes a validated request and runs it. Called on the loop; the caller has entered the {@linkplain #epoch epoch},
     * which the end of the exchange leaves.
     *
     * @param born is given the exchange before it runs
     */
    public void run(Request request, ClientInfo client, Loop loop, Outlet outlet, Consumer<GatewayExchange> born) {
        Routed routed;
        try {
            routed = table.find(request, client, context.time());
        } catch (RuntimeException | Error broken) {
            // A predicate of the host's; whatever it does, the client gets an answer and the epoch is left.
            refuse(
                    request,
                    client,
                    loop,
                    outlet,
                    born,
                    new GatewayException(Failure.INTERNAL, "a condition of a route failed: " + broken, broken));
            return;
        }
        Route route = routed.route();
        Course course = course(routed);
        Bounds bounds = course.bounds();
        GatewayExchange exchange =
                new GatewayExchange(context, loop, client, request, route, bounds, routed::pathVariables, outlet);
        if (!course.takesCalls()) {
            exchange.isNoCall();
        }
        exchange.set(ROUTED, routed);
        born.accept(exchange);
        exchange.startDeadline();
        context.observer().started(request, exchange);
        GatewayException refusal = exchange.refusal();
        if (refusal != null) {
            refuse(exchange, refusal);
            return;
        }
        if (request.body().length() > bounds.maxRequestBytes()) {
            refuse(
                    exchange,
                    new GatewayException(
                            Failure.REQUEST_BODY_TOO_LARGE,
                            "body of " + request.body().length() + " bytes (route \"" + route.id() + "\" takes "
                                    + bounds.maxRequestBytes() + ")"));
            return;
        }
        course.pipeline().run(request, exchange);
    }

    /** Answers a request that no pipeline shall see: malformed, too large, or come at a bad time. */
    public void refuse(
            Request request,
            ClientInfo client,
            Loop loop,
            Outlet outlet,
            Consumer<GatewayExchange> born,
            GatewayException why) {
        GatewayExchange exchange = new GatewayExchange(
                context, loop, client, request, Route.UNMATCHED, unmatched.bounds(), Map::of, outlet);
        born.accept(exchange);
        context.observer().started(request, exchange);
        refuse(exchange, why);
    }

    private static void refuse(GatewayExchange exchange, GatewayException why) {
        exchange.original().body().discard();
        exchange.cut(why);
    }

    private static LoopStage<Response> refuse(Request request, GatewayExchange exchange) {
        Routed routed = Objects.requireNonNull(exchange.get(ROUTED), "routed");
        Failure failure =
                routed.failure() == Failure.METHOD_NOT_ALLOWED ? Failure.METHOD_NOT_ALLOWED : Failure.NO_ROUTE;
        if (failure == Failure.METHOD_NOT_ALLOWED) {
            exchange.set(ALLOWED, routed.allowedMethods());
        }
        return LoopStage.failed(
                exchange.loop(),
                new GatewayException(failure, "no route takes " + request.method() + ' ' + request.path()));
    }
}
