package dev.postern.runtime;

import dev.postern.Call;
import dev.postern.Destination;
import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.GatewayException;
import dev.postern.Handler;
import dev.postern.Problem;
import dev.postern.Request;
import dev.postern.RequestKey;
import dev.postern.Response;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.EndpointState;
import dev.postern.runtime.discovery.Roster;
import dev.postern.runtime.edge.CanonicalPath;
import dev.postern.runtime.forward.Forwarding;
import dev.postern.runtime.forward.LocalForwarding;
import dev.postern.runtime.forward.UpstreamClient;
import dev.postern.runtime.message.VertxLoop;
import dev.postern.runtime.observe.Trace;
import dev.postern.runtime.pipeline.GatewayExchange;
import dev.postern.runtime.pipeline.Loop;
import dev.postern.runtime.pipeline.LoopStage;
import dev.postern.runtime.pipeline.Pipeline.LastStep;
import dev.postern.runtime.routing.Redirector;
import dev.postern.runtime.routing.Rewriter;
import dev.postern.runtime.routing.Routed;
import dev.postern.runtime.snapshot.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What stands at the end of the pipelines of one config: upstreams, splits, handlers, answers, redirects. Knows the
 * upstreams by name and keeps to those of its own config.
 */
final class Destinations {
    private final VertxHost host;
    private final UpstreamClient client;
    private final String via;
    private final Map<String, Target> targets;
    private final long seed;
    private final Map<String, Shares> shares = new ConcurrentHashMap<>();

    /** An upstream of this config: somewhere to forward to, or code of the host. */
    record Target(Upstream upstream, Roster roster) {
        boolean isLocal() {
            return upstream.handler() != null || upstream.blockingHandler() != null;
        }

        /** Where code of the host is counted: there is always one. */
        EndpointState place() {
            return roster.current().endpoints().get(0);
        }
    }

    /**
     * The destinations of a config.
     *
     * @param seed where the chances of splits begin; another for each config, or every swap would begin with the same one
     */
    Destinations(VertxHost host, UpstreamClient client, String gatewayName, Map<String, Target> targets, long seed) {
        this.host = host;
        this.client = client;
        this.via = "1.1 " + gatewayName;
        this.targets = Map.copyOf(targets);
        this.seed = seed;
    }

    /** The last step of a route that was found to be valid. */
    LastStep lastStep(Route route) {
        Destination destination = Objects.requireNonNull(route.destination(), "destination");
        LastStep step = step(route, destination);
        if (route.rewrite().equals(Rewrite.none())) {
            return (request, exchange) -> step.run(checked(request, exchange), exchange);
        }
        Rewriter rewriter = Rewriter.compile(route, new ArrayList<Problem>());
        return (request, exchange) -> {
            Request changed = rewriter.request(request, routed(exchange));
            return step.run(changed, exchange).thenApply(rewriter::response);
        };
    }

    /** A path that a filter has put in the place of the one that was matched has to be as canonical as that one (T034). */
    @SuppressWarnings("StringEquality") // the path nobody touched is the same object, and costs nothing
    private static Request checked(Request request, GatewayExchange exchange) {
        if (request.path() != exchange.original().path() && !CanonicalPath.isCanonical(request.path())) {
            throw new GatewayException(
                    Failure.INTERNAL,
                    "rewrite.not_canonical",
                    "a filter of route \"" + exchange.route().id() + "\" made a path that is not canonical",
                    null);
        }
        return request;
    }

