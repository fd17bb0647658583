package dev.postern.runtime.snapshot;

import dev.postern.GatewayConfig;
import dev.postern.StateSpec;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** TEMP. */
public final class StateRegistry {
    private final Map<StateSpec, Object> all = new ConcurrentHashMap<>();

    public interface Preparation {
        void commit();

        void rollback();
    }

    public Preparation prepare(GatewayConfig next) {
        return new Preparation() {
            @Override
            public void commit() {}

            @Override
            public void rollback() {}
        };
    }

    @SuppressWarnings("unchecked")
    public <T> T get(StateSpec spec, Supplier<T> factory) {
        return (T) all.computeIfAbsent(spec, s -> factory.get());
    }

    public void close() {}
}
