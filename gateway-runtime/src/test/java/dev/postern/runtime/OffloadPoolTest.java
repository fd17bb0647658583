package dev.postern.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.GatewayException;
import dev.postern.runtime.pipeline.ExchangeContext.Offload;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class OffloadPoolTest {
    @Test
    void what_is_cancelled_while_it_waits_leaves_its_place_to_others() throws Exception {
        OffloadPool pool = new OffloadPool(1, 2);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        try {
            Offload<Boolean> atWork = pool.run(() -> {
                begun.countDown();
                return end.await(10, TimeUnit.SECONDS);
            });
            assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
            List<Offload<Integer>> waiting = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                waiting.add(pool.run(() -> 1));
            }
            assertThatThrownBy(() ->
                            pool.run(() -> 2).result().toCompletableFuture().join())
                    .hasCauseInstanceOf(GatewayException.class)
                    .hasMessageContaining("1 at work, 2 waiting");
            waiting.forEach(Offload::cancel);
            List<Offload<Integer>> others = List.of(pool.run(() -> 3), pool.run(() -> 4));
            end.countDown();
            assertThat(atWork.result().toCompletableFuture().get(10, TimeUnit.SECONDS))
                    .isTrue();
            for (Offload<Integer> other : others) {
                assertThat(other.result().toCompletableFuture().get(10, TimeUnit.SECONDS))
                        .isGreaterThan(2);
            }
            assertThat(waiting)
                    .noneMatch(cancelled ->
                            cancelled.result().toCompletableFuture().isDone());
        } finally {
            pool.close();
        }
    }
}