    private LastStep step(Route route, Destination destination) {
        Rewrite rewrite = route.rewrite();
        if (destination instanceof Destination.ToUpstream to) {
            Target target = target(to.name());
            return (request, exchange) -> send(target, request, exchange, rewrite);
        }
        if (destination instanceof Destination.ToSplit to) {
            Shares shares = shares(route, to.split());
            return (request, exchange) -> send(target(shares.choose(request, exchange)), request, exchange, rewrite);
        }
        if (destination instanceof Destination.ToHandler to) {
            return (request, exchange) -> LocalCode.call(to.handler(), request, exchange, exchange);
        }
        if (destination instanceof Destination.ToBlockingHandler to) {
            return (request, exchange) -> LocalCode.callBlocking(to.handler(), request, exchange, exchange);
        }
        if (destination instanceof Destination.ToRedirect) {
            Redirector redirector = Redirector.compile(route, new ArrayList<>());
            return (request, exchange) -> {
                request.body().discard();
                return LoopStage.of(exchange.loop(), redirector.answer(request, routed(exchange)));
            };
        }
        Destination.Answer answer = (Destination.Answer) destination;
        return (request, exchange) -> {
            request.body().discard();
            return LoopStage.of(
                    exchange.loop(),
                    Response.of(answer.status()).withHeaders(answer.headers()).withBody(answer.body()));
        };
    }

    /** The name of the upstream that a request would go to; for explain, which changes nothing. */
    @Nullable
    String explain(Route route, Request request, GatewayExchange exchange) {
        Destination destination = route.destination();
        if (destination instanceof Destination.ToUpstream to) {
            return to.name();
        }
        return destination instanceof Destination.ToSplit to
                ? shares(route, to.split()).peek(request, exchange)
                : null;
    }

    private Shares shares(Route route, Split split) {
        return shares.computeIfAbsent(route.id(), id -> new Shares(split, seed));
    }

    /** A call that a filter or handler makes to an upstream. */
    Call call(String upstream, Request request, GatewayExchange exchange) {
        Target target = targets.get(upstream);
        if (target == null) {
            return new FailedCall(LoopStage.failed(
                    exchange.loop(),
                    new GatewayException(
                            Failure.NO_ENDPOINT,
                            "upstream \"" + upstream + "\" is not defined (defined: " + names() + ")")));
        }
        if (target.isLocal() && LocalForwarding.isNeeded(target.upstream())) {
            LocalForwarding forwarding = localForwarding(target, request, exchange, false);
            return new PolicedCall(forwarding, forwarding.start());
        }
        if (target.isLocal()) {
            LoopStage<Response> stage = new LoopStage<>(exchange.loop());
            local(target, request, exchange).whenComplete((response, failure) -> {
                boolean taken = failure != null ? stage.fail(LocalCode.root(failure)) : stage.deliver(response);
                if (!taken && response != null) {
                    response.body().discard();
                }
            });
            return new LocalCall(stage, exchange.loop());
        }
        Forwarding forwarding = forwarding(target.roster(), Trace.joined(request, exchange), exchange, null, false);
        return new ForwardedCall(forwarding, forwarding.start());
    }

    private Target target(String name) {
        return Objects.requireNonNull(targets.get(name), name);
    }

    private CompletionStage<Response> send(Target target, Request request, GatewayExchange exchange, Rewrite rewrite) {
        if (target.isLocal()) {
            return local(target, request, exchange);
        }
        if (exchange.kind() == Exchange.Kind.WEBSOCKET && !exchange.tunnels()) {
            return LoopStage.failed(
                    exchange.loop(),
                    new GatewayException(
                            Failure.BAD_REQUEST,
                            "websocket.no_socket",
                            "a WebSocket needs a connection that it can take over, and handle() has none",
                            null));
        }
        String fixedHost = rewrite.keepsHost() ? exchange.original().authority() : rewrite.host();
        return forwarding(target.roster(), request, exchange, fixedHost, true).start();
    }

    private Forwarding forwarding(
            Roster roster, Request request, GatewayExchange exchange, @Nullable String fixedHost, boolean primary) {
        Loop loop = exchange.loop();
        VertxLoop home = loop instanceof VertxLoop mine ? mine : host.next();
        return new Forwarding(client, home, exchange, request, roster::current, fixedHost, primary, via);
    }

