package dev.postern.runtime.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.runtime.balancing.Threads;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class EpochTest {
    private final Epoch epoch = new Epoch();
    private final AtomicInteger idle = new AtomicInteger();

    @Test
    void is_idle_when_the_last_exchange_has_left() {
        assertThat(epoch.enter()).isTrue();
        assertThat(epoch.enter()).isTrue();
        epoch.leave();
        epoch.retire(idle::incrementAndGet);
        assertThat(epoch.retired()).isTrue();
        assertThat(epoch.active()).isEqualTo(1);
        assertThat(epoch.enter()).as("newcomers are turned away").isFalse();
        assertThat(idle).hasValue(0);
        epoch.leave();
        assertThat(idle).hasValue(1);
        assertThat(epoch.enter()).isFalse();
        assertThat(idle).as("once").hasValue(1);
    }

    @Test
    void is_idle_at_once_when_nobody_is_in() {
        epoch.retire(idle::incrementAndGet);
        assertThat(idle).hasValue(1);
        assertThat(epoch.active()).isZero();
    }

    @Test
    void refuses_what_would_lose_count() {
        assertThatThrownBy(epoch::leave).hasMessage("leave without enter");
        epoch.retire(idle::incrementAndGet);
        assertThatThrownBy(epoch::leave).hasMessage("leave without enter");
        assertThatThrownBy(() -> epoch.retire(() -> {})).hasMessage("retired twice");
    }

    @RepeatedTest(50)
    void is_idle_exactly_once_and_never_while_somebody_is_in() {
        AtomicLong inside = new AtomicLong();
        AtomicInteger tooEarly = new AtomicInteger();
        AtomicInteger turn = new AtomicInteger();
        Threads.four(() -> {
            boolean retiring = turn.getAndIncrement() == 0;
            for (int i = 0; i < 2_000; i++) {
                if (retiring && i == 500) {
                    epoch.retire(() -> {
                        idle.incrementAndGet();
                        tooEarly.addAndGet((int) inside.get());
                    });
                }
                if (epoch.enter()) {
                    inside.incrementAndGet();
                    inside.decrementAndGet();
                    epoch.leave();
                }
            }
        });
        assertThat(idle).hasValue(1);
        assertThat(tooEarly).hasValue(0);
        assertThat(epoch.active()).isZero();
    }
}
