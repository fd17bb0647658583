package dev.postern.runtime.listener;

import dev.postern.Limits;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Counts the connections of a listener, in all and of each client, and says which ones are too many (T101). Every
 * connection that is let in is given back exactly once. Safe on any thread.
 *
 * <p>The rate is a virtual schedule (GCRA): each connection takes a slot of a second divided by the rate, and a client may
 * be up to a second ahead of the clock.
 */
final class AcceptGovernor {
    private static final long SECOND = 1_000_000_000;

    /** Why a connection is not let in. */
    enum Refusal {
        /** The listener has as many as it may have. */
        LISTENER_FULL("max_connections", "maxConnections"),
        /** The client has as many as it may have. */
        CLIENT_FULL("max_connections_per_client", "maxConnectionsPerClient"),
        /** The client comes too often. */
        CLIENT_TOO_FAST("max_new_connections_per_client", "maxNewConnectionsPerClient"),
        /** It has to come from a load balancer. */
        NOT_A_BALANCER("proxy_protocol_only", "proxyProtocolOnly"),
        /** Its load balancer has said nothing sensible of it. */
        PROXY_HEADER("proxy_header", "proxyProtocol");

        private final String label;
        private final String option;

        Refusal(String label, String option) {
            this.label = label;
            this.option = option;
        }

        String label() {
            return label;
        }

        String option() {
            return option;
        }
    }

    /** A client is one address of IPv4, or one network of 64 bits of IPv6: so much is given to a household. */
    private record Client(boolean v4, long network) {
        static Client of(InetAddress address) {
            byte[] bytes = address.getAddress();
            return bytes.length == 4
                    ? new Client(true, ByteBuffer.wrap(bytes).getInt())
                    : new Client(false, ByteBuffer.wrap(bytes).getLong());
        }
    }

    /** When the next slot of a client begins, and how many connections it has. */
    private record Standing(int open, long nextNanos) {}

    private final AtomicInteger open = new AtomicInteger();
    private final Map<Client, Standing> clients = new ConcurrentHashMap<>();
    private final Map<Refusal, AtomicLong> refused = new EnumMap<>(Refusal.class);

    AcceptGovernor() {
        for (Refusal refusal : Refusal.values()) {
            refused.put(refusal, new AtomicLong());
        }
    }

    /** One connection, which is in until it leaves. */
    final class Stay {
        // Written by whoever accepts or reads the PROXY header, before the connection can end.
        private volatile @Nullable Client client;

        private Stay() {}

        /**
         * Counts it as one of a client, once.
         *
         * @return null if it may stay; else it has to {@link #leave()}
         */
        @Nullable
        Refusal of(InetAddress address, long nowNanos, Limits limits) {
            Client who = Client.of(address);
            Refusal refusal = enter(who, nowNanos, limits);
            if (refusal == null) {
                client = who;
            } else {
                note(refusal);
            }
            return refusal;
        }

        /** Its end; once. */
        void leave() {
            open.decrementAndGet();
            Client who = client;
            if (who != null) {
                clients.computeIfPresent(who, (key, standing) -> new Standing(standing.open - 1, standing.nextNanos));
            }
        }
    }

    /** A connection that comes in, or null when the listener is full. */
    @Nullable
    Stay enter(Limits limits) {
        if (open.incrementAndGet() > limits.maxConnections()) {
            open.decrementAndGet();
            note(Refusal.LISTENER_FULL);
            return null;
        }
        return new Stay();
    }

    private @Nullable Refusal enter(Client who, long now, Limits limits) {
        Refusal[] verdict = new Refusal[1];
        clients.compute(who, (key, known) -> {
            Standing standing = known == null ? new Standing(0, now) : known;
            if (standing.open >= limits.maxConnectionsPerClient()) {
                verdict[0] = Refusal.CLIENT_FULL;
                return standing;
            }
            long slot = SECOND / limits.maxNewConnectionsPerClient();
            long begin = standing.nextNanos - now < 0 ? now : standing.nextNanos;
            if (begin + slot - now > SECOND) {
                verdict[0] = Refusal.CLIENT_TOO_FAST;
                return standing;
            }
            return new Standing(standing.open + 1, begin + slot);
        });
        return verdict[0];
    }

    /** Counts a connection that was refused for a reason found elsewhere. */
    void note(Refusal refusal) {
        count(refusal).incrementAndGet();
    }

    /** How many have been refused for this reason since the start. */
    long refused(Refusal refusal) {
        return count(refusal).get();
    }

    @SuppressWarnings("NullAway") // there is one for each
    private AtomicLong count(Refusal refusal) {
        return refused.get(refusal);
    }

    /** Open connections. */
    int open() {
        return open.get();
    }

    /** Clients that are remembered. */
    int clients() {
        return clients.size();
    }

    /** Forgets clients that have no connection and have not come for as long as it could matter. */
    void forget(long nowNanos) {
        for (Client client : clients.keySet()) {
            clients.computeIfPresent(
                    client,
                    (key, standing) -> standing.open == 0 && standing.nextNanos - nowNanos <= 0 ? null : standing);
        }
    }
}
