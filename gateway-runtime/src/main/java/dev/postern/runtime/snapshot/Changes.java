package dev.postern.runtime.snapshot;

import dev.postern.Condition;
import dev.postern.Destination;
import dev.postern.Endpoint;
import dev.postern.ExchangeObserver;
import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.Limits;
import dev.postern.Listener;
import dev.postern.Plan.Change;
import dev.postern.Plan.Change.Kind;
import dev.postern.Request;
import dev.postern.Rewrite;
import dev.postern.Route;
import dev.postern.StateSpec;
import dev.postern.Tls;
import dev.postern.Upstream;
import dev.postern.UpstreamTls;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What is different between two configurations, in words: one line for each field, in the order gateway, listeners,
 * upstreams, filters, routes, state.
 *
 * <p>Texts, numbers and durations are shown. Of parts (filters, balancers, handlers …) only that they differ: their options
 * may be secrets. For the same reason headers that a rewrite sets are named without their values.
 */
public final class Changes {
    /** A match of many alternatives must not fill a screen. */
    private static final int MAX_SHOWN = 200;

    private static final Condition PREDICATE = new Condition.When(new Predicate<>() {
        @Override
        public boolean test(Request request) {
            return false;
        }

        @Override
        public String toString() {
            return "(code)";
        }
    });

    private final List<Change> changes = new ArrayList<>();

    private Changes() {}

    /** The differences; empty when there is none that can be told. */
    public static List<Change> between(GatewayConfig running, GatewayConfig next) {
        Changes changes = new Changes();
        Subject gateway = changes.new Subject("gateway");
        gateway.data("name", running.name(), next.name());
        gateway.data("maxBufferedBytes", running.maxBufferedBytes(), next.maxBufferedBytes());
        changes.each(running.listeners(), next.listeners(), Listener::name, Listener::toString, changes::listener);
        changes.each(running.upstreams(), next.upstreams(), Upstream::name, Upstream::toString, changes::upstream);
        changes.filters("", running.filters(), next.filters());
        changes.observers(running.observers(), next.observers());
        changes.new Subject("error handler").part("", running.errorHandler(), next.errorHandler());
        changes.each(running.routes(), next.routes(), Route::id, Route::toString, changes::route);
        changes.order("routes", running.routes(), next.routes(), Route::id);
        changes.states(Part.states(running), Part.states(next));
        return List.copyOf(changes.changes);
    }

    private <T> void each(
            List<T> before,
            List<T> after,
            Function<T, String> name,
            Function<T, String> subject,
            BiConsumer<T, T> compare) {
        Map<String, T> old = Part.numbered(before, name);
        Map<String, T> fresh = Part.numbered(after, name);
        old.forEach((key, value) -> {
            if (!fresh.containsKey(key)) {
                add(Kind.REMOVED, subject.apply(value), "");
            }
        });
        fresh.forEach((key, value) -> {
            T earlier = old.get(key);
            if (earlier == null) {
                add(Kind.ADDED, subject.apply(value), summary(value));
            } else if (!earlier.equals(value)) {
                compare.accept(earlier, value);
            }
        });
    }

    private static String summary(Object added) {
        if (added instanceof Route route) {
            return "to " + route.destination();
        }
        if (added instanceof Listener listener) {
            return listener.host() + ':' + listener.port();
        }
        return added instanceof Upstream upstream && !upstream.endpoints().isEmpty() ? shown(upstream.endpoints()) : "";
    }

    private void listener(Listener before, Listener after) {
        Subject subject = new Subject(after.toString());
        subject.data("host", before.host(), after.host());
        subject.data("port", before.port(), after.port());
        tls(subject, before.tls(), after.tls());
        limits(subject, before.limits(), after.limits());
        subject.data("trustedProxies", before.trustedProxies(), after.trustedProxies());
        subject.data("proxyProtocol", before.proxyProtocol(), after.proxyProtocol());
        subject.data("proxyProtocolOnly", before.proxyProtocolOnly(), after.proxyProtocolOnly());
        subject.data("healthPath", before.healthPath(), after.healthPath());
        subject.data("byteGuard", before.byteGuard(), after.byteGuard());
        subject.data("protocols", before.protocols(), after.protocols());
    }

