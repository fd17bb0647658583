package dev.postern.runtime.discovery;

import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import dev.postern.runtime.balancing.ClusterView;

/**
 * The endpoints of one upstream under one configuration, always the newest list. Ask for {@link #current} anew for each
 * attempt: one volatile read. Safe on any thread.
 */
public final class Roster implements AutoCloseable {
    private final Desk desk;
    private final Upstream config;
    // Written under the desk's lock.
    private volatile ClusterView view;

    Roster(Desk desk, Upstream config, ClusterView view) {
        this.desk = desk;
        this.config = config;
        this.view = view;
    }

    /** The view of the newest list. */
    public ClusterView current() {
        return view;
    }

    /** The upstream by name, over all configurations. */
    public Cluster cluster() {
        return desk.cluster();
    }

    /** The configuration. */
    public Upstream config() {
        return config;
    }

    /** The last exchange of the configuration is over; the last roster of a discovery ends its watch. Harmless when called twice. */
    @Override
    public void close() {
        desk.close(this);
    }

    void show(ClusterView next) {
        view = next;
    }
}
