package dev.postern.runtime.snapshot;

import dev.postern.Filter;
import dev.postern.GatewayConfig;
import dev.postern.Managed;
import dev.postern.Route;
import dev.postern.Services;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** TEMP. */
public final class Lifecycles {
    private final Services services;
    private final List<Managed> started = new ArrayList<>();

    public Lifecycles(Services services) {
        this.services = services;
    }

    public interface Change {
        CompletionStage<Void> start();

        void commit();

        void rollback();

        void finish();
    }

    public static GatewayConfig canonicalise(GatewayConfig next, GatewayConfig old) {
        return next;
    }

    public Change prepare(GatewayConfig next) {
        return new Change() {
            @Override
            public CompletionStage<Void> start() {
                CompletionStage<Void> all = CompletableFuture.completedFuture(null);
                List<Filter> filters = new ArrayList<>(next.filters());
                for (Route r : next.routes()) filters.addAll(r.filters());
                for (Filter f : filters)
                    if (f instanceof Managed m && !started.contains(m)) {
                        started.add(m);
                        all = all.thenCompose(v -> m.start(services));
                    }
                return all;
            }

            @Override
            public void commit() {}

            @Override
            public void rollback() {}

            @Override
            public void finish() {}
        };
    }

    public void stopAll() {
        started.forEach(Managed::stop);
    }
}
