package dev.postern.runtime.listener;

import dev.postern.Listener;
import java.net.InetAddress;

/** Who may come, and who speaks for others: the networks of a listener's configuration, parsed. Immutable. */
final class AcceptRules {
    private final Callers proxies;
    private final Callers balancers;
    private final boolean balancersOnly;
    private final boolean anyBalancers;

    AcceptRules(Listener listener) {
        proxies = new Callers(listener.trustedProxies());
        balancers = new Callers(listener.proxyProtocol());
        anyBalancers = !listener.proxyProtocol().isEmpty();
        balancersOnly = listener.proxyProtocolOnly();
    }

    /** Whether there are peers that speak the PROXY protocol. */
    boolean anyBalancers() {
        return anyBalancers;
    }

    /** Whether connections of this peer begin with a PROXY header. */
    boolean isBalancer(InetAddress peer) {
        return anyBalancers && balancers.trusts(peer);
    }

    /** Whether nobody else may come. */
    boolean balancersOnly() {
        return balancersOnly;
    }

    /** Whether a client's bounds are a client's: a proxy has many behind it. */
    boolean isClient(InetAddress address) {
        return !proxies.trusts(address);
    }
}
