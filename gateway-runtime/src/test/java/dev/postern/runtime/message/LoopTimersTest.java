package dev.postern.runtime.message;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.TimeSource;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class LoopTimersTest {
    private static final long SHORT = Duration.ofMillis(10).toNanos();
    private static final long LONGER = Duration.ofMillis(30).toNanos();
    private static final long LONG = Duration.ofHours(1).toNanos();
    private static Vertx vertx;
    private static ContextInternal context;

    private final LoopTimers timers = onLoop(() -> new LoopTimers(context));

    @BeforeAll
    static void start() {
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
        context = ((VertxInternal) vertx).createEventLoopContext();
    }

    @AfterAll
    static void stop() {
        vertx.close().await();
    }

    @Test
    void run_in_the_order_of_their_time_and_never_early() {
        CompletableFuture<Void> all = new CompletableFuture<>();
        List<String> ran = new ArrayList<>();
        onLoop(() -> {
            long set = System.nanoTime();
            timers.schedule(LONGER, () -> {
                ran.add("longer after " + (System.nanoTime() - set >= LONGER));
                all.complete(null);
            });
            timers.schedule(SHORT, () -> ran.add("first after " + (System.nanoTime() - set >= SHORT)));
            return timers.schedule(SHORT, () -> ran.add("second"));
        });
        all.join();
        assertThat(ran).containsExactly("first after true", "second", "longer after true");
    }

    @Test
    void run_with_the_context_of_the_loop() {
        CompletableFuture<Object> seen = new CompletableFuture<>();
        onLoop(() -> timers.schedule(SHORT, () -> seen.complete(ContextInternal.current())));
        assertThat(seen.join()).isSameAs(context);
    }

    @Test
    void never_run_when_they_were_cancelled_on_whatever_thread() {
        CompletableFuture<Void> last = new CompletableFuture<>();
        List<String> ran = new ArrayList<>();
        TimeSource.Timer here = onLoop(() -> timers.schedule(SHORT, () -> ran.add("cancelled here")));
        onLoop(() -> {
            timers.schedule(SHORT, () -> ran.add("cancelled before its turn")).cancel();
            return timers.schedule(LONGER, () -> last.complete(null));
        });
        here.cancel();
        last.join();
        here.cancel();
        assertThat(ran).isEmpty();
    }

    @Test
    void go_on_behind_one_that_throws_and_may_set_others() {
        CompletableFuture<String> later = new CompletableFuture<>();
        onLoop(() -> {
            timers.schedule(SHORT, () -> {
                timers.schedule(SHORT, () -> later.complete("set by the first"));
                throw new IllegalStateException("on purpose");
            });
            return timers.schedule(SHORT, () -> {});
        });
        assertThat(later.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo("set by the first");
    }

    @Test
    void have_room_for_a_few_delays_that_are_in_use_and_reuse_the_others() {
        List<TimeSource.Timer> set = onLoop(() -> {
            List<TimeSource.Timer> each = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                each.add(timers.schedule(LONG + i, () -> {}));
            }
            return each;
        });
        assertThat(set).doesNotContainNull();
        assertThat(onLoop(() -> timers.schedule(LONG + 16, () -> {}))).isNull();
        assertThat(onLoop(() -> timers.schedule(LONG + 3, () -> {}))).isNotNull();
        assertThat(onLoop(() -> {
                    set.get(7).cancel();
                    return timers.schedule(LONG + 16, () -> {});
                }))
                .isNotNull();
    }

    @Test
    void leave_nothing_on_the_event_loop_when_they_are_closed() {
        onLoop(() -> timers.schedule(LONG, () -> {}));
        onLoop(() -> {
            timers.close();
            return "";
        });
        assertThat(onLoop(() -> timers.schedule(LONG + 1, () -> {}))).isNotNull();
        onLoop(() -> {
            timers.close();
            return "";
        });
    }

    private static <T> T onLoop(Supplier<T> action) {
        CompletableFuture<T> result = new CompletableFuture<>();
        context.runOnContext(v -> {
            try {
                result.complete(action.get());
            } catch (Throwable thrown) {
                result.completeExceptionally(thrown);
            }
        });
        return result.join();
    }
}
