package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class IntTableTest {
    @Test
    void behaves_like_a_sorted_map() {
        IntTable<String> table = new IntTable<>();
        Map<Integer, String> model = new TreeMap<>();
        Random random = new Random(3);
        for (int i = 0; i < 2_000; i++) {
            int key = random.nextInt(200) - 100;
            assertThat(table.get(key)).isEqualTo(model.get(key));
            String made = "v" + i;
            assertThat(table.getOrMake(key, ignored -> made)).isEqualTo(model.computeIfAbsent(key, ignored -> made));
        }
        assertThat(table.values()).containsExactlyElementsOf(model.values());
    }

    @Test
    void a_value_is_made_once_however_many_ask() throws InterruptedException {
        IntTable<Object> table = new IntTable<>();
        AtomicInteger made = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            Thread thread = new Thread(() -> {
                try {
                    go.await();
                } catch (InterruptedException stopped) {
                    throw new AssertionError(stopped);
                }
                for (int key = 0; key < 200; key++) {
                    table.getOrMake(key, ignored -> made.incrementAndGet());
                }
            });
            thread.start();
            threads.add(thread);
        }
        go.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(made).hasValue(200);
        assertThat(table.values()).hasSize(200).doesNotHaveDuplicates();
    }
}
