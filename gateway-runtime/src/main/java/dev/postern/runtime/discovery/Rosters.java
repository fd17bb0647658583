package dev.postern.runtime.discovery;

import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;
import java.util.HashMap;
import java.util.Map;

/**
 * The upstreams of a gateway over all its configurations. Each configuration opens a {@link Roster} for each of its
 * upstreams and closes it when its last exchange is over; what is known about endpoints, and the watch of an equal
 * discovery, goes over from one to the next.
 *
 * <p>An upstream whose discovery is exchanged for another keeps its endpoints until the new one has told its first list: a
 * swap must not be a gap. One that begins with a discovery has none until then.
 *
 * <p>Safe on any thread.
 */
public final class Rosters {
    private final Services services;
    private final long seed;
    private final Listener listener;
    // Guarded by this.
    private final Map<String, Desk> desks = new HashMap<>();

    /**
     * No upstreams yet.
     *
     * @param seed of balancers and back-offs
     * @param listener told in order for each upstream; must not call back
     */
    public Rosters(Services services, long seed, Listener listener) {
        this.services = services;
        this.seed = seed;
        this.listener = listener;
    }

    /**
     * An upstream under a configuration that begins to be used. Starts the watch of a discovery that no open roster of this
     * upstream has.
     *
     * @throws RuntimeException what the load balancer or the discovery throws; nothing is left open then
     */
    public Roster open(Upstream config) {
        Desk desk;
        synchronized (this) {
            desk = desks.get(config.name());
            if (desk == null) {
                // Names have seeds of their own, else all upstreams would begin with the same endpoint.
                Cluster cluster = new Cluster(
                        config.name(), services.time(), seed + config.name().hashCode());
                desk = new Desk(cluster, services, listener, this::drop);
                desks.put(config.name(), desk);
            }
            desk.expect();
        }
        return desk.open(config);
    }

    private synchronized void drop(Desk desk) {
        // Not when somebody has come meanwhile.
        if (desk.abandoned()) {
            desks.remove(desk.cluster().name(), desk);
        }
    }

    /** Is told which view of an upstream is in force: that of the roster opened last and not closed. */
    public interface Listener {
        /** A new list or a new configuration. */
        void changed(ClusterView view);

        /** The last roster of this upstream was closed. */
        void gone(String upstream);
    }
}
