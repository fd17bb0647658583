package dev.postern.runtime.snapshot;

import dev.postern.GatewayConfig;
import dev.postern.StateSpec;
import dev.postern.StateView;
import dev.postern.Visible;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * State that outlives configurations: limiter buckets, breakers, key sets. It is made when it is first asked for, once
 * whatever the number of threads, and lives for as long as some configuration in use names it with equal options.
 *
 * <pre>
 *   config 1 names  rate limit "per-client" {100}   ├──────────── in use ────────────┤ last exchange ends: closed
 *   config 2 names  rate limit "per-client" {50}               ├──── new state ─────────────▶
 *   config 2 names  key set "issuer" {…} as 1 did   ├─────────────── one and the same ──────▶
 * </pre>
 *
 * <p>A configuration being applied {@linkplain #prepare takes a lease} before its parts start and gives it back when it is
 * refused; one that is replaced gives its lease back when its last exchange is over. So a failed apply leaves what is in
 * use untouched, and nothing is closed under an exchange that still uses it. State that is {@link AutoCloseable} is closed
 * at its end. Safe on any thread.
 */
public final class StateRegistry {
    private static final Logger LOG = System.getLogger("dev.postern.state");

    // Guarded by this.
    private final Map<StateSpec, Holder> holders = new HashMap<>();

    /** Keeps what the parts of a configuration name, and makes room for what is new. */
    public Lease prepare(GatewayConfig config) {
        return prepare(Part.states(config));
    }

    Lease prepare(Collection<StateSpec> specs) {
        Set<StateSpec> named = new LinkedHashSet<>(specs);
        synchronized (this) {
            for (StateSpec spec : named) {
                holders.computeIfAbsent(spec, unused -> new Holder()).leases++;
            }
        }
        AtomicBoolean released = new AtomicBoolean();
        return () -> {
            if (released.compareAndSet(false, true)) {
                release(named);
            }
        };
    }

    /**
     * The state of this name, made by {@code factory} if there is none yet.
     *
     * @throws IllegalArgumentException when no configuration in use names it: {@code Managed.state()} has to list it
     */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    public <T> T get(StateSpec spec, Supplier<T> factory) {
        Holder holder;
        synchronized (this) {
            holder = holders.get(spec);
        }
        if (holder == null) {
            throw new IllegalArgumentException(
                    text(spec) + " is not listed (expected: Managed.state() of the part that asks lists it)");
        }
        // One name and one set of options stand for one type: it is made and used by the same code.
        return (T) holder.get(spec, factory);
    }

    /** What shows itself, by kind and name; state that has not been asked for yet is left out. */
    public List<StateView> views() {
        Map<StateSpec, Holder> held;
        synchronized (this) {
            held = new HashMap<>(holders);
        }
        List<StateView> views = new ArrayList<>();
        held.forEach((spec, holder) -> {
            StateView view = holder.view(spec);
            if (view != null) {
                views.add(view);
            }
        });
        views.sort(Comparator.comparing(StateView::kind).thenComparing(StateView::name));
        return views;
    }

    /** How one piece of state stands, or null when it does not show itself or nobody has asked for it. */
    public @Nullable StateView view(StateSpec spec) {
        Holder holder;
        synchronized (this) {
            holder = holders.get(spec);
        }
        return holder == null ? null : holder.view(spec);
    }

    /** How many are held, for tests and for the end of the gateway: then it is 0. */
    public synchronized int size() {
        return holders.size();
    }

    private void release(Set<StateSpec> named) {
        Map<StateSpec, Holder> dropped = new HashMap<>();
        synchronized (this) {
            for (StateSpec spec : named) {
                Holder holder = holders.get(spec);
                if (holder != null && --holder.leases == 0) {
                    holders.remove(spec);
                    dropped.put(spec, holder);
                }
            }
        }
        List<StateSpec> order = new ArrayList<>(named);
        for (int i = order.size() - 1; i >= 0; i--) {
            Holder holder = dropped.get(order.get(i));
            if (holder != null) {
                holder.close(order.get(i));
            }
        }
    }

    /** The gateway is over: closes what is left, whoever holds it. */
    public void close() {
        Map<StateSpec, Holder> left;
        synchronized (this) {
            left = new HashMap<>(holders);
            holders.clear();
        }
        left.forEach((spec, holder) -> holder.close(spec));
    }

    static String text(StateSpec spec) {
        return spec.kind() + " \"" + spec.name() + '"';
    }

    private static final class Holder {
        // Guarded by the registry.
        private int leases;
        // Guarded by this; a lock of its own, since a factory may take its time and may ask for other state.
        private @Nullable Object value;
        private boolean closed;

        synchronized Object get(StateSpec spec, Supplier<?> factory) {
            if (closed) {
                throw new IllegalArgumentException(text(spec) + " is no longer in use");
            }
            if (value == null) {
                Object made = factory.get();
                if (made == null) {
                    throw new IllegalArgumentException(text(spec) + ": the factory returned null");
                }
                value = made;
            }
            return value;
        }

        @Nullable
        StateView view(StateSpec spec) {
            Object shown;
            synchronized (this) {
                shown = value;
            }
            // Foreign code, so without the lock.
            return shown instanceof Visible visible
                    ? new StateView(spec.kind(), spec.name(), visible.summary(), visible.gauges(), visible.counters())
                    : null;
        }

        synchronized void close(StateSpec spec) {
            closed = true;
            if (value instanceof AutoCloseable closeable) {
                try {
                    closeable.close();
                } catch (Exception failed) {
                    LOG.log(Level.WARNING, text(spec) + " failed to close", failed);
                }
            }
            value = null;
        }
    }
}
