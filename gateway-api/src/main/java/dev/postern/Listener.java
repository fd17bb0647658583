package dev.postern;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A port on which the gateway serves HTTP. Immutable; each method gives a changed copy. */
public final class Listener {
    private final String name;
    private final String host;
    private final int port;
    private final @Nullable Tls tls;
    private final Limits limits;
    private final List<String> trustedProxies;
    private final List<String> proxyProtocol;
    private final boolean proxyProtocolOnly;
    private final @Nullable String healthPath;
    private final boolean byteGuard;
    private final Set<Protocol> protocols;

    private Listener(Draft draft) {
        name = draft.name;
        host = draft.host;
        port = draft.port;
        tls = draft.tls;
        limits = draft.limits;
        trustedProxies = draft.trustedProxies;
        proxyProtocol = draft.proxyProtocol;
        proxyProtocolOnly = draft.proxyProtocolOnly;
        healthPath = draft.healthPath;
        byteGuard = draft.byteGuard;
        protocols = draft.protocols;
    }

    /** The values of the next one, while one of them is changed. */
    private static final class Draft {
        private String name;
        private String host = "0.0.0.0";
        private int port;
        private @Nullable Tls tls;
        private Limits limits = Limits.standard();
        private List<String> trustedProxies = List.of();
        private List<String> proxyProtocol = List.of();
        private boolean proxyProtocolOnly;
        private @Nullable String healthPath;
        private boolean byteGuard = true;
        private Set<Protocol> protocols;

        Draft(String name, int port, Set<Protocol> protocols) {
            this.name = name;
            this.port = port;
            this.protocols = protocols;
        }

        Draft(Listener from) {
            name = from.name;
            host = from.host;
            port = from.port;
            tls = from.tls;
            limits = from.limits;
            trustedProxies = from.trustedProxies;
            proxyProtocol = from.proxyProtocol;
            proxyProtocolOnly = from.proxyProtocolOnly;
            healthPath = from.healthPath;
            byteGuard = from.byteGuard;
            protocols = from.protocols;
        }
    }

