package dev.postern.runtime.listener;

import io.netty.channel.Channel;
import io.vertx.core.http.HttpConnection;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The open connections of a listener, found by what Vert.x knows of them: it shows us no channel, but both addresses, and
 * no two open connections have both in common.
 */
final class Arrivals {
    private final Map<Ends, Arrival> open = new ConcurrentHashMap<>();

    private record Ends(InetSocketAddress remote, InetSocketAddress local) {}

    /** Keeps it until the channel is closed. */
    void add(Channel channel, Arrival arrival) {
        if (channel.remoteAddress() instanceof InetSocketAddress remote
                && channel.localAddress() instanceof InetSocketAddress local) {
            Ends ends = new Ends(remote, local);
            open.put(ends, arrival);
            // Its successor may be accepted before its end is told here.
            channel.closeFuture().addListener(closed -> open.remove(ends, arrival));
        }
    }

    /** The arrival that became this connection, or null when it is gone already. */
    @Nullable
    Arrival find(HttpConnection connection) {
        InetSocketAddress remote = address(connection.remoteAddress(true));
        InetSocketAddress local = address(connection.localAddress(true));
        return remote == null || local == null ? null : open.get(new Ends(remote, local));
    }

    private static @Nullable InetSocketAddress address(io.vertx.core.net.@Nullable SocketAddress address) {
        return address == null || address.hostAddress() == null
                ? null
                : new InetSocketAddress(address.hostAddress(), Math.max(0, address.port()));
    }
}