    private static void tls(Subject subject, @Nullable Tls before, @Nullable Tls after) {
        subject.data("certificates", before == null ? null : before.pairs(), after == null ? null : after.pairs());
        subject.data(
                "refuseUnknownNames",
                before != null && before.refusesUnknownNames(),
                after != null && after.refusesUnknownNames());
        subject.data(
                "clientTrust",
                before == null ? null : before.clientTrust(),
                after == null ? null : after.clientTrust());
        subject.data(
                "requireClientCertificate",
                before != null && before.requiresClientCertificate(),
                after != null && after.requiresClientCertificate());
        subject.data(
                "forwardClientCertificate",
                before != null && before.forwardsClientCertificate(),
                after != null && after.forwardsClientCertificate());
        subject.data(
                "forwardClientCertificateChain",
                before != null && before.forwardsClientCertificateChain(),
                after != null && after.forwardsClientCertificateChain());
        subject.data(
                "reloadEvery",
                before == null ? null : before.reloadEvery(),
                after == null ? null : after.reloadEvery());
    }

    private static void limits(Subject subject, Limits before, Limits after) {
        subject.data("maxTargetBytes", before.maxTargetBytes(), after.maxTargetBytes());
        subject.data("maxHeadBytes", before.maxHeadBytes(), after.maxHeadBytes());
        subject.data("maxHeaders", before.maxHeaders(), after.maxHeaders());
        subject.data("maxConnections", before.maxConnections(), after.maxConnections());
        subject.data("maxConnectionsPerClient", before.maxConnectionsPerClient(), after.maxConnectionsPerClient());
        subject.data(
                "maxNewConnectionsPerClient", before.maxNewConnectionsPerClient(), after.maxNewConnectionsPerClient());
        subject.data("handshakeTimeout", before.handshakeTimeout(), after.handshakeTimeout());
        subject.data("maxStreams", before.maxStreams(), after.maxStreams());
        subject.data("maxStreamResets", before.maxStreamResets(), after.maxStreamResets());
        subject.data("maxControlFrames", before.maxControlFrames(), after.maxControlFrames());
        subject.data("headTimeout", before.headTimeout(), after.headTimeout());
        subject.data("minBodyRate", before.minBodyRate(), after.minBodyRate());
        subject.data("bodyRateWindow", before.bodyRateWindow(), after.bodyRateWindow());
        subject.data("keepAlive", before.keepAlive(), after.keepAlive());
        subject.data("writeTimeout", before.writeTimeout(), after.writeTimeout());
    }

    private void upstream(Upstream before, Upstream after) {
        Subject subject = new Subject(after.toString());
        endpoints(subject, before.endpoints(), after.endpoints());
        subject.part("discovery", before.discovery(), after.discovery());
        subject.part("handler", before.handler(), after.handler());
        subject.part("blocking handler", before.blockingHandler(), after.blockingHandler());
        subject.part("loadBalancer", before.loadBalancer(), after.loadBalancer());
        subject.part("healthCheck", before.healthCheck(), after.healthCheck());
        subject.data("retry", before.retry(), after.retry());
        subject.data("outlierDetection", before.outlierDetection(), after.outlierDetection());
        subject.data("endpointBreaker", before.endpointBreaker(), after.endpointBreaker());
        subject.data("panicThreshold", before.panicThreshold(), after.panicThreshold());
        subject.data("slowStart", before.slowStart(), after.slowStart());
        subject.data("hedging", before.hedging(), after.hedging());
        subject.data("priorities", before.priorityLabel(), after.priorityLabel());
        subject.data("zone label", before.zoneLabel(), after.zoneLabel());
        subject.data("zone", before.zone(), after.zone());
        subject.data("subset label", before.subsetLabel(), after.subsetLabel());
        subject.data("subset key", before.subsetKey(), after.subsetKey());
        UpstreamTls old = before.tls();
        UpstreamTls tls = after.tls();
        subject.data("trust", old.trust(), tls.trust());
        subject.data("certificate", old.certificate(), tls.certificate());
        subject.data("key", old.key(), tls.key());
        subject.data("serverName", old.serverName(), tls.serverName());
        subject.data("insecureTrustAnything", old.insecure(), tls.insecure());
        subject.data("tls reloadEvery", old.reloadEvery(), tls.reloadEvery());
        subject.data("protocol", before.protocol(), after.protocol());
        subject.data("connectTimeout", before.connectTimeout(), after.connectTimeout());
        subject.data("poolTimeout", before.poolTimeout(), after.poolTimeout());
        subject.data("firstByteTimeout", before.firstByteTimeout(), after.firstByteTimeout());
        subject.data("keepAlive", before.keepAlive(), after.keepAlive());
        subject.data("maxConnections", before.maxConnections(), after.maxConnections());
        subject.data("maxPending", before.maxPending(), after.maxPending());
    }