    private CompletionStage<Response> local(Target target, Request request, GatewayExchange exchange) {
        Upstream upstream = target.upstream();
        if (LocalForwarding.isNeeded(upstream)) {
            return localForwarding(target, request, exchange, true).start();
        }
        EndpointState place = target.place();
        return place.tryBegin()
                ? LocalCode.counted(place, exchange, code(upstream, request, exchange, exchange))
                : LoopStage.failed(exchange.loop(), LocalForwarding.drained(upstream));
    }

    private LocalForwarding localForwarding(Target target, Request request, GatewayExchange exchange, boolean primary) {
        return new LocalForwarding(
                client,
                exchange,
                request,
                target.roster()::current,
                (each, seen) -> code(target.upstream(), each, exchange, seen),
                primary);
    }

    private static CompletionStage<Response> code(
            Upstream upstream, Request request, GatewayExchange exchange, Exchange seen) {
        Handler handler = upstream.handler();
        return handler != null
                ? LocalCode.call(handler, request, exchange, seen)
                : LocalCode.callBlocking(
                        Objects.requireNonNull(upstream.blockingHandler(), "handler"), request, exchange, seen);
    }

    private static Routed routed(GatewayExchange exchange) {
        return Objects.requireNonNull(exchange.get(Snapshot.ROUTED), "routed");
    }

    private String names() {
        return targets.isEmpty()
                ? "none"
                : String.join(", ", targets.keySet().stream().sorted().toList());
    }

    private record ForwardedCall(Forwarding forwarding, CompletionStage<Response> response) implements Call {
        @Override
        public void cancel() {
            forwarding.cancel(new GatewayException(Failure.CLIENT_GONE, "the call was cancelled"));
        }
    }

    private record PolicedCall(LocalForwarding forwarding, CompletionStage<Response> response) implements Call {
        @Override
        public void cancel() {
            forwarding.cancel(new GatewayException(Failure.CLIENT_GONE, "the call was cancelled"));
        }
    }

    private record FailedCall(CompletionStage<Response> response) implements Call {
        @Override
        public void cancel() {
            // It has failed already.
        }
    }

    private record LocalCall(LoopStage<Response> response, Loop loop) implements Call {
        @Override
        public void cancel() {
            loop.enter(() -> response.fail(new GatewayException(Failure.CLIENT_GONE, "the call was cancelled")));
        }
    }

    /** The shares of a split, laid out on a line; a point on the line is an upstream. */
    private static final class Shares {
        private final List<Split.Share> shares;
        private final @Nullable RequestKey key;
        private final long sum;
        private final AtomicLong turn;

        Shares(Split split, long seed) {
            turn = new AtomicLong(seed);
            shares = split.shares();
            key = split.key();
            sum = shares.stream().mapToLong(Split.Share::weight).sum();
        }

        String choose(Request request, GatewayExchange exchange) {
            String value = key == null ? null : key.of(request, exchange);
            return at(value == null ? mix(turn.getAndIncrement()) : hash(value));
        }

        String peek(Request request, GatewayExchange exchange) {
            String value = key == null ? null : key.of(request, exchange);
            return at(value == null ? mix(turn.get()) : hash(value));
        }

        private String at(long bits) {
            long point = Math.floorMod(bits, sum);
            for (Split.Share share : shares) {
                point -= share.weight();
                if (point < 0) {
                    return share.upstream();
                }
            }
            throw new IllegalStateException("weights of the split do not add up");
        }

        /** FNV-1a, 64 bits, then mixed: the same on every JVM and in every run, which stickiness needs. */
        private static long hash(String text) {
            long hash = 0xcbf29ce484222325L;
            for (int i = 0; i < text.length(); i++) {
                hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
            }
            return mix(hash);
        }

        private static long mix(long bits) {
            long z = bits * 0x9E3779B97F4A7C15L;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            return z ^ (z >>> 31);
        }
    }
}
