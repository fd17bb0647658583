package dev.postern.runtime.snapshot;

import dev.postern.Checked;
import dev.postern.Destination;
import dev.postern.Endpoint;
import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.GrpcHealthCheck;
import dev.postern.HealthCheck;
import dev.postern.Listener;
import dev.postern.Problem;
import dev.postern.Protocol;
import dev.postern.Route;
import dev.postern.Split;
import dev.postern.StateSpec;
import dev.postern.StickyCookie;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import dev.postern.runtime.balancing.EndpointAddress;
import dev.postern.runtime.tls.PemFiles;
import dev.postern.spi.Wrapper;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds everything that is wrong with a configuration, in one go, in the order gateway, listeners, upstreams, filters,
 * routes, state. What matches and templates say is not looked at: that is found when routes are compiled.
 *
 * <p>Reads certificate files, so it is not for event loops; otherwise touches nothing outside.
 */
public final class ConfigCheck {
    private record Option(String name, Function<Upstream, @Nullable Object> value) {}

    private static final List<Option> OF_ENDPOINTS = List.of(
            new Option("loadBalancer", Upstream::loadBalancer),
            new Option("healthCheck", Upstream::healthCheck),
            new Option("outlierDetection", Upstream::outlierDetection),
            new Option("panicThreshold", Upstream::panicThreshold),
            new Option("slowStart", Upstream::slowStart),
            new Option("priorities", Upstream::priorityLabel),
            new Option("preferZone", Upstream::zoneLabel),
            new Option("subset", Upstream::subsetLabel));

    private static final List<Option> OF_CONNECTIONS = List.of(
            new Option("tls", Upstream::tls),
            new Option("protocol", Upstream::protocol),
            new Option("connectTimeout", Upstream::connectTimeout),
            new Option("poolTimeout", Upstream::poolTimeout),
            new Option("keepAlive", Upstream::keepAlive),
            new Option("maxConnections", Upstream::maxConnections),
            new Option("maxPending", Upstream::maxPending));

    private final Function<String, @Nullable String> network;
    private final Function<String, @Nullable String> path;

    /**
     * A check with its tools.
     *
     * @param network what is wrong with the text of a network such as {@code 10.0.0.0/8}, or null
     * @param path what is wrong with a path that has to be canonical, or null
     */
    public ConfigCheck(Function<String, @Nullable String> network, Function<String, @Nullable String> path) {
        this.network = network;
        this.path = path;
    }

    /**
     * All problems, errors and warnings.
     *
     * @param now for the dates of certificates
     */
    public List<Problem> check(GatewayConfig config, Instant now) {
        List<Problem> problems = new ArrayList<>();
        Findings gateway = new Findings("gateway", problems);
        if (config.routes().isEmpty()) {
            gateway.warning(
                    config.listeners().isEmpty()
                            ? "there is no listener and no route: it does nothing"
                            : "there is no route: every request is answered 404");
        }
        listeners(config.listeners(), now, gateway);
        upstreams(config.upstreams(), now, gateway);
        filterNames(config, gateway);
        routes(config, gateway);
        parts(config, gateway);
        return List.copyOf(problems);
    }