    private void endpoints(Subject subject, List<Endpoint> before, List<Endpoint> after) {
        Map<String, Endpoint> old = Part.numbered(before, Endpoint::uri);
        Map<String, Endpoint> fresh = Part.numbered(after, Endpoint::uri);
        old.forEach((uri, endpoint) -> {
            if (!fresh.containsKey(uri)) {
                subject.say("endpoint " + uri + " removed");
            }
        });
        fresh.forEach((uri, endpoint) -> {
            Endpoint earlier = old.get(uri);
            if (earlier == null) {
                subject.say("endpoint " + uri + " added");
            } else {
                subject.data("endpoint " + uri + " weight", earlier.weight(), endpoint.weight());
                subject.data("endpoint " + uri + " labels", earlier.labels(), endpoint.labels());
            }
        });
        subject.order("endpoints", List.copyOf(old.keySet()), List.copyOf(fresh.keySet()));
    }

    private void route(Route before, Route after) {
        Subject subject = new Subject(after.toString());
        match(subject, before.match().condition(), after.match().condition());
        filters(" of " + after, before.filters(), after.filters());
        destination(subject, before.destination(), after.destination());
        rewrite(subject, before.rewrite(), after.rewrite());
        subject.data("timeout", before.timeout(), after.timeout());
        subject.data("idleTimeout", before.idleTimeout(), after.idleTimeout());
        subject.data("maxDuration", before.maxDuration(), after.maxDuration());
        subject.data("streaming", before.streaming(), after.streaming());
        subject.data("maxRequestBytes", before.maxRequestBytes(), after.maxRequestBytes());
        subject.data("trailers", before.trailers(), after.trailers());
        subject.data("webSockets", before.webSockets(), after.webSockets());
    }

    private static void match(Subject subject, Condition before, Condition after) {
        Condition old = withoutCode(before);
        Condition fresh = withoutCode(after);
        if (old.equals(fresh) && !before.equals(after)) {
            subject.opaque("match: ");
        } else {
            subject.data("match", old, fresh);
        }
    }

    /** The condition with all predicates made one, so that what can be compared is. */
    private static Condition withoutCode(Condition condition) {
        if (condition instanceof Condition.When) {
            return PREDICATE;
        } else if (condition instanceof Condition.All all) {
            return new Condition.All(
                    all.conditions().stream().map(Changes::withoutCode).toList());
        } else if (condition instanceof Condition.AnyOf any) {
            return new Condition.AnyOf(
                    any.conditions().stream().map(Changes::withoutCode).toList());
        } else if (condition instanceof Condition.Not not) {
            return new Condition.Not(withoutCode(not.condition()));
        }
        return condition;
    }

    private static void destination(Subject subject, @Nullable Destination before, @Nullable Destination after) {
        Object old = Part.handler(before);
        Object fresh = Part.handler(after);
        if (old != null && fresh != null && Objects.equals(String.valueOf(before), String.valueOf(after))) {
            subject.part("handler", old, fresh);
        } else {
            subject.data("destination", before, after);
        }
    }

