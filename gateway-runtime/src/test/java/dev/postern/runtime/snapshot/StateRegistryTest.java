package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.Gateway;
import dev.postern.StateSpec;
import dev.postern.runtime.balancing.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class StateRegistryTest {
    private static final StateSpec LIMIT_100 = new StateSpec("rate limit", "per-client", 100);
    private static final StateSpec LIMIT_50 = new StateSpec("rate limit", "per-client", 50);
    private static final StateSpec KEYS = new StateSpec("key set", "issuer", "https://issuer");

    private final StateRegistry registry = new StateRegistry();
    private final List<String> closed = new ArrayList<>();

    @Test
    void equal_options_keep_the_state_over_a_swap() {
        Lease first = registry.prepare(List.of(LIMIT_100, KEYS, KEYS));
        Counter limit = registry.get(LIMIT_100, () -> new Counter("limit"));
        Lease second = registry.prepare(List.of(new StateSpec("rate limit", "per-client", 100)));
        first.release();
        first.release();
        assertThat(registry.<Counter>get(LIMIT_100, () -> new Counter("another")))
                .isSameAs(limit);
        assertThat(closed).isEmpty();
        second.release();
        assertThat(closed).containsExactly("limit");
        assertThat(registry.size()).isZero();
    }

    @Test
    void other_options_begin_anew_while_the_exchanges_of_before_keep_theirs() {
        Lease first = registry.prepare(List.of(LIMIT_100));
        Counter before = registry.get(LIMIT_100, () -> new Counter("100"));
        Lease second = registry.prepare(List.of(LIMIT_50));
        Counter after = registry.get(LIMIT_50, () -> new Counter("50"));
        assertThat(after).isNotSameAs(before);
        assertThat(registry.<Counter>get(LIMIT_100, () -> new Counter("x"))).isSameAs(before);
        first.release();
        assertThat(closed).containsExactly("100");
        second.release();
        assertThat(closed).containsExactly("100", "50");
    }

    @Test
    void a_refused_configuration_leaves_what_is_in_use_untouched() {
        Lease running = registry.prepare(List.of(LIMIT_100, KEYS));
        Counter limit = registry.get(LIMIT_100, () -> new Counter("100"));
        Lease refused = registry.prepare(List.of(LIMIT_50, KEYS));
        registry.get(LIMIT_50, () -> new Counter("50"));
        refused.release();
        assertThat(closed).containsExactly("50");
        assertThat(registry.<Counter>get(LIMIT_100, () -> new Counter("x"))).isSameAs(limit);
        assertThat(registry.size()).isEqualTo(2);
        running.release();
        assertThat(registry.size()).isZero();
    }

    @Test
    void state_closes_in_the_reverse_of_the_order_in_which_it_is_named_and_a_failure_stops_nothing() {
        StateSpec bad = new StateSpec("rate limit", "bad", 1);
        Lease lease = registry.prepare(List.of(LIMIT_100, bad, KEYS));
        registry.get(LIMIT_100, () -> new Counter("limit"));
        registry.get(KEYS, () -> new Counter("keys"));
        registry.get(bad, () -> (AutoCloseable) () -> {
            throw new IllegalStateException("no");
        });
        lease.release();
        assertThat(closed).containsExactly("keys", "limit");
    }

    @Test
    void refuses_what_no_configuration_names_and_factories_without_a_product() {
        assertThatThrownBy(() -> registry.get(KEYS, Object::new))
                .hasMessage(
                        "key set \"issuer\" is not listed (expected: Managed.state() of the part that asks lists it)");
        registry.prepare(List.of(KEYS));
        assertThatThrownBy(() -> registry.get(KEYS, () -> null))
                .hasMessage("key set \"issuer\": the factory returned null");
        assertThat(registry.<String>get(KEYS, () -> "second try")).isEqualTo("second try");
    }

    @Test
    void the_end_of_the_gateway_closes_what_is_left_whoever_holds_it() {
        Lease leaked = registry.prepare(List.of(KEYS));
        registry.get(KEYS, () -> new Counter("keys"));
        registry.close();
        assertThat(closed).containsExactly("keys");
        leaked.release();
        assertThat(closed).as("once").hasSize(1);
        assertThatThrownBy(() -> registry.get(KEYS, Object::new)).hasMessageContaining("is not listed");
    }

    @Test
    void a_configuration_names_the_state_of_its_parts() {
        Gadget limit = new Gadget("limit", 1).state(LIMIT_100);
        registry.prepare(Gateway.builder().filter(limit).toConfig());
        assertThat(registry.<String>get(LIMIT_100, () -> "made")).isEqualTo("made");
    }

    @Test
    void a_factory_may_ask_for_other_state() {
        registry.prepare(List.of(KEYS, LIMIT_100));
        String both = registry.get(KEYS, () -> "keys and " + registry.<String>get(LIMIT_100, () -> "limit"));
        assertThat(both).isEqualTo("keys and limit");
    }

    @RepeatedTest(20)
    void is_made_once_whatever_the_number_of_threads() {
        registry.prepare(List.of(LIMIT_100));
        AtomicInteger made = new AtomicInteger();
        Set<Object> seen = ConcurrentHashMap.newKeySet();
        Threads.four(() -> {
            for (int i = 0; i < 200; i++) {
                seen.add(registry.<Object>get(LIMIT_100, () -> "made " + made.incrementAndGet()));
            }
        });
        assertThat(made).hasValue(1);
        assertThat(seen).hasSize(1);
    }

    @RepeatedTest(20)
    void swaps_on_four_threads_leave_nothing_behind_and_close_everything_once() {
        AtomicInteger made = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        Threads.four(() -> {
            for (int i = 0; i < 500; i++) {
                Lease lease = registry.prepare(List.of(i % 2 == 0 ? LIMIT_100 : LIMIT_50));
                registry.get(i % 2 == 0 ? LIMIT_100 : LIMIT_50, () -> {
                    made.incrementAndGet();
                    return (AutoCloseable) ended::incrementAndGet;
                });
                lease.release();
            }
        });
        assertThat(registry.size()).isZero();
        assertThat(ended.get()).isEqualTo(made.get());
    }

    private final class Counter implements AutoCloseable {
        private final String name;

        Counter(String name) {
            this.name = name;
        }

        @Override
        public void close() {
            closed.add(name);
        }
    }
}