    private void listeners(List<Listener> listeners, Instant now, Findings gateway) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < listeners.size(); i++) {
            Listener listener = listeners.get(i);
            Findings findings = gateway.about(listener.toString());
            if (!names.add(listener.name())) {
                findings.error("name is used twice (expected: a name of its own)");
            }
            for (Listener earlier : listeners.subList(0, i)) {
                if (listener.port() != 0 && listener.port() == earlier.port() && overlap(listener, earlier)) {
                    findings.error("port " + listener.port() + " on " + listener.host() + " is taken by " + earlier
                            + " (expected: another port or host)");
                }
            }
            Tls tls = listener.tls();
            if (tls != null) {
                listenerTls(tls, now, findings);
            }
            listener.trustedProxies().forEach(proxy -> add(findings, "trusted proxy: ", network.apply(proxy)));
            listener.proxyProtocol().forEach(balancer -> add(findings, "proxy protocol: ", network.apply(balancer)));
            String health = listener.healthPath();
            if (health != null) {
                add(findings, "healthPath: ", path.apply(health));
            }
            if (!listener.byteGuard()) {
                findings.warning("runs without the byte guard: ambiguous requests may pass");
            }
        }
    }

    private static void listenerTls(Tls tls, Instant now, Findings findings) {
        for (Tls.Pair pair : tls.pairs()) {
            PemFiles.checkPair(pair.certificate(), pair.key(), now, findings::error, findings::warning);
        }
        Path trust = tls.clientTrust();
        if (trust != null) {
            PemFiles.checkTrust(trust, findings::error);
        }
    }

    private static boolean overlap(Listener one, Listener other) {
        return one.host().equalsIgnoreCase(other.host()) || wildcard(one.host()) || wildcard(other.host());
    }

    private static boolean wildcard(String host) {
        return host.equals("0.0.0.0") || host.equals("::") || host.equals("[::]");
    }

    private static void upstreams(List<Upstream> upstreams, Instant now, Findings gateway) {
        Set<String> names = new HashSet<>();
        Map<String, Upstream> cookies = new HashMap<>();
        for (Upstream upstream : upstreams) {
            Findings findings = gateway.about(upstream.toString());
            if (upstream.loadBalancer() instanceof StickyCookie cookie) {
                stickyCookie(upstream, cookie, cookies, findings);
            }
            if (!names.add(upstream.name())) {
                findings.error("is defined twice (expected: a name of its own)");
            }
            kinds(upstream, findings);
            if (local(upstream)) {
                withoutEndpoints(upstream, findings);
            }
            endpoints(upstream.endpoints(), findings);
            priorities(upstream, findings);
            upstreamTls(upstream, now, findings);
            HealthCheck check = upstream.healthCheck();
            if (check != null) {
                healthCheck(upstream, check, findings);
            }
        }
    }

    private static void stickyCookie(
            Upstream upstream, StickyCookie cookie, Map<String, Upstream> cookies, Findings findings) {
        Upstream earlier = cookies.putIfAbsent(cookie.name() + ' ' + cookie.path(), upstream);
        if (earlier != null) {
            findings.warning("its sticky cookie \"" + cookie.name() + "\" is also that of " + earlier
                    + ": each overwrites the other's (expected: a name of its own)");
        }
    }

    private static void kinds(Upstream upstream, Findings findings) {
        List<String> kinds = new ArrayList<>();
        if (!upstream.endpoints().isEmpty()) {
            kinds.add("endpoints");
        }
        if (upstream.discovery() != null) {
            kinds.add("a discovery");
        }
        if (local(upstream)) {
            kinds.add("a handler");
        }
        if (kinds.isEmpty()) {
            findings.error("has no endpoint (expected: endpoints(…), discovery(…) or Upstream.local(…))");
        } else if (kinds.size() > 1) {
            findings.error("has " + String.join(" and ", kinds) + " (expected: one of them)");
        }
    }

    private static boolean local(Upstream upstream) {
        return upstream.handler() != null || upstream.blockingHandler() != null;
    }

    /** What says something about endpoints or connections says nothing about the host's own code. */
    private static void withoutEndpoints(Upstream upstream, Findings findings) {
        String endpoints = changed(upstream, OF_ENDPOINTS);
        if (!endpoints.isEmpty()) {
            findings.error("is the host's own code and has no endpoints (expected: without " + endpoints + ')');
        }
        String connections = changed(upstream, OF_CONNECTIONS);
        if (!connections.isEmpty()) {
            findings.error("is the host's own code and has no connections (expected: without " + connections
                    + "; the filter ConcurrencyLimit bounds what is under way)");
        }
    }

    private static String changed(Upstream upstream, List<Option> options) {
        Upstream plain = Upstream.builder(upstream.name()).build();
        return options.stream()
                .filter(option -> !Objects.equals(
                        option.value().apply(upstream), option.value().apply(plain)))
                .map(Option::name)
                .collect(Collectors.joining(", "));
    }

    private static void priorities(Upstream upstream, Findings findings) {
        String label = upstream.priorityLabel();
        for (Endpoint endpoint : label == null ? List.<Endpoint>of() : upstream.endpoints()) {
            String value = endpoint.labels().getOrDefault(label, "0");
            if (!value.matches("[0-9]{1,5}")) {
                findings.error("endpoint " + endpoint + ": label " + label + "=" + value
                        + " is no priority (expected: 0 to 99999)");
            }
        }
    }

    private static void endpoints(List<Endpoint> endpoints, Findings findings) {
        Set<EndpointAddress> seen = new HashSet<>();
        for (Endpoint endpoint : endpoints) {
            String problem = EndpointAddress.problem(endpoint.uri());
            if (problem != null) {
                findings.error(problem);
            } else if (!seen.add(EndpointAddress.of(endpoint.uri()))) {
                findings.error("endpoint " + endpoint + " stands twice (expected: once, with a weight)");
            }
        }
        if (!endpoints.isEmpty() && endpoints.stream().allMatch(endpoint -> endpoint.weight() == 0)) {
            findings.error("all endpoints have weight 0 (expected: at least one that takes requests)");
        }
    }

    private static void upstreamTls(Upstream upstream, Instant now, Findings findings) {
        UpstreamTls tls = upstream.tls();
        Path trust = tls.trust();
        if (trust != null) {
            PemFiles.checkTrust(trust, findings::error);
        }
        Path certificate = tls.certificate();
        Path key = tls.key();
        if (certificate != null && key != null) {
            PemFiles.checkPair(certificate, key, now, findings::error, findings::warning);
        }
        if (tls.insecure()) {
            findings.warning("believes any certificate: whoever is in between can read and change everything");
        }
        boolean secure = false;
        for (Endpoint endpoint : upstream.endpoints()) {
            if (EndpointAddress.problem(endpoint.uri()) == null) {
                EndpointAddress address = EndpointAddress.of(endpoint.uri());
                secure |= address.secure();
                if (address.secure() && address.literal() != null && tls.serverName() == null && !tls.insecure()) {
                    findings.warning("the certificate of " + endpoint + " is verified against its IP address, which few"
                            + " certificates hold (expected: a host name, or tls(….serverName(…)))");
                }
            }
        }
        if (!secure && !upstream.endpoints().isEmpty() && !tls.equals(UpstreamTls.verified())) {
            findings.warning("has TLS settings, but no endpoint is https");
        }
    }

    private static void healthCheck(Upstream upstream, HealthCheck check, Findings findings) {
        if (check instanceof GrpcHealthCheck && !local(upstream) && upstream.protocol() != Protocol.HTTP_2) {
            findings.error(
                    "health check: gRPC is spoken in HTTP/2 only (expected: protocol(Protocol.HTTP_2), or another"
                            + " check)");
        }
        try {
            Duration interval = check.interval();
            if (interval == null || interval.isZero() || interval.isNegative()) {
                findings.error("health check: interval: " + interval + " (expected: > 0)");
            }
            Duration unhealthy = check.unhealthyInterval();
            if (!Objects.equals(unhealthy, interval)
                    && (unhealthy == null || unhealthy.isZero() || unhealthy.isNegative())) {
                findings.error("health check: unhealthyInterval: " + unhealthy + " (expected: > 0)");
            }
            if (!(check.jitter() >= 0 && check.jitter() < 1)) {
                findings.error("health check: jitter: " + check.jitter() + " (expected: 0 to less than 1)");
            }
            if (check.unhealthyAfter() < 1 || check.healthyAfter() < 1) {
                findings.error("health check: unhealthyAfter: " + check.unhealthyAfter() + ", healthyAfter: "
                        + check.healthyAfter() + " (expected: >= 1)");
            }
        } catch (RuntimeException thrown) {
            findings.error("health check: " + thrown);
        }
    }

    /** Names that somebody gave by hand have to tell filters apart; the others get numbers. */
    private static void filterNames(GatewayConfig config, Findings gateway) {
        namesOnce(config.filters(), Set.of(), null, gateway);
        Set<String> everywhere = new HashSet<>();
        config.filters().forEach(filter -> everywhere.add(filter.name()));
        for (Route route : config.routes()) {
            namesOnce(route.filters(), everywhere, route, gateway);
        }
    }

    private static void namesOnce(List<Filter> filters, Set<String> outer, @Nullable Route route, Findings gateway) {
        Set<String> given = new HashSet<>();
        filters.stream().filter(Wrapper.class::isInstance).map(Filter::name).forEach(given::add);
        Set<String> seen = new HashSet<>();
        Set<String> told = new HashSet<>();
        for (Filter filter : filters) {
            boolean again = !seen.add(filter.name());
            if (again && given.contains(filter.name()) && told.add(filter.name())) {
                gateway.about(Part.subject(filter, route)).error("name is used twice (expected: a name of its own)");
            } else if (!again && filter instanceof Wrapper && outer.contains(filter.name())) {
                gateway.about(Part.subject(filter, route))
                        .error("is also the name of a gateway filter (expected: a name of its own)");
            }
        }
    }

    private static Set<String> upstreamNames(GatewayConfig config) {
        Set<String> upstreams = new LinkedHashSet<>();
        config.upstreams().forEach(upstream -> upstreams.add(upstream.name()));
        return upstreams;
    }

    private static void routes(GatewayConfig config, Findings gateway) {
        Set<String> upstreams = upstreamNames(config);
        Set<String> ids = new HashSet<>();
        for (Route route : config.routes()) {
            Findings findings = gateway.about(route.toString());
            if (!ids.add(route.id())) {
                findings.error("is declared twice (expected: an id of its own)");
            }
            if (route.id().equals(Route.UNMATCHED.id())) {
                findings.error("this id stands for requests that no route takes (expected: another id)");
            }
            destination(route.destination(), upstreams, findings);
            if (route.webSockets() != null && !tunnels(route.destination(), config)) {
                findings.error(
                        "takes WebSockets and does not lead to endpoints over HTTP/1.1 (expected: to(…) an upstream"
                                + " with endpoints and without protocol(HTTP_2), or no webSockets())");
            }
        }
    }

    /** Whether there is a connection at the end that can be joined with the client's. */
    private static boolean tunnels(@Nullable Destination destination, GatewayConfig config) {
        Set<String> names = new HashSet<>();
        if (destination instanceof Destination.ToUpstream to) {
            names.add(to.name());
        } else if (destination instanceof Destination.ToSplit to) {
            to.split().shares().forEach(share -> names.add(share.upstream()));
        } else if (destination != null) {
            return false;
        }
        return config.upstreams().stream()
                .filter(upstream -> names.contains(upstream.name()))
                .noneMatch(upstream -> local(upstream) || upstream.protocol() == Protocol.HTTP_2);
    }

    private static void destination(@Nullable Destination destination, Set<String> upstreams, Findings findings) {
        if (destination == null) {
            findings.error("leads nowhere (expected: to(…), handler(…), answer(…) or redirect(…))");
        } else if (destination instanceof Destination.ToUpstream to) {
            defined(to.name(), upstreams, findings);
        } else if (destination instanceof Destination.ToSplit to) {
            Set<String> seen = new HashSet<>();
            long sum = 0;
            for (Split.Share share : to.split().shares()) {
                sum += share.weight();
                defined(share.upstream(), upstreams, findings);
                if (!seen.add(share.upstream())) {
                    findings.error("split names upstream \"" + share.upstream() + "\" twice (expected: once)");
                }
            }
            if (sum == 0) {
                findings.error("all weights of the split are 0 (expected: at least one that takes requests)");
            }
        }
    }

    private static void defined(String name, Set<String> upstreams, Findings findings) {
        if (!upstreams.contains(name)) {
            findings.error("upstream \"" + name + "\" is not defined " + Names.cure(name, upstreams));
        }
    }

    private static void parts(GatewayConfig config, Findings gateway) {
        // A part that is plugged in at many places is asked once, and named by the first.
        IdentityHashMap<Object, Boolean> asked = new IdentityHashMap<>();
        Set<String> upstreams = upstreamNames(config);
        Map<String, StateSpec> specs = new HashMap<>();
        Map<String, String> users = new HashMap<>();
        Set<String> told = new HashSet<>();
        for (Part part : Part.of(config)) {
            if (asked.put(part.object(), true) != null) {
                continue;
            }
            Findings findings = gateway.about(part.subject());
            try {
                if (part.object() instanceof Checked checked) {
                    checked.problems().forEach(findings::error);
                    // Once each: a part that calls one upstream five times lacks one upstream.
                    new LinkedHashSet<>(checked.upstreams()).forEach(name -> defined(name, upstreams, findings));
                }
                for (StateSpec spec : part.state()) {
                    String name = StateRegistry.text(spec);
                    StateSpec other = specs.putIfAbsent(name, spec);
                    String user = users.putIfAbsent(name, part.subject());
                    if (other != null && !other.options().equals(spec.options()) && told.add(name)) {
                        gateway.about(name)
                                .error(
                                        user + " and " + part.subject()
                                                + " want it with different options (expected: equal options, or names of their own)");
                    }
                }
            } catch (RuntimeException thrown) {
                findings.error("cannot be checked: " + thrown);
            }
        }
    }

    private static void add(Findings findings, String what, @Nullable String problem) {
        if (problem != null) {
            findings.error(what + problem);
        }
    }
}