    private Listener with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new Listener(draft);
    }

    /**
     * HTTP/1.1 in cleartext on all interfaces.
     *
     * @param port 0 to 65535; 0 takes any free port, told by {@link Gateway#listeners()}
     */
    public static Listener http(int port) {
        return new Listener(new Draft("http-" + checked(port), port, EnumSet.of(Protocol.HTTP_1_1)));
    }

    /**
     * HTTP/2 in cleartext on all interfaces, for clients that know it (RFC 9113 3.3). Nothing else is served on the port,
     * and no connection is ever upgraded to it.
     *
     * @param port 0 to 65535; 0 takes any free port, told by {@link Gateway#listeners()}
     */
    public static Listener http2Cleartext(int port) {
        return new Listener(new Draft("h2c-" + checked(port), port, EnumSet.of(Protocol.HTTP_2)));
    }

    /**
     * HTTP/2 and HTTP/1.1 over TLS on all interfaces; clients choose (ALPN).
     *
     * @param port 0 to 65535; 0 takes any free port, told by {@link Gateway#listeners()}
     */
    public static Listener https(int port, Tls tls) {
        Objects.requireNonNull(tls, "tls");
        return new Listener(new Draft("https-" + checked(port), port, EnumSet.allOf(Protocol.class)))
                .with(draft -> draft.tls = tls);
    }

    /** The name in logs, metrics and messages; unique in its gateway. The default is {@code http-8080}, {@code https-8443} … */
    public Listener name(String newName) {
        if (newName.isBlank()) {
            throw new IllegalArgumentException("listener name: \"" + newName + "\" (expected: not blank)");
        }
        return with(draft -> draft.name = newName);
    }

    /** Binds this address only: {@code 127.0.0.1}. */
    public Listener host(String newHost) {
        Objects.requireNonNull(newHost, "newHost");
        return with(draft -> draft.host = newHost);
    }

    /** What the listener puts up with. */
    public Listener limits(Limits newLimits) {
        Objects.requireNonNull(newLimits, "newLimits");
        return with(draft -> draft.limits = newLimits);
    }

    /**
     * Networks whose proxies are believed when they report callers in {@code X-Forwarded-*} or {@code Forwarded}. Nobody
     * is, unless named here: private networks are not trusted on their own.
     */
    public Listener trustedProxies(String... networks) {
        return with(draft -> draft.trustedProxies = List.of(networks));
    }

    /**
     * Networks of load balancers that speak the PROXY protocol, version 1 or 2. Each of their connections has to begin with
     * a header, and is then the client's that it names; without one it is closed. Connections from elsewhere are served as
     * they are, and nothing they send is ever taken for such a header. The default is none.
     */
    public Listener proxyProtocol(String... networks) {
        return with(draft -> {
            draft.proxyProtocol = List.of(networks);
            draft.proxyProtocolOnly = false;
        });
    }

    /** The same, and connections from elsewhere are closed at once. */
    public Listener proxyProtocolOnly(String... networks) {
        return with(draft -> {
            draft.proxyProtocol = List.of(networks);
            draft.proxyProtocolOnly = networks.length > 0;
        });
    }

    /** Answers {@code GET} on this path with 200 while the gateway is ready and 503 otherwise, before any route. */
    public Listener healthPath(String path) {
        return with(draft -> draft.healthPath = Targets.path(path));
    }

    /**
     * Gives up the check of raw bytes before they are parsed. Only for hosts in which it cannot be put in place: without
     * it some ambiguous requests can no longer be told from good ones.
     */
    public Listener withoutByteGuard() {
        return with(draft -> draft.byteGuard = false);
    }

    /**
     * What is spoken. The default is both over TLS, where clients choose, and HTTP/1.1 in cleartext. A cleartext listener
     * speaks one: there is nothing by which its clients could tell which of two they mean.
     */
    public Listener protocols(Protocol first, Protocol... more) {
        Set<Protocol> chosen = EnumSet.of(first, more);
        if (tls == null && chosen.size() > 1) {
            throw new IllegalArgumentException(
                    "protocols: " + chosen + " in cleartext (expected: one, or TLS, or a listener for each)");
        }
        return with(draft -> draft.protocols = chosen);
    }

    /** The unique name. */
    public String name() {
        return name;
    }

    /** The address to bind. */
    public String host() {
        return host;
    }

    /** The port to bind; 0 for any. */
    public int port() {
        return port;
    }

    /** The certificate, or null for cleartext. */
    public @Nullable Tls tls() {
        return tls;
    }

    /** What the listener puts up with. */
    public Limits limits() {
        return limits;
    }

    /** The networks of believed proxies. */
    public List<String> trustedProxies() {
        return trustedProxies;
    }

    /** The networks of load balancers that speak the PROXY protocol. */
    public List<String> proxyProtocol() {
        return proxyProtocol;
    }

    /** Whether nobody else may connect. */
    public boolean proxyProtocolOnly() {
        return proxyProtocolOnly;
    }

    /** The path of the health answer, or null. */
    public @Nullable String healthPath() {
        return healthPath;
    }

    /** What is spoken. */
    public Set<Protocol> protocols() {
        return Collections.unmodifiableSet(protocols);
    }

    /** Whether raw bytes are checked. */
    public boolean byteGuard() {
        return byteGuard;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Listener that
                && that.name.equals(name)
                && that.host.equals(host)
                && that.port == port
                && Objects.equals(that.tls, tls)
                && that.limits.equals(limits)
                && that.trustedProxies.equals(trustedProxies)
                && that.proxyProtocol.equals(proxyProtocol)
                && that.proxyProtocolOnly == proxyProtocolOnly
                && Objects.equals(that.healthPath, healthPath)
                && that.byteGuard == byteGuard
                && that.protocols.equals(protocols);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, host, port);
    }

    @Override
    public String toString() {
        return "listener \"" + name + '"';
    }

    private static int checked(int port) {
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("port: " + port + " (expected: 0 to 65535)");
        }
        return port;
    }
}