    private static void rewrite(Subject subject, Rewrite before, Rewrite after) {
        subject.data("rewrite path", before.path(), after.path());
        subject.data("rewrite prefix", before.prefix(), after.prefix());
        subject.data("rewrite host", before.host(), after.host());
        subject.data("rewrite keepHost", before.keepsHost(), after.keepsHost());
        subject.data("rewrite edits", names(before), names(after));
        if (!before.edits().equals(after.edits()) && names(before).equals(names(after))) {
            subject.say("rewrite edits have other values");
        }
    }

    private static List<String> names(Rewrite rewrite) {
        return rewrite.edits().stream()
                .map(edit -> (edit.action() + " " + edit.target() + " ")
                                .toLowerCase(Locale.ROOT)
                                .replace('_', ' ')
                        + edit.name())
                .toList();
    }

    private void filters(String where, List<Filter> before, List<Filter> after) {
        each(
                before,
                after,
                Filter::name,
                filter -> Part.subject(filter, null) + where,
                (old, filter) -> new Subject(Part.subject(filter, null) + where).part("", old, filter));
        order("filters" + where, before, after, Filter::name);
    }

    private void observers(List<ExchangeObserver> before, List<ExchangeObserver> after) {
        each(
                before,
                after,
                Part::className,
                observer -> "observer " + Part.className(observer),
                (old, observer) -> new Subject("observer " + Part.className(observer)).part("", old, observer));
        order("observers", before, after, Part::className);
    }

    private <T> void order(String what, List<T> before, List<T> after, Function<T, String> name) {
        new Subject(what)
                .order(
                        "order",
                        List.copyOf(Part.numbered(before, name).keySet()),
                        List.copyOf(Part.numbered(after, name).keySet()));
    }

    private void states(List<StateSpec> before, List<StateSpec> after) {
        Map<String, StateSpec> old = byName(before);
        Map<String, StateSpec> fresh = byName(after);
        old.forEach((name, spec) -> {
            StateSpec later = fresh.get(name);
            if (later == null) {
                add(Kind.STATE_DROPPED, name, "nothing names it any more");
            } else if (!later.options().equals(spec.options())) {
                add(Kind.STATE_RESET, name, "begins anew with other options");
            }
        });
    }

    private static Map<String, StateSpec> byName(List<StateSpec> specs) {
        Map<String, StateSpec> byName = new LinkedHashMap<>();
        specs.forEach(spec -> byName.put(StateRegistry.text(spec), spec));
        return byName;
    }

    private void add(Kind kind, String subject, String detail) {
        changes.add(new Change(kind, subject, detail));
    }

    private static String shown(@Nullable Object value) {
        String text = value == null ? "none" : value.toString();
        return text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + '…' : text;
    }

    /** What the lines are about. */
    private final class Subject {
        private final String name;

        Subject(String name) {
            this.name = name;
        }

        void say(String detail) {
            add(Kind.CHANGED, name, detail);
        }

        void opaque(String what) {
            add(Kind.OPAQUE, name, what + "holds code that cannot be compared");
        }

        void data(String field, @Nullable Object before, @Nullable Object after) {
            if (!Objects.equals(before, after)) {
                String from = shown(before);
                String to = shown(after);
                say(from.equals(to) ? field + " with other options" : field + ' ' + from + " → " + to);
            }
        }

        void part(String field, @Nullable Object before, @Nullable Object after) {
            if (Objects.equals(before, after)) {
                return;
            }
            String what = field.isEmpty() ? "" : field + ": ";
            if (before == null || after == null) {
                say(field + (before == null ? " added" : " removed"));
            } else if (before instanceof Enum<?> && after instanceof Enum<?>) {
                say(field + ' ' + before + " → " + after);
            } else if (Part.opaque(before) || Part.opaque(after)) {
                opaque(what);
            } else {
                say(what + "other options");
            }
        }

        void order(String field, List<String> before, List<String> after) {
            List<String> old = before.stream().filter(after::contains).toList();
            List<String> fresh = after.stream().filter(before::contains).toList();
            data(field, old, fresh);
        }
    }
}
