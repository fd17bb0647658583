package dev.postern.runtime.discovery;

import dev.postern.Discovery;
import dev.postern.Endpoint;
import dev.postern.Services;
import dev.postern.Upstream;
import dev.postern.runtime.balancing.EndpointAddress;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One watch of one discovery. Endpoints whose text is bad are left out and named once each; a list of nothing but bad ones
 * is not believed. An empty one is: it was told.
 */
final class Source {
    private static final Logger LOG = System.getLogger("dev.postern.discovery");

    /** A source of ever new garbage must fill neither the memory nor the log. */
    private static final int MAX_WARNINGS = 100;

    private final String upstream;
    private final Discovery discovery;
    private final BiConsumer<Source, List<Endpoint>> told;
    // Guarded by the desk.
    private List<Endpoint> list = List.of();
    private boolean heard;
    // Guarded by this, as is all below.
    private final Set<String> warned = new HashSet<>();
    private Discovery.@Nullable Watch watch;
    private boolean stopped;

    Source(String upstream, Discovery discovery, BiConsumer<Source, List<Endpoint>> told) {
        this.upstream = upstream;
        this.discovery = discovery;
        this.told = told;
    }

    boolean is(@Nullable Discovery other) {
        return discovery.equals(other);
    }

    boolean feeds(Upstream config) {
        return is(config.discovery());
    }

    /** The last good list. */
    List<Endpoint> list() {
        return list;
    }

    /** What is used until the first list is told. */
    void begin(List<Endpoint> first) {
        list = first;
    }

    /** Keeps a list; whether it is news. */
    boolean accept(List<Endpoint> next) {
        boolean news = !heard || !next.equals(list);
        heard = true;
        list = next;
        return news;
    }

    void watch(Services services) {
        Discovery.Watch begun = discovery.watch(services, this::tell);
        if (begun == null) {
            throw new IllegalStateException("discovery of upstream \"" + upstream + "\" returned no watch");
        }
        boolean late;
        synchronized (this) {
            watch = begun;
            late = stopped;
        }
        if (late) {
            end(begun);
        }
    }

    void stop() {
        Discovery.Watch begun;
        synchronized (this) {
            stopped = true;
            begun = watch;
        }
        if (begun != null) {
            end(begun);
        }
    }

    private void tell(@Nullable List<Endpoint> endpoints) {
        if (endpoints == null) {
            warn("null", "told no list at all; the one before stays in use");
            return;
        }
        List<Endpoint> good = new ArrayList<>();
        Set<EndpointAddress> seen = new HashSet<>();
        for (Endpoint endpoint : endpoints) {
            String problem = endpoint == null ? "null is no endpoint" : EndpointAddress.problem(endpoint.uri());
            if (problem != null || endpoint == null) {
                warn(endpoint == null ? "" : endpoint.uri(), "told a bad one, which is left out: " + problem);
            } else if (seen.add(EndpointAddress.of(endpoint.uri()))) {
                good.add(endpoint);
            }
        }
        if (good.isEmpty() && !endpoints.isEmpty()) {
            warn("all bad", "told nothing but bad endpoints; the list before stays in use");
            return;
        }
        told.accept(this, List.copyOf(good));
    }

    private void warn(String once, String what) {
        boolean loud;
        synchronized (this) {
            loud = !stopped && warned.size() < MAX_WARNINGS && warned.add(once);
        }
        if (loud) {
            LOG.log(Level.WARNING, "the discovery of upstream \"" + upstream + "\" " + what);
        }
    }

    private void end(Discovery.Watch begun) {
        try {
            begun.stop();
        } catch (RuntimeException failed) {
            LOG.log(Level.WARNING, "the discovery of upstream \"" + upstream + "\" failed to stop", failed);
        }
    }
}
