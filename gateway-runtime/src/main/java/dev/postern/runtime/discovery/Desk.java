package dev.postern.runtime.discovery;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.Cluster;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One upstream by name: its open rosters, oldest first, and the sources they take their lists from. Foreign code is called
 * without the lock, since a discovery may wait for a thread that is just telling us a list.
 */
final class Desk {
    private static final Logger LOG = System.getLogger("dev.postern.discovery");

    private final Cluster cluster;
    private final Services services;
    private final Rosters.Listener listener;
    private final Consumer<Desk> whenEmpty;
    // Guarded by this, as is all below.
    private final List<Roster> rosters = new ArrayList<>();
    private final List<Source> sources = new ArrayList<>();
    private int expected;

    Desk(Cluster cluster, Services services, Rosters.Listener listener, Consumer<Desk> whenEmpty) {
        this.cluster = cluster;
        this.services = services;
        this.listener = listener;
        this.whenEmpty = whenEmpty;
    }

    Cluster cluster() {
        return cluster;
    }

    /** Somebody is about to open a roster. */
    synchronized void expect() {
        expected++;
    }

    synchronized boolean abandoned() {
        return expected == 0 && rosters.isEmpty();
    }

    Roster open(Upstream config) {
        Roster roster = null;
        Source fresh = null;
        try {
            synchronized (this) {
                Source source = source(config.discovery());
                List<Endpoint> list = source == null ? config.endpoints() : source.list();
                if (config.discovery() != null && source == null) {
                    source = fresh = new Source(config.name(), config.discovery(), this::told);
                    list = known();
                    source.begin(list);
                }
                roster = new Roster(this, config, cluster.view(config, list));
                rosters.add(roster);
                if (fresh != null) {
                    sources.add(fresh);
                }
                listener.changed(roster.current());
            }
            if (fresh != null) {
                fresh.watch(services);
            }
            return roster;
        } catch (RuntimeException | Error failed) {
            if (roster != null) {
                close(roster);
            }
            throw failed;
        } finally {
            synchronized (this) {
                expected--;
            }
            whenEmpty.accept(this);
        }
    }

    void close(Roster roster) {
        Source idle = null;
        synchronized (this) {
            boolean newest = !rosters.isEmpty() && rosters.get(rosters.size() - 1) == roster;
            if (!rosters.remove(roster)) {
                return;
            }
            Source source = source(roster.config().discovery());
            if (source != null && rosters.stream().noneMatch(other -> source.feeds(other.config()))) {
                idle = source;
                sources.remove(source);
            }
            if (rosters.isEmpty()) {
                listener.gone(cluster.name());
            } else if (newest) {
                // The configuration that opened it was given up: the one before is in force again.
                Roster before = rosters.get(rosters.size() - 1);
                show(before, before.current().declared());
                listener.changed(before.current());
            }
        }
        if (idle != null) {
            idle.stop();
        }
        whenEmpty.accept(this);
    }

    /** Takes a clean list from a source. */
    private synchronized void told(Source source, List<Endpoint> list) {
        // A source that was stopped, or told the same again, changes nothing.
        if (!sources.contains(source) || !source.accept(list)) {
            return;
        }
        for (Roster roster : rosters) {
            if (source.feeds(roster.config()) && show(roster, list) && roster == rosters.get(rosters.size() - 1)) {
                listener.changed(roster.current());
            }
        }
    }

    private boolean show(Roster roster, List<Endpoint> list) {
        try {
            roster.show(cluster.view(roster.config(), list));
            return true;
        } catch (RuntimeException refused) {
            LOG.log(
                    Level.WARNING,
                    "the load balancer of upstream \"" + cluster.name() + "\" failed on a new list of " + list.size()
                            + " endpoints; the one before stays in use",
                    refused);
            return false;
        }
    }

    private @Nullable Source source(@Nullable Discovery discovery) {
        for (Source source : sources) {
            if (source.is(discovery)) {
                return source;
            }
        }
        return null;
    }

    /** The endpoints in force, so that a new discovery does not begin with a gap. */
    private List<Endpoint> known() {
        if (rosters.isEmpty()) {
            return List.of();
        }
        Roster newest = rosters.get(rosters.size() - 1);
        boolean local = newest.config().handler() != null || newest.config().blockingHandler() != null;
        return local ? List.of() : newest.current().declared();
    }
}
